"""What can be reached from here, and with whose rights."""

import http.client
import os
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

CONNECT_SECONDS = 3


def connects(host: str, port: int) -> str:
    """`open`, `closed`, or why neither is known: a name that does not resolve shows nothing."""
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0]
    except OSError as error:
        return f"{host} cannot be resolved: {error}"
    try:
        socket.create_connection((str(address), port), timeout=CONNECT_SECONDS).close()
    except OSError:
        return "closed"
    return "open"


def settles(host: str, port: int, patience: float) -> str:
    """As `connects`; the rules of a new pod may come up to `patience` seconds after it."""
    deadline = time.monotonic() + patience
    while True:
        seen = connects(host, port)
        if seen == "closed":
            seen = connects(host, port)
        if seen != "open" or time.monotonic() > deadline:
            return seen
        time.sleep(1)


def answers(url: str, token: str) -> object:
    """The status of a GET, never by way of a proxy that the environment names."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=15)
    try:
        headers = {"Authorization": "token " + token} if token else {}
        connection.request("GET", parts.path, headers=headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"no answer: {error}"
    finally:
        connection.close()


def own_address() -> str:
    """Of this pod, as others in the cluster would use it."""
    return socket.gethostbyname(socket.gethostname())


def variables(*names: str) -> list:  # type: ignore[type-arg]
    return [os.environ.get(name, "") for name in names]


def exists(path: str) -> bool:
    return Path(path).exists()
