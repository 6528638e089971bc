"""Other accounts of a laptop: nothing of the local hub's state is theirs to read."""

import subprocess
import sys
from pathlib import Path

import pytest

from slipway.local.hub import LocalHubError, keep_private, private_folder
from slipway.local.processes import start


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_new_folder_and_an_old_one_are_their_users_alone(tmp_path: Path):
    old = tmp_path / "old"
    old.mkdir(0o755)
    old.chmod(0o777)
    for folder in (old, tmp_path / "new"):
        assert mode(private_folder(folder)) == 0o700


def test_files_of_an_earlier_start_are_taken_from_others(tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("")
    elsewhere.chmod(0o644)
    state = tmp_path / "state"
    (state / "snapshots").mkdir(parents=True)
    for name in ("jupyterhub.sqlite", "jupyterhub.log", ".release"):
        (state / name).write_text("")
        (state / name).chmod(0o666)
    (state / "link").symlink_to(elsewhere)
    keep_private(state)
    assert {mode(file) for file in state.glob("[!l]*") if file.is_file()} == {0o600}
    assert mode(elsewhere) == 0o644


def test_a_folder_that_cannot_be_kept_private_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalHubError, match="cannot be kept from other accounts"):
        private_folder(tmp_path / "file")


def test_what_a_program_writes_is_for_its_user_alone(tmp_path: Path):
    log, written = tmp_path / "log", tmp_path / "written"
    command = [sys.executable, "-c", f"open({str(written)!r}, 'w'); print('said')"]
    process: subprocess.Popen[bytes] = start(command, {}, tmp_path, log)
    assert process.wait(timeout=60) == 0
    assert log.read_text() == "said\n"
    assert [mode(log), mode(written)] == [0o600, 0o600]
