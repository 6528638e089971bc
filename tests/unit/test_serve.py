"""A start of a hub or of a user's server does nothing that it does not need."""

import re
import subprocess
import sys

import pytest

from tests.support.local import ROOT

LOCKS = ("requirements.txt", "images/hub/requirements.txt", "images/jupyter/requirements.txt")


@pytest.mark.parametrize("lock", LOCKS)
def test_no_environment_has_the_grammar_that_jsonschema_would_compile_at_each_start(lock: str):
    packages = set(re.findall(r"^([\w.-]+)==", (ROOT / lock).read_text(), re.MULTILINE))
    assert "jsonschema" in packages
    assert packages.isdisjoint({"rfc3987-syntax", "lark"})


def test_a_start_of_jupyterlab_runs_no_other_program():
    check = (
        "import subprocess; del subprocess.Popen.__init__;"
        "from slipway_notebook import serve; serve.forget_yarn();"
        "from jupyterlab.commands import AppOptions; print(AppOptions().registry)"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert done.stdout.startswith("https://"), done.stderr
