"""`slipway promote`: gates as they are evaluated, what is copied, what changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from slipway import cli
from slipway.facts import environment_file
from slipway.model import Project, load

if TYPE_CHECKING:
    from slipway.release.promotion.gates import Gate
    from slipway.release.promotion.promote import Promotion, PromotionListener, PromotionRequest
    from slipway.release.promotion.pull_request import PullRequest

PASSED, NOT_PASSED, WAIVED = ("passed", "green"), ("not passed", "red"), ("waived", "yellow")


@cli.command(epilog="Example: slipway promote dev prod --dry-run")
def promote(
    source: Annotated[str, typer.Argument(metavar="FROM", help="Runs the release now.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="Will run it.")],
    dry_run: cli.DryRun = False,
    force: Annotated[
        list[str] | None, typer.Option("--force", metavar="GATE", help="Waive a gate; needs --why.")
    ] = None,
    why: Annotated[
        list[str] | None, typer.Option("--why", metavar="TEXT", help="Why it is waived; recorded.")
    ] = None,
    as_pull_request: Annotated[
        bool,
        typer.Option("--pull-request", help="Print the pull request, or open it where gh is here."),
    ] = False,
    from_profile: cli.AwsProfile = None,
    to_profile: cli.AwsProfile = None,
    project: cli.ProjectFolder = None,
    as_json: cli.Json = False,
) -> None:
    """Let an environment run the release of another: gates, images by digest, pin."""
    from slipway.release.promotion.promote import PromotionRequest

    try:
        waivers = _waivers(force or [], why or [])
    except ValueError as error:
        raise cli.bad_input(error) from None
    request = PromotionRequest(source, target, waivers, dry_run, (from_profile, to_profile))
    loaded = load(cli.project_root(project))
    done = _promote(loaded, request)
    if as_pull_request and done.passed:
        _propose(loaded, done, as_json=as_json)
    else:
        cli.print_result(as_json, done.as_json(), _summary(done, dry_run=dry_run))
    if not done.passed:
        raise cli.fail(_why_not(done))


def _waivers(gates: list[str], reasons: list[str]) -> dict[str, str]:
    """By gate, why it is waived: one reason for all, or one for each. Raises ValueError."""
    reasons = [reason.strip() for reason in reasons]
    if gates and (not reasons or not all(reasons)):
        raise ValueError("--force needs --why TEXT: it is recorded why")
    if reasons and not gates:
        raise ValueError("--why needs --force GATE: a gate that it is about")
    if len(reasons) not in (0, 1, len(gates)):
        raise ValueError("give one --why for all, or one for each --force")
    if len(reasons) == 1:
        reasons *= len(gates)
    return dict(zip(gates, reasons, strict=True))


def _promote(project: Project, request: "PromotionRequest") -> "Promotion":
    from slipway.release.promotion.gates import CannotWaive
    from slipway.release.promotion.promote import promote

    try:
        with resumable(), _progress() as listener:
            return promote(project, request, listener)
    except CannotWaive as error:
        raise cli.bad_input(error) from None


def _propose(project: Project, done: "Promotion", *, as_json: bool) -> None:
    """Open a pull request where this machine can, and print it."""
    from slipway.release.promotion import pull_request

    request, file = pull_request.pull_request(done), environment_file(done.target)
    url = _open_if_possible(project, done, request)
    if as_json:
        more = {"content": pull_request.content(project.root, file), "url": url}
        cli.print_json(done.as_json() | {"pull_request": request.as_json() | more})
    else:
        text = f"branch: {request.branch}\ntitle: {request.title}\n\n{request.body}"
        cli.print_text(text, end="")


def _open_if_possible(project: Project, done: "Promotion", request: "PullRequest") -> str | None:
    """The pull request's address, if this machine can open one."""
    from slipway.release.promotion import pull_request

    if not done.pinned or not pull_request.can_open(project.root):
        return None
    try:
        return pull_request.open_with_gh(project.root, request, environment_file(done.target))
    except pull_request.CannotOpen as error:
        cli.console.print(Text(f"not opened, {error}", "yellow"), soft_wrap=True)
        return None


@contextmanager
def resumable() -> Iterator[None]:
    """Print what a registry, AWS, another program or Ctrl-C ends as one line, and exit with 1."""
    from slipway.images.oci.descriptors import ImageError
    from slipway.release.pin import PinError

    try:
        with cli.errors_as_messages(ImageError, PinError):
            yield
    except KeyboardInterrupt:
        raise cli.fail("stopped; run this again, it goes on where it was") from None


@contextmanager
def _progress() -> Iterator["PromotionListener"]:
    """A bar where there is a terminal; gates, as lines, everywhere."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from slipway.release.promotion.promote import PromotionListener

    columns = (TextColumn("copying"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=cli.console, disable=not cli.console.is_terminal) as bar:
        task = bar.add_task("copying", total=None, visible=False)
        yield PromotionListener(
            gate=lambda gate: cli.console.print(_line(gate), soft_wrap=True),
            expected=lambda size: bar.update(task, total=size, visible=size > 0),
            copied=lambda size: bar.advance(task, size),
        )


def _line(gate: "Gate") -> Text:
    word, style = PASSED if gate.ok else NOT_PASSED if gate.waived is None else WAIVED
    because = f" ({gate.waived})" if gate.waived is not None else ""
    return Text.assemble((f"{word:11}", style), f"{gate.name}: {gate.detail}{because}")


def _summary(done: "Promotion", *, dry_run: bool) -> str:
    images = [
        f"{image.name}: {image.copied_blobs} blobs copied, {image.skipped_blobs} there, "
        f"{image.bytes / 1e6:.1f} MB"
        for image in done.images
    ]
    change = done.diff or [f"{done.target} pins {done.release} already"]
    change = [*change, *(f"users: {text}" for text in done.users)]
    if dry_run:
        return "\n".join([*change, "nothing was copied or changed: --dry-run"])
    if not done.pinned:
        return f"{done.target} stays at {done.previous}"
    ends = [
        f"{done.target} pins {done.release} now; recorded in {done.record}",
        f"next: {commit_and_deploy(done.target)}",
    ]
    return "\n".join([*images, *change, *ends])


def commit_and_deploy(environment: str) -> str:
    """What comes after a pin was set, in words."""
    return (
        f"commit {environment_file(environment)}, then `slipway checkout {environment}` says "
        "how to deploy it"
    )


def _why_not(done: "Promotion") -> str:
    closed = [gate.name for gate in done.gates if not gate.lets_pass]
    have = "has" if len(closed) == 1 else "have"
    return (
        f"not promoted, as {' and '.join(closed)} {have} not passed; "
        "mend that, or say --force GATE --why TEXT, which is recorded"
    )
