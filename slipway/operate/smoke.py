"""`slipway smoke` of an environment that stands again, if it can be reached from here."""

import json
import subprocess
import sys
import time
from pathlib import Path

import httpx

from slipway.aws import cloudformation
from slipway.aws.account import AwsAccount
from slipway.smoke.report import RED
from slipway.steps import StepError

PATIENCE = 300
"""Seconds that a new load balancer and its name need until they are known."""
LONGEST = 3600
NOTHING_TO_TRY = 2


def smoke(aws: AwsAccount, root: Path) -> str:
    """What came out, in words. Raises StepError when something is red."""
    again = f"run `slipway smoke {aws.name}` from where it can be"
    if cloudformation.is_emulated(aws):
        return "not tried: no pod runs in an emulator"
    if not _answers(url := _url(aws), PATIENCE if aws.spec.domain else 0):
        return f"not tried: {url} cannot be reached from here; {again}"
    command = [str(Path(sys.executable).with_name("slipway")), "smoke", aws.name]
    try:
        done = subprocess.run(
            [*command, "--json", "--project", str(root)],
            env=dict(aws.variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST,
        )
    except subprocess.TimeoutExpired:
        raise StepError(f"slipway smoke did not end within {LONGEST // 60} minutes") from None
    if done.returncode == NOTHING_TO_TRY:
        return f"not tried: {_last(done.stderr)}; {again}"
    return _outcome(done.stdout, done.stderr)


def _outcome(printed: str, said: str) -> str:
    try:
        found = json.loads(printed)
        red = [c["name"] for c in found["checks"] if c["verdict"] in RED]
    except (ValueError, KeyError, TypeError):
        raise StepError(f"slipway smoke: {_last(said)}") from None
    if not found["ok"]:
        raise StepError(f"red: {', '.join(red[:5]) or _last(said)}")
    return f"{len(found['checks'])} checks passed"


def _url(aws: AwsAccount) -> str:
    if aws.spec.domain:
        return f"https://{aws.spec.domain}"
    found = aws.client("cloudformation").describe_stacks(StackName=aws.stack("hub"))
    outputs = found["Stacks"][0].get("Outputs", [])
    return next((one["OutputValue"] for one in outputs if one["OutputKey"] == "Url"), "")


def _answers(url: str, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while True:
        try:
            if httpx.get(f"{url}/hub/health", timeout=10).is_success:
                return True
        except (httpx.HTTPError, httpx.InvalidURL):
            pass
        if time.monotonic() > end:
            return False
        time.sleep(5)


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1]
