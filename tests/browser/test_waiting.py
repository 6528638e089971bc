"""The page of an app that starts, in a real Chromium."""

import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.datapath.test_pages import SERVER
from tests.support.jupyter import TOKEN, running_jupyter

pytestmark = pytest.mark.browser


def test_the_page_of_an_app_that_starts_becomes_the_app(page: Page, tmp_path: Path):
    program, gate = tmp_path / "slow.py", tmp_path / "gate"
    program.write_text(SERVER)
    command = [sys.executable, str(program), "{unix_socket}", str(gate)]
    server = {
        "command": command,
        "unix_socket": True,
        "timeout": 60,
        "launcher_entry": {"title": "Slow"},
    }
    with running_jupyter("ours", tmp_path / "jupyter", {"slow": server}) as jupyter:
        page.goto(f"{jupyter.url}slow/?token={TOKEN}")
        expect(page.get_by_role("heading", name="Slow is starting")).to_be_visible()
        expect(page.get_by_role("status")).to_contain_text("opens here")
        expect(page.locator("#lines")).to_have_text("reading <data>")
        gate.touch()
        expect(page.get_by_text("the app")).to_be_visible()


def test_the_page_of_an_app_that_fails_stays_and_can_be_tried_again(page: Page, tmp_path: Path):
    late = "import time; print('<b>tired</b>', flush=True); time.sleep(1.5); raise SystemExit(7)"
    server = {"command": [sys.executable, "-c", late], "timeout": 60}
    with running_jupyter("ours", tmp_path / "jupyter", {"weak": server}) as jupyter:
        page.goto(f"{jupyter.url}weak/?token={TOKEN}")
        expect(page.get_by_role("heading", name="weak is starting")).to_be_visible()
        expect(page.get_by_role("heading", name="weak does not start")).to_be_visible()
        expect(page.get_by_role("alert")).to_have_text("It ended with exit code 7.")
        expect(page.get_by_text("<b>tired</b>", exact=True)).to_be_visible()
        page.get_by_role("link", name="Try again").click()
        expect(page.get_by_role("heading", name="weak is starting")).to_be_visible()
