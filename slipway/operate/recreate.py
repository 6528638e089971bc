"""`slipway recreate`: deploys the stacks that a teardown deleted, and checks the data."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from slipway import facts
from slipway.aws import retained_data
from slipway.aws.account import AwsAccount
from slipway.aws.retained_data import Data
from slipway.operate.hub import snapshot
from slipway.operate.smoke import smoke
from slipway.operate.teardown import OperationReport
from slipway.steps import StepError, Steps


def recreate(aws: AwsAccount, root: Path, steps: Steps) -> OperationReport:
    """Deploy the project at `root` again. Raises StepError at the first step that fails.

    The hub restores its database by itself when its volume is empty: `slipway_hub.database`.
    """
    steps.run("account", aws.check)
    before = retained_data.data(aws)
    steps.run("data", lambda: _check_data(before))
    steps.run("deploy", lambda: _deploy(aws, root))
    steps.run("hub database", lambda: _snapshot(aws))
    steps.run("the same data", lambda: _compare(before, retained_data.data(aws)))
    steps.run("smoke test", lambda: smoke(aws, root))
    return OperationReport(steps.done, kept=retained_data.described(aws))


def _check_data(data: Data) -> str:
    if data.file_system is None:
        raise StepError("this environment has no data here: deploy it with cdk deploy")
    return _in_words(data)


def _deploy(aws: AwsAccount, root: Path) -> str:
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
    return f"{len(facts.STACKS)} stacks"


def _snapshot(aws: AwsAccount) -> str:
    """Save the database that the hub has now, so that its users can be counted."""
    if not snapshot(aws, "manual"):
        raise StepError("there is no cluster")
    return "saved"


def _compare(before: Data, after: Data) -> str:
    if not before.is_kept_in(after, datetime.now(UTC)):
        raise StepError(f"before: {_in_words(before)}; now: {_in_words(after)}")
    return _in_words(after)


def _in_words(data: Data) -> str:
    return (
        f"homes {data.file_system}, {len(data.recovery_points)} recovery points, "
        f"{data.snapshots} snapshots, {data.users} users"
    )
