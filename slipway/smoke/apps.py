"""Every app, opened as its own client would: its page, then its websocket."""

import asyncio

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from slipway.model.apps import App, WebsocketProbe
from slipway.smoke.kernels import kernel
from slipway.smoke.report import Failure, NotApplicable
from slipway.smoke.visitor import Visitor

ANSWER_SECONDS = 30


async def page(visitor: Visitor, name: str, app: App) -> str:
    """The app's page. Raises Failure with the command that ran and its last lines."""
    answer = await visitor.get(f"{visitor.prefix}{app.url_path(name)}")
    return f"200 at {answer.request.url.path}"


async def exchange(visitor: Visitor, name: str, app: App) -> str:
    """A message to the app and its answer, over the websocket that its page would open."""
    try:
        async with asyncio.timeout(2 * ANSWER_SECONDS):
            if app.is_jupyter:
                return await _kernel(visitor)
            if not app.opens_websocket:
                raise NotApplicable(f"the pages of {app.default_title} open none")
            if probe := app.websocket_probe():
                return await _conversation(visitor, app.url_path(name), probe)
            return await _ping(visitor, name, app)
    except InvalidStatus as error:
        status = error.response.status_code
        raise Failure(f"its websocket was refused with {status}") from error
    except ConnectionClosed as error:
        raise Failure(f"its websocket was cut: {error}") from error
    except ValueError as error:
        raise Failure(str(error)) from error
    except TimeoutError:
        raise Failure("its websocket is open, and nothing comes through it") from None


async def _kernel(visitor: Visitor) -> str:
    async with kernel(visitor) as running:
        result = await running.run("print(6 * 7)", ANSWER_SECONDS)
    if result.text != "42\n":
        raise Failure(f"its kernel answered {result.text!r} {result.error}")
    return "its kernel computed what it was asked to"


async def _conversation(visitor: Visitor, url_path: str, probe: WebsocketProbe) -> str:
    protocols = [Subprotocol(probe.subprotocol)] if probe.subprotocol else None
    path = f"{visitor.prefix}{url_path}{probe.path}"
    messages: list[bytes] = []
    async with visitor.websocket(path, subprotocols=protocols) as socket:
        await socket.send(probe.send)
        while True:
            messages.append(await socket.recv(decode=False))
            if (result := probe.result(messages)) is not None:
                return result


async def _ping(visitor: Visitor, name: str, app: App) -> str:
    """A ping and its pong, where the catalog says there is a websocket, or at the app's address.

    An app without one there has nothing to show; one that accepts and closes is cut.
    """
    path = app.url_path(name).rstrip("/") + (app.websocket_path or "/")
    try:
        async with visitor.websocket(visitor.prefix + path) as socket:
            await (await socket.ping())
            # What accepts, answers and then closes is no connection to work with.
            try:
                await asyncio.wait_for(socket.recv(), 1)
            except TimeoutError:
                await (await socket.ping())
    except InvalidStatus as error:
        if app.websocket_path:
            raise
        answer = f"it answered {error.response.status_code} to a websocket at {path}"
        raise NotApplicable(f"{answer}; `websocket:` in the catalog names another path") from error
    return f"its websocket at {path} answered a ping"
