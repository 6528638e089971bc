"""A terminal of a user's Jupyter server."""

import json
import re

from websockets.sync.client import connect

from tests.support.local import User
from tests.support.vscode import headers


def ask(user: User, command: str) -> str:
    """What a command prints in a new terminal of the user's server."""
    prefix = f"/user/{user.name}"
    xsrf = next(c.value for c in user.client.cookies.jar if c.name == "_xsrf" and prefix in c.path)
    answer = user.client.post(f"{prefix}/api/terminals", headers={"X-XSRFToken": xsrf or ""})
    assert answer.status_code == 200, answer.text
    path = f"{prefix}/terminals/websocket/{answer.json()['name']}"
    url = user.hub.url.replace("http://", "ws://", 1).rstrip("/") + path
    with connect(url, additional_headers=headers(user, path), open_timeout=20) as connection:
        # The shell echoes what it is told: only what it computes marks the answer.
        connection.send(json.dumps(["stdin", f"echo a$((1))b; {command}; echo c$((2))d\r"]))
        printed = ""
        while not (found := re.search(r"a1b\r?\n(.*?)c2d", printed, re.DOTALL)):
            kind, *content = json.loads(connection.recv(timeout=20))
            printed += content[0] if kind == "stdout" else ""
    return found[1].replace("\r\n", "\n")
