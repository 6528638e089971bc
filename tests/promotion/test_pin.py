"""Setting an environment's release changes nothing else of its file."""

import multiprocessing
from pathlib import Path

import pytest

from slipway.release.pin import Pin, PinError

FILES = {
    "between comments and lists": (
        "# prod\n\n# where\ntarget: eks\n# what\nrelease: 1.0.0\n\n# which\nzones:\n  - a\n  - b\n",
        "# prod\n\n# where\ntarget: eks\n# what\nrelease: 1.2.0\n\n# which\nzones:\n  - a\n  - b\n",
    ),
    "plain": ("target: eks\nrelease: 1.0.0\n", "target: eks\nrelease: 1.2.0\n"),
    "with a comment": (
        "# prod\nrelease:   1.0.0   # since spring\ntarget: eks\n",
        "# prod\nrelease: 1.2.0     # since spring\ntarget: eks\n",
    ),
    "in double quotes": ('target: eks\nrelease: "1.0.0"', 'target: eks\nrelease: "1.2.0"'),
    "in single quotes": ("release: '1.0.0'\ntarget: eks\n", "release: '1.2.0'\ntarget: eks\n"),
    "the key in quotes": ('"release": 1.0.0\ntarget: eks\n', '"release": 1.2.0\ntarget: eks\n'),
    "not there yet": (
        "# top\ntarget: eks  # AWS\naccount: '1'\n",
        "# top\nrelease: 1.2.0\ntarget: eks  # AWS\naccount: '1'\n",
    ),
    "not there, one line without an end": ("target: eks", "release: 1.2.0\ntarget: eks"),
    "lines that end as on Windows": (
        "target: eks\r\nzones: [a, b]\r\n",
        "release: 1.2.0\r\ntarget: eks\r\nzones: [a, b]\r\n",
    ),
    "Windows, there already": (
        "release: 1.0.0\r\ntarget: eks\r\n",
        "release: 1.2.0\r\ntarget: eks\r\n",
    ),
    "a byte order mark": (
        "\ufefftarget: eks\nrelease: 1.0.0\n",
        "\ufefftarget: eks\nrelease: 1.2.0\n",
    ),
    "other keys of that name": (
        "auth:\n  release: 1.0.0\nrelease: 1.0.0\ntarget: eks\n",
        "auth:\n  release: 1.0.0\nrelease: 1.2.0\ntarget: eks\n",
    ),
    "in braces": ("{target: eks, release: 1.0.0}\n", "{target: eks, release: 1.2.0}\n"),
    "in braces, not there": ("{target: eks, a: 1}\n", "{release: 1.2.0, target: eks, a: 1}\n"),
    "words that are no ASCII": (
        "title: Größe 🎉\ntarget: eks\nrelease: 1.0.0 # ü\n",
        "title: Größe 🎉\ntarget: eks\nrelease: 1.2.0 # ü\n",
    ),
    "follows the catalog": (
        "target: eks\nrelease: working-tree\n",
        "target: eks\nrelease: 1.2.0\n",
    ),
    "a document's start": ("---\ntarget: eks\n", "---\nrelease: 1.2.0\ntarget: eks\n"),
}


def project(folder: Path, text: str) -> Path:
    (folder / "environments").mkdir(exist_ok=True)
    (folder / "environments/prod.yaml").write_bytes(text.encode())
    return folder


@pytest.mark.parametrize("case", FILES)
def test_only_the_release_changes(tmp_path: Path, case: str):
    before, after = FILES[case]
    root = project(tmp_path, before)
    Pin.read(root, "prod").set({"release": "1.2.0"})
    assert (root / "environments/prod.yaml").read_bytes().decode() == after
    assert Pin.read(root, "prod").release == "1.2.0"


@pytest.mark.parametrize(
    "text",
    [
        "target: eks\nrelease: &pinned 1.0.0\nother: *pinned\n",
        "target: eks\nrelease: >\n  1.0.0\nzones: [a]\n",
        "target: eks\nrelease: 1.0.0\nnodes:\n  - a\n  -   laid out otherwise\n",
        "target: eks\nrestore_database: x\n# of the release\nrelease: 1.0.0\n",
    ],
)
def test_a_file_that_cannot_be_edited_safely_is_left_alone(tmp_path: Path, text: str):
    root = project(tmp_path, text)
    with pytest.raises(PinError, match=r"prod.yaml is written in a way .* write release: 1.2.0"):
        Pin.read(root, "prod").set({"release": "1.2.0", "restore_database": None})
    assert (root / "environments/prod.yaml").read_text() == text


def test_a_key_that_is_taken_away_takes_its_line_along(tmp_path: Path):
    root = project(tmp_path, "target: eks\nrestore_database: x  # why\nrelease: 1.0.0\n")
    Pin.read(root, "prod").set({"release": "1.2.0", "restore_database": None})
    assert (root / "environments/prod.yaml").read_text() == "target: eks\nrelease: 1.2.0\n"


def test_a_change_by_somebody_else_is_not_written_over(tmp_path: Path):
    root = project(tmp_path, "target: eks\nrelease: 1.0.0\n")
    mine, theirs = Pin.read(root, "prod"), Pin.read(root, "prod")
    theirs.set({"release": "1.1.0"})
    with pytest.raises(PinError, match=r"environments/prod.yaml was changed by somebody else"):
        mine.set({"release": "1.2.0"})
    assert Pin.read(root, "prod").release == "1.1.0"


def _race(pin: Pin, version: str, answers) -> None:
    try:
        pin.set({"release": version})
        answers.put(version)
    except PinError:
        answers.put(None)


def test_of_many_at_once_one_wins_and_the_others_know(tmp_path: Path):
    pin = Pin.read(project(tmp_path, "target: eks\nrelease: 1.0.0\n"), "prod")
    context = multiprocessing.get_context("spawn")
    answers = context.SimpleQueue()
    versions = [f"1.{number}.0" for number in range(1, 7)]
    racers = [context.Process(target=_race, args=(pin, one, answers)) for one in versions]
    for racer in racers:
        racer.start()
    said = [answers.get() for _ in racers]
    for racer in racers:
        racer.join()
    (won,) = [one for one in said if one]
    assert Pin.read(tmp_path, "prod").release == won
    assert [file.name for file in (tmp_path / "environments").iterdir()] == ["prod.yaml"]
