"""A promotion that is killed at any point changes nothing, and the next one finishes it."""

import random
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from slipway.images.registry.reference import Reference
from slipway.images.registry.registry import Registry
from tests.promotion.conftest import Case, make_case
from tests.promotion.test_copy import read_back
from tests.support.registry import Front

KILLS = 20
SLOW = 0.05
"""Seconds that every request to the target takes: a copy takes long enough to be killed in it."""


def slowly(front: Front) -> None:
    def fault(_: object) -> bool:
        time.sleep(SLOW)
        return False

    front.fault = fault


def pinned_means_all_is_there(case: Case) -> None:
    if case.pinned("prod") == "working-tree":
        return
    for name, image in case.images.items():
        reference = Reference.parse(f"{case.prod}/{name}:1.0.0")
        with Registry(reference) as registry:
            assert registry.digest(reference) == image.digest


@pytest.mark.slow
def test_killed_again_and_again_it_ends_with_all_of_it(tmp_path: Path, dev: str, prod: str):
    front = Front(prod)
    slowly(front)
    case = make_case(tmp_path / "project", dev, front.host, "killed", sizes=(9_000,) * 12)
    before, moments = case.file("prod"), random.Random(6)
    command = case.command("promote", "dev", "prod", "--force", "scan", "--why", "none here")
    killed = 0
    while killed < KILLS:
        # From its first request to the target on: before that there is nothing to interrupt.
        seen, wait = len(front.requests), moments.uniform(0, 0.25)
        process = subprocess.Popen(
            command,
            env=case.variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while len(front.requests) == seen and process.poll() is None:
            time.sleep(0.005)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        pinned_means_all_is_there(case)
        killed += 1
    answer = case.promote()
    assert answer.returncode == 0, answer.stderr
    for name, image in case.images.items():
        read_back(prod, f"killed/slipway/{name}", case.store, image)
    assert case.file("prod") == before.replace("working-tree", "1.0.0")
    left = [file.name for file in (case.root / "environments").iterdir()]
    assert sorted(name for name in left if not name.startswith(".")) == ["dev.yaml", "prod.yaml"]
    front.close()


def test_of_two_at_once_both_end_well_or_one_says_why(case: Case):
    ready = threading.Barrier(2)

    def promote(_: int) -> subprocess.CompletedProcess[str]:
        ready.wait()
        return case.promote()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(promote, range(2)))
    assert case.pinned("prod") == "1.0.0"
    assert any(answer.returncode == 0 for answer in answers)
    for answer in answers:
        if answer.returncode:
            assert "was changed by somebody else in the meantime" in answer.stderr
