"""What takes a file's place, and what it must not take the place of."""

import os
import socket
import sys
from pathlib import Path

import pytest

from slipway import cli, files
from tests.support.local import ROOT


@pytest.fixture(params=["link", "dangling", "pipe", "socket", "folder", "device"])
def special(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    target = tmp_path / "target"
    match request.param:
        case "link":
            (tmp_path / "precious").write_text("kept")
            target.symlink_to("precious")
        case "dangling":
            target.symlink_to("nowhere")
        case "pipe":
            os.mkfifo(target)
        case "socket":
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(str(target))
        case "folder":
            target.mkdir()
        case "device":
            return Path("/dev/null")
    return target


def test_only_a_regular_file_is_replaced(special: Path):
    before = special.lstat()
    with pytest.raises(OSError, match="is no regular file; name another"):
        files.write(special, "new")
    assert (special.lstat().st_mode, special.lstat().st_ino) == (before.st_mode, before.st_ino)
    assert {path.name for path in special.parent.glob(".target*")} == set()


def test_what_came_there_meanwhile_is_not_replaced_either(tmp_path: Path):
    target = tmp_path / "target"

    def write_slowly() -> None:
        with files.replacing(target) as file:
            file.write(b"new")
            target.symlink_to("elsewhere")

    with pytest.raises(OSError, match="no regular file"):
        write_slowly()
    assert target.is_symlink()


def test_a_regular_file_and_nothing_at_all_are_replaced(tmp_path: Path):
    target = tmp_path / "target"
    for content in ("one", "two"):
        files.write(target, content)
        assert target.read_text() == content


def fails(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["slipway", *arguments, "--project", str(ROOT)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(str(ended.value.code))


def test_an_archive_replaces_nothing_else(
    special: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    before = special.lstat()
    assert fails(monkeypatch, "migrate", "nothing.tar", "-o", str(special)) == 2
    assert f"{special}: is no regular file; name another" in capsys.readouterr().err
    assert special.lstat().st_mode == before.st_mode


def test_manifests_are_written_into_a_folder_and_over_files_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "precious").write_text("kept")
    assert fails(monkeypatch, "render", "kube", "-o", str(tmp_path / "precious")) == 1
    assert f"{tmp_path}/precious: File exists" in capsys.readouterr().err
    (tmp_path / "out").mkdir()
    (tmp_path / "out/01-platform.yaml").symlink_to("../precious")
    assert fails(monkeypatch, "render", "kube", "-o", str(tmp_path / "out")) == 1
    assert "01-platform.yaml: is no regular file" in capsys.readouterr().err
    assert (tmp_path / "precious").read_text() == "kept"
