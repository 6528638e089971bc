"""`slipway recreate`: deploys what a teardown deleted, and checks the data and the hub."""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from slipway import facts
from slipway.aws import cloudformation, retained_data
from slipway.aws.account import AwsAccount
from slipway.aws.retained_data import Data
from slipway.operate import hub
from slipway.operate.teardown import OperationReport
from slipway.release.records import OperationRecord, record_store
from slipway.smoke.report import RED
from slipway.smoke.run import run as run_smoke
from slipway.smoke.targets import NoHubError, smoke_target
from slipway.steps import StepError, Steps, poll

REACHABLE_SECONDS = 300
"""What a new load balancer and its DNS name may take."""


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
    return str(data)


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
    return f"{len(cloudformation.existing(aws, facts.STACKS))} stacks"


def _snapshot(aws: AwsAccount) -> str:
    """Save the database that the hub has now, so that its users can be counted."""
    if not hub.snapshot(aws, "manual"):
        raise StepError("there is no hub")
    return "saved"


def _compare(before: Data, after: Data) -> str:
    if not before.is_kept_in(after, datetime.now(UTC)):
        raise StepError(f"before: {before}; now: {after}")
    return str(after)


def smoke(aws: AwsAccount, root: Path) -> str:
    """`slipway smoke`, recorded, if this machine can reach the hub: the result in words.

    Raises StepError when a check is red.
    """
    if cloudformation.is_emulated(aws):
        return "not tried: no pod runs in an emulator"
    again = f"run `slipway smoke {aws.name}` from where it can be"
    domain = aws.spec.domain
    url = f"https://{domain}" if domain else cloudformation.output(aws, facts.HUB_STACK, "Url")
    if not poll(lambda: _answers(url), bool, REACHABLE_SECONDS if domain else 0, 5):
        return f"not tried: {url} cannot be reached from here; {again}"
    try:
        with smoke_target(aws.environment, root, url, None) as target:
            result = asyncio.run(run_smoke(aws.environment, target, lambda line: None, []))
    except NoHubError as error:
        return f"not tried: {error}; {again}"
    record_store(root, aws.environment, aws).add(
        OperationRecord(
            "smoke", aws.name, result["release"], datetime.now(UTC), result["ok"], result
        )
    )
    return _result(result)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/hub/health", timeout=10).is_success
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


def _result(result: dict[str, Any]) -> str:
    red = [check["name"] for check in result["checks"] if check["verdict"] in RED]
    if not result["ok"]:
        raise StepError(f"red: {', '.join(red[:5])}")
    return f"{len(result['checks'])} checks passed"
