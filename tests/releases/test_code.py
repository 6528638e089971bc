"""A release is rendered by the code it was frozen with."""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.installation import INSTALLATION
from slipway.model import load
from slipway.release import code
from tests.support.local import ROOT
from tests.support.releases import Released

EKS = """\
target: eks
account: "111122223333"
region: eu-central-1
zones: [eu-central-1a, eu-central-1b]
auth: {kind: github, client_id: x, allowed_organizations: [acme]}
"""


def pin(project: Released, *lines: str, name: str = "kube") -> None:
    """The environment runs 1.0.0."""
    text = "\n".join(("release: 1.0.0", *lines, "auth:"))
    project.edit(f"environments/{name}.yaml", "auth:", text)


@pytest.fixture
def drifted(project: Released) -> Released:
    """1.0.0 was frozen with an `app.py` that has changed since."""
    for name in code.APP:
        shutil.copy(ROOT / name, project.root)
    project.commit()
    project.release("1.0.0")
    project.edit("app.py", "app.synth()", "app.synth()  # changed")
    project.commit()
    return project


def test_everything_that_git_has_of_what_renders_is_in_the_digest() -> None:
    listed = subprocess.run(
        ["git", "ls-files", *code.FOLDERS], cwd=INSTALLATION, capture_output=True, text=True
    )
    assert set(listed.stdout.split()) <= set(code.files())


def test_charts_and_stacks_take_nothing_of_slipway_that_is_not_in_the_digest() -> None:
    counted = set(code.files())
    for name in counted:
        for module in imported(ast.parse((INSTALLATION / name).read_text())):
            if module.startswith("slipway"):
                assert places(module) & counted, f"{name} imports {module}"


def imported(tree: ast.AST) -> Iterator[str]:
    """`a.b.c` for `from a.b import c` too, which may be a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def places(module: str) -> set[str]:
    """The files that `a.b.c`, a module or what one holds, may be in."""
    folder = "images/hub/" if module.startswith("slipway_hub") else ""
    whole = folder + module.replace(".", "/")
    holder = whole.rpartition("/")[0]
    return {f"{path}{end}" for path in (whole, holder) for end in (".py", "/__init__.py")}


def test_other_code_is_refused_with_the_way_back(drifted: Released) -> None:
    pin(drifted)
    done = drifted.slipway("render", "kube")
    commit = drifted.git("rev-parse", "HEAD^").strip()
    assert done.returncode == 2
    assert "environments/kube.yaml:" in done.stderr
    assert "1.0.0 was frozen with other code than this" in done.stderr
    assert f"git restore --source={commit[:12]} -- charts stacks slipway" in done.stderr


def test_the_way_back_leads_back(drifted: Released) -> None:
    pin(drifted)
    drifted.git("restore", "--source=HEAD^", "--", *code.APP)
    assert drifted.slipway("render", "kube").returncode == 0


def with_slipway(project: Released) -> None:
    """As in a repository that holds Slipway and the project."""
    project.write("slipway/model/kept.py", "")
    for name in ("charts/x.py", "stacks/x.py", "images/hub/x.py", "requirements.txt"):
        project.write(name, "")


def test_the_code_of_a_release_is_brought_back_and_nothing_else(project: Released) -> None:
    for name in code.APP:
        shutil.copy(ROOT / name, project.root)
    with_slipway(project)
    project.commit()
    project.build()
    project.release("1.0.0")
    project.write("slipway/model/later.py", "")
    project.edit("app.py", "app.synth()", "app.synth()  # changed")
    project.edit("catalog.yaml", "title: VS Code", "title: Later")
    project.commit()
    pin(project)
    before = project.slipway("code", "kube", "--json")
    assert (before.returncode, json.loads(before.stdout)["same"]) == (1, False)
    done = project.slipway("code", "kube", "--restore", "--json")
    assert (done.returncode, json.loads(done.stdout)["restored"]) == (0, True)
    assert not (project.root / "slipway/model/later.py").exists()
    assert "# changed" not in (project.root / "app.py").read_text()
    assert "title: Later" in (project.root / "catalog.yaml").read_text()
    assert "release: 1.0.0" in (project.root / "environments/kube.yaml").read_text()
    assert project.slipway("code", "kube").stdout == "kube: 1.0.0: the same\n"


def test_what_is_not_committed_is_not_lost(drifted: Released) -> None:
    with_slipway(drifted)
    drifted.commit()
    pin(drifted)
    drifted.write("app.py", "import os\n")
    done = drifted.slipway("code", "kube", "--restore")
    assert done.returncode == 1
    assert "not committed, and would be lost: app.py" in done.stderr
    assert (drifted.root / "app.py").read_text() == "import os\n"


def test_code_that_nobody_reviewed_is_not_brought(drifted: Released) -> None:
    with_slipway(drifted)
    frozen = (drifted.root / "releases/1.0.0.yaml").read_bytes()
    drifted.git("checkout", "-q", "--orphan", "another")
    drifted.commit("without a past")
    (drifted.root / "releases/1.0.0.yaml").write_bytes(frozen)
    pin(drifted)
    done = drifted.slipway("code", "kube", "--restore")
    assert done.returncode == 1
    assert "is not in the history of what is checked out" in done.stderr


def test_an_environment_that_follows_the_catalog_has_its_code(project: Released) -> None:
    done = project.slipway("code", "kube")
    assert (done.returncode, done.stdout) == (0, "kube: working-tree: the same\n")


def test_it_can_be_allowed_with_a_warning(drifted: Released) -> None:
    pin(drifted)
    done = drifted.slipway("render", "kube", "--allow-code-drift")
    assert done.returncode == 0
    assert "release 1.0.0 is rendered by other code" in done.stderr
    assert "app.kubernetes.io/version: 1.0.0_other-code" in done.stdout


def test_the_longest_version_of_other_code_is_a_label_still(drifted: Released) -> None:
    environment = load(drifted.root).environment("kube")
    release = load(drifted.root).releases["1.0.0"]
    long = release.model_copy(update={"version": f"1.0.0-{'a' * 54}"})
    found = replace(environment, release=long, as_frozen=False)
    assert len(found.deployed_as) == 63
    assert found.deployed_as.endswith("a_other-code")


def test_a_protected_environment_never_allows_it(drifted: Released) -> None:
    pin(drifted, "protected: true")
    done = drifted.slipway("render", "kube", "--allow-code-drift")
    assert (done.returncode, done.stdout) == (2, "")
    assert "kube is protected: drift is never allowed here" in done.stderr


def test_nobody_is_sent_to_a_commit_that_was_not_reviewed(drifted: Released) -> None:
    """One that is not in the history of what is checked out."""
    frozen = (drifted.root / "releases/1.0.0.yaml").read_bytes()
    drifted.git("checkout", "-q", "--orphan", "another")
    drifted.commit("without a past")
    (drifted.root / "releases/1.0.0.yaml").write_bytes(frozen)
    pin(drifted)
    done = drifted.slipway("render", "kube")
    assert done.returncode == 2
    assert "is not in the history of what is checked out" in done.stderr
    assert "git restore" not in done.stderr


def app(root: Path, **context: str) -> subprocess.CompletedProcess[str]:
    """`app.py` as the CDK CLI starts it."""
    return subprocess.run(
        [sys.executable, "app.py"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ
        | {"CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(root / "cdk.out")},
    )


def test_cdk_refuses_it_before_synthesis(drifted: Released) -> None:
    drifted.write("environments/dev.yaml", EKS)
    pin(drifted, name="dev")
    done = app(drifted.root, env="dev")
    assert done.returncode == 2
    assert "1.0.0 was frozen with other code than this" in done.stderr
    assert not (drifted.root / "cdk.out").exists()


def test_cdk_builds_a_release_from_its_catalog_and_digests(drifted: Released) -> None:
    drifted.write("environments/dev.yaml", EKS)
    pin(drifted, name="dev")
    drifted.edit("catalog.yaml", "title: VS Code", "title: Something else")
    done = app(drifted.root, **{"env": "dev", "allow-code-drift": "true"})
    assert done.returncode == 0, done.stderr
    assert "release 1.0.0 is rendered by other code" in done.stderr
    manifests = [
        json.loads(f.read_text()) for f in (drifted.root / "cdk.out").rglob("manifest.json")
    ]
    tags = [
        artifact["properties"]["tags"]["slipway:release"]
        for manifest in manifests
        for artifact in manifest["artifacts"].values()
        if artifact["type"] == "aws:cloudformation:stack"
    ]
    assert set(tags) == {"1.0.0_other-code"}
    templates = "".join(
        path.read_text() for path in (drifted.root / "cdk.out").rglob("*.template.json")
    )
    digest = load(drifted.root).releases["1.0.0"].images["tools"]
    assert f"dkr.ecr.eu-central-1.amazonaws.com/slipway/tools@{digest}" in templates
    assert "Something else" not in templates
    assert ":working-tree" not in templates


def test_the_code_of_a_release_needs_no_catalog_of_today(drifted: Released) -> None:
    drifted.write("environments/prod.yaml", EKS)
    pin(drifted, "protected: true", name="prod")
    drifted.git("restore", "--source=HEAD^", "--", *code.APP)
    drifted.edit("catalog.yaml", "apps:", "newer: 1\napps:")
    done = app(drifted.root, env="prod")
    assert done.returncode == 0, done.stderr


def test_among_several_one_that_drifted_is_left_out(drifted: Released) -> None:
    drifted.write("environments/dev.yaml", EKS)
    drifted.write("environments/prod.yaml", EKS)
    pin(drifted, "protected: true", name="prod")
    project = load(drifted.root)
    kept, told = code.renderable(project.root, map(project.environment, ("dev", "prod")))
    assert [environment.name for environment in kept] == ["dev"]
    assert any(line.startswith("left out: environments/prod.yaml") for line in told)


def test_an_environment_on_aws_that_follows_the_catalog_says_what_moves(project: Released) -> None:
    project.write("environments/dev.yaml", EKS)
    found = load(project.root)
    said = code.notice(found.environment("dev"))
    assert said
    assert "3 images are pulled by tags that move (working-tree)" in said
    assert code.notice(found.environment("kube")) is None
