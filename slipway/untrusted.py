"""What others wrote: JSON parsed within limits, and text made safe to print."""

import json
from typing import Any

MOST_BYTES = 8 * 2**20
"""Of JSON; registries allow 4 MiB for a manifest."""
MOST_LEVELS = 100
"""Of lists and mappings within each other."""


def parse_json(content: bytes | str, *, most: int = MOST_BYTES) -> Any:
    """The value. Raises ValueError for what is no JSON, is larger than `most` or nested too deeply.

    What goes down a value (`copy.deepcopy`, `json.dumps`) would otherwise end in a RecursionError,
    which is no ValueError.
    """
    if len(content) > most:
        raise ValueError(f"it has {len(content):,} bytes, more than {most:,}")
    try:
        value = json.loads(content)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    _check_depth(value)
    if (b"\\ud" if isinstance(content, bytes) else "\\ud") in content.lower():  # type: ignore[operator]
        # Halves of characters can be written so, and cannot be encoded.
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MOST_LEVELS):
        level = [part for whole in level for part in _parts(whole)]
        if not level:
            return
    raise ValueError("it is nested too deeply")


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value.values()]
    return value if isinstance(value, list) else []


def printable(text: str, *, keep: str = "\t\n") -> str:
    r"""The text with `\x1b`, `\u202e` and the like in place of what is no letter, mark or sign.

    Terminals obey control characters and escape sequences; characters that turn the direction of
    writing, or are invisible, make a line read as another. With `keep=""` it is one line.
    """
    return "".join(
        one if one.isprintable() or one in keep else one.encode("unicode_escape").decode()
        for one in text
    )
