"""What our transport relies on inside jupyter-server-proxy, Jupyter, Tornado and simpervisor.

A newer version that differs fails here, before it fails a user. Read what has changed, adapt
`slipway_datapath`, then put the new digest here.
"""

import hashlib
import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jupyter_server_proxy
import pytest
import simpervisor
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.prometheus.log_functions import prometheus_log_method
from jupyter_server.serverapp import ServerWebApplication
from jupyter_server_proxy import config, handlers, rawsocket, websocket
from slipway_datapath import _link_jupyter_server_extension
from slipway_datapath.handlers import (
    HostPortHandler,
    LocalPortHandler,
    NamedHandler,
    SupervisedHandler,
)
from slipway_datapath.streaming import StreamingMixin
from tornado.http1connection import HTTP1Connection
from tornado.web import RequestHandler, _HandlerDelegate

PROXY, SUPERVISE = handlers.ProxyHandler, handlers.SuperviseAndProxyHandler

# What is called by us, calls us, or is replaced by us and so has to be followed when it changes.
RELIED_ON: list[tuple[Any, str]] = [
    (PROXY.__init__, "d12019483b9a"),
    (PROXY.prepare, "fa161c61d671"),
    (PROXY.proxy, "3b0d5018cfaa"),
    (PROXY.proxy_open, "853f1e5ec595"),
    (PROXY._proxy_buffered, "0a624ae6bd30"),
    (PROXY._record_activity, "ce1dda3fc88f"),
    (PROXY._get_context_path, "b3d4d05646c0"),
    (PROXY._check_host_allowlist, "44e6908f2172"),
    (PROXY.get_client_uri, "b17c69bda298"),
    (PROXY.check_origin, "1458aa327736"),
    (PROXY.check_xsrf_cookie, "9f4c1d091f2f"),
    (PROXY.get_request_headers_override, "bcb54f5ff314"),
    (handlers.LocalProxyHandler, "a765c9a0af04"),
    (handlers.RemoteProxyHandler, "74cf7a07b5e6"),
    (handlers.NamedLocalProxyHandler, "ecc53517f06d"),
    (SUPERVISE, "f40ba49985af"),
    (handlers.setup_handlers, "86e8a18b96cc"),
    (config.ServerProcess.make_proxy_handler, "4babbdccc4e9"),
    (config.ServerProcess.get_proxy_base_class, "4081733fdc64"),
    (config.make_handlers, "cac105e4ebd1"),
    (websocket.WebSocketHandlerMixin, "76ece4fd5436"),
    (jupyter_server_proxy._load_jupyter_server_extension, "1a4e393d281f"),
    (simpervisor.SupervisedProcess, "c63b1b2aa9db"),
    (RequestHandler.__init__, "167c83fa981e"),
    (RequestHandler.clear, "499127e7b6e0"),
    (RequestHandler.on_connection_close, "487585eea49d"),
    (RequestHandler._execute, "9b08100bb022"),
    (RequestHandler._log, "e8222c0c6b5b"),
    (RequestHandler.finish, "17106b3ecf89"),
    (RequestHandler.flush, "3ae7fe815121"),
    (_HandlerDelegate, "36b3a91ddc13"),
    (HTTP1Connection.finish, "06764160f2a9"),
    (JupyterHandler.set_default_headers, "6b4ed4511872"),
    (prometheus_log_method, "877384dea434"),
    (APIHandler.update_api_activity, "d27ff6751cdb"),
    (ServerWebApplication.last_activity, "a510e806d460"),
]


def digest(function: Callable[..., Any]) -> str:
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:12]


@pytest.mark.upstream
@pytest.mark.parametrize(("function", "expected"), RELIED_ON)
def test_what_we_rely_on_is_what_we_have_read(function: Callable[..., Any], expected: str):
    assert digest(function) == expected


@pytest.mark.parametrize(
    "handler", [LocalPortHandler, HostPortHandler, NamedHandler, SupervisedHandler]
)
def test_our_transport_comes_between_a_handler_and_the_stock_transport(handler: type):
    order = handler.__mro__
    stock = order[1]
    assert stock.__module__ == "jupyter_server_proxy.handlers"
    assert order.index(stock) < order.index(StreamingMixin) < order.index(PROXY)
    assert order.index(StreamingMixin) > order.index(
        handlers.RemoteProxyHandler if handler is HostPortHandler else handlers.LocalProxyHandler
    )


def test_every_server_is_given_one_of_our_handlers(monkeypatch: pytest.MonkeyPatch):
    """Whether it comes from the configuration, an entry point or a port in the URL."""
    for module in (handlers, config):
        for name in vars(module):
            if name.endswith("Handler"):
                monkeypatch.setattr(module, name, getattr(module, name))
    _link_jupyter_server_extension(None)
    servers = [
        config.ServerProcess(name="supervised", command=["true"]),
        config.ServerProcess(name="named", port=1),
    ]
    rules = list(config.make_handlers("/", servers))
    app = SimpleNamespace(settings={"base_url": "/"}, add_handlers=lambda _, new: rules.extend(new))
    handlers.setup_handlers(
        app, SimpleNamespace(host_allowlist=[], non_service_rewrite_response=[])
    )
    proxies = [rule[1] for rule in rules if issubclass(rule[1], PROXY)]
    assert len(proxies) == 6
    assert all(issubclass(proxy, StreamingMixin) for proxy in proxies)


def test_a_raw_socket_stays_with_the_stock_handler():
    server = config.ServerProcess(name="raw", port=1, raw_socket_proxy=True)
    assert issubclass(server.make_proxy_handler()[0], rawsocket.RawSocketHandler)
