"""What is known of an editor that was found in an image, whatever its kind."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from slipway.images.migrate.inside import Inside

SHOWN = 200
"""Characters of a value in a line for people."""


@dataclass(frozen=True)
class Seed:
    """A folder of the image that a new home gets: `target` is relative to the home."""

    source: str
    target: str


@dataclass
class Report:
    """Lines for whoever migrates the image. No value of a secret is ever in them."""

    files: list[str] = field(default_factory=list)
    """Where the editor's configuration is."""
    honoured: list[str] = field(default_factory=list)
    taken_over: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def secrets(self, variables: Sequence[str], options: Sequence[str] = ()) -> None:
        """What everybody can read in the image."""
        self.taken_over += [
            f"{name} of the environment: the hub authenticates"
            for name in variables
            if "PASSWORD" in name
        ]
        self.warnings += [
            f"{name} is a secret that everybody who has the image can read, before and after: "
            "change it wherever else it is used"
            for name in (*options, *variables)
        ]


@dataclass
class Editor(ABC):
    """An editor as it was found. A kind is a subclass, in a file of its own."""

    program: str
    version: str | None
    report: Report
    seeds: list[Seed] = field(default_factory=list, init=False)
    """What belongs into a home besides the image's own."""
    files: dict[str, bytes] = field(default_factory=dict, init=False)
    """Files of ours that it needs, by absolute path."""

    kind: ClassVar[str]
    """The catalog's name of the app kind."""
    title: ClassVar[str]
    app_name: ClassVar[str]
    """What its app is called in a catalog that has none of the kind."""
    needs_account: ClassVar[bool] = False
    """Whether it only runs for a user whom /etc/passwd knows."""

    @classmethod
    @abstractmethod
    def detect(cls, inside: Inside) -> str | None:
        """Its program, or None when it is not in the image."""

    @classmethod
    @abstractmethod
    def traces(cls) -> tuple[str, ...]:
        """Paths below a home that tell that it was used there."""

    @classmethod
    @abstractmethod
    def read(cls, inside: Inside, program: str, home: str) -> Self:
        """Everything about it. `home` is the image's."""

    def app(self) -> dict[str, Any]:
        """Its entry in the catalog's `apps`."""
        return {"kind": self.kind}
