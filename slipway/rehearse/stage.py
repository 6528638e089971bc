"""What a rehearsal runs on: an emulated AWS, clusters and registries, a copy of the project."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.aws.account import AwsAccount
from slipway.images.registry.reference import Reference
from slipway.model import Environment, Project, load
from slipway.rehearse import emulator
from slipway.rehearse.cluster import Cluster
from slipway.rehearse.controllers import Controllers
from slipway.rehearse.emulator import Emulator
from slipway.rehearse.gateway import Gateway
from slipway.rehearse.genuine import GenuineCluster
from slipway.rehearse.kubernetes_api import KubernetesApi
from slipway.rehearse.project import ProjectCopy
from slipway.rehearse.sandbox import REGION, Sandbox
from slipway.steps import Say, StepError

LONGEST_WAIT = "12"
"""Seconds that a deploy waits for a roll-out: the provider looks every ten."""
SHOWN = 12
"""Lines of a command that failed."""
_FAILED = re.compile(r"\b[A-Z]+_FAILED\b")
"""A resource of CloudFormation's, and why: long before the end of what the CDK CLI prints."""


@dataclass(frozen=True)
class Answer:
    """Of a command of Slipway's: its exit code, and the object that it printed."""

    code: int
    fields: dict[str, Any]


class Stage:
    """`first` is released to, broken, torn down and recreated; `second` gets what was promoted from
    it, in its own account, if there is one."""

    def __init__(
        self,
        world: Sandbox,
        api: KubernetesApi,
        project: ProjectCopy,
        first: Environment,
        second: Environment | None,
    ) -> None:
        self.world, self.project, self._api = world, project, api
        self.first = _place(world, first)
        self.second = _place(world, second) if second else None
        self.genuine: GenuineCluster | None = None
        """Judges what is written to the emulated clusters."""

    def judged_by(self, genuine: GenuineCluster) -> None:
        self.genuine, self._api.judge = genuine, genuine.judge

    def cluster(self, aws: AwsAccount) -> Cluster:
        """The emulated cluster of an environment."""
        return self._api.cluster(_cluster(aws))

    def forget_cluster(self, aws: AwsAccount) -> None:
        self._api.forget(_cluster(aws))

    def account_of(self, cluster: str) -> AwsAccount:
        """By `account/region/name`, as the Kubernetes API calls a cluster."""
        for aws in (self.first, self.second):
            if aws and cluster.endswith(f"/{aws.cluster}"):
                return aws
        raise ValueError(f"no environment has the cluster {cluster}")

    def environment(self, aws: AwsAccount) -> Environment:
        """As its file says now: with the release that it pins."""
        return load(self.project.folder, aws.name).environment(aws.name)

    def cdk(self, aws: AwsAccount, verb: str, *arguments: str, may_fail: bool = False) -> str:
        """Run the CDK CLI as a user would. Returns what it printed if it failed and may, else "".

        Raises StepError.
        """
        done = self._run(aws, "cdk", verb, *arguments, "-c", f"env={aws.name}", "--no-notices")
        if done.returncode == 0:
            return ""
        printed = done.stdout + done.stderr
        if may_fail:
            return printed
        why = [line.strip() for line in printed.splitlines() if _FAILED.search(line)][:SHOWN]
        raise StepError("\n".join((f"cdk {verb} failed:", *why, _last(printed))))

    def slipway(
        self, aws: AwsAccount, verb: str, *arguments: str, may_fail: bool = False
    ) -> Answer:
        """Run a command of Slipway's as a user would, who is in the account of `aws`.

        Raises StepError.
        """
        done = self._run(aws, "slipway", verb, *arguments, "--json")
        if done.returncode == 0 or (may_fail and done.returncode == 1 and done.stdout):
            return Answer(done.returncode, json.loads(done.stdout))
        raise StepError(f"slipway {verb} failed:\n{_last(done.stdout + done.stderr)}")

    def publish(self, aws: AwsAccount) -> None:
        """Push stand-ins for the project's images. Raises StepError."""
        module = ("-m", "slipway.rehearse.images", str(self.project.folder), aws.name)
        done = self._run(aws, "python", *module)
        if done.returncode != 0:
            raise StepError(f"the images cannot be pushed:\n{_last(done.stdout + done.stderr)}")
        self.project.commit("Images of other registries")

    def _run(
        self, aws: AwsAccount, program: str, *arguments: str
    ) -> "subprocess.CompletedProcess[str]":
        path = Path(sys.executable)
        command = [str(path if program == "python" else path.with_name(program)), *arguments]
        variables = {**aws.variables, **self.project.variables}
        done = _ended(command, self.project.folder, variables)
        with (self.world.folder / "commands.log").open("a") as log:
            log.write(f"$ {program} {' '.join(arguments)}\n{done.stdout}{done.stderr}\n")
        return done


def _ended(
    command: list[str], folder: Path, variables: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Run a command that takes everything it started with it when we are interrupted."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _last(printed: str) -> str:
    return "\n".join(printed.strip().splitlines()[-SHOWN:])


def _cluster(aws: AwsAccount) -> str:
    return f"{aws.spec.account}/{aws.spec.region}/{aws.cluster}"


def _place(world: Sandbox, environment: Environment) -> AwsAccount:
    spec = environment.eks_spec
    return AwsAccount(environment, world.environment(spec.account, spec.region))


def choose(project: Project) -> tuple[Environment, Environment | None]:
    """What is rehearsed: an environment on AWS, and the one in another account that it is promoted
    to; else the first one, and another in another account.

    Raises ValueError when there is none.
    """
    found = [(project.environment(name), spec) for name, spec in project.eks_specs.items()]
    if not found:
        raise ValueError("no environment has `target: eks`: there is nothing to rehearse")
    pairs = [
        (one, other, other_spec.account in spec.promotion.to)
        for one, spec in found
        for other, other_spec in found
        if spec.account != other_spec.account
    ]
    if not pairs:
        return found[0][0], None
    first, second, _ = next((pair for pair in pairs if pair[2]), pairs[0])
    return first, second


@contextmanager
def stage(
    root: Path, say: Say, *, keep: bool = False, kubeconfig: Path | None = None
) -> Iterator[Stage]:
    """A stage for one rehearsal, gone afterwards unless it is to be kept.

    The cluster of `kubeconfig`, if there is one, judges every object.

    Raises EmulatorError, InvalidProject, StepError, ValueError.
    """
    first, second = choose(load(root))
    python = emulator.install(root / ".slipway/tools", say)
    folder = Path(tempfile.mkdtemp(prefix="slipway-rehearsal-"))
    try:
        with ExitStack() as running:
            on = _set(folder, root, python, [one for one in (first, second) if one], running)
            if kubeconfig:
                on.judged_by(genuine := GenuineCluster(kubeconfig, on.world))
                running.callback(genuine.stop)
            yield on
    finally:
        if keep:
            say(f"what it wrote is in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _set(
    folder: Path, root: Path, python: Path, environments: list[Environment], running: ExitStack
) -> Stage:
    """Start everything; `running` ends it."""
    held: list[Controllers] = []
    api = KubernetesApi(
        environments[0].versions.kubernetes,
        lambda *event: held[0].changed(*event),
        lambda *event: held[0].executed(*event),
    )
    running.callback(api.stop)
    port = emulator.free_port()
    hosts = [Reference.parse(f"{one.cluster_spec.registry}/any").host for one in environments]
    gateway = Gateway(folder / "gateway", hosts, port)
    running.callback(gateway.stop)
    world = Sandbox(folder, f"http://127.0.0.1:{port}", gateway.url, gateway.ca)
    emulator.write_commands(world.commands)
    outside = world.environment("000000000000", REGION)
    project = ProjectCopy(root, world.project, environments, outside)
    loaded = load(world.project)
    first, *others = (loaded.environment(one.name) for one in environments)
    set_ = Stage(world, api, project, first, others[0] if others else None)
    held.append(Controllers(world, set_.account_of))
    ours = {
        "SLIPWAY_KUBERNETES_URL": api.url,
        "SLIPWAY_KUBERNETES_CA": api.ca,
        "SLIPWAY_LONGEST_WAIT": LONGEST_WAIT,
    }
    aws = Emulator(python, {**set_.first.variables, **ours}, port, folder / "emulator.log")
    running.callback(aws.stop)
    aws.wait()
    return set_
