"""Memory, CPU and time, written with their units."""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from slipway.model.base import refuse, text

_MEMORY_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_MEMORY_UNITS |= {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_TIME_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _unit(example: str) -> BeforeValidator:
    def check(value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise refuse(f"{value} has no unit", f"write for example {example}")
        return value

    return BeforeValidator(check)


Memory = Annotated[
    str,
    _unit("2Gi"),
    *text(
        r"[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)", "an amount of memory with its unit", "2Gi", 24
    ),
]
"""As Kubernetes writes it. `memory_bytes` gives bytes."""

Duration = Annotated[
    str, _unit("30m"), *text(r"[1-9][0-9]*[smhd]", "a time with its unit (s, m, h, d)", "30m", 12)
]
"""`seconds` gives seconds."""


def memory_bytes(amount: str) -> int:
    """`"2Gi"` as 2147483648. Takes only what `Memory` accepts."""
    match = re.fullmatch(r"([0-9.]+)([A-Za-z]+)", amount)
    assert match is not None
    return int(Decimal(match[1]) * _MEMORY_UNITS[match[2]])


def seconds(time: str) -> int:
    """`"30m"` as 1800. Takes only what `Duration` accepts."""
    return int(time[:-1]) * _TIME_UNITS[time[-1]]


def _parse_cpu(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,7}m", value):
        return int(value[:-1]) / 1000
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    raise refuse(f"{value!r} is not a number of CPU cores", "write for example 0.5, 2 or 500m")


def _positive(cores: float) -> float:
    if not 0.001 <= cores <= 1024:
        raise refuse(f"{cores:g} CPU cores is out of range", "write 0.001 (1m) to 1024")
    return cores


Cpu = Annotated[
    float,
    BeforeValidator(_parse_cpu),
    AfterValidator(_positive),
    Field(examples=[0.5]),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0.001},
                {"type": "string", "pattern": "^[0-9]+m$"},
            ],
            "examples": [0.5],
        }
    ),
]
"""CPU cores: `0.5`, `2` or `500m`."""
