"""The steps of a rehearsal, in order."""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from charts import names
from slipway.aws import stacks
from slipway.aws.account import DISPOSABLE, LONG_LIVED, Place
from slipway.aws.leftovers import leftovers
from slipway.aws.recreate import recreate
from slipway.aws.teardown import teardown
from slipway.model import EksSpec, Environment, Project, load
from slipway.rehearse import emulator, sandbox
from slipway.rehearse.cluster import Cluster
from slipway.rehearse.controllers import USERS, Controllers
from slipway.rehearse.emulator import Emulator
from slipway.rehearse.kubernetes_api import KubernetesApi
from slipway.rehearse.sandbox import Sandbox
from slipway.steps import Say, StepError, Steps

LONGEST_WAIT = "12"
"""Seconds that a deploy waits for a roll-out: the provider looks every ten."""
CHANGED, BROKEN = "Rehearsed", "Never seen"
"""Titles of a profile: after an update, and in one that is rolled back."""


class Rehearsal:
    """`first` is deployed, changed, broken, torn down and recreated; `second` is deployed beside it
    in its own account, if there is one."""

    def __init__(
        self, world: Sandbox, api: KubernetesApi, first: Environment, second: Environment | None
    ) -> None:
        self.world, self._api = world, api
        self._environments = [one for one in (first, second) if one]
        self.first = _place(world, first)
        self._second = _place(world, second) if second else None

    def cluster(self) -> Cluster:
        """The stand-in for the first environment's cluster."""
        return self._api.cluster(_cluster(self.first))

    def place_of(self, cluster: str) -> Place:
        """By `account/region/name`, as the Kubernetes API calls a cluster."""
        for place in (self.first, self._second):
            if place and cluster.endswith(f"/{place.cluster}"):
                return place
        raise ValueError(f"no environment has the cluster {cluster}")

    def run(self, steps: Steps, left: list[str]) -> None:
        """Raises StepError at the first step that does not show what it should."""
        first, second = self.first, self._second
        for place in (first, second) if second else (first,):
            steps.run(f"bootstrap {place.name}", partial(self.bootstrap, place))
        name = first.name
        steps.run(f"deploy {name}", lambda: self.deploy(first))
        steps.run("empty diff", lambda: self._empty_diff(first))
        steps.run("update", lambda: self._update(first))
        steps.run("failed update and rollback", lambda: self._failed_update(first))
        steps.run("drift", lambda: self._drift(first))
        if second:
            steps.run(f"deploy {second.name}", lambda: self.deploy(second))
        steps.run(f"teardown {name}", lambda: self._teardown(first, steps.say))
        steps.run("leftovers", lambda: self._no_leftovers(first, left))
        steps.run(f"recreate {name}", lambda: self._recreate(first, steps.say))
        if second:
            steps.run(f"{second.name} is untouched", lambda: self._untouched(second))

    def bootstrap(self, place: Place) -> str:
        spec = place.spec
        self._cdk(place, "bootstrap", f"aws://{spec.account}/{spec.region}", *_only(place))
        if spec.hosted_zone:
            self._make_zone(place, spec.hosted_zone.id, spec.hosted_zone.name)
        return f"account {spec.account}"

    def _make_zone(self, place: Place, id: str, name: str) -> None:
        """A zone is there beforehand. Its id is Route 53's to choose, so ours is replaced."""
        made = place.client("route53").create_hosted_zone(Name=name, CallerReference=name)
        chosen = made["HostedZone"]["Id"].rpartition("/")[2]
        file = self.world.project / f"environments/{place.name}.yaml"
        file.write_text(file.read_text().replace(id, chosen))

    def deploy(self, place: Place) -> str:
        self._cdk(place, "deploy", f"{place.name}/*", *_only(place), *UNATTENDED)
        found = [short for short in (*LONG_LIVED, *DISPOSABLE) if stacks.status(place, short)]
        objects = sum(1 for _ in self._api.cluster(_cluster(place)).objects())
        return f"{len(found)} stacks, {objects} Kubernetes objects"

    def _empty_diff(self, place: Place) -> str:
        self._cdk(place, "diff", f"{place.name}/*", *_only(place), "--fail", "--method", "template")
        return "nothing differs from what was deployed"

    def _update(self, place: Place) -> str:
        self._retitle(CHANGED)
        self.deploy(place)
        if CHANGED not in self._settings(place):
            raise StepError("the hub's settings are not the changed ones")
        return "the hub has its new settings"

    def _failed_update(self, place: Place) -> str:
        """A release whose hub does not start: what ran before runs again."""
        cluster = self._api.cluster(_cluster(place))
        cluster.broken.add("hub")
        self._retitle(BROKEN)
        try:
            failed = self._cdk(
                place, "deploy", f"{place.name}/*", *_only(place), *UNATTENDED, may_fail=True
            )
        finally:
            cluster.broken.clear()
            self._retitle(CHANGED)
        state = stacks.status(place, "hub")
        if not failed or state != "UPDATE_ROLLBACK_COMPLETE":
            raise StepError(
                f"the deploy was to fail and be rolled back, the hub's stack is {state}"
            )
        if BROKEN in self._settings(place):
            raise StepError("the hub still has the settings of the release that failed")
        return "rolled back, the hub has the settings it had"

    def _drift(self, place: Place) -> str:
        """Somebody changes what a stack made."""
        logs = place.client("logs")
        group = stacks.physical_ids(place, "cluster", "AWS::Logs::LogGroup")[0]
        logs.put_retention_policy(logGroupName=group, retentionInDays=1)
        stack = f"{place.name}/cluster"
        found = self._cdk(place, "drift", stack, *_only(place), "--fail", may_fail=True)
        if not found or "RetentionInDays" not in found:
            raise StepError(f"cdk drift does not see the changed log group: {found}")
        logs.put_retention_policy(logGroupName=group, retentionInDays=90)
        return f"found at {group}"

    def _teardown(self, place: Place, say: Say) -> str:
        labels = names.component(names.USER_SERVER)
        for user in USERS:
            self._api.cluster(_cluster(place)).start_server(place.spec.namespace, user, labels)
        inner = Steps(lambda line: say(f"    {line}"))
        found = teardown(place, inner)
        stopped = next(step.detail for step in inner.done if step.name == "users' servers")
        if not stopped.startswith(str(len(USERS))):
            raise StepError(f"{len(USERS)} servers ran, {stopped}")
        self._api.forget(_cluster(place))
        return f"{len(found.gone)} stacks gone, {len(found.kept)} things kept"

    def _no_leftovers(self, place: Place, left: list[str]) -> str:
        left += leftovers(place)
        if left:
            raise StepError(", ".join(left))
        return "0"

    def _recreate(self, place: Place, say: Say) -> str:
        inner = Steps(lambda line: say(f"    {line}"))
        recreate(place, self.world.project, inner)
        return inner.done[-1].detail

    def _untouched(self, place: Place) -> str:
        states = {short: stacks.status(place, short) for short in (*LONG_LIVED, *DISPOSABLE)}
        if changed := {
            short: s for short, s in states.items() if s not in (None, "CREATE_COMPLETE")
        }:
            raise StepError(f"the other environment's stacks are {changed}")
        return "as it was deployed"

    def _settings(self, place: Place) -> str:
        """The hub's, as its cluster holds them."""
        for item in self._api.cluster(_cluster(place)).objects():
            if item["metadata"]["name"] == "hub-settings":
                return str(item["data"]["hub.json"])
        raise StepError("the hub has no settings")

    def _retitle(self, title: str) -> None:
        file = self.world.project / "catalog.yaml"
        file.write_text(
            re.sub(r"(?m)^(    title: ).*$", rf"\g<1>{title}", file.read_text(), count=1)
        )

    def _cdk(self, place: Place, *arguments: str, may_fail: bool = False) -> str:
        """Run the CDK CLI as a user would. Returns what it printed if it failed and may, else "".

        Raises StepError.
        """
        log = self.world.folder / "cdk.log"
        done = subprocess.run(
            [str(Path(sys.executable).with_name("cdk")), *arguments, "--no-notices"],
            cwd=self.world.project,
            env=dict(place.variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        printed = done.stdout + done.stderr
        with log.open("a") as file:
            file.write(f"$ cdk {' '.join(arguments)}\n{printed}\n")
        if done.returncode == 0:
            return ""
        if may_fail:
            return printed
        raise StepError(f"cdk {arguments[0]} failed:\n" + "\n".join(printed.splitlines()[-12:]))


UNATTENDED = ("--require-approval", "never", "--concurrency", "1")


def _only(place: Place) -> tuple[str, str]:
    return "-c", f"env={place.name}"


def _cluster(place: Place) -> str:
    return f"{place.spec.account}/{place.spec.region}/{place.cluster}"


def _place(world: Sandbox, environment: Environment) -> Place:
    assert isinstance(environment.spec, EksSpec)
    spec = environment.spec
    return Place(environment, world.environment(spec.account, spec.region))


def choose(project: Project) -> tuple[Environment, Environment | None]:
    """What is rehearsed: the first environment on AWS, and another one in another account.

    Raises ValueError when there is none.
    """
    found = [one for one in project.environments() if isinstance(one.spec, EksSpec)]
    if not found:
        raise ValueError("no environment has `target: eks`: there is nothing to rehearse")
    first, *others = found
    accounts = {first.spec.account} if isinstance(first.spec, EksSpec) else set()
    beside = [
        one for one in others if isinstance(one.spec, EksSpec) and one.spec.account not in accounts
    ]
    return first, beside[0] if beside else None


@contextmanager
def stage(root: Path, say: Say, *, keep: bool = False) -> Iterator[Rehearsal]:
    """A world for one rehearsal, gone afterwards unless it is to be kept.

    Raises EmulatorError, InvalidProject, ValueError.
    """
    first, second = choose(load(root))
    python = emulator.install(root / ".slipway/tools", say)
    folder = Path(tempfile.mkdtemp(prefix="slipway-rehearsal-"))
    try:
        with ExitStack() as running:
            yield _set(folder, root, python, first, second, running)
    finally:
        if keep:
            say(f"what it wrote is in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _set(
    folder: Path,
    root: Path,
    python: Path,
    first: Environment,
    second: Environment | None,
    running: ExitStack,
) -> Rehearsal:
    """Start everything; `running` ends it."""
    held: list[Controllers] = []
    api = KubernetesApi(
        folder,
        first.versions.kubernetes,
        lambda *event: held[0].changed(*event),
        lambda *event: held[0].executed(*event),
    )
    running.callback(api.stop)
    port = emulator.free_port()
    world = Sandbox(folder, f"http://127.0.0.1:{port}", api.url)
    emulator.write_commands(world.commands)
    sandbox.copy_project(root, world.project)
    rehearsal = Rehearsal(world, api, first, second)
    held.append(Controllers(world, rehearsal.place_of))
    ours = {
        "SLIPWAY_KUBERNETES_URL": api.url,
        "SLIPWAY_KUBERNETES_CA": api.ca,
        "SLIPWAY_LONGEST_WAIT": LONGEST_WAIT,
    }
    variables = {**rehearsal.first.variables, **ours}
    aws = Emulator(python, variables, port, folder / "emulator.log")
    running.callback(aws.stop)
    aws.wait()
    return rehearsal


def rehearse(root: Path, steps: Steps, left: list[str], *, keep: bool = False) -> None:
    """Run every step; `left` gets what was left over. Raises StepError and what `stage` raises."""
    with sandbox.without_credentials(), stage(root, steps.say, keep=keep) as rehearsal:
        rehearsal.run(steps, left)
