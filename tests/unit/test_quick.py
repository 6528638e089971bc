"""What makes servers start sooner must leave them as they are."""

import subprocess
import sys

import pytest

LOADED = "import sys; from {package} import quick; quick.{what}(); {then}"


def said(package: str, what: str, then: str) -> str:
    code = LOADED.format(package=package, what=what, then=then)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("package", ["slipway_notebook", "slipway_hub"])
def test_a_grammar_that_was_put_off_still_checks_addresses(package: str):
    check = (
        "import jsonschema;"
        "print('lark' in sys.modules);"
        "valid = lambda text: jsonschema.Draft202012Validator("
        "{'format': 'iri'}, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER"
        ").is_valid(text);"
        "print(valid('https://例え.jp/'), valid('no address'))"
    )
    assert said(package, "put_off_grammar", check) == "False\nTrue False"


def test_starting_jupyter_runs_no_other_program():
    refuse = (
        "import subprocess; del subprocess.Popen.__init__;"
        "from slipway_notebook import quick; quick.import_jupyter();"
        "from jupyterlab.commands import AppOptions; print(AppOptions().registry)"
    )
    done = subprocess.run([sys.executable, "-c", refuse], capture_output=True, text=True)
    assert done.stdout.startswith("https://"), done.stderr


def test_the_collector_works_again_once_jupyter_is_imported():
    assert said("slipway_notebook", "import_jupyter", "import gc; print(gc.isenabled())") == "True"
