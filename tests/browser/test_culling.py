"""Pages that are left open, and a person at work, as the real culler sees them."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import log_in
from tests.support.local import Hub, cull_after, make_project, running_hub

pytestmark = pytest.mark.browser

LEFT_OPEN = {"/lab": "open-lab", "/code": "open-code", "/dashboard": "open-dashboard"}
SECONDS = 300
"""VS Code itself takes more than one minute to see that nobody is there."""


@pytest.fixture(scope="module")
def culling_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    project = make_project(tmp_path_factory.mktemp("culling") / "project")
    cull_after(project, idle="45s", every="5s")
    with running_hub(project) as hub:
        yield hub


def opened(browser: Browser, hub: Hub, path: str, user: str) -> Page:
    page = browser.new_context().new_page()
    page.goto(f"{hub.url.rstrip('/')}{path}")
    log_in(page, hub, user)
    page.wait_for_url(f"**/user/{user}/**")
    return page


def test_pages_left_open_are_culled_and_somebody_who_types_is_not(
    browser: Browser, culling_hub: Hub
):
    hub = culling_hub
    typing = opened(browser, hub, "/code", "typist")
    expect(typing.locator(".monaco-workbench .part.statusbar")).to_be_visible()
    typist = hub.user("typist")
    left = {path: opened(browser, hub, path, user) for path, user in LEFT_OPEN.items()}
    expect(left["/lab"].locator(".jp-LauncherCard").first).to_be_visible()
    expect(left["/code"].locator(".monaco-workbench .part.statusbar")).to_be_visible()
    expect(left["/dashboard"].get_by_role("heading", name="It works")).to_be_visible()
    users = [hub.user(name) for name in LEFT_OPEN.values()]
    culled: set[str] = set()
    deadline = time.monotonic() + SECONDS
    while len(culled) < len(users):
        assert time.monotonic() < deadline, f"only {culled} were culled"
        typing.keyboard.press("ArrowDown")
        typing.wait_for_timeout(1000)
        culled |= {user.name for user in users if not user.servers()}
    assert typist.servers()
    for page in (typing, *left.values()):
        page.context.close()
