"""jupyter-server-proxy with another transport: bodies and websockets stream, connections are kept.

A Jupyter server extension. Configuration, URLs, authentication and process supervision stay
jupyter-server-proxy's; its request handlers are replaced by subclasses of them that send and
receive differently. `tests/datapath/test_seam.py` pins what that relies on.
"""

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "slipway_datapath"}]


def _link_jupyter_server_extension(server_app: Any) -> None:
    """Put our handlers into the places from which jupyter-server-proxy takes its own.

    Jupyter Server links every extension before it loads one, so this comes first whatever their
    order.
    """
    from jupyter_server_proxy import config, handlers

    from slipway_datapath import handlers as ours

    handlers.LocalProxyHandler = ours.LocalPortHandler
    handlers.RemoteProxyHandler = ours.HostPortHandler
    config.NamedLocalProxyHandler = ours.NamedHandler
    config.SuperviseAndProxyHandler = ours.SupervisedHandler


def _load_jupyter_server_extension(server_app: Any) -> None:
    """Give the handlers what they share; jupyter-server-proxy registers them."""
    from slipway_datapath.settings import DataPath
    from slipway_datapath.streaming import CONNECTIONS, SETTINGS
    from slipway_datapath.transport import Connections

    settings = DataPath(parent=server_app)
    server_app.web_app.settings |= {
        SETTINGS: settings,
        CONNECTIONS: Connections(settings.connect_timeout),
    }
