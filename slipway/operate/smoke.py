"""`slipway smoke` of a recreated environment, if this machine can reach it."""

import json
import subprocess
import sys
import time
from pathlib import Path

import httpx

from slipway import facts
from slipway.aws import cloudformation
from slipway.aws.account import AwsAccount
from slipway.smoke.report import RED
from slipway.steps import StepError

REACHABLE_SECONDS = 300
"""What a new load balancer and its DNS name may take."""
TIMEOUT = 3600
NOTHING_TO_TRY = 2


def smoke(aws: AwsAccount, root: Path) -> str:
    """The result in words. Raises StepError when a check is red."""
    again = f"run `slipway smoke {aws.name}` from where it can be"
    if cloudformation.is_emulated(aws):
        return "not tried: no pod runs in an emulator"
    domain = aws.spec.domain
    url = f"https://{domain}" if domain else cloudformation.output(aws, facts.HUB_STACK, "Url")
    if not _is_reachable(url, REACHABLE_SECONDS if domain else 0):
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
            timeout=TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        raise StepError(f"slipway smoke did not end within {TIMEOUT // 60} minutes") from None
    if done.returncode == NOTHING_TO_TRY:
        return f"not tried: {_last(done.stderr)}; {again}"
    return _result(done.stdout, done.stderr)


def _result(stdout: str, stderr: str) -> str:
    try:
        report = json.loads(stdout)
        red = [check["name"] for check in report["checks"] if check["verdict"] in RED]
    except (ValueError, KeyError, TypeError):
        raise StepError(f"slipway smoke: {_last(stderr)}") from None
    if not report["ok"]:
        raise StepError(f"red: {', '.join(red[:5]) or _last(stderr)}")
    return f"{len(report['checks'])} checks passed"


def _is_reachable(url: str, seconds: float) -> bool:
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
    return (text.strip().splitlines() or ["it printed nothing"])[-1]
