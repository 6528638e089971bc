"""Apps for smoke tests: `python -m tests.support.cut_app PORT KIND`.

`echo` answers on its websocket, `cut` accepts one and closes it, `plain` has none.
"""

import asyncio
import sys
from http import HTTPStatus

from websockets.asyncio.server import Request, Response, ServerConnection, serve


def page(connection: ServerConnection, request: Request) -> Response | None:
    if "Upgrade" in request.headers and sys.argv[2] != "plain":
        return None
    return connection.respond(HTTPStatus.OK, "an app\n")


async def talk(connection: ServerConnection) -> None:
    if sys.argv[2] == "cut":
        await connection.close(1011, "as it was told to")
    async for message in connection:
        await connection.send(message)


async def main() -> None:
    async with serve(talk, "127.0.0.1", int(sys.argv[1]), process_request=page) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
