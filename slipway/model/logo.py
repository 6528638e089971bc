"""The logo that an environment names: a small image that is safe to show on the hub's pages."""

import base64
from pathlib import Path
from typing import Any
from xml.parsers import expat

LIMIT = 24 * 1024
"""Bytes. It travels inside the hub's settings, which have a limit of their own."""
_PNG = b"\x89PNG\r\n\x1a\n"
_ACTIVE = ("script", "foreignobject", "handler", "iframe", "a", "set", "animate")
_MEDIA_TYPES = {".png": "image/png", ".svg": "image/svg+xml"}


class LogoError(Exception):
    """The file is no logo: what is wrong with it, and what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def data_uri(root: Path, name: str) -> str:
    """The file `name` of the project at `root` as a `data:` URI. Raises LogoError."""
    file = root / name
    try:
        if not file.resolve().is_relative_to(root.resolve()):
            raise LogoError(f"{name} leads out of the project", "put the image itself into it")
        # One byte more than allowed: enough to know, however large it is.
        with file.open("rb") as image:
            content = image.read(LIMIT + 1)
    except OSError as error:
        raise LogoError(
            f"{name} cannot be read ({error.strerror})", "name a file of the project"
        ) from error
    if len(content) > LIMIT:
        raise LogoError(
            f"{name} has more than {LIMIT:,} bytes", "make it smaller: it is shown 28 pixels high"
        )
    if file.suffix == ".png" and not content.startswith(_PNG):
        raise LogoError(f"{name} is not a PNG image", "save it as PNG, or use an SVG")
    if file.suffix == ".svg":
        _check_svg(name, content)
    return f"data:{_MEDIA_TYPES[file.suffix]};base64,{base64.b64encode(content).decode()}"


def _check_svg(name: str, content: bytes) -> None:
    """Opened by its own address, an SVG is a page of the hub: what it runs would run there."""
    elements: list[str] = []

    def element(tag: str, attributes: dict[str, str]) -> None:
        local = tag.rpartition(" ")[2]
        elements.append(local)
        active = local.lower() in _ACTIVE
        for key, value in attributes.items():
            attribute = key.rpartition(" ")[2].lower()
            links_out = attribute == "href" and not value.startswith(("#", "data:image/"))
            active = active or attribute.startswith("on") or links_out
        if active:
            raise LogoError(f"{name} holds a script or a link", "export it as a plain SVG")

    def refuse(*_: Any) -> None:
        raise LogoError(f"{name} holds entities or a style sheet", "export it as a plain SVG")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = element
    parser.EntityDeclHandler = parser.ProcessingInstructionHandler = refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise LogoError(f"{name} is not an SVG image ({error})", "export it again") from error
    if elements[0] != "svg":
        raise LogoError(f"{name} is not an SVG image", "export it again")
