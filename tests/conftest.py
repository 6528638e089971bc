import os
import signal
from collections.abc import Iterator

import pytest

from slipway.toolchain.node import node
from tests.support import tiers
from tests.support.local import Hub, make_project, running_hub

# jsii is started by importing aws_cdk or cdk8s: let it be the Node that requirements.txt pins.
os.environ.setdefault("JSII_NODE", str(node()))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tiers.sort_into_tiers(items)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> tiers.Groups:
    return tiers.Groups(config, log)


# A shell starts what it runs in the background with SIGINT ignored. Whatever that starts inherits
# it, programs that tests interrupt included.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """One hub for every test; each test uses users of its own."""
    with running_hub(
        make_project(tmp_path_factory.mktemp("hub") / "project", add_test_entries)
    ) as hub:
        yield hub


LOGO = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">
<path fill="#0a7d5a" d="M4 40h56l-8 16H12zM30 6v30H10zM34 12l18 24H34z"/></svg>
"""
THEME = """
title: Data Harbour
logo: branding/logo.svg
extra_config:
  JupyterHub: {template_vars: {announcement: Closed on Sunday}}
"""


@pytest.fixture(scope="session")
def themed_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub with a title, a logo, an announcement and an admin: `ada`."""
    project = make_project(tmp_path_factory.mktemp("themed") / "project", add_test_entries)
    (project / "branding").mkdir()
    (project / "branding/logo.svg").write_text(LOGO)
    spec = project / "environments/local.yaml"
    admins = "  allow_all: true\n  admin_users: [ada]\n"
    spec.write_text(spec.read_text().replace("  allow_all: true\n", admins) + THEME)
    with running_hub(project) as hub:
        yield hub


def add_test_entries(catalog: str) -> str:
    """The shipped catalog with an app whose program is missing and a profile for a group."""
    catalog = catalog.replace(
        "images:\n",
        "  ghost: {kind: command, command: [no-such-program, '{port}'], remedy: ask for it}\n"
        "images:\n",
        1,
    )
    catalog = catalog.replace("apps: [lab, classic, code]", "apps: [lab, classic, code, ghost]")
    return catalog.replace(
        "profiles:\n",
        "profiles:\n  secret: {title: Secret, image: code-server, groups: [insiders]}\n",
        1,
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failure: something the machine should have had was missing."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
