"""Links that one user gives another, over HTTP."""

import re
from html import unescape

import httpx

from tests.support.local import Hub, User


def share(user: User, address: str) -> httpx.Response:
    return user.client.post("/hub/share", data={"url": address, "_xsrf": user.xsrf()})


def link_on(page: httpx.Response) -> str:
    (found,) = re.findall(r'id="slipway-link"[^>]* value="([^"]*)"', page.text)
    return unescape(found)


def test_a_link_leads_a_colleague_into_their_own_server_logged_out_and_stopped(hub: Hub):
    ada = hub.user("sharer")
    ada.start("vscode")
    page = share(ada, f"{hub.url}user/sharer/lab/tree/examples?a=1&token=mine&_xsrf=x")
    assert page.headers["cache-control"] == "no-store"
    assert link_on(page) == f"{hub.url}lab/tree/examples?a=1"
    answer = User(hub, "receiver").visit(link_on(page))
    assert answer.status_code == 200
    assert str(answer.url) == f"{hub.url}user/receiver/lab/tree/examples?a=1"


def test_a_link_from_a_named_server_starts_the_profile_it_ran(hub: Hub):
    ada = hub.user("two-servers")
    ada.start("vscode")
    ada.start("rstudio", "rstudio-server")
    link = link_on(share(ada, "/user/two-servers/rstudio-server/rstudio/?x=1"))
    assert link == f"{hub.url}rstudio?x=1"
    bob = hub.user("reader")
    bob.start("vscode")
    answer = bob.visit(link)
    assert "/user/reader/rstudio-server/rstudio/" in str(answer.url)
    assert bob.servers()["rstudio-server"]["user_options"] == {"profile": "rstudio"}


def test_an_address_of_somebody_else_is_refused_on_the_page(hub: Hub):
    user = hub.user("mistaken")
    for address in (f"{hub.url}user/other/code/", "https://evil.example/user/mistaken/code/"):
        page = share(user, address)
        assert page.status_code == 400
        assert 'role="alert"' in page.text
        assert "slipway-link" not in page.text


def test_what_was_pasted_is_shown_as_text(hub: Hub):
    page = share(hub.user("quoter"), '"><script>alert(1)</script>')
    assert "<script>alert(1)" not in page.text


def test_sharing_needs_a_login_and_a_form_of_the_page(hub: Hub):
    answer = User(hub).get("/hub/share")
    assert (answer.status_code, "/hub/login" in answer.headers["location"]) == (302, True)
    user = hub.user("forger")
    assert user.client.post("/hub/share", data={"url": "/x", "_xsrf": "x"}).status_code == 403
