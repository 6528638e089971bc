"""`slipway migrate` on a terminal: progress, what was found, what to paste."""

import re
import sys
from pathlib import Path

from slipway.facts import CATALOG_FILE
from slipway.images.migrate import entry
from slipway.images.migrate.examine import ExaminedImage
from slipway.images.migrate.run import Migrated, MigrationOptions, migrate, read_image
from slipway.images.oci.descriptors import ImageError, RegistryError
from slipway.images.registry import skopeo
from slipway.model import load
from slipway.model.base import NAME

REFUSED, FAILED = 2, 1


class CannotMigrateError(Exception):
    """With the exit code: 2 for an image or option that cannot be used, 1 for what went wrong."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def run(root: Path, wanted: MigrationOptions, *, quiet: bool) -> Migrated:
    """Migrate, telling on standard error how far it is. Raises CannotMigrateError."""
    if wanted.name and not re.fullmatch(NAME, wanted.name):
        raise CannotMigrateError(
            f"{wanted.name!r} is not a name of lower-case letters, digits and dashes; write for "
            "example team-vscode",
            REFUSED,
        )
    catalog = load(root).catalog
    try:
        skopeo.version()
        store, image = read_image(root, wanted, _progress)
    except (RegistryError, OSError) as error:
        raise CannotMigrateError(f"{wanted.image}: {error}", FAILED) from error
    except ImageError as error:
        raise CannotMigrateError(f"{wanted.image}: {error}", REFUSED) from error
    if not quiet:
        print(_findings(image), file=sys.stderr)
    try:
        return migrate(root, wanted, store, image, catalog, _progress)
    except (ImageError, OSError) as error:
        raise CannotMigrateError(f"{wanted.image}: {error}", FAILED) from error


def summary(done: Migrated, wanted: MigrationOptions) -> str:
    """For people: what was made and what to do with it."""
    parts = [f"{done.name}  {done.digest}"]
    if wanted.output:
        parts.append(f"podman load -i {wanted.output}, or docker load, makes it {done.name}:latest")
    if not wanted.push:
        parts.append("It is here only. --push REGISTRY/NAME:TAG puts it where a cluster finds it.")
    if wanted.write:
        parts.append(f"{CATALOG_FILE} has it; `slipway check`, then give users the route.")
    else:
        parts.append(
            f"To paste into {CATALOG_FILE}, or say --write:\n\n{entry.as_yaml(done.entries)}"
        )
    return "\n".join(parts).rstrip()


def _findings(image: ExaminedImage) -> str:
    system, user, editor, report = image.system, image.user, image.editor, image.editor.report
    version = f" {editor.version}" if editor.version else ""
    text = [
        f"System    {system.name}, {system.platform}, {system.libc}",
        f"User      {user.name or '(no name)'} ({user.uid}:{user.gid}), home {image.image_home}",
        f"Editor    {editor.title}{version} at {editor.program}",
        f"Settings  {', '.join(report.files) or 'none'}",
        f"Ports     {', '.join(system.ports) or 'none'}",
        f"Python    {', '.join(system.pythons) or 'none'}",
    ]
    for title, items in (
        ("Kept", report.honoured),
        ("Taken over by the hub", report.taken_over),
        ("To know", report.warnings),
    ):
        if items:
            text += ["", f"{title}:", *(f"  {item}" for item in items)]
    return "\n".join([*text, ""])


def _progress(step: str) -> None:
    print(f"… {step}", file=sys.stderr, flush=True)
