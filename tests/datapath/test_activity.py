"""What counts as work, as the server tells it to the hub: `last_activity`."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.support.jupyter import AUTHORIZATION, Apps, Jupyter, running_jupyter, wait_until

RULES = {
    "polled": {"heartbeats": ["^/events/get_events$", "/ping$"]},
    "silent": {"requests": "heartbeat"},
    "typed": {"websocket": "input", "keepalive_bytes": 8},
    "shown": {"websocket": "heartbeat"},
}


@pytest.fixture(scope="module")
def watched(apps: Apps, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    sockets = {"polled": apps.http, "silent": apps.http, "app": apps.http}
    sockets |= dict.fromkeys(("typed", "shown", "socket"), apps.websocket)
    servers = {name: {"unix_socket": socket} for name, socket in sockets.items()}
    settings = {"activity": RULES, "heartbeats": ["^/api/contents/ping"]}
    folder = tmp_path_factory.mktemp("watched") / "jupyter"
    with running_jupyter(
        "ours",
        folder,
        servers,
        enabled={"jupyter_server_terminals": True},
        environment={"JUPYTERHUB_ACTIVITY_INTERVAL": "1"},
        DataPath=settings,
    ) as jupyter:
        yield jupyter


@pytest.fixture
def client(watched: Jupyter) -> Iterator[httpx.Client]:
    with watched.client() as client:
        yield client


def last(client: httpx.Client) -> str:
    return str(client.get("api/status").json()["last_activity"])


def counts(client: httpx.Client, act: Callable[[], object]) -> bool:
    before = last(client)
    act()
    return last(client) > before


@pytest.mark.parametrize("path", ["api/kernels", "api/terminals", "api/sessions", "api/contents"])
def test_what_an_open_jupyterlab_polls_is_no_work(client: httpx.Client, path: str):
    assert not counts(client, lambda: client.get(path, params={"content": "1", "hash": "0"}))


def test_what_changes_something_is_work(client: httpx.Client):
    file = {"type": "file", "format": "text", "content": "x"}
    assert counts(client, lambda: client.put("api/contents/a.txt", json=file).raise_for_status())


def test_a_path_that_is_named_as_heartbeat_is_none(client: httpx.Client):
    file = {"type": "file", "format": "text", "content": "x"}
    assert not counts(
        client, lambda: client.put("api/contents/ping.txt", json=file).raise_for_status()
    )


def test_opening_a_file_is_work(client: httpx.Client, watched: Jupyter):
    (watched.log.parent / "b.txt").touch()
    asked = {"type": "file", "content": "1"}
    assert counts(client, lambda: client.get("api/contents/b.txt", params=asked))


@pytest.mark.parametrize(("authenticated", "expected"), [(True, True), (False, False)])
def test_opening_a_page_is_work_of_its_user(
    client: httpx.Client, watched: Jupyter, authenticated: bool, expected: bool
):
    def visit() -> None:
        with watched.client(authenticated) as visitor:
            visitor.get("api/spec.yaml", headers={"Sec-Fetch-Mode": "navigate"})

    assert counts(client, visit) == expected


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "polled/events/get_events", False),
        ("GET", "polled/x/ping?a=1", False),
        ("GET", "polled/pinguin", True),
        ("POST", "polled/rpc/console_input", True),
        ("POST", "silent/echo", False),
        ("GET", "app/ping", True),
    ],
)
def test_an_app_says_which_requests_are_heartbeats(
    client: httpx.Client, method: str, path: str, expected: bool
):
    assert counts(client, lambda: client.request(method, path).raise_for_status()) == expected


def opened(watched: Jupyter, path: str) -> ClientConnection:
    url = f"{watched.url.replace('http://', 'ws://')}{path}"
    return connect(url, additional_headers=AUTHORIZATION, ping_interval=None)


def exchange(websocket: ClientConnection, text: str) -> None:
    websocket.send(text)
    assert websocket.recv(timeout=20) == text


def test_of_a_websocket_may_count_what_the_browser_sends(watched: Jupyter, client: httpx.Client):
    before = last(client)
    with opened(watched, "typed/") as websocket:
        assert last(client) == before
        assert not counts(client, lambda: exchange(websocket, "ping"))
        assert counts(client, lambda: exchange(websocket, "typed by somebody"))


def test_of_a_websocket_may_count_nothing(watched: Jupyter, client: httpx.Client):
    with opened(watched, "shown/") as websocket:
        assert not counts(client, lambda: exchange(websocket, "shown to nobody"))


def test_of_a_websocket_counts_everything_unless_said(watched: Jupyter, client: httpx.Client):
    with opened(watched, "socket/") as websocket:
        assert counts(client, lambda: exchange(websocket, "x"))


def test_a_cell_that_runs_and_prints_nothing_is_work(watched: Jupyter, client: httpx.Client):
    kernel = client.post("api/kernels", json={}).json()["id"]
    with opened(watched, f"api/kernels/{kernel}/channels") as channels:
        wait_until(lambda: client.get(f"api/kernels/{kernel}").json()["execution_state"] == "idle")
        channels.send(json.dumps(execution("import time; time.sleep(600)")))
        wait_until(lambda: client.get(f"api/kernels/{kernel}").json()["execution_state"] == "busy")
    first = last(client)
    second = wait_until(lambda: (now := last(client)) > first and now)
    wait_until(lambda: last(client) > second)
    client.delete(f"api/kernels/{kernel}")


def execution(code: str) -> dict:
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "version": "5.3"}
    return {
        "channel": "shell",
        "header": header | {"session": uuid.uuid4().hex, "username": "", "date": ""},
        "parent_header": {},
        "metadata": {},
        "content": {"code": code, "silent": False, "store_history": False},
        "buffers": [],
    }


def test_a_command_in_a_terminal_that_nobody_looks_at_is_work(
    watched: Jupyter, client: httpx.Client
):
    terminal = client.post("api/terminals").json()["name"]
    with opened(watched, f"terminals/websocket/{terminal}") as typed:
        typed.send(json.dumps(["stdin", "sleep 600\r"]))
        wait_until(lambda: "sleep" in at_work(watched))
    first = last(client)
    second = wait_until(lambda: (now := last(client)) > first and now)
    wait_until(lambda: last(client) > second)
    client.delete(f"api/terminals/{terminal}")
    wait_until(lambda: at_work(watched) == "nothing")


def at_work(watched: Jupyter) -> str:
    """What the server's log says last."""
    said = [line for line in watched.log.read_text().splitlines() if "At work: " in line]
    return said[-1].partition("At work: ")[2] if said else ""


@pytest.mark.parametrize("wrong", [{"requets": "work"}, {"heartbeats": ["("]}])
def test_a_wrong_rule_leaves_no_app(tmp_path: Path, wrong: dict):
    """As whatever else is wrong with the transport does."""
    rules = {"activity": {"app": wrong}}
    server = {"app": {"port": 1}}
    with (
        running_jupyter("ours", tmp_path / "jupyter", server, DataPath=rules) as jupyter,
        jupyter.client() as client,
    ):
        assert client.get("app/x").status_code == 404
