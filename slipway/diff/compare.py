"""The three parts of a diff together."""

from dataclasses import dataclass, field
from typing import Any

from slipway.diff.changes import ForUsers, Thing, things
from slipway.diff.cloudformation import deployed
from slipway.diff.rendered import Elsewhere, is_other_code, rendered
from slipway.diff.sides import Side
from slipway.diff.users import users
from slipway.model import LocalSpec, Project
from slipway.releases.code import code_digest


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


def compare(project: Project, name: str, old: Side, new: Side, *, on_aws: bool = False) -> Diff:
    """`on_aws` compares CloudFormation with what is deployed. Starts Node where the two differ.

    Raises CannotRender; with `on_aws`, StepError and botocore's errors.
    """
    before = "what is deployed" if on_aws else old.name
    elsewhere = [side for side in (old, new) if _has_other_code(project, side)]
    same = old.environment == new.environment and not elsewhere
    if isinstance(project.specs[name], LocalSpec) or (same and not on_aws):
        return Diff(name, before, new.name, users(old, new), [], [])
    # Others begin, in processes of their own, before this one goes on.
    works = {s.name: Elsewhere(s.code, name) for s in elsewhere if s.code and s.environment}
    here = {
        s.name: rendered(project.root, s.environment) for s in (old, new) if s.name not in works
    }
    sides = here | {side: work.result() for side, work in works.items()}
    first, then = sides[old.name], sides[new.name]
    resources = first.cloudformation
    if on_aws and new.environment:
        resources = deployed(new.environment, {stack for stack, _, _ in then.cloudformation})
    return Diff(
        name,
        before,
        new.name,
        users(old, new),
        things(first.kubernetes, then.kubernetes),
        things(resources, then.cloudformation),
        _notes(project, old, new),
    )


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
