"""`slipway check`: every problem at its place, with a remedy, in the documented form."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.model import InvalidProject, Release, load
from slipway.model.document import parse
from slipway.model.edit import edited
from stacks.registry import RegistryStack
from tests.support.local import ROOT, SLIPWAY

CATALOG = """\
apps:
  lab: {kind: jupyterlab}
  code: {kind: code-server}
  tool:
    kind: command
    command: [tool, '{port}']
images:
  base:
    apps: [lab, code]
profiles:
  work:
    title: Work
    image: base
    app: code
routes:
  /code: {profile: work, app: code}
"""
LOCAL = """\
target: local
auth: {kind: shared-password, allow_all: true}
"""
EKS = """\
target: eks
account: "111122223333"
region: eu-central-1
zones: [eu-central-1a, eu-central-1b]
auth: {kind: github, client_id: x, allowed_organizations: [acme]}
"""
RELEASE = """\
version: 1.0.0
commit: "{commit}"
platform: {{}}
images: {{base: sha256:{digest}, hub: sha256:{digest}, proxy: sha256:{digest}}}
catalog:
{catalog}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "environments").mkdir()
    (tmp_path / "releases").mkdir()
    (tmp_path / "catalog.yaml").write_text(CATALOG)
    (tmp_path / "environments/local.yaml").write_text(LOCAL)
    (tmp_path / "environments/dev.yaml").write_text(EKS)
    return tmp_path


def errors(project: Path) -> list[str]:
    try:
        load(project)
    except InvalidProject as error:
        return [str(problem) for problem in error.problems]
    return []


def release(**changes: str) -> str:
    indented = "".join(f"  {line}\n" for line in CATALOG.splitlines())
    text = RELEASE.format(commit="0" * 40, digest="a" * 64, catalog=indented)
    made = Release.model_validate(parse(text.encode(), "").data)
    text += f"digest: {made.content_digest()}\n"
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


def test_a_good_project_has_no_errors(project: Path):
    (project / "releases/1.0.0.yaml").write_text(release())
    assert errors(project) == []


NEWER = (
    ("catalog.yaml", CATALOG + "newer: 1\n"),
    ("catalog.yaml", "images: ["),
    ("platform.yaml", "newer: 1\n"),
)


@pytest.mark.parametrize(("name", "text"), NEWER)
def test_an_environment_that_is_pinned_does_not_wait_for_the_catalog(
    project: Path, name: str, text: str
):
    """Its release's own code, which may not know what was written since, deploys it."""
    (project / "releases/1.0.0.yaml").write_text(release())
    (project / "environments/prod.yaml").write_text(EKS + "release: 1.0.0\n")
    (project / name).write_text(text)
    environment = load(project, "prod").environment("prod")
    assert list(environment.catalog.images) == ["base"]
    assert environment.repositories[:2] == ("hub", "proxy")
    assert "base" in environment.repositories
    assert [problem.split(":")[0] for problem in errors(project)] == [name]
    with pytest.raises(InvalidProject, match=name):
        load(project, "dev")


def test_images_of_the_catalog_and_of_every_release_have_repositories(project: Path):
    """Whatever is pinned: before a promotion, and after a rollback."""
    prod = project / "environments/prod.yaml"
    prod.write_text(EKS + "release: 1.0.0\n")
    (project / "releases/1.0.0.yaml").write_text(release())
    later = release().replace("base", "later").replace("1.0.0", "2.0.0") + "newer: 1\n"
    (project / "releases/2.0.0.yaml").write_text(later)
    outside = f"  outside: {{reference: docker.io/a/b@sha256:{'b' * 64}}}\nprofiles:"
    catalog = CATALOG.replace("base", "next").replace("profiles:", outside)
    (project / "catalog.yaml").write_text(catalog)
    environment = load(project, "prod").environment("prod")
    assert environment.repositories == ("hub", "proxy", "next", "base", "later")
    stack = RegistryStack(App(), "registry", environment=environment)
    found = Template.from_stack(stack).find_resources("AWS::ECR::Repository").values()
    names = {repository["Properties"]["RepositoryName"] for repository in found}
    assert names == {f"slipway/{image}" for image in environment.repositories}


def test_a_release_that_cannot_be_read_takes_no_repository_away(project: Path):
    (project / "releases/1.0.0.yaml").write_text("[")
    with pytest.raises(InvalidProject, match=r"releases/1\.0\.0\.yaml"):
        load(project, "dev").environment("dev")


# What is replaced in the catalog, by what, and the error it must give.
CATALOG_CASES = [
    ("title: Work", "titel: Work", "catalog.yaml:12:5: profiles.work.titel: is not a known key, did you mean 'title'?"),
    ("title: Work", "titel: Work", "catalog.yaml:11:3: profiles.work.title: is missing, add `title: …`"),
    ("title: Work", "title: 7", "catalog.yaml:12:12: profiles.work.title: must be text, not 7, write it in quotes: \"7\""),
    ("title: Work", "title: yes", None),
    ("title: Work", "title:", "profiles.work.title: must be text, but nothing is written, write it, or remove the key"),
    ("title: Work", "title: ''", "profiles.work.title: is empty, write a short text"),
    ("title: Work", "title: [a]", "profiles.work.title: must be text, not a list, write text"),
    ("apps: [lab, code]", "apps: lab", "catalog.yaml:9:11: images.base.apps: must be a list, not 'lab', write [lab]"),
    ("apps: [lab, code]", "apps: [lab, cod]", "catalog.yaml:9:17: images.base.apps[1]: there is no app 'cod', did you mean 'code'?"),
    ("apps: [lab, code]", "apps: [code, code]", "images.base.apps[1]: the app 'code' is here twice, remove one"),
    ("image: base", "image: bse", "catalog.yaml:13:12: profiles.work.image: there is no image 'bse', did you mean 'base'?"),
    ("apps: [lab, code]", "apps: [lab, code]\n    home: opt", "images.base.home: 'opt' is not an absolute path, write for example /home/jovyan"),
    ("apps: [lab, code]", "apps: [lab, code]\n    home: /opt", "images.base.home: a home at /opt would hide the image's own files, write /home/jovyan"),
    ("apps: [lab, code]", "apps: [lab, code]\n    home: /usr/home", "images.base.home: a home at /usr/home would hide the image's own files"),
    ("    app: code\n", "    app: tool\n", "profiles.work.app: the image 'base' does not carry the app 'tool', add it to images.base.apps or choose one of these: lab and code"),
    ("    app: code\n", "    default_url: /tool/\n", "profiles.work.default_url: the image 'base' does not carry the app 'tool'"),
    ("    app: code\n", "    default_url: /nope/x\n", "profiles.work.default_url: there is no app 'nope', there is code, lab and tool"),
    ("    app: code\n", "    default_url: /lab/../hub\n", "profiles.work.default_url: leaves the user's server, remove the .."),
    ("    app: code\n", "    app: code\n    default_url: /lab\n", "profiles.work: both app and default_url are given, keep the one users shall land in"),
    ("app: code}", "app: cdoe}", "catalog.yaml:16:31: routes./code.app: there is no app 'cdoe', did you mean 'code'?"),
    ("profile: work,", "profile: wrk,", "routes./code.profile: there is no profile 'wrk', did you mean 'work'?"),
    ("app: code}", "app: tool}", "routes./code.app: the image 'base' does not carry the app 'tool'"),
    ("/code:", "/hub/x:", "catalog.yaml:16:3: routes./hub/x: belongs to JupyterHub, choose another path"),
    ("/code:", "/proxy:", "routes./proxy: belongs to JupyterHub, choose another path"),
    ("/code:", "/Code:", "routes./Code: '/Code' is not a path in lower case without a slash at its end, write for example /code"),
    ("/code:", "code:", "routes.code: 'code' is not a path"),
    ("routes:\n", "routes:\n  /code/deep: {profile: work, app: code}\n", "routes./code/deep: lies below the route /code, choose a path beside it"),
    ("routes:\n", "routes:\n  /code: {profile: work, app: code}\n", "catalog.yaml:17:3: routes./code: is here twice, first on line 16, remove one of the two"),
    ("kind: code-server", "kind: code-sever", "catalog.yaml:3:9: apps.code: has an unknown kind 'code-sever', did you mean 'code-server'?"),
    ("{kind: code-server}", "{title: X}", "apps.code: has no kind, add `kind: …`"),
    ("{kind: code-server}", "code-server", "apps.code: must be a block of keys, not 'code-server'"),
    ("{kind: code-server}", "{kind: code-server, launchr: true}", "apps.code.launchr: is not a known key, did you mean 'launcher'?"),
    ("{kind: code-server}", "{kind: code-server, launcher: 'no'}", "apps.code.launcher: must be true or false, not 'no', write true or false"),
    ("{kind: code-server}", "{kind: code-server, start_timeout: 5s}", "apps.code.start_timeout: must be a whole number, not '5s', write a whole number"),
    ("{kind: code-server}", "{kind: code-server, start_timeout: 0}", "apps.code.start_timeout: 0 is out of range, write at least 1"),
    ("{kind: code-server}", "{kind: port, port: 80}", "apps.code.port: 80 is out of range, write at least 1024"),
    ("{kind: code-server}", "{kind: rstudio}", "apps.code: an app of kind rstudio cannot be called 'code', call it rstudio"),
    ("  code: {kind: code-server}", "  files: {kind: code-server}", "apps.files: /files belongs to the Jupyter server, call the app something else"),
    ("  code: {kind: code-server}", "  work-server: {kind: code-server}", "apps.work-server: /work-server is where the server of profile work stands"),
    ("  code: {kind: code-server}", "  My_App: {kind: code-server}", "apps.My_App: 'My_App' is not a name of lower-case letters"),
    ("'{port}'", "'{prot}'", "apps.tool.command[1]: '{prot}' holds {prot}, use {port}, {unix_socket} or {base_url}, and {{ }} for plain braces"),
    ("'{port}'", "'{'", "apps.tool.command[1]: '{' holds a single brace"),
    ("'{port}'", "8080", "apps.tool.command[1]: must be text, not 8080, write it in quotes: \"8080\""),
    ("[tool, '{port}']", "[tool]", "apps.tool: the command is not told where to listen, pass it {port} or {unix_socket}; for a fixed port use kind: port"),
    ("[tool, '{port}']", "[]", "apps.tool.command: has too few entries, write at least 1"),
    ("[tool, '{port}']", "[tool, '{port}']\n    ready_path: healthz", "apps.tool.ready_path: 'healthz' is not a path inside the app, write for example /healthz"),
    ("[tool, '{port}']", "[tool, '{port}']\n    activity: {heartbeats: ['(']}", "apps.tool.activity.heartbeats[0]: '(' is not a regular expression"),
    ("{kind: code-server}", "{kind: code-server, activity: {websocket: typing}}", "apps.code.activity.websocket: cannot be 'typing', write 'work', 'input', 'vscode' or 'heartbeat'"),
    ("{kind: code-server}", "{kind: code-server, activity: {heartbeat: [/x]}}", "apps.code.activity.heartbeat: is not a known key, did you mean 'heartbeats'?"),
    ("{kind: jupyterlab}", "{kind: jupyterlab, activity: {requests: heartbeat}}", "apps.lab: what is work in Jupyter is known"),
    ("{kind: code-server}", "{kind: code-server, trusted_with_credentials: 'yes'}", "apps.code.trusted_with_credentials: must be true or false"),
    ("{kind: jupyterlab}", "{kind: jupyterlab, trusted_with_credentials: true}", "apps.lab.trusted_with_credentials:"),
    ("  base:\n", "  hub: {apps: [lab]}\n  base:\n", "images.hub: is the name of one of Slipway's own images, rename it"),
    ("    app: code\n", "    app: code\n    resources: {memory: {guarantee: 4Gi, limit: 2Gi}}\n", "profiles.work.resources.memory: the guarantee (4Gi) is above the limit (2Gi), lower the guarantee or raise the limit"),
    ("    app: code\n", "    app: code\n    resources: {cpu: {guarantee: 2, limit: 500m}}\n", "profiles.work.resources.cpu: the guarantee (2) is above the limit (0.5)"),
    ("    app: code\n", "    app: code\n    resources: {memory: {limit: 2}}\n", "profiles.work.resources.memory.limit: 2 has no unit, write for example 2Gi"),
    ("    app: code\n", "    app: code\n    resources: {memory: {limit: 2GB}}\n", "profiles.work.resources.memory.limit: '2GB' is not an amount of memory with its unit, write for example 2Gi"),
    ("    app: code\n", "    app: code\n    resources: {cpu: {limit: two}}\n", "profiles.work.resources.cpu.limit: 'two' is not a number of CPU cores, write for example 0.5, 2 or 500m"),
    ("    app: code\n", "    app: code\n    resources: {cpu: {limit: 0}}\n", "profiles.work.resources.cpu.limit: 0 CPU cores is out of range, write 0.001 (1m) to 1024"),
    ("routes:\n", "default_profile: wok\nroutes:\n", "catalog.yaml:15:18: default_profile: there is no profile 'wok', did you mean 'work'?"),
    (CATALOG[CATALOG.index("profiles:") :], "profiles: {}\n", "profiles: has too few entries, write at least 1"),
    ("kind: code-server", "kind: !!python/name:os.system x", "apps.code.kind: has the tag"),
    ("kind: code-server", "kind: !secret x", "apps.code.kind: has the tag !secret, remove the tag"),
    ("{kind: code-server}", "&a [*a]", "apps.code[0]: contains itself through an alias, write the value out"),
    ("{kind: code-server}", "{[1]: 2}", "is not a plain key, write a name before the colon"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), CATALOG_CASES)
def test_a_wrong_catalog_is_explained(project: Path, old: str, new: str, expected: str | None):
    assert old in CATALOG
    (project / "catalog.yaml").write_text(CATALOG.replace(old, new, 1))
    found = errors(project)
    if expected is None:
        assert found == []
    else:
        assert any(expected in line for line in found), found


ENVIRONMENT_CASES = [
    ("region: eu-central-1\n", "", "environments/dev.yaml:1:1: region: is missing, add `region: …`"),
    ("target: eks", "target: esk", "environments/dev.yaml:1:1: has an unknown target 'esk', did you mean 'eks'?"),
    ("target: eks", "targt: eks", "environments/dev.yaml:1:1: has no target, add `target: …`"),
    ("target: eks", "target: eks\nregoin: x", "regoin: is not a known key"),
    ('"111122223333"', "1111", "account: '1111' is not a 12-digit AWS account, write for example \"111122223333\""),
    ('"111122223333"', "011122223333", None),
    ("eu-central-1b]", "eu-west-1b]", "the zone eu-west-1b is not in eu-central-1, name zones of the region"),
    ("eu-central-1b]", "eu-central-1a]", "a zone is named twice, name each zone once"),
    ("[eu-central-1a, eu-central-1b]", "[eu-central-1a]", "zones: has too few entries, write at least 2"),
    ("region: eu-central-1", "region: Frankfurt", "region: 'Frankfurt' is not an AWS region, write for example eu-central-1"),
    ("target: eks", "target: eks\nrelease: 1.2", "release:"),
    ("target: eks", "target: eks\nrelease: 9.9.9", "environments/dev.yaml:2:10: release: there is no release '9.9.9', there is working-tree"),
    ("target: eks", "target: eks\nculling: {idle: 5m, every: 1h}", "culling: every (1h) is longer than idle (5m), look more often"),
    ("target: eks", "target: eks\nculling: {idle: 90}", "culling.idle: 90 has no unit, write for example 30m"),
    ("target: eks", "target: eks\nculling: {idle: 90 minutes}", "culling.idle: '90 minutes' is not a time with its unit (s, m, h, d), write for example 30m"),
    ("target: eks", "target: eks\ndomain: hub.example.org", "domain: hub.example.org has no hosted zone to stand in, add hosted_zone: {id: Z…, name: …}; `aws route53 list-hosted-zones` shows both"),
    ("target: eks", "target: eks\nhosted_zone: {id: Z1, name: example.org}", "hosted_zone: is for a domain, but there is none, add domain"),
    ("target: eks", "target: eks\ndomain: example.org\nhosted_zone: {id: Z1, name: example.org}", "hosted_zone.name: example.org is not a name below example.org, choose a domain below the zone: the zone's own name cannot be an alias"),
    ("target: eks", "target: eks\nbudget: {monthly_usd: 5}", "there is a budget, but no address for its alarms, add alarms.email"),
    ("target: eks", "target: eks\ngithub: {repository: hub}", "github.repository: 'hub' is not a GitHub repository, write for example example-org/our-hub"),
    ("target: eks", "target: eks\ndomain: Hub", "domain: 'Hub' is not a domain name in lower case, write for example hub.example.org"),
    ("target: eks", "target: eks\nalarms: {email: nobody}", "alarms.email: 'nobody' is not an e-mail address, write for example team@example.org"),
    ("target: eks", "target: eks\nbudget: {monthly_usd: 1.5}", "budget.monthly_usd: must be a whole number, not 1.5"),
    ("target: eks", "target: eks\nnetwork: {nat: two}", "network.nat: cannot be 'two', write 'none', 'one' or 'per-zone'"),
    ("target: eks", "target: eks\nnetwork: {cidr: 10.0.0.0}", "network.cidr: '10.0.0.0' does not suit a VPC, use a prefix from /16 to /24"),
    (", allowed_organizations: [acme]", "", "auth: nobody may log in, name allowed_users"),
    ("{kind: github, client_id: x, allowed_organizations: [acme]}", "{kind: shared-password, allow_all: true}", "a shared password is for one trusted user, use github, google, cognito or oidc"),
    ("{kind: github, client_id: x, allowed_organizations: [acme]}", "\n  admin_users: [ada]\n  kind: native", "environments/dev.yaml:7:9: auth.kind: there is no login kind 'native' any more, use oidc with an identity provider of your own"),
    ("[acme]", "[acme], admin_users: [slipway-smoke-x]", "auth.admin_users: slipway-smoke-x begins like the users of smoke runs, whom no login leads to, leave it out"),
    ("kind: github", "kind: gitlab", "auth: has an unknown kind 'gitlab', did you mean 'github'?"),
    ("client_id: x, ", "", "auth.client_id: is missing, add `client_id: …`"),
    ("{kind: github, client_id: x, allowed_organizations: [acme]}", "{kind: oidc, client_id: x, authorize_url: 'http://a', token_url: 'https://a', userdata_url: 'https://a', allowed_groups: [g]}", "auth.authorize_url: 'http://a' has the wrong form"),
    ("{kind: github, client_id: x, allowed_organizations: [acme]}", "{kind: oidc, client_id: x, authorize_url: 'https://a', token_url: 'https://a', userdata_url: 'https://a', allowed_groups: [g]}", "auth: groups are named but no claim that lists them, add groups_claim: …"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), ENVIRONMENT_CASES)
def test_a_wrong_environment_is_explained(project: Path, old: str, new: str, expected: str | None):
    assert old in EKS
    (project / "environments/dev.yaml").write_text(EKS.replace(old, new, 1))
    found = errors(project)
    if expected is None:
        assert found == []
    else:
        assert any(expected in line for line in found), found


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"version: 1.0.0": "version: 2.0.0"}, "version: 2.0.0 is not the file's name"),
        ({"proxy: sha256:": "prxy: sha256:"}, "images: does not pin the image 'proxy'"),
        ({"0" * 40: "main"}, "commit: 'main' is not a git commit"),
        (
            {"title: Work": "title: Play"},
            "digest: is not that of the file's content: it was edited",
        ),
        ({"digest: sha256": "version: sha256"}, "releases/1.0.0.yaml"),
        ({"image: base": "image: bse"}, "catalog.profiles.work.image: there is no image 'bse'"),
        ({"platform: {}": "platform: {kubernetes: 1.30}"}, 'write it in quotes: "1.30"'),
    ],
)
def test_a_wrong_release_is_explained(project: Path, changes: dict[str, str], expected: str):
    (project / "releases/1.0.0.yaml").write_text(release(**changes))
    assert any(expected in line for line in errors(project)), errors(project)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "catalog.yaml:1:1: is empty"),
        (b"# only a comment\n", "catalog.yaml:1:1: is empty"),
        (b"apps:\n  lab: \xff\n", "catalog.yaml:2:8: is not UTF-8 text, save the file as UTF-8"),
        (b"apps:\n  lab: {kind: x\n", "catalog.yaml:3:1: is not valid YAML"),
        (b"apps: {}\n\tx: 1\n", "catalog.yaml:2:1: is not valid YAML"),
        (b"apps: \x01\n", "catalog.yaml:1:7: holds a character that YAML does not allow (U+0001)"),
        (b"a: 1\n---\nb: 2\n", "is not valid YAML"),
        (b"[1, 2]\n", "catalog.yaml:1:1: must be a block of keys, not a list"),
        (b"just text\n", "catalog.yaml:1:1: must be a block of keys, not 'just text'"),
        (b"[" * 5000, "catalog.yaml"),
        (b"x: &a [1,1,1,1,1,1,1,1,1,1]\n", "x: is not a known key"),
    ],
)
def test_a_broken_file_is_explained(project: Path, content: bytes, expected: str):
    (project / "catalog.yaml").write_bytes(content)
    assert any(expected in line for line in errors(project)), errors(project)


def test_anchors_that_multiply_are_refused(project: Path):
    lines = ["a0: &a0 [1,1,1,1,1,1,1,1,1,1]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (project / "catalog.yaml").write_text("\n".join(lines))
    assert any("is too large" in line for line in errors(project))


def test_an_anchored_text_that_multiplies_is_refused(project: Path):
    """Each alias is one value only, but all of its text to whatever writes it out."""
    lines = [f"text: &text {'x' * 500_000}", f"all: [{', '.join(['*text'] * 1000)}]"]
    (project / "catalog.yaml").write_text("\n".join(lines))
    assert any("is too large" in line for line in errors(project))


def test_anchors_that_deepen_are_refused(project: Path):
    lines = [f"a0: &a0 {'[' * 30}1{']' * 30}"]
    lines += [f"a{n}: &a{n} {'[' * 20}*a{n - 1}{']' * 20}" for n in range(1, 60)]
    (project / "catalog.yaml").write_text("\n".join(lines))
    assert any("is nested too deeply" in line for line in errors(project))


@pytest.mark.parametrize("levels", [51, 1_000, 100_000, 1_000_000])
@pytest.mark.parametrize(
    ("opening", "closing"), [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", ""), ("[{a: ", "}]")]
)
def test_deep_nesting_is_a_problem_and_not_the_end_of_the_process(
    levels: int, opening: str, closing: str
):
    content = f"a:\n  {opening * levels}1{closing * levels}"[: 4 * 2**20]
    with pytest.raises(InvalidProject) as raised:
        parse(content.encode(), "catalog.yaml")
    (problem,) = raised.value.problems
    assert (problem.line, problem.message) == (2, "is nested too deeply")


def test_fifty_levels_are_enough_for_anybody():
    assert parse(b"[" * 50 + b"]" * 50, "").data


def test_a_file_of_everything_is_not_read(project: Path):
    (project / "catalog.yaml").write_bytes(b"#" * (4 * 2**20 + 1))
    assert errors(project) == ["catalog.yaml:1:1: has more than 4,194,304 bytes, see what fills it"]
    (project / "catalog.yaml").write_bytes(b"a: [" + b"1," * 300_000 + b"]")
    assert any("is too large" in line for line in errors(project))


@pytest.mark.parametrize("content", [b"[" * 100_000, b"a: &a [*a", b"a: 1\n" * 300_000])
def test_an_edit_of_what_cannot_be_read_is_refused(content: bytes):
    with pytest.raises(ValueError):  # noqa: PT011 - whatever YAML says
        edited(content, lambda mapping: None)


def test_errors_of_all_files_come_at_once(project: Path):
    (project / "catalog.yaml").write_text(CATALOG.replace("title:", "titel:"))
    (project / "environments/dev.yaml").write_text("target: eks\n")
    (project / "environments/local.yaml").write_text("")
    files = {line.split(":")[0] for line in errors(project)}
    assert files == {"catalog.yaml", "environments/dev.yaml", "environments/local.yaml"}


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SLIPWAY, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_the_command_prints_problems_and_ends_with_2(project: Path):
    (project / "catalog.yaml").write_text(CATALOG.replace("title:", "titel:"))
    done = run("check", cwd=project)
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert all(re.fullmatch(r"catalog\.yaml:\d+:\d+: [\w.]+: .+, .+", line) for line in lines)


def test_the_json_of_check_has_the_documented_fields(project: Path):
    good = run("check", "--json", cwd=project)
    assert (good.returncode, json.loads(good.stdout)) == (0, {"ok": True, "errors": []})
    (project / "environments/dev.yaml").write_text(EKS.replace("region:", "regoin:"))
    bad = run("check", "--json", "dev", cwd=project)
    said = json.loads(bad.stdout)
    assert (bad.returncode, said["ok"]) == (2, False)
    assert {frozenset(e) for e in said["errors"]} == {
        frozenset(("file", "line", "column", "path", "message", "hint"))
    }


def test_an_unknown_environment_is_answered_with_those_that_exist(project: Path):
    done = run("check", "staging", cwd=project)
    assert done.returncode == 2
    assert "no environment 'staging', there is dev and local" in done.stderr


def test_check_works_from_a_folder_below_and_says_so_outside(project: Path, tmp_path_factory):
    assert run("check", cwd=project / "environments").returncode == 0
    outside = run("check", cwd=tmp_path_factory.mktemp("outside"))
    assert outside.returncode == 2
    assert "--project" in outside.stderr


@pytest.mark.parametrize("file", ["catalog", "environment", "platform", "release"])
def test_the_published_schemas_are_the_models(file: str):
    done = run("schema", file, cwd=ROOT)
    assert json.loads(done.stdout) == json.loads((ROOT / f"schemas/{file}.json").read_text())


def test_an_unknown_schema_is_answered_with_those_there_are(project: Path):
    done = run("schema", "catlog", cwd=project)
    assert (done.returncode, "catalog, environment, platform, release" in done.stderr) == (2, True)


def test_the_shipped_files_are_good(tmp_path: Path):
    shutil.copy(ROOT / "catalog.yaml", tmp_path)
    shutil.copytree(ROOT / "environments", tmp_path / "environments")
    assert errors(tmp_path) == []


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_mutation_of_a_file_escapes_as_anything_but_positioned_problems(
    project: Path, data: st.DataObject
):
    content = bytearray(CATALOG.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        edit = data.draw(st.sampled_from(["cut", "put", "drop"]))
        if edit == "cut":
            del content[at + 1 :]
        elif edit == "put":
            content[at:at] = data.draw(
                st.binary(min_size=1, max_size=4)
                | st.sampled_from([b"{", b"[", b": ", b"- ", b"*a", b"&a ", b"!!x ", b"'"])
            )
        else:
            del content[at : at + data.draw(st.integers(1, 20))]
        content = content or bytearray(b"\n")
    (project / "catalog.yaml").write_bytes(bytes(content))
    try:
        load(project)
    except InvalidProject as error:
        for problem in error.problems:
            assert problem.line >= 1
            assert problem.column >= 1
            assert problem.message
