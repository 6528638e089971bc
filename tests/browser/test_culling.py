"""Pages that are left open, and a person at work, as the real culler sees them."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import log_in
from tests.support.local import Hub, cull_after, make_project, running_hub

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WORKBENCH = ".monaco-workbench .part.statusbar"
LEFT_OPEN = {
    "/lab": ("open-lab", ".jp-LauncherCard"),
    "/code": ("open-code", WORKBENCH),
    "/dashboard": ("open-dashboard", "h1:has-text('It works')"),
}
"""Who opens it, and what is seen when it is there."""
IDLE = 30
"""Seconds. A server reports every seventh, so a machine may stand still for twenty."""
CULLED_WITHIN = 180
UNTOUCHED = 31_000
"""Milliseconds. VS Code looks twice, each half a minute, before it takes its user for gone."""


@pytest.fixture(scope="module")
def culling_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    project = make_project(tmp_path_factory.mktemp("culling") / "project")
    cull_after(project, idle=f"{IDLE}s", every="2s")
    with running_hub(project) as hub:
        yield hub


def opened(browser: Browser, hub: Hub, path: str, user: str) -> Page:
    context = browser.new_context()
    context.set_default_timeout(60_000)
    context.clock.install()
    page = context.new_page()
    page.goto(f"{hub.url.rstrip('/')}{path}")
    log_in(page, hub, user)
    page.wait_for_url(f"**/user/{user}/**")
    return page


def test_pages_left_open_are_culled_and_somebody_who_types_is_not(
    browser: Browser, culling_hub: Hub
):
    hub = culling_hub
    typing = opened(browser, hub, "/code", "typist")
    expect(typing.locator(WORKBENCH)).to_be_visible()
    typist = hub.user("typist")
    left = {}
    for path, (user, sign) in LEFT_OPEN.items():
        left[path] = opened(browser, hub, path, user)
        expect(left[path].locator(sign).first).to_be_visible()
        # On a busy machine the others take as long as it takes to be culled.
        typing.keyboard.press("ArrowDown")
    for _ in range(3):
        left["/code"].clock.fast_forward(UNTOUCHED)
    users = [hub.user(name) for name, _ in LEFT_OPEN.values()]
    culled: set[str] = set()
    deadline = time.monotonic() + CULLED_WITHIN
    while len(culled) < len(users):
        assert time.monotonic() < deadline, f"only {culled} were culled"
        typing.keyboard.press("ArrowDown")
        typing.wait_for_timeout(1000)
        culled |= {user.name for user in users if not user.servers()}
    assert typist.servers()
    for page in (typing, *left.values()):
        page.context.close()
