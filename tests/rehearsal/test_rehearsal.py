"""`slipway rehearse`, whole."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SLIPWAY = Path(sys.executable).with_name("slipway")
LIFE = (
    *("bootstrap dev", "bootstrap prod", "images of dev", "release 1.0.0", "deploy dev"),
    *("empty diff", "smoke record", "prepare prod", "drift", "promote 1.0.0", "deploy prod"),
    *("failed release 1.1.0", "promote 1.1.0", "rollback dev", "release 1.2.0", "update dev"),
    *("smoke record again", "promote 1.2.0", "teardown dev", "leftovers"),
    *("recreate dev", "prod is untouched"),
)


def test_the_whole_life_of_two_environments(tmp_path: Path) -> None:
    """Beside credentials that would fail if they were used, and with a temporary folder to see
    that nothing stays in it."""
    real = {"AWS_PROFILE": "production", "AWS_ACCESS_KEY_ID": "AKIAREAL", "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [str(SLIPWAY), "rehearse", "--json", "--project", str(ROOT)],
        env={**os.environ, **real},
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert report["ok"] is True
    assert report["leftovers"] == []
    assert [step["name"] for step in report["steps"]] == list(LIFE)
    assert all(step["ok"] for step in report["steps"])
    assert not list(tmp_path.glob("slipway-rehearsal-*")), "a folder was left behind"
    assert not [one for one in psutil.process_iter(["cmdline"]) if str(tmp_path) in words(one)]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_runs_on_after_an_interruption(tmp_path: Path, how: signal.Signals) -> None:
    """In the middle of a command of the CDK CLI, which has started others."""
    process = subprocess.Popen(
        [str(SLIPWAY), "rehearse", "--json", "--project", str(ROOT)],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    seen = next(line for line in process.stderr if line.startswith("ok"))
    assert "bootstrap dev" in seen
    process.send_signal(how)
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == (1 if how == signal.SIGTERM else -how)
    _, alive = psutil.wait_procs(started_in(tmp_path), timeout=120)
    assert not alive
    if how == signal.SIGTERM:
        assert json.loads(printed)["ok"] is False
        assert not list(tmp_path.glob("slipway-rehearsal-*"))


def started_in(folder: Path) -> list[psutil.Process]:
    """Processes whose temporary files are below `folder`."""
    found = []
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if str(folder) in one.environ().get("TMPDIR", ""):
                found.append(one)
    return found


def words(process: psutil.Process) -> str:
    return " ".join(process.info["cmdline"] or [])
