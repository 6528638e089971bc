"""`slipway diff` on a terminal, in Markdown, or as JSON."""

from typing import TYPE_CHECKING

from rich.console import Console

from slipway.cli.app import bad_input, fail, print_json
from slipway.facts import HUB_STACK, WORKING_TREE
from slipway.model import Project
from slipway.release.diff.compare import Diff, compare
from slipway.release.diff.inputs import inputs
from slipway.release.diff.rendered import CannotRender
from slipway.release.diff.text import to_markdown, to_terminal
from slipway.release.releases import existing
from slipway.steps import StepError

if TYPE_CHECKING:
    from slipway.aws.account import AwsAccount


def show(
    project: Project,
    name: str,
    before: str | None,
    after: str | None,
    *,
    on_aws: bool,
    markdown: bool,
    as_json: bool,
) -> None:
    """Raises InvalidProject, and typer's exits."""
    if on_aws and not project.specs[name].on_aws:
        raise bad_input(f"{name} is not on AWS: leave --aws out")
    found = _compared(project, name, before, after, on_aws=on_aws)
    if as_json:
        print_json(found.as_json())
    elif markdown:
        print(to_markdown(found))
    else:
        to_terminal(found, Console(highlight=False))


def _compared(
    project: Project, name: str, before: str | None, after: str | None, *, on_aws: bool
) -> Diff:
    try:
        place = _place(project, name) if on_aws else None
        if place and before is None:
            before = _deployed(project, place) or project.specs[name].release
        with inputs(project, name, before, after) as (old, new):
            return compare(project, name, old, new, place)
    except CannotRender as error:
        raise fail(f"{before} cannot be rendered by its own code: {error}") from None
    except StepError as error:
        raise fail(error) from None
    except Exception as error:
        # Only --aws imports botocore, which takes long.
        if not type(error).__module__.startswith("botocore."):
            raise
        raise fail(f"AWS: {error}") from None


def _place(project: Project, name: str) -> "AwsAccount":
    from slipway.aws.account import AwsAccount

    return AwsAccount(project.environment(name))


def _deployed(project: Project, place: "AwsAccount") -> str | None:
    """The release that runs, if it is one of the project's."""
    from slipway.release.promotion.deployed import deployed_stack, release_of

    place.check()
    stack = deployed_stack(place, HUB_STACK)
    version = release_of(stack) if stack else None
    return version if version in (*existing(project.root), WORKING_TREE) else None
