import os
from collections.abc import Iterator

import pytest

from slipway.toolchain.node import node
from tests.support.local import Hub, make_project, running_hub

# jsii is started by importing aws_cdk or cdk8s: let it be the Node that requirements.txt pins.
os.environ.setdefault("JSII_NODE", str(node()))


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """One hub for every test; each test uses users of its own."""
    with running_hub(
        make_project(tmp_path_factory.mktemp("hub") / "project", add_test_entries)
    ) as hub:
        yield hub


def add_test_entries(catalog: str) -> str:
    """The shipped catalog with an app whose program is missing and a profile for a group."""
    catalog = catalog.replace(
        "images:\n",
        "  ghost: {kind: command, command: [no-such-program, '{port}'], remedy: ask for it}\n"
        "images:\n",
        1,
    )
    catalog = catalog.replace("dashboard, tensorboard]", "dashboard, tensorboard, ghost]")
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
