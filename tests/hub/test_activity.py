"""Whom the real culler stops: who is idle, with pages that poll, and not whose jobs run on."""

import json
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.support.local import Hub, User
from tests.support.vscode import headers

pytestmark = pytest.mark.slow

CULLED_WITHIN = 240
WORK = "while :; do i=0; while [ $i -lt 40000 ]; do i=$((i+1)); done; sleep 0.05; done"
"""A job that takes about half a core: more than counts as work, less than there is."""

POLLED = ("api/kernels", "api/terminals", "api/sessions", "api/contents?content=1&hash=0")


@pytest.fixture
def meanwhile() -> Iterator[Callable[[Callable[[], object]], None]]:
    """Does something each second until the test is over, as a page does."""
    over = threading.Event()
    threads = []

    def repeat(act: Callable[[], object]) -> None:
        def run() -> None:
            while not over.wait(1):
                act()

        threads.append(threading.Thread(target=run, daemon=True))
        threads[-1].start()

    yield repeat
    over.set()
    for thread in threads:
        thread.join(60)


def post(user: User, path: str) -> str:
    """Ask a user's server for something new. Returns its name or id."""
    prefix = f"/user/{user.name}/"
    xsrf = next(c.value for c in user.client.cookies.jar if c.name == "_xsrf" and c.path == prefix)
    answer = user.client.post(f"{prefix}{path}", json={}, headers={"X-XSRFToken": xsrf or ""})
    assert answer.is_success, answer.text
    told = answer.json()
    return str(told.get("id") or told["name"])


def websocket(user: User, path: str) -> ClientConnection:
    path = f"/user/{user.name}/{path}"
    url = user.hub.url.replace("http://", "ws://", 1).rstrip("/") + path
    return connect(url, additional_headers=headers(user, path), open_timeout=60)


def in_terminal(user: User, command: str) -> None:
    """Run a command in a terminal, and leave it."""
    with websocket(user, f"terminals/websocket/{post(user, 'api/terminals')}") as terminal:
        terminal.send(json.dumps(["stdin", f"{command}\r"]))
        told = user.hub.home(user.name) / "begun"
        user.wait(told.exists)


def test_open_pages_are_culled_and_jobs_are_not(
    rserver_hub: Hub, meanwhile: Callable[[Callable[[], object]], None]
):
    workers = start_jobs(rserver_hub)
    idle = open_pages(rserver_hub, meanwhile)
    deadline = time.monotonic() + CULLED_WITHIN
    while alive := [user.name for user in idle if user.servers()]:
        assert time.monotonic() < deadline, f"{alive} are still there"
        time.sleep(0.5)
    assert [user.name for user in workers if not user.servers()] == []


def start_jobs(hub: Hub) -> list[User]:
    """In terminals that are left at once. What is begun is old when the idle are culled."""
    jobs = {
        "sleeper": "touch begun; sleep 3600",
        "detached": f"(setsid timeout {CULLED_WITHIN} sh -c 'touch begun; {WORK}' &) ; exit",
    }
    workers = []
    for name, command in jobs.items():
        user = hub.user(name)
        user.start("vscode")
        user.visit(f"/user/{name}/lab")
        in_terminal(user, command)
        workers.append(user)
    return workers


def open_pages(hub: Hub, meanwhile: Callable[[Callable[[], object]], None]) -> list[User]:
    lab = hub.user("left-lab")
    lab.start("vscode")
    lab.visit("/user/left-lab/lab")
    in_terminal(lab, "touch begun")
    for path in POLLED:
        meanwhile(lambda path=path: lab.client.get(f"/user/left-lab/{path}"))
    rstudio = hub.user("left-rstudio")
    rstudio.start("rstudio")
    assert "stand-in for rserver" in rstudio.visit("/user/left-rstudio/rstudio/").text
    events = "/user/left-rstudio/rstudio/events/get_events"
    meanwhile(lambda: rstudio.client.post(events, json={"method": "get_events"}))
    return [lab, rstudio]
