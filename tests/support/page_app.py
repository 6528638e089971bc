"""A web application of one page and a websocket: what is typed is sent, and what comes back shown.

`python page_app.py TITLE PORT_OR_SOCKET [PREFIX]` answers below the prefix alone, if it is given.
`python page_app.py -e SCRIPT FOLDER SOCKET` is what Slipway runs as `Rscript` for Shiny: then it is
a stand-in for it, for R is in an image only.
"""

import asyncio
import sys
from functools import partial
from http import HTTPStatus
from pathlib import Path

from websockets.asyncio.server import ServerConnection, serve, unix_serve
from websockets.http11 import Request, Response

PAGE = """<!doctype html><html lang="en"><title>{title}</title>
<h1>{title}</h1><p id="asked">{target}</p>
<label>Say <input id="said"></label> <output id="heard"></output>
<script>
  const address = new URL("socket", location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new WebSocket(address);
  socket.onopen = () => heard.value = "connected";
  socket.onmessage = event => heard.value = event.data;
  said.oninput = () => socket.send(said.value);
</script></html>
"""


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(f"heard {message!s}")


def answer(
    title: str, prefix: str, connection: ServerConnection, request: Request
) -> Response | None:
    path = request.path.partition("?")[0]
    if path == f"{prefix}/socket":
        return None
    if not path.startswith(f"{prefix}/"):
        return connection.respond(HTTPStatus.NOT_FOUND, f"not below {prefix}/")
    response = connection.respond(HTTPStatus.OK, PAGE.format(title=title, target=request.path))
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = "text/html; charset=utf-8"
    return response


async def main(title: str, where: str, prefix: str = "") -> None:
    process = partial(answer, title, prefix)
    if where.isdecimal():
        serving = serve(echo, "127.0.0.1", int(where), process_request=process)
    else:
        serving = unix_serve(echo, where, process_request=process)
    async with serving:
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    if sys.argv[1] == "-e":
        folder, where = sys.argv[3:]
        asyncio.run(main(f"Stand-in for Shiny in {Path(folder).name}", where))
    else:
        asyncio.run(main(*sys.argv[1:]))
