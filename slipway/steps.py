"""Long operations as a list of named steps, each with its time."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

Say = Callable[[str], None]
Answer = TypeVar("Answer")


class StepError(Exception):
    """A step failed; the message says why and what to do."""


@dataclass(frozen=True)
class Step:
    name: str
    ok: bool
    seconds: float
    detail: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        mark = "ok    " if self.ok else "FAILED"
        return f"{mark} {self.seconds:6.1f} s  {self.name}: {self.detail}"


@dataclass
class Steps:
    """The steps of an operation so far. `say` is called with a line per finished step."""

    say: Say
    done: list[Step] = field(default_factory=list)

    def run(self, name: str, action: Callable[[], str]) -> None:
        """Do one step: `action` returns what it did, in a few words. Raises what it raises."""
        started = time.monotonic()
        try:
            detail, ok = action(), True
        except StepError as error:
            detail, ok = str(error), False
            raise
        except BaseException as error:
            detail, ok = f"{type(error).__name__}: {error}", False
            raise
        finally:
            step = Step(name, ok, round(time.monotonic() - started, 1), detail)
            self.done.append(step)
            self.say(str(step))

    @property
    def ok(self) -> bool:
        return all(step.ok for step in self.done)


def poll(
    ask: Callable[[], Answer], is_last: Callable[[Answer], bool], seconds: float, pause: float
) -> Answer:
    """The first answer that `is_last`, or the one that there is after `seconds`.

    It is asked once at least, with `pause` seconds in between.
    """
    end = time.monotonic() + seconds
    while not is_last(answer := ask()) and time.monotonic() < end:
        time.sleep(pause)
    return answer
