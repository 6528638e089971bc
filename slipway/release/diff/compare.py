"""The three parts of a diff together."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slipway.model import Project
from slipway.release.code import code_digest
from slipway.release.diff.changes import ForUsers, Thing, things
from slipway.release.diff.cloudformation import deployed
from slipway.release.diff.rendered import Elsewhere, Rendered, is_other_code, rendered
from slipway.release.diff.sides import NOWHERE, Side
from slipway.release.diff.users import users

if TYPE_CHECKING:
    from slipway.aws.account import AwsAccount

STACKS = ("registry", "network", "data", "pipeline", "cluster", "hub", "observability")


@dataclass(frozen=True)
class Diff:
    environment: str
    before: str
    after: str
    users: list[ForUsers]
    kubernetes: list[Thing]
    cloudformation: list[Thing]
    notes: list[str] = field(default_factory=list)
    """What the diff does not show."""

    @property
    def empty(self) -> bool:
        return not (self.users or self.kubernetes or self.cloudformation)

    def as_json(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "from": self.before,
            "to": self.after,
            "users": [change.as_json() for change in self.users],
            "kubernetes": [change.as_json() for change in self.kubernetes],
            "cloudformation": [change.as_json() for change in self.cloudformation],
            "notes": self.notes,
        }


def compare(
    project: Project, name: str, old: Side, new: Side, place: "AwsAccount | None" = None
) -> Diff:
    """With `place`, objects and resources are compared with what is deployed there.

    Starts Node where the two differ. Raises CannotRender; with `place`, StepError and botocore's
    errors.
    """
    elsewhere = [side for side in (old, new) if _has_other_code(project, side)]
    same = old.environment == new.environment and not elsewhere and not place
    if same or not project.specs[name].has_cluster:
        return Diff(name, old.name, new.name, users(old, new), [], [])
    first, then = _rendered(project, name, elsewhere, (NOWHERE if place else old, new))
    notes = _notes(project, old, new)
    if place:
        first = Rendered.of_resources(deployed(place, map(place.stack, STACKS)))
        notes.append("Kubernetes and CloudFormation are compared with what is deployed")
    return Diff(
        name,
        old.name,
        new.name,
        users(old, new),
        things(first.kubernetes, then.kubernetes),
        things(first.cloudformation, then.cloudformation),
        notes,
    )


def _rendered(
    project: Project, name: str, elsewhere: list[Side], both: tuple[Side, Side]
) -> list[Rendered]:
    """Others begin, in processes of their own, before this one goes on."""
    works = {s.name: Elsewhere(s.code, name) for s in elsewhere if s.code and s.environment}
    here = {s.name: rendered(project.root, s.environment) for s in both if s.name not in works}
    done = here | {side: work.result() for side, work in works.items()}
    return [done[side.name] for side in both]


def _has_other_code(project: Project, side: Side) -> bool:
    return side.code is not None and is_other_code(project.root, side.code)


def _notes(project: Project, old: Side, new: Side) -> list[str]:
    """What is shown differs from what was made then, and from what will be deployed."""
    here = code_digest(project.root)
    releases = [(side, side.environment.release) for side in (old, new) if side.environment]
    return [
        f"{release.version} was frozen with other code; it is shown as this code renders it"
        for side, release in releases
        if release and release.code != here and not side.code
    ]
