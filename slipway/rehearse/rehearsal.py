"""What a rehearsal runs on: an emulated AWS, clusters and registries, a copy of the project."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from slipway.aws.account import AwsAccount
from slipway.images.registry.reference import Reference
from slipway.model import Environment, Project, load
from slipway.rehearse import emulator
from slipway.rehearse.cluster import Cluster
from slipway.rehearse.controllers import Controllers
from slipway.rehearse.gateway import Gateway
from slipway.rehearse.genuine import GenuineCluster
from slipway.rehearse.kubernetes_api import KubernetesApi
from slipway.rehearse.project import ProjectCopy
from slipway.rehearse.sandbox import Sandbox
from slipway.steps import Say, StepError

LONGEST_WAIT = "12"
"""Seconds that a deploy waits for a roll-out: the provider looks every ten."""
SHOWN = 12
"""Lines of a command that failed."""
_FAILED = re.compile(r"\b[A-Z]+_FAILED\b")
"""A resource of CloudFormation's, and why: long before the end of what the CDK CLI prints."""


class Rehearsal:
    """`first` is released to, broken, torn down and recreated; `second` gets what was promoted from
    it, in its own account, if there is one. `genuine` is a real cluster, if there is one, in which
    every object is dry-run."""

    def __init__(
        self,
        sandbox: Sandbox,
        project: ProjectCopy,
        accounts: Sequence[AwsAccount],
        api: KubernetesApi,
        genuine: GenuineCluster | None,
    ) -> None:
        self.sandbox, self.project, self._api, self.genuine = sandbox, project, api, genuine
        self.first = accounts[0]
        self.second = accounts[1] if len(accounts) > 1 else None

    def cluster(self, aws: AwsAccount) -> Cluster:
        """The emulated cluster of an environment."""
        return self._api.cluster(_cluster_id(aws))

    def forget_cluster(self, aws: AwsAccount) -> None:
        self._api.forget(_cluster_id(aws))

    def environment(self, aws: AwsAccount) -> Environment:
        """As its file says now: with the release that it pins."""
        return load(self.project.folder, aws.name).environment(aws.name)

    def cdk(self, aws: AwsAccount, verb: str, *arguments: str, may_fail: bool = False) -> str:
        """Run the CDK CLI as a user would. Returns "", or what it printed when it failed and
        `may_fail`. Raises StepError.
        """
        done = self._run(aws, "cdk", verb, *arguments, "-c", f"env={aws.name}", "--no-notices")
        if done.returncode == 0:
            return ""
        printed = done.stdout + done.stderr
        if may_fail:
            return printed
        why = [line.strip() for line in printed.splitlines() if _FAILED.search(line)][:SHOWN]
        raise StepError("\n".join((f"cdk {verb} failed:", *why, _last(printed))))

    def slipway(self, aws: AwsAccount, verb: str, *arguments: str, code: int = 0) -> dict[str, Any]:
        """Run a command of Slipway's as a user would, who is in the account of `aws`.

        Returns the object that it printed. Raises StepError unless it ends with `code`.
        """
        done = self._run(aws, "slipway", verb, *arguments, "--json")
        if done.returncode != code or not done.stdout:
            printed = _last(done.stdout + done.stderr)
            raise StepError(f"slipway {verb} ended with {done.returncode}, not {code}:\n{printed}")
        fields: dict[str, Any] = json.loads(done.stdout)
        return fields

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
        """Run a program in the project's copy, into the log. An interruption kills it, and all that
        it has started."""
        path = Path(sys.executable)
        command = [str(path if program == "python" else path.with_name(program)), *arguments]
        with subprocess.Popen(
            command,
            cwd=self.project.folder,
            env={**aws.variables, **self.project.variables},
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
        with (self.sandbox.folder / "commands.log").open("a") as log:
            log.write(f"$ {program} {' '.join(arguments)}\n{out}{err}\n")
        return subprocess.CompletedProcess(command, process.returncode, out, err)


def _last(printed: str) -> str:
    return "\n".join(printed.strip().splitlines()[-SHOWN:])


def _cluster_id(aws: AwsAccount) -> str:
    return f"{aws.spec.account}/{aws.spec.region}/{aws.cluster}"


def environments_to_rehearse(project: Project) -> list[Environment]:
    """An environment on AWS and one in another account, of which a pair that is promoted from one
    to the other comes first; the first environment alone where all are in one account.

    Raises ValueError when there is none.
    """
    specs = project.eks_specs
    if not specs:
        raise ValueError("no environment has `target: eks`: there is nothing to rehearse")
    pairs = [
        (first, second)
        for first in specs
        for second in specs
        if specs[first].account != specs[second].account
    ]
    promoted = [
        (first, second)
        for first, second in pairs
        if specs[second].account in specs[first].promotion.to
    ]
    alone = [(name,) for name in specs]
    names = [*promoted, *pairs, *alone][0]
    return [project.environment(name) for name in names]


@contextmanager
def rehearsal(
    root: Path, say: Say, *, keep: bool = False, kubeconfig: Path | None = None
) -> Iterator[Rehearsal]:
    """Everything that a rehearsal runs on, gone afterwards unless it is to be kept.

    Every object is dry-run in the cluster of `kubeconfig`, if there is one.

    Raises EmulatorError, InvalidProject, StepError, ValueError.
    """
    environments = environments_to_rehearse(load(root))
    python = emulator.install(root / ".slipway/tools", say)
    folder = Path(tempfile.mkdtemp(prefix="slipway-rehearsal-"))
    try:
        with ExitStack() as running:
            yield _start(folder, root, python, environments, kubeconfig, running)
    finally:
        if keep:
            say(f"what it wrote is in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _start(
    folder: Path,
    root: Path,
    python: Path,
    environments: Sequence[Environment],
    kubeconfig: Path | None,
    running: ExitStack,
) -> Rehearsal:
    """Start everything; `running` ends it."""
    port = emulator.free_port()
    registries = [environment.cluster_spec.registry for environment in environments]
    hosts = [Reference.parse(f"{registry}/any").host for registry in registries]
    gateway = Gateway(folder / "gateway", hosts, port)
    running.callback(gateway.stop)
    sandbox = Sandbox(folder, f"http://127.0.0.1:{port}", gateway.url, gateway.ca)
    emulator.write_commands(sandbox.commands)
    project = ProjectCopy(root, sandbox.project, environments, sandbox.environment())
    accounts = [_account(sandbox, environment.name) for environment in environments]
    controllers = Controllers(sandbox, {_cluster_id(aws): aws for aws in accounts})
    version = environments[0].versions.kubernetes
    api = KubernetesApi(version, controllers.changed, controllers.executed)
    running.callback(api.stop)
    variables = {
        **accounts[0].variables,
        "SLIPWAY_KUBERNETES_URL": api.url,
        "SLIPWAY_KUBERNETES_CA": api.ca,
        "SLIPWAY_LONGEST_WAIT": LONGEST_WAIT,
    }
    log = folder / "emulator.log"
    running.enter_context(emulator.emulated_aws(python, variables, port, log))
    genuine = None
    if kubeconfig:
        genuine = GenuineCluster(kubeconfig, sandbox)
        running.callback(genuine.stop)
        api.judge = genuine.judge
    return Rehearsal(sandbox, project, accounts, api, genuine)


def _account(sandbox: Sandbox, name: str) -> AwsAccount:
    environment = load(sandbox.project).environment(name)
    spec = environment.eks_spec
    return AwsAccount(environment, sandbox.environment(spec.account, spec.region))
