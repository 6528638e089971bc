"""Where the hub of an environment is, and the token of its service `smoke`."""

import base64
import binascii
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway_hub.settings import HubSettings, LocalSpawning

from slipway import facts
from slipway.model import ClusterSpec, Environment
from slipway.model.quantities import seconds

VARIABLE = "SLIPWAY_SMOKE_TOKEN"
LOCAL_START_SECONDS = 90


class NoHubError(Exception):
    """There is no hub to try, or no token for it; the message says what to do."""


@dataclass(frozen=True)
class SmokeTarget:
    url: str
    """Ends with a slash."""
    token: str = field(repr=False)
    start_seconds: float
    """How long a server may take to start."""
    local: bool = False
    password: str | None = field(default=None, repr=False)
    """If the users of a run can log in with it."""
    homes: Path | None = None
    """Where this machine has the users' homes."""
    proxy_api_url: str = ""
    missing: Mapping[str, str] = field(default_factory=dict)
    """Apps that this machine lacks, and the remedy."""

    @property
    def proxied(self) -> bool:
        """Whether a proxy that the environment names may be on the way."""
        return not self.url.startswith("http://127.0.0.1:")


@contextmanager
def smoke_target(
    environment: Environment, root: Path, url: str | None, token_file: Path | None
) -> Iterator[SmokeTarget]:
    """Raises NoHubError. `url` and `token_file` win over what is found."""
    token = _given_token(token_file)
    if environment.spec.on_aws:
        yield SmokeTarget(
            _with_slash(url or _eks_url(environment)),
            token or _eks_token(environment),
            seconds(environment.cluster_spec.start_timeout),
        )
    elif environment.spec.has_cluster:
        spec = environment.cluster_spec
        token = token or _kubernetes_token(spec.namespace, environment.name)
        with _reached(spec, url) as found:
            yield SmokeTarget(_with_slash(found), token, seconds(spec.start_timeout))
    elif url or token_file:
        raise NoHubError(
            f"{environment.name} is local: --url and --token-file are for an environment elsewhere"
        )
    else:
        yield _local(environment, root / ".slipway")


def _given_token(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get(VARIABLE, "").strip() or None
    try:
        token = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NoHubError(f"{file}: cannot be read ({error}); name a file with the token") from None
    if not token:
        raise NoHubError(f"{file}: is empty; put the token of the service smoke into it")
    return token


def _with_slash(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise NoHubError(f"--url {url}: is not an address, write https://hub.example.org")
    return url.rstrip("/") + "/"


def _local(environment: Environment, state: Path) -> SmokeTarget:
    url = _running_at(state / "hub/lock")
    try:
        told = (state / "hub/settings.json").read_text()
        settings = HubSettings.model_validate_json(told)
        token = settings.secret(settings.secret_files.smoke_token)
        password = settings.secret(settings.secret_files.user_password)
    except (OSError, ValueError, RuntimeError) as error:
        raise NoHubError(f"{error}\nStop `slipway up` and start it again.") from None
    spawning = settings.spawning
    assert isinstance(spawning, LocalSpawning)
    return SmokeTarget(
        _with_slash(url),
        token,
        LOCAL_START_SECONDS,
        local=True,
        password=password,
        homes=Path(spawning.homes),
        proxy_api_url=settings.addresses.proxy_api_url,
        missing=_missing(environment, spawning.path),
    )


def _running_at(lock: Path) -> str:
    """The address that `slipway up` wrote into the lock that it holds."""
    try:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        pass
    except OSError:
        if url := lock.read_text().strip():
            return url
        raise NoHubError("the local hub is just starting: wait, then run this again") from None
    raise NoHubError("the local hub does not run: start it with `slipway up`, then run this again")


def _missing(environment: Environment, path: str) -> dict[str, str]:
    from slipway.local.images import is_here

    return {
        name: app.requirement.remedy
        for name, app in environment.catalog.apps.items()
        if app.lacked_by_laptops and app.requirement and not is_here(app.requirement, path)
    }


def _kubernetes_token(namespace: str, environment: str) -> str:
    asked = ("get", "secret", facts.HUB_SECRETS, f"--output=jsonpath={{.data.{facts.SMOKE_TOKEN}}}")
    told = _kubectl(namespace, *asked)
    try:
        token = base64.b64decode(told, validate=True).decode().strip()
    except (binascii.Error, UnicodeDecodeError):
        token = ""
    if not token:
        raise NoHubError(
            f"the Secret {facts.HUB_SECRETS} in the namespace {namespace} has no key "
            f"{facts.SMOKE_TOKEN}: add one (docs/smoke.md), restart the hub, then run "
            f"`slipway smoke {environment}` again"
        )
    return token


@contextmanager
def _reached(spec: ClusterSpec, url: str | None) -> Iterator[str]:
    """The given address, the domain, or a port of this machine that leads to the proxy."""
    if url or spec.domain:
        yield url or f"https://{spec.domain}/"
        return
    try:
        process = subprocess.Popen(
            [*_kubectl_command(spec.namespace), "port-forward", "service/proxy-public", ":80"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Ctrl-C is for us: what runs must be cleaned up through it.
            start_new_session=True,
        )
    except OSError as error:
        raise _no_kubectl(error) from None
    try:
        assert process.stdout
        assert process.stderr
        line = process.stdout.readline()
        if not line.startswith("Forwarding from 127.0.0.1:"):
            raise NoHubError(f"the proxy cannot be reached: {process.stderr.read().strip()}")
        yield f"http://127.0.0.1:{line.split()[2].rpartition(':')[2]}/"
    finally:
        process.terminate()
        process.communicate()


def _kubectl(namespace: str, *arguments: str) -> str:
    try:
        done = subprocess.run(
            [*_kubectl_command(namespace), "--request-timeout=20s", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise _no_kubectl(error) from None
    if done.returncode:
        raise NoHubError(f"kubectl: {done.stderr.strip()}\nDoes KUBECONFIG name the cluster?")
    return done.stdout


def _no_kubectl(error: OSError) -> NoHubError:
    return NoHubError(f"kubectl: {error.strerror}; install it with `make setup`")


def _kubectl_command(namespace: str) -> list[str]:
    own = Path(sys.executable).parent / "kubectl"
    return [str(own) if own.exists() else shutil.which("kubectl") or "kubectl", "-n", namespace]


def _eks_token(environment: Environment) -> str:
    return str(
        _from_aws(
            environment,
            lambda target: target.client("secretsmanager").get_secret_value(
                SecretId=facts.secret_name(environment.name, facts.SMOKE_TOKEN)
            )["SecretString"],
        )
    )


def _eks_url(environment: Environment) -> str:
    """The domain, or what the hub's stack says."""
    spec = environment.cluster_spec
    if spec.domain:
        return f"https://{spec.domain}/"

    def output(target: Any) -> str:
        stacks = target.client("cloudformation").describe_stacks(StackName=target.stack("hub"))
        outputs = stacks["Stacks"][0].get("Outputs", [])
        return next((o["OutputValue"] for o in outputs if o["OutputKey"] == "Url"), "")

    if url := _from_aws(environment, output):
        return url
    raise NoHubError(f"the stack {environment.name}-hub has no output Url: pass --url")


def _from_aws(environment: Environment, ask: Any) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    from slipway.aws.account import AwsAccount
    from slipway.steps import StepError

    target = AwsAccount(environment)
    try:
        target.check()
        return str(ask(target))
    except StepError as error:
        raise NoHubError(str(error)) from None
    except (BotoCoreError, ClientError) as error:
        raise NoHubError(f"AWS: {error}; is {environment.name} deployed?") from None
