"""The three parts of a diff together."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slipway.model import Project
from slipway.release.diff import access, rendered
from slipway.release.diff.changes import ObjectChange, UserChange, object_changes
from slipway.release.diff.inputs import NOTHING, DiffInput
from slipway.release.diff.rendered import RenderedEnvironment
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
    kubernetes: list[ObjectChange] = field(default_factory=list)
    cloudformation: list[ObjectChange] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What the diff does not show."""

    @property
    def empty(self) -> bool:
        return not (self.users or self.kubernetes or self.cloudformation)

    @property
    def deployed(self) -> dict[str, list[ObjectChange]]:
        """The changes of objects, by their heading, where there are any."""
        parts = {"Kubernetes": self.kubernetes, "CloudFormation": self.cloudformation}
        return {heading: changes for heading, changes in parts.items() if changes}

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
    diff = Diff(name, old.name, new.name, user_changes(old, new))
    diff.users.extend(_uncommitted_access(project, name, old, new))
    same = old.environment == new.environment and not (old.code or new.code or aws)
    if same or not project.specs[name].has_cluster:
        return diff
    before, after = _rendered(project, name, NOTHING if aws else old, new)
    diff.notes.extend(state.note for state in (old, new) if state.note)
    if aws:
        before = rendered.deployed(aws)
        _add_access(diff, before, after)
        diff.notes.append("Kubernetes and CloudFormation are compared with what is deployed")
    diff.kubernetes.extend(object_changes(before.kubernetes, after.kubernetes))
    diff.cloudformation.extend(object_changes(before.cloudformation, after.cloudformation))
    return diff


def _uncommitted_access(
    project: Project, name: str, old: DiffInput, new: DiffInput
) -> Iterator[UserChange]:
    """An environment's file that is edited and not committed is on both sides of a comparison of
    releases. Who loses access by it is said nevertheless."""
    auth = project.specs[name].auth
    if all(state.environment and state.environment.spec.auth == auth for state in (old, new)):
        committed = access.at_last_commit(project.root, name)
        if committed:
            yield from access.access_changes(committed, auth)


def _add_access(diff: Diff, before: RenderedEnvironment, after: RenderedEnvironment) -> None:
    """By what is deployed, which no commit here need be."""
    deployed, wanted = (access.in_hub_settings(one.kubernetes) for one in (before, after))
    if deployed and wanted:
        changes = access.access_changes(deployed, wanted)
        diff.users.extend(change for change in changes if change not in diff.users)
    elif before.kubernetes:
        diff.notes.append(
            "who loses access is not said: the deployed hub's login is not known here"
        )


def _rendered(
    project: Project, name: str, old: DiffInput, new: DiffInput
) -> tuple[RenderedEnvironment, RenderedEnvironment]:
    """Processes of other commits' code start before this one renders anything."""
    first, then = (
        rendered.start(project.root, state.code, name) if state.code and state.environment else None
        for state in (old, new)
    )
    # The later state is mostly rendered here, while the code of the earlier one is at work.
    after = rendered.result(then) if then else rendered.render(project.root, new.environment)
    before = rendered.result(first) if first else rendered.render(project.root, old.environment)
    return before, after
