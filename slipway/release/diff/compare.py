"""The three parts of a diff together."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slipway.facts import STACKS
from slipway.model import Project
from slipway.release.diff.changes import ObjectChange, UserChange, object_changes
from slipway.release.diff.cloudformation import deployed
from slipway.release.diff.inputs import NOTHING, DiffInput
from slipway.release.diff.rendered import RenderedEnvironment, RenderProcess, rendered
from slipway.release.diff.users import user_changes

if TYPE_CHECKING:
    from slipway.aws.account import AwsAccount


@dataclass(frozen=True)
class Diff:
    """What changes between two states of an environment, for users and in what is deployed."""

    environment: str
    before: str
    after: str
    users: list[UserChange]
    kubernetes: list[ObjectChange]
    cloudformation: list[ObjectChange]
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
    project: Project,
    name: str,
    old: DiffInput,
    new: DiffInput,
    aws: "AwsAccount | None" = None,
) -> Diff:
    """With `aws`, objects and resources are compared with what is deployed there.

    Starts Node where the two differ. Raises CannotRender; with `aws`, StepError and botocore's
    errors.
    """
    same = old.environment == new.environment and not (old.code or new.code or aws)
    if same or not project.specs[name].has_cluster:
        return Diff(name, old.name, new.name, user_changes(old, new), [], [])
    first, then = _rendered(project, name, NOTHING if aws else old, new)
    notes = [one.note for one in (old, new) if one.note]
    if aws:
        first = RenderedEnvironment.of_resources(deployed(aws, map(aws.stack, STACKS)))
        notes.append("Kubernetes and CloudFormation are compared with what is deployed")
    return Diff(
        name,
        old.name,
        new.name,
        user_changes(old, new),
        object_changes(first.kubernetes, then.kubernetes),
        object_changes(first.cloudformation, then.cloudformation),
        notes,
    )


def _rendered(
    project: Project, name: str, old: DiffInput, new: DiffInput
) -> tuple[RenderedEnvironment, RenderedEnvironment]:
    """Other commits' processes start before this one renders."""
    first, then = (
        RenderProcess(project.root, one.code, name) if one.code and one.environment else None
        for one in (old, new)
    )
    here = [
        None if process else rendered(project.root, one.environment)
        for process, one in ((first, old), (then, new))
    ]
    before = first.result() if first else here[0]
    after = then.result() if then else here[1]
    assert before
    assert after
    return before, after
