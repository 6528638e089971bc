"""`slipway promote` on a terminal: gates as they are evaluated, what is copied, what changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.text import Text

from slipway.cli.app import bad_input, fail, print_json
from slipway.facts import environment_file
from slipway.images.oci.descriptors import ImageError
from slipway.model import Project, load
from slipway.release.pin import PinError
from slipway.release.promotion import pull_request
from slipway.release.promotion.gates import CannotWaive, Gate
from slipway.release.promotion.promote import (
    Promotion,
    PromotionListener,
    PromotionRequest,
    promote,
)
from slipway.steps import StepError

console = Console(stderr=True, highlight=False)
OPEN, SHUT, WAIVED = ("passed", "green"), ("not passed", "red"), ("waived", "yellow")


def run(root: Path, request: PromotionRequest, *, as_pull_request: bool, as_json: bool) -> None:
    """Exits with 1 when a gate is shut or something went wrong, with 2 on bad input."""
    project = load(root)
    try:
        with errors_shown(), _progress() as listener:
            done = promote(project, request, listener)
    except CannotWaive as error:
        raise bad_input(error) from None
    fields = done.as_json()
    opened = pull_request.pull_request(done) if as_pull_request and done.passed else None
    if opened:
        fields["pull_request"] = opened.as_json() | {
            "content": pull_request.content(project.root, environment_file(done.target)),
            "url": _open(project, done, opened),
        }
    if as_json:
        print_json(fields)
    elif opened:
        print(f"branch: {opened.branch}\ntitle: {opened.title}\n\n{opened.body}", end="")
    else:
        print(_summary(done, request))
    if not done.passed:
        raise fail(_shut(done))


def _open(project: Project, done: Promotion, request: pull_request.PullRequest) -> str | None:
    """The pull request's address, if this machine can open one."""
    if not done.pinned or not pull_request.can_open(project.root):
        return None
    try:
        return pull_request.open_with_gh(project.root, request, environment_file(done.target))
    except pull_request.CannotOpen as error:
        console.print(Text(f"not opened, {error}", "yellow"), soft_wrap=True)
        return None


@contextmanager
def errors_shown() -> Iterator[None]:
    """What a registry, AWS or another program says, as one line and not as a traceback."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise fail(f"AWS: {error}; run this again, it goes on where it was") from None
    except (ImageError, PinError, StepError) as error:
        raise fail(error) from None
    except OSError as error:
        raise fail(f"{error.filename or 'the disk'}: {error.strerror}") from None
    except KeyboardInterrupt:
        raise fail("stopped; run this again, it goes on where it was") from None


@contextmanager
def _progress() -> Iterator[PromotionListener]:
    """A bar where there is a terminal; gates, as lines, everywhere."""
    columns = (TextColumn("copying"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("copying", total=None, visible=False)
        yield PromotionListener(
            gate=lambda gate: console.print(_line(gate), soft_wrap=True),
            expected=lambda size: bar.update(task, total=size, visible=size > 0),
            copied=lambda size: bar.advance(task, size),
        )


def _line(gate: Gate) -> Text:
    word, style = OPEN if gate.ok else SHUT if gate.waived is None else WAIVED
    because = f" ({gate.waived})" if gate.waived is not None else ""
    return Text.assemble((f"{word:11}", style), f"{gate.name}: {gate.detail}{because}")


def _summary(done: Promotion, request: PromotionRequest) -> str:
    images = [
        f"{image.name}: {image.copied_blobs} blobs copied, {image.skipped_blobs} there, "
        f"{image.bytes / 1e6:.1f} MB"
        for image in done.images
    ]
    change = done.diff or [f"{done.target} pins {done.release} already"]
    change = [*change, *(f"users: {text}" for text in done.users)]
    if request.dry_run:
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


def _shut(done: Promotion) -> str:
    shut = [gate.name for gate in done.gates if not gate.open]
    return (
        f"not promoted, as {' and '.join(shut)} {'has' if len(shut) == 1 else 'have'} not passed; "
        "mend that, or say --force GATE --why TEXT, which is recorded"
    )


def waivers(gates: list[str], reasons: list[str]) -> dict[str, str]:
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
