"""jupyter-server-proxy with another transport: bodies and websockets stream, connections are kept.

A Jupyter server extension, to be enabled instead of `jupyter_server_proxy`, which it loads.
Configuration, URLs, authentication and process supervision stay jupyter-server-proxy's; its request
handlers are replaced by subclasses of them that send and receive differently.
`tests/datapath/test_seam.py` pins what that relies on.
"""

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "slipway_datapath"}]


def _link_jupyter_server_extension(server_app: Any) -> None:
    """Put our handlers into the places from which jupyter-server-proxy takes its own.

    Jupyter Server links every extension before it loads one, so this comes first even where a user
    has enabled jupyter-server-proxy as well.
    """
    from jupyter_server_proxy import config, handlers

    from slipway_datapath import handlers as ours

    handlers.LocalProxyHandler = ours.LocalPortHandler
    handlers.RemoteProxyHandler = ours.HostPortHandler
    config.NamedLocalProxyHandler = ours.NamedHandler
    config.SuperviseAndProxyHandler = ours.SupervisedHandler


def _load_jupyter_server_extension(server_app: Any) -> None:
    """Load jupyter-server-proxy with our handlers, or not at all: Jupyter Server goes on without an
    extension that fails, and stock handlers would hand the hub's credentials to apps."""
    import jupyter_server_proxy

    from slipway_datapath.activity import rule, watch
    from slipway_datapath.settings import CONNECTIONS, RULES, SETTINGS, WINDOWS, DataPath
    from slipway_datapath.transport import Connections

    settings = DataPath(parent=server_app)
    server_app.web_app.settings |= {
        SETTINGS: settings,
        CONNECTIONS: Connections(settings.connect_timeout),
        WINDOWS: {},
        RULES: {name: rule(says) for name, says in settings.activity.items()},
    }
    watch(server_app, settings)
    if not server_app.jpserver_extensions.get("jupyter_server_proxy"):
        _link_jupyter_server_extension(server_app)
        jupyter_server_proxy._load_jupyter_server_extension(server_app)
