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
from slipway.model import Project
from slipway.release.diff.users import users_see
from slipway.release.pin import Pin
from slipway.release.promotion import gates
from slipway.release.promotion.access import EnvironmentAccess, source_and_target
from slipway.release.promotion.gates import Gate
from slipway.release.records import OperationRecord


@dataclass(frozen=True)
class PromotionRequest:
    """What to promote. `profiles` are names of AWS profiles, one for each environment."""

    source: str
    target: str
    waivers: Mapping[str, str] = field(default_factory=dict)
    """By gate, why it is waived."""
    dry_run: bool = False
    profiles: tuple[str | None, str | None] = (None, None)


@dataclass(frozen=True)
class PromotionListener:
    """Callbacks for progress: each gate, bytes to copy, bytes that were copied."""

    gate: Callable[[Gate], None] = lambda _: None
    expected: Progress = lambda _: None
    copied: Progress = lambda _: None


@dataclass
class Promotion:
    """A promotion, and how far it came."""

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
        return all(gate.lets_pass for gate in self.gates)

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


def promote(
    project: Project, request: PromotionRequest, listener: PromotionListener = PromotionListener()
) -> Promotion:
    """Let `request.target` run the release of `request.source`.

    Nothing of the target changes before all gates are open and every image is in its registry;
    then its file does, if it is still what it was at the start. Stopped at any point, it can be
    run again. Raises InvalidProject and CannotWaive for bad input, ImageError, PinError and
    StepError for what went wrong.
    """
    skopeo.version()
    source, target = source_and_target(project, request.source, request.target, request.profiles)
    gates.check_waivers(request.waivers, target)
    # What must not fail any more once the pin is set: a pin without a record has no reason.
    records, me = target.records(), operator()
    pin = Pin.read(project.root, target.name)
    done = Promotion(source.name, target.name, source.release.version, pin.release)
    values = {"release": done.release, "restore_database": None}
    done.diff = pin.diff(values)
    done.users = users_see(project, target.name, done.previous, done.release)
    done.gates = gates.evaluate(source, target, request.waivers, listener.gate)
    if request.dry_run:
        return done
    if done.passed:
        done.images = _copy_images(source, target, listener)
        pin.set(values)
        done.pinned = True
    fields = done.as_json() | {"who": me}
    del fields["record"]
    done.record = records.add(
        OperationRecord(
            "promotion", done.target, done.release, datetime.now(UTC), done.pinned, fields
        )
    )
    return done


def _copy_images(
    source: EnvironmentAccess, target: EnvironmentAccess, listener: PromotionListener
) -> list[CopiedImage]:
    """Copy every image that the environments keep in a registry of their own. Raises ImageError."""
    tag = target.release.version
    wanted = [
        ImageCopy(image, source.reference(image), target.reference(image).tagged(tag))
        for image in sorted(source.release.images)
        if target.holds(image)
    ]
    with source.registry() as origin, target.registry() as registry:
        return copy_images(wanted, origin, registry, listener.copied, listener.expected)


def operator() -> dict[str, str]:
    """Who runs this command, as far as this machine knows."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        user = str(os.getuid())
    return {"user": user, "host": socket.gethostname()}
