"""What a user sees, in a real Chromium."""

import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import log_in, trust_folder
from tests.support.local import Hub

pytestmark = pytest.mark.browser


def visit(page: Page, hub: Hub, path: str, user: str) -> None:
    page.goto(f"{hub.url.rstrip('/')}{path}")
    log_in(page, hub, user)


def test_a_logged_out_visit_of_code_ends_in_vs_code_with_a_working_terminal(page: Page, hub: Hub):
    visit(page, hub, "/code", "ada")
    page.wait_for_url("**/user/ada/code/**")
    expect(page.locator(".monaco-workbench .part.statusbar")).to_be_visible()
    trust_folder(page)
    worker = page.evaluate("navigator.serviceWorker.ready.then(worker => worker.scope)")
    assert worker == f"{hub.url}user/ada/code/"
    page.keyboard.press("Control+Backquote")
    terminal = page.locator(".terminal-wrapper .xterm")
    terminal.wait_for()
    # The prompt shows that the shell reads what is typed.
    page.wait_for_function(
        "() => document.querySelector('.terminal-wrapper.active .xterm') !== null"
    )
    page.locator(".terminal-wrapper.active textarea.xterm-helper-textarea").focus()
    page.keyboard.type("echo written-by-$((40 + 2)) > from-terminal.txt\n")
    file = hub.home("ada") / "from-terminal.txt"
    page.wait_for_selector("text=from-terminal.txt")
    assert file.read_text() == "written-by-42\n"


class QuietHandler(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """The port at which it answers."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def port() -> Iterator[int]:
    class Page(QuietHandler):
        def do_GET(self) -> None:
            body = f"<h1>Mine</h1><p id=asked>{self.path}</p>".encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    yield from served(Page)


def test_a_logged_out_visit_of_a_port_lands_on_its_page_with_the_query(
    page: Page, hub: Hub, port: int
):
    visit(page, hub, f"/hub/user-redirect/proxy/{port}/?a=1", "bob")
    page.wait_for_url(f"**/user/bob/proxy/{port}/?a=1")
    expect(page.locator("#asked")).to_have_text("/?a=1")


WORKER = """scope => navigator.serviceWorker.register("sw.js", {scope})
  .then(worker => worker.scope, error => error.name)"""


@pytest.fixture
def greedy() -> Iterator[int]:
    """An app that would have a service worker, and cookies, for everything."""

    class Page(QuietHandler):
        def do_GET(self) -> None:
            is_worker = self.path.startswith("/sw.js")
            body = b"onfetch = () => {}" if is_worker else b"<h1>Greedy</h1>"
            self.send_response(200)
            self.send_header("Content-Type", "text/javascript" if is_worker else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Service-Worker-Allowed", "/")
            self.send_header("Set-Cookie", "wide=1; Path=/")
            self.send_header("Set-Cookie", "_xsrf=mine; Path=/")
            self.end_headers()
            self.wfile.write(body)

    yield from served(Page)


def test_an_app_has_a_service_worker_and_cookies_for_itself_alone(
    page: Page, hub: Hub, greedy: int
):
    own = f"/user/ivan/proxy/{greedy}/"
    visit(page, hub, f"/hub/user-redirect/proxy/{greedy}/", "ivan")
    page.wait_for_url(f"**{own}")
    for wide in ("/", "/hub/", "/user/ivan/", own.rstrip("/")):
        assert page.evaluate(WORKER, wide) == "SecurityError"
    assert page.evaluate(WORKER, own) == f"{hub.url.rstrip('/')}{own}"
    cookies = {
        (c["name"], c["path"]) for c in page.context.cookies() if c["value"] in ("1", "mine")
    }
    assert cookies == {("wide", own)}


APPS = ["VS Code", "Streamlit", "TensorBoard"]
"""Of the image that has the most."""


def test_the_launcher_shows_each_app_once_with_its_icon(page: Page, hub: Hub):
    visit(page, hub, "/dashboard", "cleo")
    page.wait_for_url("**/user/cleo/dashboard/**")
    page.goto(f"{hub.url}user/cleo/lab")
    for app in APPS:
        card = page.locator(".jp-LauncherCard", has_text=re.compile(f"^{re.escape(app)}"))
        expect(card).to_have_count(1)
        icon = card.locator("img").first
        expect(icon).to_be_visible()
        assert icon.evaluate("image => image.complete && image.naturalWidth > 0")


def test_notebooks_new_menu_shows_each_app_once(page: Page, hub: Hub):
    visit(page, hub, "/dashboard", "dora")
    page.wait_for_url("**/user/dora/dashboard/**")
    page.goto(f"{hub.url}user/dora/tree")
    page.get_by_text("New", exact=True).click()
    for app in APPS:
        entry = page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{re.escape(app)}"))
        expect(entry).to_have_count(1)


def test_streamlit_runs_its_sample(page: Page, hub: Hub):
    visit(page, hub, "/dashboard", "edna")
    page.wait_for_url("**/user/edna/dashboard/**")
    expect(page.get_by_role("heading", name="It works")).to_be_visible()


def test_tensorboard_answers(page: Page, hub: Hub):
    visit(page, hub, "/tensorboard", "finn")
    page.wait_for_url("**/user/finn/tensorboard/**")
    expect(page.get_by_text("No dashboards are active").first).to_be_visible()


@pytest.mark.parametrize("width", [1280, 360])
def test_an_app_whose_program_is_missing_says_so_and_how_to_get_it(
    page: Page, hub: Hub, width: int
):
    page.set_viewport_size({"width": width, "height": 740})
    visit(page, hub, "/hub/user-redirect/ghost/", f"gus{width}")
    page.wait_for_url("**/ghost/")
    expect(page.get_by_role("alert")).to_contain_text("no-such-program")
    expect(page.get_by_text("ask for it")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_launcher_keeps_the_tile_of_an_app_that_is_missing(page: Page, hub: Hub):
    visit(page, hub, "/lab", "hana")
    page.wait_for_url("**/user/hana/lab**")
    expect(page.locator(".jp-LauncherCard", has_text="Application")).to_have_count(1)
