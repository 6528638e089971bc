"""What a container does before it ends: editors are told, and waited for."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from slipway_notebook import pre_stop

EDITOR = """
import signal, sys, time
from pathlib import Path
def save(*_):
    time.sleep(0.3)
    Path(sys.argv[1]).write_text("saved")
    sys.exit(0)
signal.signal({signal}, save)
Path(sys.argv[2]).touch()
while True:
    signal.pause()
"""


EDITORS = [
    # As the images run it: Node, and the program in code-server's folder.
    ("opt/code-server/node_modules/code-server/out/node/entry.js", "SIGTERM"),
    ("usr/lib/rstudio-server/bin/rsession", "SIGUSR1"),
]


@pytest.mark.parametrize(("name", "sign"), EDITORS)
def test_an_editor_has_saved_when_the_hook_returns(tmp_path: Path, name: str, sign: str):
    (tmp_path / name).parent.mkdir(parents=True)
    program, saved, ready = tmp_path / name, tmp_path / "saved", tmp_path / "ready"
    program.write_text(EDITOR.replace("{signal}", f"signal.{sign}"))
    editor = subprocess.Popen([sys.executable, program, saved, ready])
    try:
        while not ready.exists():
            time.sleep(0.02)
        mine = {pid: number for pid, number in pre_stop.editors() if pid == editor.pid}
        assert mine == {editor.pid: getattr(signal, sign)}
        pre_stop.save(mine.items())
        assert saved.read_text() == "saved"
    finally:
        editor.kill()
        editor.wait()


def test_other_programs_and_other_users_are_left_alone(tmp_path: Path):
    entry = "/opt/code-server/out/node/entry"
    for pid, words in ((1, ["node", entry]), (2, ["vi", "code-server.txt"]), (3, ["node", "/a"])):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "cmdline").write_bytes("\0".join(words).encode())
    (tmp_path / "self").mkdir()
    assert [pid for pid, _ in pre_stop.editors(tmp_path)] == [1]
    if os.getuid() == 0:
        os.chown(tmp_path / "1", 1000, 1000)
        assert list(pre_stop.editors(tmp_path)) == []
