"""What others wrote: parsed within limits, and printed without what a terminal would obey."""

import io
import json
import sys

import pytest
from rich.table import Table
from rich.text import Text

from slipway import cli
from slipway.untrusted import MOST_LEVELS, parse_json, printable


def nested(levels: int, opening: str = "[", closing: str = "]", inner: str = "1") -> str:
    return opening * levels + inner + closing * levels


def test_json_is_parsed():
    value = {"a": [1, {"b": None}], "c": "ü\N{ROCKET}"}
    assert parse_json(json.dumps(value)) == parse_json(json.dumps(value).encode()) == value
    assert parse_json(nested(MOST_LEVELS - 1))


@pytest.mark.parametrize(
    "content",
    [
        "",
        b"\xff",
        "{",
        nested(MOST_LEVELS + 1),
        nested(500),
        nested(100_000),
        "[" * 100_000,
        nested(5_000, '{"a":', "}"),
        json.dumps({"deep": [json.loads(nested(MOST_LEVELS))]}),
        "9" * 10_000,
        r'["\ud800"]',
        rb'{"\uDFFF": 1}',
    ],
)
def test_json_that_is_none_or_too_deep_is_one_kind_of_error(content: str | bytes):
    with pytest.raises(ValueError):  # noqa: PT011 - whatever json says
        parse_json(content)


def test_json_that_is_too_large_is_refused():
    assert parse_json('"12345678"', most=10) == "12345678"
    with pytest.raises(ValueError, match="11 bytes, more than 10"):
        parse_json('"123456789"', most=10)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Grüße, 日本\tand more\n", "Grüße, 日本\tand more\n"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("good\rbad", r"good\rbad"),
        ("\x9b31m", r"\x9b31m"),
        ("a\u202egnp.exe\u2066b", r"a\u202egnp.exe\u2066b"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("\x7f\x00\u2028", r"\x7f\x00\u2028"),
        ("\udcff", r"\udcff"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_instead(text: str, shown: str):
    assert printable(text) == shown


def test_a_name_makes_no_line_of_its_own():
    assert printable("a\nEditor    none\t", keep="") == r"a\nEditor    none\t"


def test_no_message_of_the_command_line_drives_a_terminal(capsys: pytest.CaptureFixture[str]):
    evil = "name\x1b[2J\u202e"
    cli.tell(evil)
    cli.fail(ValueError(evil))
    cli.bad_input(evil)
    cli.print_text(evil)
    cli.print_json({"name": evil})
    told = capsys.readouterr()
    assert told.err.count(r"name\x1b[2J\u202e") == 3
    assert printable(told.out + told.err) == told.out + told.err


def test_a_console_shows_them_too_and_keeps_its_own_colours():
    written = io.StringIO()
    console = cli.PrintableConsole(file=written, force_terminal=True, color_system="standard")
    table = Table("a wide column")
    table.add_row(Text("cell\x1b[2J", "red"))
    console.print(table)
    console.print(Text("text\u202e", "red"), soft_wrap=True)
    text = written.getvalue()
    assert r"cell\x1b[2J" in text
    assert r"text\u202e" in text
    assert "\x1b[2J" not in text
    assert "\u202e" not in text
    assert "\x1b[31m" in text, "its own colour"


def test_problems_of_a_projects_files_are_printed_so(
    tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "catalog.yaml").write_text('"apps\\e[2J": {}\n"\\u202e": 1\n')
    monkeypatch.setattr(sys, "argv", ["slipway", "check", "--project", str(tmp_path)])
    with pytest.raises(SystemExit):
        cli.main()
    told = capsys.readouterr()
    assert r"\x1b[2J" in told.out + told.err
    assert printable(told.out + told.err) == told.out + told.err
