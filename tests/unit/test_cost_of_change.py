"""The table of CONTRIBUTING.md that says how many files a new thing takes."""

import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.support.local import ROOT

PRODUCT = ("app.py", "stacks", "charts", "packages", "slipway")
_CODE = re.compile(r"`([^`]+)`")


def rows() -> Iterator[tuple[str, list[str], set[str]]]:
    """What is added, the words that find an example, and the files that know it."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    table = text.partition("| to add |")[2].partition("\n\n")[0]
    for line in table.splitlines()[2:]:
        what, words, files = line.strip("|").split("|")
        yield what.strip(), _CODE.findall(words), set(_CODE.findall(files))


def files_that_know(words: list[str]) -> set[str]:
    """Files of the product that are named by one of the words or hold it, whatever its case."""
    listed = subprocess.run(
        ["git", "ls-files", "--", *PRODUCT], cwd=ROOT, capture_output=True, text=True, check=True
    )
    patterns = [re.compile(re.escape(word), re.IGNORECASE) for word in words]
    found = set()
    for name in listed.stdout.splitlines():
        text = (ROOT / name).read_text(errors="replace")
        if any(pattern.search(name) or pattern.search(text) for pattern in patterns):
            found.add(name)
    return found


@pytest.mark.parametrize(
    ("what", "words", "files"), [pytest.param(*row, id=row[0]) for row in rows()]
)
def test_no_other_file_knows_the_example(what: str, words: list[str], files: set[str]) -> None:
    # A stack's place in the order is a fact; `slipway/facts.py` has no reason to name its class.
    assert files_that_know(words) == files - {"slipway/facts.py"}


def test_the_table_is_there() -> None:
    assert len(list(rows())) >= 5
