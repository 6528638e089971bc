"""`slipway diff`: for users, in Kubernetes, in CloudFormation."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from botocore.stub import Stubber

from slipway.aws.account import AwsAccount
from slipway.facts import STACKS
from slipway.model import load
from slipway.release import releases
from slipway.release.diff.changes import field_changes
from slipway.release.diff.compare import Diff, _add_access, compare
from slipway.release.diff.inputs import inputs
from slipway.release.diff.rendered import RenderedEnvironment, synthesized, without_secrets
from slipway.release.diff.text import to_markdown
from slipway.release.diff.users import user_changes
from tests.releases.test_code import EKS
from tests.support.local import ROOT
from tests.support.releases import Released


def changes(project: Released, edit: Callable[[], None] = lambda: None) -> list[str]:
    """What users would be told of an edit."""
    edit()
    with inputs(load(project.root, "kube"), "kube", None, None) as (old, new):
        return [change.text for change in user_changes(old, new)]


def diff(project: Released, name: str, before: str | None = None, after: str | None = None) -> Diff:
    found = load(project.root, name)
    with inputs(found, name, before, after) as (old, new):
        return compare(found, name, old, new)


EDITS = [
    ("app: code}\n", "app: lab}\n", ["VS Code opens at `/lab` instead of `/code`"]),
    (
        "routes:",
        "  gpu: {title: GPU, image: tools, groups: [ml]}\nroutes:",
        ["new profile GPU, visible to group ml"],
    ),
    ("  lab: {title: JupyterLab, image: tools}\n", "", ["profile JupyterLab is gone"]),
    (
        "image: tools, app: code}",
        "image: tools, app: code, resources: {memory: {guarantee: 1Gi, limit: 4Gi}}}",
        ["VS Code may use 4Gi instead of 2Gi of memory"],
    ),
    (
        "image: tools, app: code}",
        "image: tools, app: code, resources: {cpu: {limit: 2}}}",
        ["VS Code may use 2 instead of any amount of CPU"],
    ),
    ("title: VS Code,", "title: Editor,", ["VS Code is called Editor now"]),
    (
        "title: JupyterLab,",
        "title: JupyterLab, groups: [ml, stats],",
        ["JupyterLab is visible to groups ml and stats instead of everybody"],
    ),
    (
        "  /code: {profile: vscode, app: code}",
        "  /code: {profile: vscode, app: lab}",
        ["`/code` leads to JupyterLab in VS Code instead of VS Code in VS Code"],
    ),
    (
        "  /code: {profile: vscode, app: code}",
        "  /edit: {profile: vscode, app: code}",
        ["new route `/edit` to VS Code in VS Code", "`/code` leads nowhere any more"],
    ),
    (
        "routes:",
        "default_profile: lab\nroutes:",
        ["a login leads to JupyterLab instead of the choice of profiles"],
    ),
    (
        "{kind: code-server}",
        "{kind: code-server, folder: work}",
        ["VS Code has folder work instead of null"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), EDITS)
def test_users_are_told_in_their_words(
    project: Released, old: str, new: str, expected: list[str]
) -> None:
    assert changes(project, lambda: project.edit("catalog.yaml", old, new)) == expected


def test_an_app_that_an_image_gains_is_offered_by_its_profiles(project: Released) -> None:
    project.edit("catalog.yaml", "images:", "  board: {kind: tensorboard, logs: logs}\nimages:")
    project.edit("catalog.yaml", "[lab, code]", "[lab, code, board]")
    assert changes(project) == ["VS Code offers TensorBoard", "JupyterLab offers TensorBoard"]


def test_versions_of_programs_and_other_images_are_named(project: Released) -> None:
    """RStudio 2026.04 → 2026.09, from the bills of materials."""
    project.release("1.0.0")
    made = releases.read(project.root, "1.0.0")
    releases.write(
        project.root,
        made.model_copy(
            update={
                "version": "1.1.0",
                "images": {**made.images, "tools": f"sha256:{'f' * 64}"},
                "programs": {
                    **made.programs,
                    "tools": {"code-server": "4.2", "RStudio": "2026.09"},
                },
            }
        ),
    )
    project.edit("environments/kube.yaml", "auth:", "release: 1.0.0\nauth:")
    assert changes(project) == [
        "RStudio 2026.09 is new (image tools)",
        "code-server 4.1 → 4.2 (image tools)",
        "JupyterLab is gone (image tools)",
        "image tools is another one",
    ]


def test_no_change_is_said_and_is_no_failure(project: Released) -> None:
    done = project.slipway("diff", "kube")
    assert (done.returncode, done.stdout) == (0, "kube: HEAD → working-tree: no change\n")


def test_the_json_has_the_three_parts(project: Released) -> None:
    project.edit("catalog.yaml", "title: VS Code", "title: Editor")
    done = project.slipway("diff", "kube", "--json")
    found = json.loads(done.stdout)
    parts = ["users", "kubernetes", "cloudformation", "notes"]
    assert list(found) == ["environment", "from", "to", *parts]
    assert (found["environment"], found["from"], found["to"]) == ("kube", "HEAD", "working-tree")
    assert found["users"] == [
        {"change": "changed", "subject": "profile vscode", "text": "VS Code is called Editor now"}
    ]
    settings = next(one for one in found["kubernetes"] if one["kind"] == "ConfigMap")
    assert settings["fields"] == [
        {"path": "data.hub.json.profiles[0].title", "from": "VS Code", "to": "Editor"}
    ]
    assert found["cloudformation"] == []


def test_what_is_compared_by_default(project: Released) -> None:
    """The last commit; from the first release on, that; a pinned one and the newest."""

    def names() -> tuple[str, str]:
        with inputs(load(project.root, "kube"), "kube", None, None) as (old, new):
            return old.name, new.name

    assert names() == ("HEAD", "working-tree")
    project.release("1.0.0")
    assert names() == ("1.0.0", "working-tree")
    project.commit()
    project.release("1.10.0")
    assert names() == ("1.10.0", "working-tree")
    project.edit("environments/kube.yaml", "auth:", "release: 1.0.0\nauth:")
    assert names() == ("1.0.0", "1.10.0")
    project.edit("environments/kube.yaml", "1.0.0", "1.10.0")
    assert names() == ("1.10.0", "working-tree")


def test_a_pull_request_is_compared_with_the_commit_before_it(project: Released) -> None:
    """What is pinned there, and what is pinned now."""
    project.release("1.0.0")
    project.edit("environments/kube.yaml", "auth:", "release: 1.0.0\nauth:")
    project.edit("catalog.yaml", "title: VS Code", "title: Editor")
    project.commit()
    project.release("1.1.0")
    project.edit("environments/kube.yaml", "release: 1.0.0", "release: 1.1.0\ntitle: Ours")
    project.commit()
    found = diff(project, "kube", "HEAD^")
    assert (found.before, found.after) == ("HEAD^", "1.1.0")
    assert [change.text for change in found.users] == [
        "VS Code is called Editor now",
        "the hub is called Ours",
    ]


LOSES = "eve loses access, with all sessions, tokens and running servers; files stay"


def let_in(project: Released, *names: str) -> None:
    project.write("environments/kube.yaml", KUBE.format(names=", ".join(names)))


KUBE = """\
target: kubernetes
registry: registry.example/slipway
auth: {{kind: shared-password, allowed_users: [{names}]}}
"""


def test_who_loses_access_is_named(project: Released) -> None:
    let_in(project, "ada", "eve")
    project.commit()
    let_in(project, "ada")
    done = project.slipway("diff", "kube", "--from", "HEAD")
    assert f"  - {LOSES}\n" in done.stdout


def test_an_edit_is_not_hidden_by_being_on_both_sides(project: Released) -> None:
    """Where releases are compared, the file at hand is that of both."""
    project.release("1.0.0")
    let_in(project, "ada", "eve")
    project.commit()
    let_in(project, "ada")
    found = diff(project, "kube")
    assert (found.before, found.after) == ("1.0.0", "working-tree")
    assert [change.text for change in found.users] == [LOSES]
    project.commit()
    assert diff(project, "kube").users == []


def test_an_environment_that_is_new_is_all_new(project: Released) -> None:
    project.write("environments/other.yaml", (project.root / "environments/kube.yaml").read_text())
    found = diff(project, "other", "HEAD")
    assert [change.text for change in found.users] == ["a new hub"]
    assert {change.verb for change in found.kubernetes} == {"added"}


def test_what_is_neither_a_release_nor_a_commit_is_refused(project: Released) -> None:
    for option in ("--from", "--to"):
        for wrong in ("9.9.9", "--output=x"):
            done = project.slipway("diff", "kube", f"{option}={wrong}")
            assert done.returncode == 2
            assert f"{wrong!r} is neither a release nor a commit" in done.stderr
            assert "Traceback" not in done.stderr


def test_an_environment_that_is_not_on_aws_cannot_be_compared_with_it(project: Released) -> None:
    done = project.slipway("diff", "kube", "--aws")
    assert (done.returncode, done.stderr) == (2, "kube is not on AWS: leave --aws out\n")


def test_on_aws_the_resources_are_compared_without_credentials(
    project: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    project.write("environments/dev.yaml", EKS)
    project.commit()
    project.edit("environments/dev.yaml", "auth:", "alarms: {email: ops@example.org}\nauth:")
    project.edit("catalog.yaml", "title: VS Code", "title: Editor")
    found = diff(project, "dev")
    assert [change.text for change in found.users] == ["VS Code is called Editor now"]
    assert {(one.kind, one.name) for one in found.kubernetes} == {
        ("ConfigMap", "slipway/hub-settings"),
        ("Deployment", "slipway/hub"),
    }
    added = {(one.place, one.kind) for one in found.cloudformation if one.verb == "added"}
    assert ("dev-observability", "AWS::SNS::Subscription") in added
    assert all(one.place.startswith("dev-") for one in found.cloudformation)


def test_the_tag_that_names_the_release_is_no_change_of_every_resource(project: Released) -> None:
    project.write("environments/dev.yaml", EKS)
    project.commit()
    project.release("1.0.0", "--from", "kube")
    project.commit()
    project.release("1.1.0", "--from", "kube")
    found = diff(project, "dev", "1.0.0", "1.1.0")
    assert found.users == []
    assert not [one for one in found.cloudformation if one.kind == "AWS::EC2::VPC"]


def test_with_aws_it_is_compared_with_what_is_deployed(project: Released) -> None:
    project.write("environments/dev.yaml", EKS)
    found = load(project.root, "dev")
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    account = AwsAccount(found.environment("dev"), keys)
    topic = {"Resources": {"old": {"Type": "AWS::SNS::Topic", "Properties": {}}}}
    both = inputs(found, "dev", "working-tree", "working-tree")
    with stubbed(account, {"dev-observability": topic}), both as (old, new):
        result = compare(found, "dev", old, new, account)
    gone = [(one.kind, one.name) for one in result.cloudformation if one.verb == "removed"]
    assert gone == [("AWS::SNS::Topic", "old")]
    assert {one.verb for one in result.kubernetes} == {"added"}
    assert result.users == []


def test_who_loses_access_is_known_from_what_is_deployed(project: Released) -> None:
    deployed = {"auth": {"kind": "github", "client_id": "x", "allowed_organizations": ["acme"]}}
    named = {**deployed["auth"], "allowed_users": ["eve"]}
    before, after = (
        {("hub", "ConfigMap", "hub-settings"): {"data": {"hub.json": json.dumps({"auth": auth})}}}
        for auth in (named, deployed["auth"])
    )
    found = Diff("dev", "1.0.0", "1.1.0", [])
    _add_access(found, RenderedEnvironment(before, {}), RenderedEnvironment(after, {}))
    assert [change.text.partition(",")[0] for change in found.users] == ["eve loses access"]
    assert not found.notes
    native = {("hub", "ConfigMap", "s"): {"data": {"hub.json": '{"auth": {"kind": "native"}}'}}}
    _add_access(found, RenderedEnvironment(native, {}), RenderedEnvironment(after, {}))
    assert len(found.users) == 1
    assert found.notes == [
        "who loses access is not said: the deployed hub's login is not known here"
    ]


@contextmanager
def stubbed(account: AwsAccount, templates: dict[str, Any]) -> Iterator[None]:
    """AWS with these stacks and no other, in the account that is expected."""
    caller = Stubber(account.client("sts"))
    caller.add_response("get_caller_identity", {"Account": account.spec.account})
    stacks = Stubber(account.client("cloudformation"))
    for name in sorted(map(account.stack, STACKS)):
        if name in templates:
            stacks.add_response("get_template", {"TemplateBody": json.dumps(templates[name])})
        else:
            message = f"Stack with id {name} does not exist"
            stacks.add_client_error("get_template", "ValidationError", message)
    with caller, stacks:
        yield


def test_secrets_are_not_shown() -> None:
    secret = {"kind": "Secret", "metadata": {"name": "x"}, "data": {"token": "c2VjcmV0"}}
    other = {**secret, "data": {"token": "b3RoZXI="}, "stringData": {"key": "hidden"}}
    assert "hidden" not in str(without_secrets(other))
    found = list(field_changes(without_secrets(secret), without_secrets(other)))
    assert [field.path for field in found] == ["stringData"]
    assert "hidden" not in str(found)


def test_named_things_in_lists_are_compared_by_their_names() -> None:
    before = {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]}
    after = {"containers": [{"name": "b", "image": "y"}, {"name": "a", "image": "z"}]}
    (field,) = field_changes(before, after)
    assert (field.path, field.before, field.after) == ("containers[a].image", "x", "z")


def test_null_differs_from_nothing() -> None:
    (field,) = field_changes({"a": None, "b": 1}, {"b": 1})
    assert (field.path, field.before, field.after) == ("a", "null", None)


def test_markdown_cannot_be_broken_out_of(project: Released) -> None:
    title = "<img src=x> @everyone ```"
    project.edit("catalog.yaml", "title: VS Code", f"title: '{title}'")
    text = to_markdown(diff(project, "kube"))
    assert text.startswith("### kube: HEAD → working-tree\n")
    assert "- VS Code is called &lt;img src=x&gt; @\u200beveryone" in text
    inside = text.partition("```diff")[2].partition("\n```\n")[0]
    assert "'''" in inside
    assert "```" not in inside


def test_a_long_diff_stays_short_enough_for_a_comment(project: Released) -> None:
    many = "\n".join(
        f"  p{number}: {{title: Profile {number}, image: tools}}" for number in range(400)
    )
    project.edit("catalog.yaml", "routes:", f"{many}\nroutes:")
    found = diff(project, "kube")
    text = to_markdown(replace(found, cloudformation=found.kubernetes))
    assert len(text) < 65_536
    assert "Profile 399" in text or "more" in text


PART_OF = '"app.kubernetes.io/part-of": "slipway"'


def part_of(found: Diff) -> set[tuple[str | None, str | None]]:
    return {
        (field.before, field.after)
        for change in found.kubernetes
        for field in change.fields
        if field.path == "metadata.labels.app.kubernetes.io/part-of"
    }


def test_another_commits_objects_are_rendered_by_its_own_code(released: Released) -> None:
    """A change of the charts shows, although the catalog is the same."""
    released.edit("slipway/facts.py", PART_OF, PART_OF.replace("slipway", "earlier"))
    released.commit()
    released.edit("slipway/facts.py", PART_OF.replace("slipway", "earlier"), PART_OF)
    found = diff(released, "kube", "HEAD", "working-tree")
    assert found.users == []
    assert part_of(found) == {("earlier", "slipway")}


def test_a_release_is_rendered_by_its_own_commit_whatever_the_environment_trusts(
    released: Released,
) -> None:
    released.edit("slipway/facts.py", PART_OF, PART_OF.replace("slipway", "later"))
    released.commit()
    released.release("1.1.0")
    released.edit("slipway/facts.py", PART_OF.replace("slipway", "later"), PART_OF)
    released.edit("environments/kube.yaml", "auth:", "signed_by: [keys/none.pem]\nauth:")
    released.commit()
    project = load(released.root, "kube")
    with inputs(project, "kube", "1.0.0", "1.1.0") as (old, new):
        found = compare(project, "kube", old, new)
    assert part_of(found) == {("slipway", "later")}
    assert found.notes == []


def test_a_release_without_its_code_is_shown_with_a_note(project: Released) -> None:
    project.release("1.0.0")
    project.edit("catalog.yaml", "title: VS Code", "title: Editor")
    found = diff(project, "kube", "1.0.0", "working-tree")
    assert found.notes == ["1.0.0 is rendered by the code here, not by its own"]


def test_synthesis_for_a_diff_is_that_of_the_cdk_app(project: Released) -> None:
    """The feature flags are those that `cdk deploy` uses."""
    from aws_cdk import App
    from aws_cdk.assertions import Template

    from stacks.environment_stage import EnvironmentStage

    environment = load(ROOT, "dev").environment("dev")
    context = json.loads((ROOT / "cdk.json").read_bytes())["context"]
    stage = EnvironmentStage(App(context=context), "dev", environment=environment)
    template = Template.from_json(stage.synth().get_stack_by_name("dev-network").template)
    ours = {name for stack, _, name in synthesized(ROOT, environment) if stack == "dev-network"}
    assert ours == set(template.to_json()["Resources"])
