"""`slipway promote`: gates, then images, then the pin; each only when the one before is done."""

import getpass
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from slipway.images.registry import skopeo
from slipway.images.registry.copy import CopiedImage, ImageCopy, Progress, copy_images
from slipway.images.registry.reference import Reference
from slipway.model import Project
from slipway.release.promotion import gates
from slipway.release.promotion.changes import for_users
from slipway.release.promotion.gates import Gate
from slipway.release.promotion.pin import Pin, changed_lines
from slipway.release.promotion.sides import Side, sides
from slipway.release.records import Record


@dataclass(frozen=True)
class Order:
    """What somebody asked for. `profiles` are names of credentials, for each environment."""

    source: str
    target: str
    waivers: Mapping[str, str] = field(default_factory=dict)
    """By gate, why it shall not matter."""
    dry_run: bool = False
    profiles: tuple[str | None, str | None] = (None, None)


@dataclass(frozen=True)
class Told:
    """What hears how it goes on: each gate, bytes to copy, bytes that were copied."""

    gate: Callable[[Gate], None] = lambda _: None
    expected: Progress = lambda _: None
    copied: Progress = lambda _: None


@dataclass
class Promotion:
    """How far it came."""

    source: str
    target: str
    release: str
    previous: str
    """What the target pinned before."""
    gates: list[Gate] = field(default_factory=list)
    images: list[CopiedImage] = field(default_factory=list)
    diff: list[str] = field(default_factory=list)
    """Of the target's file, as `diff -u` writes it."""
    users: list[str] = field(default_factory=list)
    """What users of the target will see of it."""
    pinned: bool = False
    record: str | None = None
    """Where it is kept."""

    @property
    def passed(self) -> bool:
        return all(gate.open for gate in self.gates)

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": self.passed,
            "from": self.source,
            "to": self.target,
            "release": self.release,
            "previous": self.previous,
            "gates": [gate.as_json() for gate in self.gates],
            "images": [image.as_json() for image in self.images],
            "diff": self.diff,
            "users": self.users,
            "pinned": self.pinned,
            "record": self.record,
        }


def promote(project: Project, order: Order, told: Told = Told()) -> Promotion:
    """Let `order.target` run the release of `order.source`.

    Nothing of the target changes before all gates are open and every image is in its registry;
    then its file does, if it is still what it was at the start. Stopped at any point, it can be
    run again. Raises InvalidProject and CannotWaive for bad input, ImageError, PinError and
    StepError for what went wrong.
    """
    skopeo.version()
    source, target = sides(project, order.source, order.target, order.profiles)
    gates.check_waivers(order.waivers, target)
    # What must not fail any more once the pin is set: a pin without a record has no reason.
    records, me = target.records(), who()
    pin = Pin.read(project.root, target.name)
    done = Promotion(source.name, target.name, source.release.version, pin.release)
    values = {"release": done.release, "restore_database": None}
    done.diff = changed_lines(pin.content, pin.with_values(values), pin.name)
    done.users = for_users(project, target.name, done.previous, done.release)
    done.gates = gates.evaluate(project, source, target, order.waivers, told.gate)
    if order.dry_run:
        return done
    if done.passed:
        done.images = bring(source, target, told)
        pin.set(values)
        done.pinned = True
    done.record = records.keep(_record(done, me))
    return done


def bring(source: Side, target: Side, told: Told) -> list[CopiedImage]:
    """Every image that both sides keep in a registry of their own. Raises ImageError."""
    wanted = [
        ImageCopy(image, *_references(image, source, target))
        for image in sorted(source.release.images)
        if target.holds(image)
    ]
    with source.registry() as origin, target.registry() as registry:
        return copy_images(wanted, origin, registry, told.copied, told.expected)


def _references(image: str, source: Side, target: Side) -> tuple[Reference, Reference]:
    origin, end = (Reference.parse(s.environment.image_reference(image)) for s in (source, target))
    return origin, end.tagged(target.release.version)


def _record(done: Promotion, me: dict[str, str]) -> Record:
    fields = done.as_json() | {"who": me}
    fields.pop("record")
    now = datetime.now(UTC)
    return Record("promotion", done.target, done.release, now, done.pinned, fields)


def who() -> dict[str, str]:
    """Who does this, as far as this machine knows."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        user = str(os.getuid())
    return {"user": user, "host": socket.gethostname()}
