"""Steps of a long operation, and waiting for something with an end."""

import operator
import time

from slipway.steps import poll


def test_a_poll_ends_with_the_first_answer_that_is_the_last() -> None:
    answers = iter([3, 2, 0, -1])
    assert poll(lambda: next(answers), operator.not_, seconds=60, pause=0) == 0
    assert next(answers) == -1


def test_a_poll_without_time_asks_once_and_does_not_wait() -> None:
    asked: list[int] = []
    began = time.monotonic()
    assert poll(lambda: asked.append(1), bool, seconds=0, pause=60) is None
    assert asked == [1]
    assert time.monotonic() - began < 30


def test_a_poll_whose_time_is_up_gives_the_answer_that_there_is() -> None:
    answers = iter(range(1, 1_000_000))
    assert poll(lambda: next(answers), lambda _: False, seconds=0.05, pause=0.01) > 1
