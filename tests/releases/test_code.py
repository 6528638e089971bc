"""A pinned release is rendered by its own commit's code only."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.installation import INSTALLATION
from slipway.model import InvalidProject, load
from slipway.release import code_check, deploy
from tests.support.releases import Released, own_slipway

EKS = """\
target: eks
account: "111122223333"
region: eu-central-1
zones: [eu-central-1a, eu-central-1b]
auth: {kind: github, client_id: x, allowed_organizations: [acme]}
"""
CHART = "charts/rendering.py"


def pin(project: Released, *lines: str, name: str = "kube") -> None:
    """The environment runs 1.0.0."""
    text = "\n".join(("release: 1.0.0", *lines, "auth:"))
    project.edit(f"environments/{name}.yaml", "auth:", text)


def change(project: Released, name: str = CHART) -> None:
    project.write(name, (project.root / name).read_text() + "# changed\n")


def refusal(project: Released, name: str = "kube") -> str:
    """Why the environment is not rendered by the code of the project's folder."""
    environment = load(project.root, name).environment(name)
    with pytest.raises(InvalidProject) as refused:
        code_check.check_code(project.root, environment)
    return str(refused.value)


@pytest.fixture
def drifted(released: Released) -> Released:
    """1.0.0 was frozen with a chart that has changed since."""
    change(released)
    released.commit()
    return released


def test_its_own_code_renders_a_release_whatever_became_of_the_projects_data(
    released: Released,
) -> None:
    pin(released)
    released.edit("catalog.yaml", "title: VS Code", "title: Later")
    released.write("environments/other.yaml", EKS)
    released.commit()
    done = released.slipway("render", "kube")
    assert done.returncode == 0, done.stderr
    assert "app.kubernetes.io/version: 1.0.0" in done.stdout
    assert "Later" not in done.stdout


def test_other_code_is_refused_with_the_way_back(drifted: Released) -> None:
    pin(drifted)
    done = drifted.slipway("render", "kube")
    assert (done.returncode, done.stdout) == (2, "")
    assert "environments/kube.yaml:" in done.stderr
    assert f"other files are here than in the commit of 1.0.0: {CHART}" in done.stderr
    assert "`slipway checkout kube` makes a folder that has them all" in done.stderr


def remove(project: Released) -> None:
    (project.root / "charts/hub.py").unlink()
    (project.root / "packages/notebook/README.md").unlink()


def hide(project: Released) -> None:
    project.git("update-index", "--assume-unchanged", CHART)
    change(project)


CHANGES: dict[str, Callable[[Released], None]] = {
    "not committed": change,
    "not tracked": lambda project: project.write("charts/new.py", ""),
    "ignored": lambda project: project.write("slipway/model/new_ignored.py", ""),
    "removed": remove,
    "hidden from git status": hide,
    "the app": lambda project: change(project, "app.py"),
    "an icon": lambda project: project.write("packages/hub/slipway_hub/new.svg", "<svg/>"),
    "settings of the CDK": lambda project: project.write("cdk.context.json", "{}"),
}


@pytest.mark.parametrize("how", CHANGES)
def test_any_change_of_code_is_refused(released: Released, how: str) -> None:
    pin(released)
    CHANGES[how](released)
    assert "other files are here than in the commit of 1.0.0" in refusal(released)


def test_what_setting_up_and_running_leave_behind_is_no_code(released: Released) -> None:
    for name in (".venv/x.py", "node_modules/x/y.js", "cdk.out/x", "charts/__pycache__/x.pyc"):
        released.write(name, "")
    pin(released)
    code_check.check_code(released.root, load(released.root).environment("kube"))


def test_other_libraries_than_the_lock_are_refused(released: Released) -> None:
    lock = (released.root / code_check.REQUIREMENTS).read_text()
    version = next(line for line in lock.splitlines() if line.startswith("constructs=="))
    released.edit(code_check.REQUIREMENTS, version, "constructs==1.0.0 \\")
    released.commit()
    released.release("1.1.0")
    released.edit("environments/kube.yaml", "auth:", "release: 1.1.0\nauth:")
    found = refusal(released)
    installed = version.split()[0].partition("==")[2]
    assert f"locked to other libraries than these: constructs {installed} (not" in found
    assert "`make setup` installs them" in found


def test_a_commit_that_nobody_reviewed_is_refused_and_not_proposed(released: Released) -> None:
    frozen = (released.root / "releases/1.0.0.yaml").read_bytes()
    released.git("checkout", "-q", "--orphan", "another")
    released.commit("without a past")
    (released.root / "releases/1.0.0.yaml").write_bytes(frozen)
    pin(released)
    found = refusal(released)
    assert "is not in the history of what is here" in found
    assert "slipway checkout" not in found


def test_a_slipway_that_is_installed_elsewhere_renders_no_release(
    released: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(released)
    monkeypatch.setattr(code_check, "INSTALLATION", INSTALLATION)
    found = refusal(released)
    assert f"Slipway is not part of it: it is installed in {INSTALLATION}" in found
    assert f"keep Slipway in the project's repository {released.root}" in found


def test_without_git_no_release_is_rendered(
    released: Released, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pin(released)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    shutil.rmtree(released.root / ".git")
    assert "is not in a git repository: `git init`" in refusal(released)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "git is missing: install it" in refusal(released)


def test_an_environment_that_follows_the_catalog_is_rendered_by_any_code(drifted: Released) -> None:
    code_check.check_code(drifted.root, load(drifted.root).environment("kube"))


def test_drift_can_be_allowed_and_is_not_labelled_as_the_release(drifted: Released) -> None:
    pin(drifted)
    done = drifted.slipway("render", "kube", "--allow-code-drift")
    assert done.returncode == 0
    assert "rendered nevertheless, as you allowed" in done.stderr
    assert "app.kubernetes.io/version: working-tree" in done.stdout
    digest = load(drifted.root).releases["1.0.0"].images["tools"]
    assert f"slipway/tools@{digest}" in done.stdout


def test_a_protected_environment_never_allows_it(drifted: Released) -> None:
    pin(drifted, "protected: true")
    done = drifted.slipway("render", "kube", "--allow-code-drift")
    assert (done.returncode, done.stdout) == (2, "")
    assert "kube is protected: drift is never allowed here" in done.stderr


def app(root: Path, **context: str) -> subprocess.CompletedProcess[str]:
    """`app.py` as the CDK CLI starts it."""
    return subprocess.run(
        [sys.executable, "app.py"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        env=own_slipway(root)
        | {"CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(root / "cdk.out")},
    )


def test_cdk_refuses_it_before_synthesis(drifted: Released) -> None:
    drifted.write("environments/dev.yaml", EKS)
    pin(drifted, name="dev")
    done = app(drifted.root, env="dev")
    assert done.returncode == 2
    assert "other files are here than in the commit of 1.0.0" in done.stderr
    assert not list((drifted.root / "cdk.out").rglob("*.template.json"))


def test_cdk_builds_a_release_from_its_catalog_and_digests(drifted: Released) -> None:
    drifted.write("environments/dev.yaml", EKS)
    pin(drifted, name="dev")
    drifted.edit("catalog.yaml", "title: VS Code", "title: Something else")
    done = app(drifted.root, **{"env": "dev", "allow-code-drift": "true"})
    assert done.returncode == 0, done.stderr
    assert "rendered nevertheless, as you allowed" in done.stderr
    manifests = [
        json.loads(f.read_text()) for f in (drifted.root / "cdk.out").rglob("manifest.json")
    ]
    tags = [
        artifact["properties"]["tags"]["slipway:release"]
        for manifest in manifests
        for artifact in manifest["artifacts"].values()
        if artifact["type"] == "aws:cloudformation:stack"
    ]
    assert set(tags) == {"working-tree"}
    templates = "".join(
        path.read_text() for path in (drifted.root / "cdk.out").rglob("*.template.json")
    )
    digest = load(drifted.root).releases["1.0.0"].images["tools"]
    assert f"dkr.ecr.eu-central-1.amazonaws.com/slipway/tools@{digest}" in templates
    assert "Something else" not in templates
    assert ":working-tree" not in templates


def test_the_code_of_a_release_needs_no_catalog_of_today(released: Released) -> None:
    released.write("environments/prod.yaml", EKS)
    pin(released, "protected: true", name="prod")
    released.edit("catalog.yaml", "apps:", "newer: 1\napps:")
    done = app(released.root, env="prod")
    assert done.returncode == 0, done.stderr


def test_among_several_one_that_drifted_is_left_out(project: Released) -> None:
    project.release("1.0.0")
    project.write("environments/dev.yaml", EKS)
    project.write("environments/prod.yaml", EKS)
    pin(project, "protected: true", name="prod")
    found = load(project.root)
    kept, warnings = deploy.environments_to_render(
        project.root, map(found.environment, ("dev", "prod"))
    )
    assert [environment.name for environment in kept] == ["dev"]
    assert any(line.startswith("left out: environments/prod.yaml") for line in warnings)


def test_an_environment_on_aws_that_follows_the_catalog_says_what_moves(project: Released) -> None:
    project.write("environments/dev.yaml", EKS)
    found = load(project.root)
    _, (warning,) = deploy.environments_to_render(project.root, [found.environment("dev")])
    assert "3 images are pulled by tags that move (working-tree)" in warning
    assert deploy.environments_to_render(project.root, [found.environment("kube")])[1] == []
