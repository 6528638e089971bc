"""From an address in one's own app to a link for everybody."""

from types import SimpleNamespace
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slipway_hub.settings import HubSettings
from slipway_hub.sharing import NotShareable, Sharing

from slipway.settings.hub import kubernetes_settings
from tests.charts.conftest import environment_on_cluster

HOSTS = {"hub.example.org"}


@pytest.fixture(scope="module")
def settings() -> HubSettings:
    return kubernetes_settings(environment_on_cluster("kube"))


def user(name: str = "ada", profile: str | None = "vscode") -> SimpleNamespace:
    options = {"profile": profile} if profile else {}
    return SimpleNamespace(
        url=f"/user/{name}/", spawners={"": SimpleNamespace(user_options=options)}
    )


def link(settings: HubSettings, address: str, who: SimpleNamespace | None = None) -> str:
    return Sharing(settings).link(address, who or user(), HOSTS, "/hub/")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://hub.example.org/user/ada/code/?folder=/data/x", "/code?folder=/data/x"),
        ("https://HUB.example.org:443/user/ada/code/", "/code"),
        ("/user/ada/lab/tree/a%20b.ipynb", "/lab/tree/a%20b.ipynb"),
        ("/user/ada/lab?a=1&b=x%20y", "/lab?a=1&b=x%20y"),
        ("/user/ada/dashboard/page?x=1#top", "/dashboard/page?x=1"),
        ("/user/ada/rstudio-server/rstudio/", "/rstudio"),
        ("/user/ada/rstudio-server/shiny/x/", "/shiny/x/"),
        ("/user/ada/proxy/8080/a?b=c", "/proxy/8080/a?b=c"),
        ("/user/ada/tree/notes", "/hub/user-redirect/tree/notes"),
        ("/user/ada/codex/", "/hub/user-redirect/codex/"),
        ("/user/ada/", "/hub/user-redirect/"),
        ("/user/%61da/code/", "/code"),
    ],
)
def test_an_address_of_the_own_server_becomes_the_routes(
    settings: HubSettings, address: str, expected: str
):
    assert link(settings, address) == expected


def test_a_user_name_that_needs_escaping_is_recognized(settings: HubSettings):
    assert link(settings, "/user/ada%40x.org/code/", user("ada@x.org")) == "/code"
    assert link(settings, "/user/ada@x.org/code/", user("ada%40x.org")) == "/code"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("https://evil.example/user/ada/code/", "not an address of this hub"),
        ("//evil.example/user/ada/code/", "not an address of this hub"),
        ("https://hub.example.org@evil.example/user/ada/code/", "not an address of this hub"),
        ("https://ada:pw@hub.example.org/user/ada/code/", "not an address of this hub"),
        ("https://hub.example.org:8443/user/ada/code/", "not an address of this hub"),
        ("javascript:alert(1)//hub.example.org/user/ada/", "begins with https"),
        ("/user/bob/code/", "not below a server of yours"),
        ("/user/ada2/code/", "not below a server of yours"),
        ("/user", "not below a server of yours"),
        ("/hub/admin", "not below a server of yours"),
        ("/user/ada/../bob/code/", "segments"),
        ("/user/ada/%2e%2e/bob/code/", "segments"),
        ("/user/ada/code/..%2f..%2fbob", "segments"),
        ("/user/ada/code/\\evil", "backslashes"),
        ("/user/ada/code/\nSet-Cookie: x", "control characters"),
        ("/user/ada/code/" + "x" * 5000, "characters"),
        ("https://[", "not an address"),
        ("https://hub.example.org:x/user/ada/", "not an address"),
        ("/user/ada/rstudio-server/tree", "No route leads here"),
        ("/user/ada/oauth_callback?code=1&state=2", "No route leads here"),
        ("  ", "Paste"),
    ],
)
def test_any_other_address_is_refused_with_the_reason(
    settings: HubSettings, address: str, reason: str
):
    with pytest.raises(NotShareable, match=reason):
        link(settings, address)


@pytest.mark.parametrize(
    "secret",
    [
        "token=abc",
        "TOKEN=abc",
        "access_token=abc",
        "_xsrf=abc",
        "%5Fxsrf=abc",
        "%255Fxsrf=abc",
        "tkn=abc",
        "apikey=abc",
        "password=abc",
        "next=/x?token=abc",
        "next=%2Fx%3Ftoken%3Dabc",
        "next=%252Fx%253Ftoken%253Dabc",
        "a=1;token=abc",
        "token",
        "\uff54oken=abc",
        "X-Amz-Credential=abc",
        "AWSAccessKeyId=abc",
        "refreshToken=abc",
        "SAMLResponse=abc",
        "PHPSESSID=abc",
        "sig=abc",
        "code=abc",
        "state=abc",
        "authkey=abc",
        "access-key=abc",
        "otp=123456",
        "x=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x",
        "x=ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "x=0b8a1e52-7f3c-4d0e-9a6b-2c5d8e1f4a7b",
        "x=9f86d081884c7d659a2feaa0c55ad015",
        "x=r4Bm4tOwVuknUcr5zzanTdCkjXeyAlhVjxMjZb0AlG0",
        "x=a-zW3bzcjciQTwEQE0_7GyuQ",
        "next=https://ada:pw@example.org/",
        "r4Bm4tOwVuknUcr5zzanTdCkjXeyAlhVjxMjZb0AlG0",
    ],
)
def test_what_lets_somebody_in_stays_behind(settings: HubSettings, secret: str):
    assert link(settings, f"/user/ada/code/?folder=/d&{secret}&b=2") == "/code?folder=/d&b=2"


@pytest.mark.parametrize(
    "parameter",
    [
        "folder=/home/ada/2024/01/15/run3/x",
        "folder=/data/experiments-2024-11-29-resnet50-lr0.001",
        "workspace=/data/sk-learn-examples.code-workspace",
        "file-browser-path=/notes",
        "reset",
        "author=ada",
        "keyboard=us",
        "design=1",
        "view=MonthlySalesReport2024",
        "id=1234567890123456",
        "q=monkeys%20and%20passengers",
    ],
)
def test_what_says_where_to_look_stays(settings: HubSettings, parameter: str):
    assert link(settings, f"/user/ada/code/?{parameter}") == f"/code?{parameter}"


def test_a_server_whose_profile_is_not_known_has_links_all_the_same(settings: HubSettings):
    assert link(settings, "/user/ada/shiny/", user(profile=None)) == "/shiny"


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_link_is_always_a_plain_path_of_this_hub(path: str, query: str):
    settings = kubernetes_settings(environment_on_cluster("kube"))
    try:
        found = link(settings, f"/user/ada/{path}?{query}")
    except NotShareable:
        return
    assert found.startswith("/")
    assert not found.startswith(("//", "/\\"))
    assert found.isascii()
    assert found.isprintable()
    assert " " not in found
    parts = urlsplit(found)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("", "", "")
    assert ".." not in unquote(parts.path).split("/")
    assert not {name.lower() for name, _ in parse_qsl(parts.query)} & {"token", "_xsrf"}
