"""Rules of the house that the tree itself can be asked: who owns a fact, and who imports whom."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from slipway import facts
from tests.support.local import ROOT

PRODUCT = ("app.py", "slipway", "stacks", "charts", "packages")
JSII = {"aws_cdk", "cdk8s", "cdk8s_plus_33", "constructs", "jsii"}
LAYERS = (
    *(
        "facts",
        "files",
        "untrusted",
        "installation",
        "steps",
        "toolchain",
        "model",
        "settings",
        "aws",
    ),
    *("images", "render", "release", "local", "smoke", "operate", "rehearse", "cli"),
)
"""The modules of `slipway`: each imports only itself and those before it."""

OWN_WORDS = {
    # A word of its own in these files, not the fact: (file, the literal).
    ("packages/hub/slipway_hub/commands.py", "slipway-hub"),
}


def sources(*places: str) -> Iterator[Path]:
    for place in places:
        path = ROOT / place
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def distinctive(module: ModuleType) -> dict[str | int, str]:
    """Values of facts that mean nothing else: ports from 1024, tags, labels, and long names."""
    found: dict[str | int, str] = {}
    for name, value in vars(module).items():
        if not name.isupper():
            continue
        for one in value if isinstance(value, tuple) else (value,):
            is_port = isinstance(one, int) and name.endswith(("PORT", "PORTS")) and one > 1024
            is_name = isinstance(one, str) and (set(one) & set(":/._-") or one.count("-"))
            if is_port or is_name:
                found.setdefault(one, name)
        if isinstance(value, dict):
            found |= dict.fromkeys(value, name)
    return found


def literals(tree: ast.AST) -> Iterator[ast.Constant]:
    """String and number literals that are not docstrings or annotations."""
    skipped = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in skipped:
            yield node


def second_owners(files: Iterator[Path], owned: dict[str | int, str]) -> list[str]:
    found = []
    for file in files:
        name = name_of(file)
        for node in literals(ast.parse(file.read_text())):
            value = node.value
            fact = owned.get(value) if isinstance(value, str | int) else None
            if fact and type(value) is not bool and (name, value) not in OWN_WORDS:
                found.append(f"{name}:{node.lineno}: {value!r} is facts.{fact}")
    return found


def test_a_fact_has_one_owner() -> None:
    files = (file for file in sources(*PRODUCT) if name_of(file) != "slipway/facts.py")
    assert second_owners(files, distinctive(facts)) == []


def test_a_second_owner_would_be_found(tmp_path: Path) -> None:
    file = ROOT / "slipway/facts.py"
    found = second_owners(iter([file]), distinctive(facts))
    assert any("8081 is facts.HUB_PORT" in line for line in found)
    assert any("'slipway:environment' is facts.ENVIRONMENT_TAG" in line for line in found)
    assert any("COMPONENT_LABEL" in line for line in found)


def test_a_projects_files_are_named_by_facts() -> None:
    """`facts.environment_file(name)`, not a text with its folder and its ending."""
    spelled = re.compile(r"(environments|releases|_FOLDER\})/\{[^{}]*\}\.(yaml|sig)")
    found = [
        f"{name_of(file)}:{node.lineno}"
        for file in sources(*PRODUCT)
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.JoinedStr) and spelled.search(ast.unparse(node))
    ]
    assert {place.partition(":")[0] for place in found} == {"slipway/facts.py"}, found


def test_stacks_are_listed_once() -> None:
    """Their names are plain words; three of them together are the list."""
    found = []
    for file in sources(*PRODUCT):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Tuple | ast.List | ast.Set):
                words = {one.value for one in node.elts if isinstance(one, ast.Constant)}
                if len(words & set(facts.STACKS)) >= 3:
                    found.append(f"{name_of(file)}:{node.lineno}")
    assert found == []


@pytest.mark.parametrize("program", ["git", "kubectl", "skopeo", "gh"])
def test_a_program_is_run_in_one_place(program: str) -> None:
    """By the module that knows how it is found and what its errors mean."""
    found = {
        name_of(file)
        for file in sources("slipway")
        for node in ast.walk(ast.parse(file.read_text()))
        if (isinstance(node, ast.List) and node.elts and is_word(node.elts[0], program))
        or (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) == "shutil.which"
            and is_word(node.args[0], program)
        )
    }
    assert len(found) <= 1, found


def is_word(node: ast.expr, word: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == word


def calls(*places: str) -> Iterator[tuple[str, str]]:
    """Files, and what they call: `json.loads`."""
    for file in sources(*places):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                yield name_of(file), ast.unparse(node.func)


def test_yaml_is_parsed_by_the_models_reader() -> None:
    """Which refuses what would fill the memory or the stack."""
    parsers = re.compile(
        r"(py)?yaml\.((safe_|full_|unsafe_)?load(_all)?|compose(_all)?|parse|scan)"
    )
    found = {file for file, call in calls(*PRODUCT) if parsers.fullmatch(call)}
    assert found == {"slipway/model/document.py", "slipway/model/edit.py"}


def test_json_of_images_and_registries_is_parsed_within_limits() -> None:
    places = ("slipway/images", "slipway/model")
    parsers = re.compile(r"json\.loads?|.*(answer|response|\))\.json")
    assert [found for found in calls(*places) if parsers.fullmatch(found[1])] == []


def test_the_command_line_prints_through_one_module() -> None:
    """Which escapes what a terminal would obey. What is only for programs may be printed as it is:
    schemas, and manifests for kubectl."""
    found = {file for file, call in calls("slipway/cli") if call in ("print", "Console")}
    assert found <= {"slipway/cli/__init__.py", "slipway/cli/project.py"}


def test_files_are_replaced_by_one_module() -> None:
    found = [
        f"{name_of(file)}:{node.lineno}"
        for file in sources("slipway")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("mkstemp", "fsync")
    ]
    assert {place.partition(":")[0] for place in found} <= {"slipway/files.py"}


def test_facts_import_nothing() -> None:
    tree = ast.parse((ROOT / "slipway/facts.py").read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


def imported(tree: ast.AST, *, top_level: bool = False) -> Iterator[str]:
    """`a.b.c` for `from a.b import c` too, which may be a module."""
    nodes = ast.iter_child_nodes(tree) if top_level else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_go_down_only(layer: str) -> None:
    place = f"slipway/{layer}"
    files = sources(place if (ROOT / place).is_dir() else f"{place}.py")
    above = LAYERS[LAYERS.index(layer) + 1 :]
    found = [
        f"{name_of(file)} imports {module}"
        for file in files
        for module in imported(ast.parse(file.read_text()))
        if module.startswith("slipway.") and module.split(".")[1] in above
    ]
    assert found == []


def test_every_module_has_its_layer() -> None:
    known = {*LAYERS, "__init__"}
    assert {path.stem for path in (ROOT / "slipway").iterdir() if path.suffix == ".py"} <= known
    assert {path.parent.name for path in (ROOT / "slipway").glob("*/__init__.py")} <= known


def test_only_stacks_and_charts_load_jsii() -> None:
    """Others may, in the function that renders: a teardown must not start Node."""
    found = [
        f"{name_of(file)} imports {module}"
        for file in sources("slipway", "packages")
        for module in imported(ast.parse(file.read_text()), top_level=True)
        if module.split(".")[0] in JSII | {"stacks", "charts"}
    ]
    assert found == []
    assert not [
        f"{name_of(file)} imports {module}"
        for file in sources("charts")
        for module in imported(ast.parse(file.read_text()))
        if module.split(".")[0] == "stacks"
    ]


def test_packages_need_nothing_of_slipway_or_of_each_other() -> None:
    packages = ("slipway_hub", "slipway_notebook", "slipway_datapath")
    found = [
        f"{name_of(file)} imports {module}"
        for file in sources("packages")
        for module in imported(ast.parse(file.read_text()))
        if (first := module.split(".")[0]) in ("slipway", *packages) and first not in file.parts
    ]
    assert found == []


def test_the_model_loads_without_node() -> None:
    program = (
        "import sys, slipway.cli, slipway.model; "
        f"print(*({JSII!r} & {{name.split('.')[0] for name in sys.modules}}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
