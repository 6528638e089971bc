"""What the hub's log says of servers that have started."""

import inspect
import io
import json
import logging

import pytest
from jupyterhub import user
from jupyterhub.handlers import base
from slipway_hub import start_times


@pytest.fixture
def said() -> tuple[logging.Logger, io.StringIO]:
    stream, logger = io.StringIO(), logging.Logger("hub", logging.INFO)
    logger.addFilter(start_times.StartTimes(stream))
    return logger, stream


def test_a_started_server_is_a_line_of_json(said: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = said
    logger.info(start_times.STARTED, "ada:vscode", 12.34567)
    line = json.loads(stream.getvalue())
    assert line == {"event": "server-started", "seconds": 12.346}
    assert "ada" not in stream.getvalue()


def record(pathname: str, message: str) -> logging.LogRecord:
    return logging.LogRecord("hub", logging.WARNING, pathname, 1, message, (), None)


@pytest.mark.parametrize("text", start_times.FAILED)
def test_a_failed_start_is_a_line_of_json_wherever_else_its_words_stand(
    said: tuple[logging.Logger, io.StringIO], text: str
) -> None:
    logger, stream = said
    logger.handle(record(user.__file__, f"ada's server: {text} after 60 s"))
    assert json.loads(stream.getvalue()) == {"event": "server-failed"}
    # A stranger's name at the login, or an address.
    logger.handle(record(base.__file__, f"Failed login for '{text}'"))
    logger.handle(record("/x/user.py", f"GET /hub/{text}"))
    assert stream.getvalue().count("\n") == 1


def test_all_else_is_left_alone(
    said: tuple[logging.Logger, io.StringIO], caplog: pytest.LogCaptureFixture
) -> None:
    logger, stream = said
    logger.addHandler(caplog.handler)
    logger.info("User %s logged in", "ada")
    logger.info("no arguments")
    logger.info("%(a)s", {"a": 1})
    assert stream.getvalue() == ""
    assert [record.getMessage() for record in caplog.records] == [
        "User ada logged in",
        "no arguments",
        "1",
    ]


def test_jupyterhub_still_says_it_in_these_words() -> None:
    assert start_times.STARTED in inspect.getsource(base)
    for text in start_times.FAILED:
        assert text in inspect.getsource(user)
    assert user.User.log.name in (*start_times.LOGGERS, "tornado.application")
