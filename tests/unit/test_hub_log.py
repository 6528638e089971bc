"""The hub's log is plain text, whatever others have it say."""

import io
import json
import logging
import sys
from logging.config import dictConfig

import pytest
from slipway_hub import log


@pytest.fixture
def said() -> tuple[logging.Logger, io.StringIO]:
    """A logger as JupyterHub sets it up."""
    stream = io.StringIO()
    dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"console": {"class": log.FORMATTER, "format": "[I hub] %(message)s"}},
            "handlers": {
                "console": {
                    "class": "logging.StreamHandler",
                    "stream": stream,
                    "formatter": "console",
                }
            },
            "loggers": {"test-hub-log": {"handlers": ["console"], "propagate": False}},
        }
    )
    return logging.getLogger("test-hub-log"), stream


@pytest.mark.parametrize("code", ["\x1b[2J", "\x9b2J", "\r", "\x00", "\u202e", "\u2028", "\ud800"])
def test_what_a_terminal_would_act_on_is_written_out(
    said: tuple[logging.Logger, io.StringIO], code: str
) -> None:
    logger, stream = said
    # Past pytest's own handler: a report with half a character cannot be sent to another process.
    said_of = (f"a{code}b",)
    record = logger.makeRecord("hub", logging.WARNING, "x.py", 1, "Login of %s", said_of, None)
    logger.handlers[0].handle(record)
    line = stream.getvalue()
    assert code not in line
    assert ascii(code[0])[1:-1] in line
    assert line.count("\n") == 1


def test_no_line_of_a_message_or_of_an_error_is_json(
    said: tuple[logging.Logger, io.StringIO],
) -> None:
    logger, stream = said
    forged = json.dumps({"event": "server-failed"})
    logger.warning("its last lines:\n%s\n  %s", forged, forged)
    try:
        raise RuntimeError(f"\x1b[1m\n{forged}")
    except RuntimeError:
        logger.warning("error", exc_info=sys.exc_info())
    text = stream.getvalue()
    assert "\x1b" not in text
    assert text.count(forged) >= 3
    for line in text.splitlines():
        assert not line.strip().startswith(("{", "[")) or line.startswith("[I hub]")


def test_other_texts_are_as_they_were(said: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = said
    logger.warning("User %s took %.1f s: 100%% of Zoë's\ttime", "ada", 2)
    assert stream.getvalue() == "[I hub] User ada took 2.0 s: 100% of Zoë's\ttime\n"


def test_a_message_that_does_not_fit_its_arguments_is_logged(
    said: tuple[logging.Logger, io.StringIO],
) -> None:
    logger, stream = said
    # Past pytest's own handler, which raises.
    record = logger.makeRecord("hub", logging.WARNING, "x.py", 1, "%d users", ("\x1b",), None)
    logger.handlers[0].handle(record)
    assert stream.getvalue() == "[I hub] '%d users' with ('\\x1b',)\n"
