"""What every model has in common, and the small types the files are made of."""

import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic_core import PydanticCustomError


class Model(BaseModel):
    """Frozen; unknown keys are refused; values are taken as they are, never coerced."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def refuse(message: str, hint: str, at: str = "") -> PydanticCustomError:
    """An error for a validator to raise: what is wrong, and what to write instead.

    `at` is the key that it is about, if the value that is validated is a block of keys.
    """
    context = {"message": message, "hint": hint, "at": at}
    return PydanticCustomError("slipway", "{message}", context)


def matching(
    pattern: str, what: str, example: str, most: int | None = None
) -> Callable[[str], str]:
    """A validator: the text must match `pattern` whole; `what` says so in words."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value) or (most and len(value) > most):
            raise refuse(f"{value!r} is not {what}", f"write for example {example}")
        return value

    return check


def text(pattern: str, what: str, example: str, most: int | None = None) -> Any:
    """Annotation parts for a string that must match `pattern`, in errors and in the schema."""
    return (
        AfterValidator(matching(pattern, what, example, most)),
        Field(
            examples=[example],
            json_schema_extra={"pattern": f"^(?:{pattern})$"}
            | ({"maxLength": most} if most else {}),
        ),
    )


NAME = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"

Name = Annotated[
    str, *text(NAME, "a name of lower-case letters, digits and inner dashes", "code", 40)
]
"""An app, image, profile or environment: it becomes part of URLs and Kubernetes names."""

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Text200 = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""A title or a line that users see."""

Digest = Annotated[str, *text(r"sha256:[0-9a-f]{64}", "a sha256 digest", "sha256:" + "0" * 64)]

ImageReference = Annotated[
    str,
    *text(
        r"[a-z0-9][a-zA-Z0-9._:/-]*(@sha256:[0-9a-f]{64})?",
        "an image reference",
        "registry.example.org/team/notebook@sha256:" + "0" * 64,
    ),
]

VERSION = r"[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?"
Version = Annotated[str, *text(VERSION, "a version", '"1.2.0"', 64)]

VariableName = Annotated[
    str, *text(r"[A-Za-z_][A-Za-z0-9_]*", "a variable name", "MY_SETTING", 100)
]

Domain = Annotated[
    str,
    *text(
        r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}",
        "a domain name in lower case",
        "hub.example.org",
        253,
    ),
]

Email = Annotated[str, *text(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address", "team@example.org")]


def _account(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Account = Annotated[
    str, BeforeValidator(_account), *text(r"[0-9]{12}", "a 12-digit AWS account", '"111122223333"')
]
Region = Annotated[str, *text(r"[a-z]{2}(-[a-z]+)+-[0-9]", "an AWS region", "eu-central-1")]
Zone = Annotated[
    str, *text(r"[a-z]{2}(-[a-z]+)+-[0-9][a-z]", "an availability zone", "eu-central-1a")
]
