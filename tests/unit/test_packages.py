"""Each of `packages/` is a distribution of its own, and declares what it needs."""

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.local import ROOT

PACKAGES = {"hub": "slipway_hub", "notebook": "slipway_notebook", "datapath": "slipway_datapath"}
DISTRIBUTIONS = packages_distributions()

each = pytest.mark.parametrize("folder", PACKAGES)


def imported(folder: str) -> set[str]:
    """The top-level names of all modules that a package imports from outside of itself."""
    names = set()
    for file in (ROOT / "packages" / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file}: a relative import"
                names.add(str(node.module))
    return {name.partition(".")[0] for name in names} - {PACKAGES[folder]}


def declared(folder: str) -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "packages" / folder / "pyproject.toml").read_text())["project"]
    extras = project.get("optional-dependencies", {}).values()
    requirements = map(Requirement, [*project["dependencies"], *(r for e in extras for r in e)])
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


@each
def test_a_package_imports_nothing_of_slipway_or_of_the_others(folder: str):
    assert imported(folder).isdisjoint({"slipway", "charts", "stacks", *PACKAGES.values()})


@each
def test_what_a_package_imports_is_what_it_declares(folder: str):
    needed = {
        canonicalize_name(DISTRIBUTIONS[name][0])
        for name in imported(folder) - sys.stdlib_module_names
    }
    # Named by classes in strings, which nothing imports.
    named = {"oauthenticator"} if folder == "hub" else set()
    bundled = {"botocore"}  # comes with boto3
    assert needed - bundled | named == set(declared(folder))


@each
def test_what_a_package_declares_admits_what_the_locks_have(folder: str):
    for name, requirement in declared(folder).items():
        assert requirement.specifier.contains(version(name)), requirement


@each
def test_a_package_says_how_to_install_it(folder: str):
    readme = Path(ROOT / "packages" / folder / "README.md").read_text()
    assert f"pip install packages/{folder}" in readme
