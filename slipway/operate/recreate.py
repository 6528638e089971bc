"""`slipway recreate`: deploys again what a teardown took, and shows that nothing is missing."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from slipway import facts
from slipway.aws import retained_data
from slipway.aws.account import DISPOSABLE, LONG_LIVED, AwsAccount
from slipway.aws.cluster import kubectl
from slipway.operate.smoke import smoke
from slipway.operate.teardown import OperationReport, report
from slipway.steps import StepError, Steps


def recreate(aws: AwsAccount, root: Path, steps: Steps) -> OperationReport:
    """`root` is the project's folder. Raises StepError at the first step that fails.

    The hub restores its own database when its volume is empty: `slipway_hub.database`.
    """
    steps.run("account", aws.check)
    before = retained_data.data(aws)
    steps.run("data", lambda: _there(before))
    steps.run("deploy", lambda: _deploy(aws, root))
    steps.run("hub database", lambda: _snapshot(aws))
    steps.run("the same data", lambda: _same(before, retained_data.data(aws)))
    steps.run("smoke test", lambda: smoke(aws, root))
    found = report(aws, steps.done)
    # What stands again is no leftover.
    return OperationReport(steps.done, gone=[], kept=found.kept, leftovers=[])


def _there(data: retained_data.Data) -> str:
    if data.file_system is None:
        raise StepError("this environment has no data here: deploy it with cdk deploy")
    return _in_words(data)


def _deploy(aws: AwsAccount, root: Path) -> str:
    stacks = [f"{aws.name}/{short}" for short in (*LONG_LIVED, *reversed(DISPOSABLE))]
    command = [str(Path(sys.executable).with_name("cdk")), "deploy", f"{aws.name}/*"]
    done = subprocess.run(
        [*command, "-c", f"env={aws.name}", "--require-approval", "never", "--no-notices"],
        cwd=root,
        env=dict(aws.variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StepError("\n".join((done.stdout + done.stderr).strip().splitlines()[-12:]))
    return f"{len(stacks)} stacks"


def _snapshot(aws: AwsAccount) -> str:
    """What the hub has now, written where it can be counted."""
    namespace = ("--namespace", aws.spec.namespace, "-c", facts.HUB)
    done = kubectl(
        aws,
        *("exec", f"deployment/{facts.HUB}", *namespace),
        *("--", "slipway-hub", "snapshot", "--occasion", "manual"),
    )
    if done is None:
        raise StepError("there is no cluster")
    return "saved"


def _same(before: retained_data.Data, after: retained_data.Data) -> str:
    if not before.is_kept_in(after, datetime.now(UTC)):
        raise StepError(f"before: {_in_words(before)}; now: {_in_words(after)}")
    return _in_words(after)


def _in_words(data: retained_data.Data) -> str:
    return (
        f"homes {data.file_system}, {len(data.recovery_points)} recovery points, "
        f"{data.snapshots} snapshots, {data.users} users"
    )
