"""What an administrator may set: `c.DataPath.…` in a Jupyter server's configuration."""

from traitlets import Dict, Float, List, Unicode
from traitlets.config import Configurable

SETTINGS = "slipway_datapath"
"""Where the web application keeps our `DataPath`."""
CONNECTIONS = "slipway_datapath_connections"
"""Where it keeps the connections to apps."""
RULES = "slipway_datapath_rules"
"""Where it keeps what of each app's traffic is work."""
WINDOWS = "slipway_datapath_windows"
"""Where it keeps which pages of VS Code have a user in front of them."""


class DataPath(Configurable):  # type: ignore[misc]
    """The transport between a user's Jupyter server and the apps behind it."""

    connect_timeout = Float(10.0, help="Seconds until an app must have taken a connection.").tag(
        config=True
    )
    response_timeout = Float(
        300.0,
        help="Seconds from the last byte of a request until the first one of its answer. "
        "Nothing limits how long the answer itself may take or rest.",
    ).tag(config=True)
    ping_interval = Float(
        30.0,
        help="Seconds of silence after which a browser's websocket is pinged, and again until it "
        "counts as gone. 0 never pings.",
    ).tag(config=True)
    ready_paths = Dict(
        value_trait=Unicode(),
        key_trait=Unicode(),
        help="By server name, a path inside the app that it knows as soon as it knows all others. "
        "An app that listens before it has its pages is not ready while it answers 404 there. "
        "Any answer to / will do for a server that is not named here.",
    ).tag(config=True)
    trusted_with_credentials = List(
        Unicode(),
        help="Names of servers that are sent the user's JupyterHub cookies and tokens, such as a "
        "service that asks the hub who its user is. Every other app gets none.",
    ).tag(config=True)
    activity = Dict(
        Dict(),
        help="What of a server's traffic is work and keeps it from being culled, by the server's "
        "name: {requests: work | heartbeat, heartbeats: [regular expressions of paths inside it], "
        "websocket: work | input | vscode | heartbeat, keepalive_bytes: 0}. Of an app that is not "
        "here, everything is.",
    ).tag(config=True)
    heartbeats = List(
        Unicode(),
        help="Regular expressions of paths of Jupyter itself, such as ^/git/.*/status$: requests "
        "that pages send by themselves. Reading is no work, but for opening a page or a file.",
    ).tag(config=True)
    job_share = Float(
        0.1,
        help="The part of a core from which on a program is at work, and keeps its server from "
        "being culled.",
    ).tag(config=True)
