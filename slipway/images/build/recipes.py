"""What images there are to build, and what each is built from."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.facts import CATALOG_FILE
from slipway.installation import INSTALLATION
from slipway.model import Catalog, InvalidProject, Problem
from slipway.model.apps import App
from slipway.model.problems import did_you_mean

BASE = "BASE"
"""The argument of a Dockerfile that says which outside image it starts from."""
_PREDEFINED = re.compile(r"(TARGET|BUILD)(PLATFORM|OS|ARCH|VARIANT)")
_ARG = re.compile(r"^\s*ARG\s+(\w+)(?:=(\S*))?\s*$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Recipe:
    """A folder with a Dockerfile, and what the catalog says of the image."""

    name: str
    folder: Path
    dockerfile: str
    apps: Mapping[str, App]
    arguments: Mapping[str, str]
    """Values for the Dockerfile's ARGs, from the catalog and the command line."""
    parents: tuple[str, ...]
    """The images it is built on: each is an ARG of the Dockerfile, in upper case."""

    @property
    def base(self) -> str | None:
        """The outside image that the Dockerfile starts from, unless an argument names another."""
        return self.arguments.get(BASE) or dict(declared(self.dockerfile)).get(BASE)

    @property
    def missing_arguments(self) -> tuple[str, ...]:
        """ARGs that have no value and that only whoever builds it can give one."""
        arguments = declared(self.dockerfile)
        with_value = {name for name, value in arguments if value is not None}
        given = {*self.arguments, *map(argument_of, self.parents), *with_value}
        names = dict.fromkeys(name for name, _ in arguments if name not in given)
        return tuple(name for name in names if not _PREDEFINED.fullmatch(name))


def declared(dockerfile: str) -> list[tuple[str, str | None]]:
    """The ARGs of a Dockerfile with their default values, in order."""
    return [(match[1], match[2]) for match in _ARG.finditer(dockerfile)]


def argument_of(image: str) -> str:
    """`CODE_SERVER` for the image `code-server`."""
    return image.upper().replace("-", "_")


def recipes(
    root: Path, catalog: Catalog, wanted: Iterable[str], arguments: Mapping[str, str]
) -> dict[str, Recipe]:
    """The wanted images and all they are built on, by name; parents come first.

    `arguments` win over the catalog's and go to every image that declares them.
    Raises InvalidProject for a name that is no image, or an image without a Dockerfile.
    """
    result: dict[str, Recipe] = {}
    problems: list[Problem] = []

    def add(name: str, above: tuple[str, ...]) -> None:
        if name in result:
            return
        recipe = _recipe(root, catalog, name, arguments)
        if isinstance(recipe, Problem) or name in above:
            problems.append(recipe if isinstance(recipe, Problem) else _circle(name, above))
            return
        for parent in recipe.parents:
            add(parent, (*above, name))
        result[name] = recipe

    for name in wanted:
        add(name, ())
    if problems:
        raise InvalidProject(problems)
    return result


def folders(root: Path) -> dict[str, Path]:
    """Every folder with a Dockerfile by the image's name; the project's own come first."""
    places = dict.fromkeys([root / "images", INSTALLATION / "images"])
    files = [file for place in places for file in sorted(place.glob("*/Dockerfile"))]
    return {file.parent.name: file.parent for file in reversed(files)}


def _recipe(
    root: Path, catalog: Catalog, name: str, arguments: Mapping[str, str]
) -> Recipe | Problem:
    known = folders(root)
    if name not in known:
        if name in catalog.images:
            file = f"images/{name}/Dockerfile"
            hint = f"write it, or say images.{name}.reference in {CATALOG_FILE}"
            return Problem(file, 1, 1, "", "is missing", hint)
        hint = did_you_mean(name, {*known, *catalog.images})
        return Problem(CATALOG_FILE, 1, 1, "images", f"there is no image {name!r}", hint)
    image = catalog.images.get(name)
    dockerfile = (known[name] / "Dockerfile").read_text()
    names = dict(declared(dockerfile))
    return Recipe(
        name,
        known[name],
        dockerfile,
        catalog.apps_of(name) if image else {},
        (image.arguments if image else {}) | {n: v for n, v in arguments.items() if n in names},
        tuple(other for other in known if argument_of(other) in names and other != name),
    )


def _circle(name: str, above: tuple[str, ...]) -> Problem:
    path = " → ".join((*above[above.index(name) :], name))
    return Problem(f"images/{name}/Dockerfile", 1, 1, "", f"is built on itself: {path}", "break it")
