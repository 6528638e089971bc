"""`slipway up` as a command: its output, its end, and what it says when it cannot run."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from slipway.local.processes import end_with_parent
from tests.support.local import ROOT, SLIPWAY, Hub, make_project, running_hub


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("up") / "project")


def of_project(folder: Path) -> list[psutil.Process]:
    """`slipway up` of this project, which has the folder in its arguments, and all that its hub
    has started, which have it in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(folder) in "\0".join([*process.environ().values(), *process.cmdline()]):
                found.append(process)
        except psutil.Error:
            continue
    return found


def start_code_server(hub: Hub) -> None:
    assert hub.user("ada").visit("/code").status_code == 200
    assert any("code-server" in " ".join(p.cmdline()) for p in of_project(hub.folder))


def test_stopping_ends_every_process_and_the_password_stays(project: Path):
    passwords = set()
    for number in (signal.SIGINT, signal.SIGTERM):
        with running_hub(project) as hub:
            passwords.add(hub.password)
            assert set(hub.announced) == {"url", "username", "password", "routes"}
            assert hub.announced["routes"]["/code"] == "VS Code"
            start_code_server(hub)
            hub.process.send_signal(number)
            assert hub.process.wait(timeout=30) == 0
            assert hub.process.stdout.read() == "", "--json is one line"
        assert of_project(project) == []
    assert len(passwords) == 1


@pytest.fixture(scope="module")
def running(project: Path) -> Iterator[Hub]:
    """A hub that was started where a company's proxy is in the environment."""
    with running_hub(project, http_proxy="http://192.0.2.1:9") as hub:
        yield hub


def test_a_company_proxy_in_the_environment_does_not_matter(running: Hub):
    assert running.url.startswith("http://127.0.0.1:")


def test_other_accounts_of_the_machine_reach_nothing_of_the_state(running: Hub):
    state = running.folder / ".slipway"
    assert state.stat().st_mode & 0o777 == 0o700
    files = [file for file in (state / "hub").iterdir() if file.is_file()]
    assert {"jupyterhub.sqlite", "jupyterhub.log"} <= {file.name for file in files}
    assert [file for file in files if file.stat().st_mode & 0o077] == []


def test_a_second_up_of_one_project_says_where_the_first_is_and_leaves_it_alone(running: Hub):
    done = run_up(running.folder, "--port=0")
    assert done.returncode == 1
    assert f"already runs for this project, at {running.url}" in done.stderr
    assert running.user("ada").get("/hub/home").status_code == 200


def test_a_killed_up_leaves_no_hub_that_holds_the_port(running: Hub):
    """The last test of this hub."""
    port = int(running.url.rstrip("/").rpartition(":")[2])
    running.process.kill()
    wait_until_ended(running.folder)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


KILLED_RUN = """
import os, pathlib, signal, sys
from tests.support.local import running_hub
from tests.hub.test_activity import start_jobs
with running_hub(pathlib.Path(sys.argv[1])) as hub:
    start_jobs(hub)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_test_run_leaves_no_hub_and_no_job_of_its_users(project: Path):
    done = subprocess.run([sys.executable, "-c", KILLED_RUN, project], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    wait_until_ended(project)


def wait_until_ended(folder: Path) -> None:
    deadline = time.monotonic() + 20
    while of_project(folder):
        assert time.monotonic() < deadline, of_project(folder)
        time.sleep(0.1)


def test_a_busy_port_is_named_with_what_to_pass_instead(project: Path):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        done = run_up(project, f"--port={port}")
    assert done.returncode == 1
    assert f"Port {port} is in use" in done.stderr
    assert "slipway up --port " in done.stderr


def test_an_environment_on_a_cluster_is_refused(project: Path):
    done = run_up(project, "--environment=dev")
    assert done.returncode == 2
    assert "dev is not local" in done.stderr


def test_a_broken_catalog_is_explained_before_anything_starts(tmp_path: Path):
    folder = make_project(tmp_path / "p", lambda catalog: catalog.replace("title:", "titel:", 1))
    done = run_up(folder)
    assert done.returncode == 2
    assert "did you mean 'title'?" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_terminal_shows_address_user_password_and_what_is_missing(tmp_path: Path):
    folder = make_project(tmp_path / "p")
    log = tmp_path / "shown"
    with log.open("w") as output:
        process = subprocess.Popen(
            [SLIPWAY, "up", "--no-browser", "--port=0", f"--project={folder}"],
            stderr=output,
            env={**os.environ, "COLUMNS": "200"},
            preexec_fn=end_with_parent,
        )
    try:
        deadline = time.monotonic() + 60
        while "Ctrl-C" not in (shown := log.read_text()):
            assert time.monotonic() < deadline
            assert process.poll() is None, shown
            time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
    password = (folder / ".slipway/secrets/user_password").read_text()
    assert "http://127.0.0.1:" in shown
    assert password in shown
    assert "one trusted user" in shown
    assert "/code  VS Code" in shown
    missing = "not on this machine: install RStudio Server"
    assert missing in shown.replace("\n", " ")


def run_up(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SLIPWAY, "up", "--no-browser", f"--project={folder}", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
