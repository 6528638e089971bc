"""Pages that are left open, and a person at work, as the real culler sees them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import log_in
from tests.support.local import Hub, User, cull_after, make_project, running_hub

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
CULLED_WITHIN = 240
OPENED_WITHIN = 240_000
"""Milliseconds: four editors' worth of programs start at the same time."""
UNTOUCHED = 31_000
"""Milliseconds. VS Code looks twice, each half a minute, before it takes its user for gone."""


@pytest.fixture(scope="module")
def culling_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    project = make_project(tmp_path_factory.mktemp("culling") / "project")
    cull_after(project, idle=f"{IDLE}s", every="2s")
    with running_hub(project) as hub:
        for image in (project / ".slipway/images").iterdir():
            # Programs are looked at often here. In so short a time the bursts of an editor that
            # rests, one in twenty seconds, are more than a tenth of a core.
            (image / "jupyter_server_config.py").write_text("c.DataPath.job_share = 0.5\n")
        yield hub


def culler(hub: Hub) -> psutil.Process:
    assert hub.process
    for process in psutil.Process(hub.process.pid).children(recursive=True):
        if "slipway_hub.culler" in process.cmdline():
            return process
    raise AssertionError("there is no culler")


def opened(
    browser: Browser, hub: Hub, path: str, user: str, sign: str, *, has_own_clock: bool = False
) -> Page:
    """A page of a user, once it shows `sign`. A clock of its own can be wound forward."""
    context = browser.new_context()
    context.set_default_timeout(OPENED_WITHIN)
    if has_own_clock:
        context.clock.install()
    page = context.new_page()
    page.goto(f"{hub.url.rstrip('/')}{path}")
    log_in(page, hub, user)
    page.wait_for_url(f"**/user/{user}/**")
    expect(page.locator(sign).first).to_be_visible(timeout=OPENED_WITHIN)
    return page


def type_until_reported(page: Page, user: User) -> None:
    """Until the hub knows of a key that was pressed after now."""
    now = datetime.now(UTC)
    deadline = time.monotonic() + 120
    while datetime.fromisoformat(user.servers()[""]["last_activity"]) < now:
        assert time.monotonic() < deadline, "typing is not reported"
        page.keyboard.press("ArrowDown")
        page.wait_for_timeout(500)


def test_pages_left_open_are_culled_and_somebody_who_types_is_not(
    browser: Browser, culling_hub: Hub
):
    hub = culling_hub
    # On a busy machine an editor may take longer to open than a server may be idle here.
    paused = culler(hub)
    paused.suspend()
    typing = opened(browser, hub, "/code", "typist", WORKBENCH)
    left = {
        path: opened(browser, hub, path, user, sign, has_own_clock=path == "/code")
        for path, (user, sign) in LEFT_OPEN.items()
    }
    for _ in range(3):
        left["/code"].clock.fast_forward(UNTOUCHED)
    typist = hub.user("typist")
    type_until_reported(typing, typist)
    paused.resume()
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
