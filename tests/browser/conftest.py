import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.local import ROOT, Hub

RESULTS = ROOT / "test-results"

# As long as pages may take: an app that starts has a page already.
expect.set_options(timeout=60_000)

# No sandbox as root in a container; no calls home, which a closed network would refuse.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the whole session: Playwright's event loop would run on under every other test."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "the browser tests need Chromium: apt install chromium"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of a new visitor; its last sight is kept in test-results/."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(60_000)
    page = context.new_page()
    yield page
    RESULTS.mkdir(exist_ok=True)
    page.screenshot(path=RESULTS / f"{Path(request.node.name).name}.png")
    context.close()


def log_in(page: Page, hub: Hub, user: str) -> None:
    page.fill("#username_input", user)
    page.fill("#password_input", hub.password)
    page.click("#login_submit")


def trust_folder(page: Page) -> None:
    """Let VS Code run what the folder's own settings say, which it does not before."""
    page.get_by_role("button", name="Restricted Mode").first.click()
    page.get_by_role("button", name="Trust", exact=True).click()
    expect(page.get_by_role("button", name="Restricted Mode")).to_have_count(0)


def faults(page: Page) -> list[str]:
    """What axe finds wrong with the page as it is shown: rule, place, remedy."""
    page.add_script_tag(path=ROOT / "node_modules/axe-core/axe.min.js")
    found = page.evaluate("axe.run()")["violations"]
    return [
        f"{rule['id']}: {node['html']}: {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
    ]
