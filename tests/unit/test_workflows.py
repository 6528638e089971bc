"""The workflows name roles, environments and commands that exist."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.facts import CATALOG_FILE, ENVIRONMENTS_FOLDER, PLATFORM_FILE, RELEASES_FOLDER
from slipway.model import load
from tests.support.releases import CODE

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yaml"))


def jobs(workflow: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(workflow.read_text())["jobs"]
    return found


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_has_no_more_rights_than_it_says_and_no_stored_key(workflow: Path) -> None:
    content = yaml.safe_load(workflow.read_text())
    assert content["permissions"] == {"contents": "read"}, "a job says itself what it needs more"
    assert "secrets." not in workflow.read_text()
    assert "${{ github.event" not in "".join(
        step.get("run", "") for job in content["jobs"].values() for step in job.get("steps", [])
    ), "a shell must not read what a stranger wrote"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.name)
def test_a_job_ends_by_itself(workflow: Path) -> None:
    for name, job in jobs(workflow).items():
        assert "uses" in job or job.get("timeout-minutes") or len(job["steps"]) < 3, name


def test_the_environments_that_are_deployed_exist_and_may_be() -> None:
    project = load(ROOT)
    deployed = {
        job["with"]["environment"] for job in jobs(named("deploy")).values() if "with" in job
    }
    diffed = set(jobs(named("diff"))["diff"]["strategy"]["matrix"]["environment"])
    assert deployed == diffed == {"dev", "prod"}
    for name in deployed:
        spec: Any = project.environment(name).spec
        assert spec.github


def test_a_request_that_changes_what_is_rendered_shows_how() -> None:
    paths = yaml.safe_load(named("diff").read_text())[True]["pull_request"]["paths"]
    rendering = {f"{name}/**" if (ROOT / name).is_dir() else name for name in CODE}
    data = {CATALOG_FILE, PLATFORM_FILE, f"{ENVIRONMENTS_FOLDER}/**", f"{RELEASES_FOLDER}/**"}
    assert set(paths) == rendering | data


def triggers(workflow: Path) -> set[str]:
    found: Any = yaml.safe_load(workflow.read_text())[True]  # YAML 1.1 reads `on` so
    return {found} if isinstance(found, str) else set(found)


def of_requests(workflow: Path) -> dict[str, Any]:
    """The jobs that run the code of a pull request."""
    if "pull_request" not in triggers(workflow):
        return {}
    pushed = "github.event_name == 'push'"
    return {name: job for name, job in jobs(workflow).items() if job.get("if") != pushed}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.name)
def test_what_runs_a_requests_own_code_has_no_credentials(workflow: Path) -> None:
    rights = yaml.safe_load(workflow.read_text())["permissions"]
    for name, job in of_requests(workflow).items():
        assert "uses" not in job, f"{name}: what it calls may have more rights"
        assert job.get("permissions", rights) == {"contents": "read"}, name
        assert "environment" not in job, f"{name}: an environment has secrets and roles"
        steps = job["steps"]
        assert not [step for step in steps if "credentials@" in step.get("uses", "")], name
        (checkout,) = (step for step in steps if "/checkout@" in step.get("uses", ""))
        assert checkout["with"]["persist-credentials"] is False, name


def test_the_jobs_that_run_requests_are_known() -> None:
    found = {(workflow.stem, name) for workflow in WORKFLOWS for name in of_requests(workflow)}
    assert found == {("checks", "checks"), ("diff", "diff"), ("images", "build")}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.name)
def test_no_event_runs_a_strangers_work_as_the_default_branch(workflow: Path) -> None:
    """AWS gives roles to runs of the default branch; these events run as it."""
    assert triggers(workflow) <= {"push", "pull_request", "workflow_call", "workflow_dispatch"}


def test_what_builds_images_pushes_them_without_the_deploy_role() -> None:
    push = jobs(named("images"))["push"]
    assert "environment" not in push, "its token would be one that may deploy"
    (login,) = (step for step in push["steps"] if "credentials@" in step.get("uses", ""))
    assert login["with"]["role-to-assume"] == "${{ vars.PUSH_ROLE }}"


def test_zizmor_finds_no_fault() -> None:
    """An outside judge of workflows: https://docs.zizmor.sh. What needs GitHub is not asked."""
    zizmor = Path(sys.executable).parent / "zizmor"
    options = ("--offline", "--no-config", "--min-severity=medium", "--format=plain")
    done = subprocess.run(
        [zizmor, *options, ROOT / ".github"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_difference_is_shown_to_the_request() -> None:
    steps = jobs(named("diff"))["diff"]["steps"]
    assert "--from HEAD^ --markdown" in steps[-1]["run"]
    assert steps[0]["with"]["fetch-depth"] == 0


def test_a_deploy_takes_the_role_of_its_own_github_environment() -> None:
    """Its trust names that environment: `stacks/pipeline.py`."""
    job = jobs(named("deploy-one"))["deploy"]
    assert job["environment"] == "${{ inputs.environment }}"
    assert job["steps"][-1]["run"].endswith('-c env="$TARGET" --require-approval never')


def test_a_release_is_deployed_from_its_own_checkout() -> None:
    steps = jobs(named("deploy-one"))["deploy"]["steps"]
    assert steps[0]["with"]["fetch-depth"] == 0, "the commit of the release must be there"
    (made,) = (step for step in steps if step.get("id") == "code")
    assert '.venv/bin/slipway checkout "$TARGET" --json' in made["run"]
    assert steps[-1]["working-directory"] == "${{ steps.code.outputs.folder }}"


def test_the_checks_are_the_ones_that_everybody_runs() -> None:
    assert jobs(named("checks"))["checks"]["steps"][-1] == {"run": ".ci/run"}


def named(name: str) -> Path:
    return ROOT / f".github/workflows/{name}.yaml"


def test_who_promotes_on_aws_cannot_write_to_the_repository() -> None:
    promote, opened = (jobs(named("promote"))[job] for job in ("promote", "open"))
    branch = "format('refs/heads/{0}', github.event.repository.default_branch)"
    assert promote["if"] == f"github.ref == {branch}", "a tag may have the name of a branch"
    assert promote["environment"] == "${{ inputs.target }}"
    assert promote["permissions"] == {"contents": "read", "id-token": "write"}
    assert "id-token" not in opened["permissions"]
    assert opened["needs"] == "promote"
    (script,) = (step["run"] for step in opened["steps"] if "run" in step)
    assert "slipway" not in script, "it runs no code of the project"
    assert opened["steps"][0]["with"]["persist-credentials"] is False
    assert "${{" not in script
