"""jsii without its check of Python's types, for programs that synthesize.

At each call it compares every argument with its annotation, by typeguard: a fifth
of the time of a synthesis. mypy has compared ours before, and Node compares what it is sent.
`python -O` leaves the check out too, but with it every assertion.
"""

from collections.abc import Mapping
from typing import Any


class _AnyHints(dict[Any, Any]):
    """Hints of every function, and in these of every argument: none."""

    def get(self, function: Any, default: Any = None) -> Mapping[str, Any]:
        return self

    def __missing__(self, argument: str) -> None:
        return None


def trust_types() -> None:
    """Let jsii compare nothing. `tests/unit/test_unchecked.py` says whether it still has these
    names; where it has not, it goes on comparing."""
    from jsii import _type_checking

    _type_checking._type_hints_cache = _AnyHints()
    _type_checking._resolved_check = lambda argname, value, expected_type: None
