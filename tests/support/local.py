"""A running `slipway up` in a project folder of its own, and users who talk to it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from slipway.local.processes import end_with_parent

ROOT = Path(__file__).resolve().parents[2]
SLIPWAY = Path(sys.executable).parent / "slipway"


def make_project(folder: Path, edit: Callable[[str], str] = lambda catalog: catalog) -> Path:
    """A project with this one's files and a state of its own."""
    shutil.copytree(ROOT / "environments", folder / "environments")
    (folder / "catalog.yaml").write_text(edit((ROOT / "catalog.yaml").read_text()))
    (folder / "releases").mkdir()
    return folder


def cull_after(project: Path, idle: str, every: str) -> None:
    """Have the project's local environment stop idle servers soon."""
    spec = project / "environments/local.yaml"
    text = spec.read_text()
    assert "  idle: 8h" in text
    spec.write_text(text.replace("  idle: 8h", f"  idle: {idle}\n  every: {every}"))


@dataclass(frozen=True)
class Hub:
    url: str
    password: str
    folder: Path
    process: subprocess.Popen[str] | None
    announced: dict[str, Any] = field(default_factory=dict)
    """What `slipway up --json` has printed."""

    def user(self, name: str) -> "User":
        user = User(self, name)
        user.log_in()
        return user

    def admin(self, name: str) -> "User":
        password = (self.folder / ".slipway/secrets/admin_password").read_text()
        return replace(self, password=password).user(name)

    def home(self, name: str) -> Path:
        return self.folder / ".slipway/homes" / name


class User:
    """A browser without JavaScript: cookies, redirects, forms."""

    def __init__(self, hub: Hub, name: str = "") -> None:
        self.hub, self.name = hub, name
        self.client = httpx.Client(base_url=hub.url, follow_redirects=False, timeout=60)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(path, **options)

    def xsrf(self) -> str:
        """The cookie that JupyterHub sets for /hub/."""
        found = [
            c.value for c in self.client.cookies.jar if c.name == "_xsrf" and c.path == "/hub/"
        ]
        return found[-1] or ""

    def log_in(self) -> None:
        self.get("/hub/login")
        answer = self._send_login("/hub/login")
        assert answer.status_code == 302, answer.text

    def _send_login(self, url: str) -> httpx.Response:
        form = {"username": self.name, "password": self.hub.password, "_xsrf": self.xsrf()}
        return self.client.post(url, data=form)

    def visit(self, path: str, seconds: float = 120) -> httpx.Response:
        """Follow redirects, log in if asked and wait for servers to start, like a patient user."""
        deadline, url = time.monotonic() + seconds, path
        while time.monotonic() < deadline:
            answer = self.get(url)
            if answer.is_redirect:
                url = str(answer.next_request.url) if answer.next_request else url
            elif urlsplit(str(answer.url)).path == "/hub/login":
                answer = self._send_login(str(answer.url))
                url = str(answer.next_request.url) if answer.next_request else url
            elif "/hub/spawn-pending/" in str(answer.url):
                assert answer.status_code == 200, answer.text
                time.sleep(0.2)
            else:
                return answer
        raise AssertionError(f"{path} led nowhere in {seconds} s, last to {url}")

    def servers(self) -> dict[str, Any]:
        """Running servers by name, as the hub's API tells them."""
        answer = self.get(f"/hub/api/users/{self.name}", headers=self._api())
        assert answer.status_code == 200, answer.text
        servers: dict[str, Any] = answer.json()["servers"]
        return servers

    def start_once(self, profile: str) -> None:
        if not self.servers():
            self.start(profile)

    def start(self, profile: str, server: str = "", seconds: float = 60) -> None:
        where = f"/hub/api/users/{self.name}/server{'s/' + server if server else ''}"
        options = {"user_options": {"profile": profile}}
        answer = self.client.post(where, json=options, headers=self._api())
        assert answer.status_code in (201, 202), answer.text
        self.wait(lambda: self.servers().get(server, {}).get("ready"), seconds)

    def stop(self, server: str = "") -> None:
        where = f"/hub/api/users/{self.name}/server{'s/' + server if server else ''}"
        answer = self.client.delete(where, headers=self._api())
        assert answer.status_code in (202, 204), answer.text
        self.wait(lambda: server not in self.servers())

    def wait(self, condition: Callable[[], Any], seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.1)

    def _api(self) -> dict[str, str]:
        return {"X-XSRFToken": self.xsrf(), "Referer": f"{self.hub.url}hub/home"}


@contextmanager
def running_hub(folder: Path, **environment: str) -> Iterator[Hub]:
    process = subprocess.Popen(
        [SLIPWAY, "up", "--json", "--no-browser", "--port=0", f"--project={folder}"],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        # A test run that is killed takes its hubs with it.
        preexec_fn=end_with_parent,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"slipway up ended with {process.wait()}"
        announced = json.loads(line)
        yield Hub(announced["url"], announced["password"], folder, process, announced)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
