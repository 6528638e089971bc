"""A user's home: made by the hub, filled once by the user's own container."""

import asyncio
import os
import stat
from pathlib import Path

import pytest
from jupyterhub.spawner import SpawnException
from slipway_hub.homes import make_home
from slipway_notebook.start import MARKER, seed


def run(homes: Path, user: str) -> None:
    asyncio.run(make_home(homes, user))


def test_a_home_is_its_users_alone(tmp_path: Path):
    run(tmp_path, "ada@example.org")
    assert stat.S_IMODE((tmp_path / "ada@example.org").stat().st_mode) == 0o700


def test_a_home_that_is_there_is_left_as_it_is(tmp_path: Path):
    home = tmp_path / "ada"
    home.mkdir(mode=0o750)
    (home / "file").write_text("mine")
    run(tmp_path, "ada")
    assert stat.S_IMODE(home.stat().st_mode) == 0o750
    assert (home / "file").read_text() == "mine"


def test_a_link_in_a_homes_place_is_refused(tmp_path: Path):
    (tmp_path / "grace").mkdir()
    (tmp_path / "ada").symlink_to("grace")
    with pytest.raises(SpawnException, match="does not belong"):
        run(tmp_path, "ada")


def test_a_volume_that_cannot_be_written_is_told(tmp_path: Path):
    with pytest.raises(SpawnException, match=r"cannot be made: No such file or directory.*claim"):
        run(tmp_path / "not-mounted", "ada")


@pytest.fixture
def skel(tmp_path: Path) -> Path:
    skel = tmp_path / "skel"
    (skel / "examples/deep").mkdir(parents=True)
    (skel / "examples/deep/one.py").write_text("one")
    (skel / ".profile").write_text("profile")
    (skel / "link").symlink_to(".profile")
    script = skel / "run"
    script.write_text("#!/bin/sh")
    script.chmod(0o755)
    return skel


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_a_new_home_gets_everything_the_image_has_for_it(skel: Path, home: Path):
    assert seed(skel, home)
    assert (home / "examples/deep/one.py").read_text() == "one"
    assert (home / "link").readlink() == Path(".profile")
    assert os.access(home / "run", os.X_OK)


def test_what_a_user_deletes_does_not_come_back(skel: Path, home: Path):
    seed(skel, home)
    (home / ".profile").unlink()
    assert not seed(skel, home)
    assert not (home / ".profile").exists()


def test_nothing_that_a_user_has_is_touched(skel: Path, home: Path, tmp_path: Path):
    (home / ".profile").write_text("mine")
    (home / "examples").write_text("a file in a folder's place")
    (tmp_path / "elsewhere").mkdir()
    (home / "run").symlink_to(tmp_path / "elsewhere")
    seed(skel, home)
    assert (home / ".profile").read_text() == "mine"
    assert (home / "examples").read_text() == "a file in a folder's place"
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_copy_that_was_interrupted_is_finished(skel: Path, home: Path):
    seed(skel, home)
    (home / MARKER).unlink()
    (home / "examples/deep/one.py").unlink()
    (home / "examples/deep/.one.py.slipway-partial").write_text("on")
    assert seed(skel, home)
    assert (home / "examples/deep/one.py").read_text() == "one"
    assert not list(home.rglob("*.slipway-partial"))


def test_an_image_with_nothing_for_a_home_is_fine(home: Path, tmp_path: Path):
    assert seed(tmp_path / "no-skel", home)
