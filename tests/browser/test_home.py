"""The hub's home and the links it gives, in a real Chromium."""

import re
from typing import Literal
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import RESULTS, faults, log_in
from tests.support.local import Hub

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def go_home(page: Page, hub: Hub, user: str) -> None:
    page.goto(f"{hub.url}hub/login?next=/hub/home")
    log_in(page, hub, user)
    page.wait_for_url("**/hub/home")


def profile(page: Page, title: str):
    return page.get_by_role("region", name=title, exact=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 768, 320])
def test_home_and_sharing_are_readable_at_any_width_by_day_and_by_night(
    browser: Browser, hub: Hub, width: int, scheme: Literal["light", "dark"]
):
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    hub.user("painter").start_once("vscode")
    go_home(page, hub, "painter")
    expect(profile(page, "VS Code")).to_contain_text("Running")
    for image in page.locator(".slipway-card img").all():
        assert image.evaluate("image => image.complete && image.naturalWidth > 0")
    for name, path in (
        ("home", "hub/home"),
        ("share", "hub/share?url=" + quote("/user/painter/code/?folder=/tmp")),
        ("share-refused", "hub/share?url=/user/nobody/code/"),
    ):
        page.goto(f"{hub.url}{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        RESULTS.mkdir(exist_ok=True)
        page.screenshot(path=RESULTS / f"{name}-{width}-{scheme}.png", full_page=True)
        assert faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    context.close()


def test_a_screen_reader_hears_what_each_thing_is(page: Page, hub: Hub):
    go_home(page, hub, "listener")
    expect(page.get_by_role("main")).to_match_aria_snapshot("""
        - heading "Your apps" [level=1]
        - status
        - region "VS Code":
          - heading "VS Code" [level=2]
          - text: Stopped
          - paragraph: Python with VS Code and JupyterLab
          - list:
            - listitem:
              - heading "VS Code" [level=3]
              - code: /code
              - link "Open VS Code"
              - button "Copy link to VS Code"
            - listitem:
              - heading "JupyterLab" [level=3]
              - code: /lab
              - link "Open JupyterLab in VS Code"
              - button "Copy link to JupyterLab in VS Code"
        """)
    expect(page.get_by_role("button", name=re.compile("^Stop"))).to_have_count(0)


def test_the_keyboard_reaches_everything_in_order_and_shows_where_it_is(page: Page, hub: Hub):
    go_home(page, hub, "typist")
    page.get_by_role("button", name="Logout").focus()
    reached = []
    for _ in range(14):
        page.keyboard.press("Tab")
        name = "document.activeElement.ariaLabel ?? document.activeElement.textContent.trim()"
        reached.append(page.evaluate(name))
        outline = "getComputedStyle(document.activeElement).outlineWidth"
        assert page.evaluate(outline) == "3px", reached[-1]
    expected = ["VS Code", "JupyterLab in VS Code", "Streamlit", "TensorBoard in Streamlit"]
    expected += ["RStudio", "Shiny in RStudio"]
    pairs = [word for app in expected for word in (f"Open {app}", f"Copy link to {app}")]
    assert reached == [*pairs, "Share a place inside an app", "All servers"]


def test_a_state_changes_on_the_page_and_is_said_without_a_reload(page: Page, hub: Hub):
    user = hub.user("watcher")
    go_home(page, hub, "watcher")
    page.evaluate("window.same = true")
    code = profile(page, "VS Code")
    expect(code).to_contain_text("Stopped")
    user.start("vscode")
    expect(code).to_contain_text("Running", timeout=15_000)
    expect(page.get_by_role("status")).to_have_text("VS Code: Running")
    page.get_by_role("button", name="Stop VS Code").press("Enter")
    expect(code).to_contain_text("Stopped", timeout=15_000)
    expect(page.get_by_role("status")).to_have_text("VS Code: Stopped")
    # Whose button has gone goes on beside it, not at the top of the page.
    expect(page.get_by_role("link", name="Open VS Code")).to_be_focused()
    expect(page.get_by_role("button", name="Stop VS Code")).to_have_count(0)
    assert page.evaluate("window.same")
    assert user.servers() == {}


def test_a_stop_that_is_refused_is_said_and_can_be_tried_again(page: Page, hub: Hub):
    user = hub.user("stuck")
    user.start("vscode")
    go_home(page, hub, "stuck")
    stop = page.get_by_role("button", name="Stop VS Code")
    genuine = page.locator("[name=_xsrf]").first.input_value()
    page.evaluate("document.querySelector('[name=_xsrf]').value = 'forged'")
    stop.click()
    expect(profile(page, "VS Code")).to_contain_text("Could not be stopped")
    assert user.servers()[""]["ready"]
    page.evaluate("value => document.querySelector('[name=_xsrf]').value = value", genuine)
    stop.click()
    expect(profile(page, "VS Code")).to_contain_text("Stopped", timeout=15_000)


def test_jupyterhubs_own_table_of_servers_works_below(page: Page, hub: Hub):
    user = hub.user("traditional")
    user.start("vscode")
    page.set_viewport_size({"width": 320, "height": 700})
    go_home(page, hub, "traditional")
    page.get_by_text("All servers").click()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("button", name="Stop My Server").click()
    expect(profile(page, "VS Code")).to_contain_text("Stopped", timeout=15_000)
    expect(page.get_by_role("button", name="Start My Server")).to_be_visible()


def test_a_server_that_does_not_start_is_said(page: Page, hub: Hub):
    """The hub's answers are stood in for: it takes 90 seconds to give a server up."""
    go_home(page, hub, "unlucky")
    answer = {"vscode": "starting", "rstudio": "stopped"}
    page.route("**/slipway-states", lambda route: route.fulfill(json=answer))
    for state, said in (("starting", "Starting"), ("stopped", "Did not start")):
        answer["vscode"] = state
        page.evaluate("refresh()")
        expect(profile(page, "VS Code")).to_contain_text(said)
        expect(page.get_by_role("status")).to_have_text(f"VS Code: {said}")


def test_a_hub_that_is_away_for_a_moment_leaves_the_page_as_it_is(page: Page, hub: Hub):
    user = hub.user("patient")
    go_home(page, hub, "patient")
    page.route("**/slipway-states", lambda route: route.abort())
    with page.expect_request("**/slipway-states"):
        page.evaluate("refresh()")
    expect(profile(page, "VS Code")).to_contain_text("Stopped")
    expect(page.get_by_role("alert")).to_have_count(0)
    page.unroute("**/slipway-states")
    user.start("vscode")
    expect(profile(page, "VS Code")).to_contain_text("Running", timeout=15_000)


def test_who_is_logged_out_elsewhere_is_told_and_not_sent_away(page: Page, hub: Hub):
    go_home(page, hub, "twice")
    page.context.request.get(f"{hub.url}hub/logout")
    page.evaluate("refresh()")
    expect(page.get_by_role("alert")).to_contain_text("You are logged out")
    page.get_by_role("link", name="Log in again").click()
    expect(page.locator("#username_input")).to_be_visible()


def test_a_copied_link_leads_a_colleague_who_is_logged_out_to_their_own_app(
    page: Page, browser: Browser, hub: Hub
):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=hub.url)
    go_home(page, hub, "giver")
    page.get_by_role("button", name="Copy link to JupyterLab in VS Code").click()
    expect(page.get_by_role("status")).to_have_text("Link to JupyterLab in VS Code copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == f"{hub.url}lab"
    context = browser.new_context()
    context.set_default_timeout(60_000)
    colleague = context.new_page()
    colleague.goto(link)
    log_in(colleague, hub, "taker")
    colleague.wait_for_url("**/user/taker/lab**")
    expect(colleague.locator(".jp-LauncherCard").first).to_be_visible()
    context.close()


def test_a_place_in_vs_code_is_shared_with_its_folder(page: Page, browser: Browser, hub: Hub):
    page.goto(f"{hub.url}code?folder=/usr/share")
    log_in(page, hub, "leader")
    page.wait_for_url("**/user/leader/code/?folder=/usr/share")
    where = page.url
    page.goto(f"{hub.url}hub/home")
    page.get_by_role("link", name="Share a place inside an app").click()
    page.get_by_label("Address from your browser").fill(f"{where}&token=mine")
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("Link to send").input_value()
    assert link == f"{hub.url}code?folder=/usr/share"
    context = browser.new_context()
    context.set_default_timeout(60_000)
    colleague = context.new_page()
    colleague.goto(link)
    log_in(colleague, hub, "follower")
    colleague.wait_for_url("**/user/follower/code/?folder=/usr/share")
    expect(colleague.get_by_role("treeitem", name="common-licenses")).to_be_visible()
    context.close()


def test_without_a_script_one_opens_and_stops_and_gets_links(browser: Browser, hub: Hub):
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(60_000)
    page = context.new_page()
    hub.user("plain").start("vscode")
    go_home(page, hub, "plain")
    expect(page.get_by_role("button", name=re.compile("^Copy"))).to_have_count(0)
    page.get_by_role("button", name="Stop VS Code").click()
    page.wait_for_url("**/hub/home")
    expect(profile(page, "VS Code")).to_contain_text("Stopped")
    page.goto(f"{hub.url}hub/share")
    page.get_by_label("Address from your browser").fill("/user/plain/lab/tree/a.ipynb")
    page.get_by_role("button", name="Make a link").click()
    expect(page.get_by_label("Link to send")).to_have_value(f"{hub.url}lab/tree/a.ipynb")
    context.close()


def test_the_environments_title_and_logo_are_seen(page: Page, themed_hub: Hub):
    go_home(page, themed_hub, "sailor")
    logo = page.locator("#jupyterhub-logo img")
    assert logo.evaluate("image => image.complete && image.naturalWidth > 0")
    expect(page.get_by_role("heading", level=1)).to_have_text("Data Harbour")
    expect(page.get_by_role("link", name="Data Harbour")).to_be_visible()
    expect(page).to_have_title("Home · Data Harbour")
    assert faults(page) == []
