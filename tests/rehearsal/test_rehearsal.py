"""`slipway rehearse`, whole."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
SLIPWAY = Path(sys.executable).with_name("slipway")
LIFE = (
    *("bootstrap dev", "bootstrap prod", "images of dev", "release 1.0.0", "deploy dev"),
    *("empty diff", "smoke record", "prepare prod", "drift", "promote 1.0.0", "deploy prod"),
    *("failed release 1.1.0", "promote 1.1.0", "rollback dev", "release 1.2.0", "update dev"),
    *("smoke record again", "promote 1.2.0", "update prod", "teardown dev", "leftovers"),
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


def words(process: psutil.Process) -> str:
    return " ".join(process.info["cmdline"] or [])
