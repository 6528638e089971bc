"""The hub's home over HTTP: what stands on it, and what its forms do, without a script."""

import re
from html.parser import HTMLParser

import pytest

from tests.support.local import Hub, User


class Links(HTMLParser):
    """The addresses of a page's links by what a screen reader calls them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.named: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        if tag == "a" and found.get("aria-label"):
            self.named[str(found["aria-label"])] = str(found["href"])


STOPPED = {"vscode": "stopped", "streamlit": "stopped", "rstudio": "stopped"}


def stop(user: User, profile: str, **fields: str):
    form = {"_xsrf": user.xsrf(), **fields}
    return user.client.post(f"/hub/slipway-stop/{profile}", data=form)


def states(user: User) -> dict[str, str]:
    answer = user.get("/hub/slipway-states")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


def test_home_has_a_card_for_every_route_of_the_profiles_one_may_launch(hub: Hub):
    page = hub.user("homely").get("/hub/home")
    assert page.status_code == 200
    assert Links(page.text).named == {
        "Open VS Code": "/code",
        "Open JupyterLab in VS Code": "/lab",
        "Open Streamlit": "/dashboard",
        "Open TensorBoard in Streamlit": "/tensorboard",
        "Open RStudio": "/rstudio",
        "Open Shiny in RStudio": "/shiny",
    }
    assert page.text.count("data:image/svg+xml") == 6


def test_a_profile_of_a_group_is_for_its_members_alone(themed_hub: Hub):
    admin = themed_hub.admin("ada")
    member = themed_hub.user("insider")
    assert "secret" not in states(member)
    api = {"X-XSRFToken": admin.xsrf(), "Referer": f"{themed_hub.url}hub/home"}
    for path, body in (("", None), ("/users", {"users": ["insider"]})):
        answer = admin.client.post(f"/hub/api/groups/insiders{path}", json=body, headers=api)
        assert answer.status_code in (200, 201), answer.text
    assert states(member)["secret"] == "stopped"
    # It lands in no route, so that its card starts it by its name.
    link = Links(member.get("/hub/home").text).named["Open Secret"]
    assert link == "/hub/spawn/insider?opt-profile=secret"
    assert "/user/insider/lab" in str(member.visit(link).url)
    assert states(member)["secret"] == "running"


def test_the_state_of_each_profile_is_told(hub: Hub):
    user = hub.user("stateful")
    assert states(user) == STOPPED
    user.start("vscode")
    user.start("rstudio", "rstudio-server")
    assert states(user) == STOPPED | {"vscode": "running", "rstudio": "running"}
    user.stop()
    assert states(user) == STOPPED | {"vscode": "stopped", "rstudio": "running"}


def test_states_are_nobody_elses(hub: Hub):
    hub.user("shy").start("vscode")
    assert states(hub.user("curious-one"))["vscode"] == "stopped"
    assert User(hub).get("/hub/slipway-states").status_code == 403


def test_stop_stops_the_server_of_that_profile_and_no_other(hub: Hub):
    user = hub.user("stopper")
    user.start("vscode")
    user.start("rstudio", "rstudio-server")
    answer = stop(user, "rstudio")
    assert (answer.status_code, answer.headers["location"]) == (303, "/hub/home")
    user.wait(lambda: list(user.servers()) == [""])
    # Again, as after going back in the browser: nothing is left to stop.
    assert stop(user, "rstudio").status_code == 303
    assert states(user) == STOPPED | {"vscode": "running", "rstudio": "stopped"}


def test_stop_needs_a_login_a_form_of_the_page_and_a_profile(hub: Hub):
    user = hub.user("careful")
    user.start("vscode")
    assert stop(user, "vscode", _xsrf="forged").status_code == 403
    assert user.get("/hub/slipway-stop/vscode").status_code == 405
    assert stop(user, "nope").status_code == 404
    assert User(hub).client.post("/hub/slipway-stop/vscode").status_code == 403
    assert states(user)["vscode"] == "running"


def test_logging_out_leads_to_the_login(hub: Hub):
    user = hub.user("leaver")
    answer = user.get("/hub/logout")
    assert (answer.status_code, answer.headers["location"]) == (302, "/hub/login")
    assert "/hub/login" in user.get("/hub/home").headers["location"]


@pytest.mark.parametrize("page", ["token", "home", "spawn"])
def test_jupyterhubs_own_pages_work(hub: Hub, page: str):
    user = hub.user(f"guest-of-{page}")
    answer = user.visit(f"/hub/{page}")
    assert answer.status_code == 200
    assert "JupyterHub" in answer.text


def test_named_servers_and_their_buttons_are_on_the_page(hub: Hub):
    user = hub.user("shelf")
    user.start("rstudio", "rstudio-server")
    page = user.get("/hub/home").text
    assert 'id="stop-rstudio-server"' in page
    assert "new-server-btn" in page


def test_title_and_logo_are_the_environments_beside_an_announcement(themed_hub: Hub):
    visitor = User(themed_hub)
    login = visitor.get("/hub/login").text
    assert re.search(r"<title>\s*Data Harbour\s*</title>", login)
    assert "Closed on Sunday" in login
    logo = visitor.get("/hub/logo")
    assert logo.headers["content-type"].startswith("image/svg+xml")
    assert "#0a7d5a" in logo.text
    home = themed_hub.admin("ada").get("/hub/home").text
    assert "<h1>Data Harbour</h1>" in home


def test_the_admin_page_works(themed_hub: Hub):
    assert themed_hub.admin("ada").visit("/hub/admin").status_code == 200
