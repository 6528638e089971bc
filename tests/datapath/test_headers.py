"""Which headers pass, as far as no server is needed to see it."""

import pytest
from slipway_datapath.headers import (
    end_to_end,
    rewritten_location,
    without_credentials,
    without_token,
)


@pytest.mark.parametrize(
    ("cookies", "kept"),
    [
        ("a=1; jupyterhub-user-jo=x; b=2", "a=1; b=2"),
        ("jupyterhub-session-id=x", None),
        ("_xsrf=x; my_xsrf=y", "my_xsrf=y"),
        ("username-localhost-8888=x;a=1", "a=1"),
        ("own-name=x; a=1", "a=1"),
        ('a="1; 2"; b', 'a="1; 2"; b'),
    ],
)
def test_cookies_of_the_hub_and_the_server_are_left_out(cookies: str, kept: str | None):
    passed = without_credentials([("Cookie", cookies)], "own-name", False)
    assert passed == ([("Cookie", kept)] if kept else [])


@pytest.mark.parametrize(
    ("value", "by_token", "passes"),
    [
        ("token abc", False, False),
        ("TOKEN abc", False, False),
        ("Bearer abc", True, False),
        ("Bearer abc", False, True),
        ("Basic abc", False, True),
    ],
)
def test_a_token_of_jupyters_is_left_out(value: str, by_token: bool, passes: bool):
    assert bool(without_credentials([("Authorization", value)], "", by_token)) == passes


@pytest.mark.parametrize(
    ("query", "rest"),
    [("token=a", ""), ("a=1&token=b&c=2", "a=1&c=2"), ("mytoken=1&token", "mytoken=1")],
)
def test_a_token_in_a_query_is_left_out(query: str, rest: str):
    assert without_token(query) == rest


def test_what_connection_names_is_of_one_connection():
    fields = [
        ("Connection", "close, X-A"),
        ("X-a", "1"),
        ("X-B", "2"),
        ("Connection", "x-b"),
        ("C", ""),
    ]
    assert end_to_end(fields) == [("C", "")]


CONTEXT, BASE = "/user/jo/app", "/user/jo/"


@pytest.mark.parametrize(
    ("location", "rewritten"),
    [
        ("/x", "/user/jo/app/x"),
        ("/user/jo/app/x", "/user/jo/app/x"),
        ("/user/jo/other/", "/user/jo/other/"),
        ("/user/jogger/", "/user/jo/app/user/jogger/"),
        ("x/y", "x/y"),
        ("?a=1", "?a=1"),
        ("http://hub:8000/x?a=%2F#f", "/user/jo/app/x?a=%2F#f"),
        ("http://hub:8000", "/user/jo/app/"),
        ("//hub:8000/x", "/user/jo/app/x"),
        ("//evil/x", "//evil/x"),
        ("https://elsewhere/x", "https://elsewhere/x"),
        ("vscode://hub:8000/x", "vscode://hub:8000/x"),
    ],
)
def test_redirects_stay_in_the_app(location: str, rewritten: str):
    assert rewritten_location(location, CONTEXT, BASE, {"hub:8000"}) == rewritten


def test_a_server_at_the_root_still_prefixes():
    assert rewritten_location("/x", "/app", "/", set()) == "/app/x"
