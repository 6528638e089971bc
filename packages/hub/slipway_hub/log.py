"""The hub's log as plain text: nothing that is logged of others acts on a terminal or looks like a
line of its own."""

import copy
import logging
import re
from typing import Any

from jupyterhub.log import CoroutineLogFormatter

FORMATTER = "slipway_hub.log.PlainFormatter"


def plain(text: str) -> str:
    """The text with what is not printable written out, as `\\x1b`. Lines and tabs stay."""
    return re.sub(r"[^\x20-\x7e\n\t]", _written_out, text)


def _written_out(character: re.Match[str]) -> str:
    found = character[0]
    return found if found.isprintable() else ascii(found)[1:-1]


def _one_record(text: str) -> str:
    """The lines after the first begin with a bar: none of them is JSON, which alarms read."""
    return plain(text).replace("\n", "\n| ")


class PlainFormatter(CoroutineLogFormatter):  # type: ignore[misc]
    """JupyterHub's formatter, of plain messages and tracebacks."""

    def format(self, record: logging.LogRecord) -> str:
        record = copy.copy(record)
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            message = f"{record.msg!r} with {record.args!r}"
        record.msg, record.args = _one_record(message), ()
        record.exc_text = None
        text: str = super().format(record)
        return text

    def formatException(self, exc_info: Any) -> str:  # noqa: N802  (the name is logging's)
        return "| " + _one_record(super().formatException(exc_info).rstrip())
