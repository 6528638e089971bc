"""`slipway status` says what it can find out, and what it cannot, in a bounded time."""

import fcntl
import json
import socket
from contextlib import closing
from typing import Any

import pytest

from tests.promotion.conftest import Case
from tests.support.local import ROOT


def rows(case: Case, *arguments: str) -> dict[str, dict[str, Any]]:
    answer = case.slipway("status", "--json", *arguments)
    assert answer.returncode == 0, answer.stderr
    return {row["environment"]: row for row in json.loads(answer.stdout)["environments"]}


def test_what_is_pinned_runs_and_was_tested(case: Case):
    found = rows(case)
    dev = found["dev"]
    assert (dev["pinned"], dev["deployed"], dev["in_order"]) == ("1.0.0", "1.0.0", True)
    assert dev["smoke"]["ok"]
    assert dev["problems"] == []
    assert found["prod"]["smoke"] is None


def test_what_runs_is_not_what_is_pinned(case: Case):
    case.runs("0.9.0")
    assert rows(case)["dev"]["deployed"] == "0.9.0"
    assert "0.9.0" in case.slipway("status").stdout


def test_a_cluster_that_refuses_is_said_and_the_rest_is_shown(case: Case):
    case.answers(get={"code": 1, "stdout": "", "stderr": "connection refused\n"})
    dev = rows(case)["dev"]
    assert dev["deployed"] is None
    assert dev["problems"] == ["kubectl: connection refused"]
    assert dev["smoke"]["release"] == "1.0.0"
    assert "dev: kubectl: connection refused" in case.slipway("status").stdout


def test_a_local_environment_runs_as_long_as_it_holds_its_lock(case: Case):
    text = (ROOT / "environments/local.yaml").read_text()
    (case.root / "environments/local.yaml").write_text(text)
    assert rows(case)["local"]["detail"] == "is stopped"
    lock = case.root / ".slipway/hub/lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as held:
        held.write("http://127.0.0.1:1/")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        assert rows(case)["local"]["detail"] == "runs at http://127.0.0.1:1/"


def test_an_account_that_never_answers_keeps_nobody_waiting(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    text = (ROOT / "environments/dev.yaml").read_text()
    (case.root / "environments/away.yaml").write_text(text)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        for name, value in {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
        }.items():
            monkeypatch.setenv(name, value)
        found = rows(case, "--within", "10")
    assert found["away"]["problems"] == ["away did not answer within 10 s"]
    assert found["dev"]["deployed"] == "1.0.0"


def test_no_credentials_are_said_with_what_to_do(case: Case, monkeypatch: pytest.MonkeyPatch):
    text = (ROOT / "environments/dev.yaml").read_text()
    (case.root / "environments/away.yaml").write_text(text)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (problem,) = rows(case)["away"]["problems"]
    assert problem.startswith("away: no credentials for its account 111122223333")
