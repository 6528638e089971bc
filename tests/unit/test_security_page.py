"""docs/security.md names tests that exist."""

import ast
import re

import pytest

from tests.support.local import ROOT

PAGE = (ROOT / "docs/security.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[^`\s]+)`", PAGE)))


@pytest.mark.parametrize("named", NAMED)
def test_what_shows_it_exists(named: str) -> None:
    file, _, test = named.partition("::")
    assert (ROOT / file).is_file(), named
    functions = {
        node.name
        for node in ast.walk(ast.parse((ROOT / file).read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert not test or test in functions, named


def test_every_row_of_the_threat_model_leads_to_a_section_of_the_page() -> None:
    headings = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    }
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and "](#" in line]
    assert len(rows) >= 15
    for row in rows:
        assert set(re.findall(r"\]\(#([^)]+)\)", row)) <= headings, row
