"""The order of a rehearsal's steps, and what makes one of them fail. Nothing is emulated here."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from slipway.rehearse import environments, life_cycle, releases
from slipway.rehearse.rehearsal import Rehearsal
from slipway.steps import StepError, Steps

PINNED = "1.0.0"
GATES = [{"name": "release", "ok": True}, {"name": "drift", "ok": False}]


def account(name: str) -> Any:
    return SimpleNamespace(name=name)


def rehearsal(report: dict[str, Any] | None = None, *, second: bool = True) -> Any:
    """One whose commands print `report`, and whose environments pin `PINNED`."""
    commands: list[tuple[Any, ...]] = []

    def slipway(aws: Any, *arguments: str, code: int = 0) -> dict[str, Any]:
        commands.append((aws.name, *arguments, code))
        return report or {}

    project = SimpleNamespace(pinned=lambda name: PINNED, commit=lambda why: None)
    return SimpleNamespace(
        first=account("dev"),
        second=account("prod") if second else None,
        project=project,
        slipway=slipway,
        commands=commands,
    )


def names(monkeypatch: pytest.MonkeyPatch, *, second: bool) -> list[str]:
    """Of the steps, when each does nothing."""

    def nothing(*_: object) -> str:
        return ""

    for module in (environments, releases):
        for name, value in vars(module).items():
            if callable(value) and getattr(value, "__module__", "") == module.__name__:
                monkeypatch.setattr(module, name, nothing)
    steps = Steps(lambda line: None)
    life_cycle.run(cast(Rehearsal, rehearsal(second=second)), steps, [])
    return [step.name for step in steps.done]


def test_two_environments_share_a_life(monkeypatch: pytest.MonkeyPatch) -> None:
    both = names(monkeypatch, second=True)
    assert both.index("release 1.0.0") < both.index("promote 1.0.0") < both.index("rollback dev")
    assert both.index("promote 1.1.0") < both.index("promote 1.2.0") < both.index("teardown dev")
    assert both[-1] == "prod is untouched"


def test_one_environment_is_rehearsed_without_promotions(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = names(monkeypatch, second=False)
    assert "drift" in alone
    assert not [name for name in alone if "promote" in name or "prod" in name]
    assert alone[-1] == "recreate dev"


def test_a_promotion_is_refused_by_the_gates_that_should() -> None:
    on = rehearsal({"gates": GATES, "pinned": False})
    assert releases.refused(on, on.second, {"drift"}) == "by drift: prod stays at 1.0.0"
    assert on.commands == [("prod", "promote", "dev", "prod", 1)]


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda on: releases.refused(on, on.second, {"smoke"}), r"\['smoke'\] were to refuse"),
        (lambda on: releases.rollback(on, "0.9.0"), "dev was to pin 0.9.0 and pins 1.0.0"),
    ],
)
def test_what_comes_out_wrong_fails_its_step(act: Callable[[Any], str], said: str) -> None:
    with pytest.raises(StepError, match=said):
        act(rehearsal({"gates": GATES, "pinned": False}))


def test_a_promotion_that_changed_the_target_was_not_refused() -> None:
    on = rehearsal({"gates": GATES, "pinned": True})
    with pytest.raises(StepError, match=r"prod was to stay at 1\.0\.0"):
        releases.refused(on, on.second, {"drift"})
