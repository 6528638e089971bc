"""Checks of a run: their verdicts, what was seen, how long each took."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    ENFORCED = "enforced"
    NOT_ENFORCED = "not enforced"
    NOT_APPLICABLE = "not applicable"


RED = (Verdict.FAILED, Verdict.NOT_ENFORCED)


class Failure(Exception):  # noqa: N818 - a verdict
    """It does not do what it should. The message names the culprit."""

    verdict = Verdict.FAILED


class NotEnforced(Failure):
    """Something is reachable or allowed that must not be."""

    verdict = Verdict.NOT_ENFORCED


class NotApplicable(Exception):  # noqa: N818 - a verdict
    """There is nothing to try here; the message says why."""

    verdict = Verdict.NOT_APPLICABLE


@dataclass(frozen=True)
class Check:
    name: str
    verdict: Verdict
    detail: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.verdict:<14} {self.seconds:6.1f} s  {self.name}: {self.detail}"


@dataclass
class Checks:
    """What was tried so far. `say` gets a line for each."""

    say: Callable[[str], None]
    done: list[Check] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return bool(self.done) and not any(check.verdict in RED for check in self.done)

    async def run(
        self,
        name: str,
        attempt: Awaitable[str],
        within: float = 120,
        good: Verdict = Verdict.PASSED,
    ) -> bool:
        """Try one thing for at most `within` seconds; `attempt` returns what was seen.

        True unless the verdict is red. Any error makes the check fail: green is only what was seen.
        """
        began = time.monotonic()
        limit = asyncio.timeout(within)
        try:
            async with limit:
                verdict, detail = good, await attempt
        except (Failure, NotApplicable) as why:
            verdict, detail = why.verdict, str(why)
        except TimeoutError as error:
            seen = f"nothing within {within:.0f} s" if limit.expired() else str(error)
            verdict, detail = Verdict.FAILED, seen or "it did not answer in time"
        except Exception as error:
            # A broken answer is a finding, and not the end of the run.
            verdict, detail = Verdict.FAILED, f"{type(error).__name__}: {error}"
        self._add(Check(name, verdict, detail, round(time.monotonic() - began, 1)))
        return verdict not in RED

    def skip(self, name: str, why: str) -> None:
        """There is nothing to try."""
        self._add(Check(name, Verdict.NOT_APPLICABLE, why, 0.0))

    def _add(self, check: Check) -> None:
        self.done.append(check)
        self.say(str(check))
