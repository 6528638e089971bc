"""Where the hub of an environment is, and the token of its service `smoke`."""

import base64
import binascii
import fcntl
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from slipway_hub.settings import HubSettings, LocalSpawning

from slipway import facts
from slipway.model import ClusterSpec, Environment
from slipway.model.quantities import seconds
from slipway.toolchain.kubectl import KubectlError, program, run

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
        start_seconds = seconds(environment.cluster_spec.start_timeout)
        url, token = _on_aws(environment, url and _with_slash(url), token)
        yield SmokeTarget(_with_slash(url), token, start_seconds)
    elif environment.spec.has_cluster:
        spec = environment.cluster_spec
        token = token or _kubernetes_token(spec.namespace, environment.name)
        with _reached(spec, url) as reachable:
            yield SmokeTarget(_with_slash(reachable), token, seconds(spec.start_timeout))
    elif url or token_file:
        raise NoHubError(
            f"{environment.name} is local: --url and --token-file are for an environment elsewhere"
        )
    else:
        yield _local(environment, root / facts.STATE_FOLDER)


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
        settings = HubSettings.model_validate_json((state / "hub/settings.json").read_text())
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
    from slipway.local.images import is_installed

    return {
        name: app.requirement.remedy
        for name, app in environment.catalog.apps.items()
        if app.lacked_by_laptops and app.requirement and not is_installed(app.requirement, path)
    }


def _kubernetes_token(namespace: str, environment: str) -> str:
    path = f"--output=jsonpath={{.data.{facts.SMOKE_TOKEN}}}"
    read = ("--namespace", namespace, "--request-timeout=20s", "get", "secret", facts.HUB_SECRETS)
    try:
        encoded = run(*read, path).stdout
    except KubectlError as error:
        raise NoHubError(f"{error}\nDoes KUBECONFIG name the cluster?") from None
    try:
        token = base64.b64decode(encoded, validate=True).decode().strip()
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
    namespace, service = ("--namespace", spec.namespace), f"service/{facts.PROXY_PUBLIC}"
    try:
        kubectl = program()
    except KubectlError as error:
        raise NoHubError(str(error)) from None
    process = subprocess.Popen(
        [kubectl, *namespace, "port-forward", service, ":80"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Ctrl-C is for us: what runs must be cleaned up through it.
        start_new_session=True,
    )
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


def _on_aws(environment: Environment, url: str | None, token: str | None) -> tuple[str, str]:
    """Address and token: of what is not given, the domain or an output of the hub's stack, and a
    secret."""
    domain = environment.cluster_spec.domain
    url = url or (f"https://{domain}/" if domain else None)
    if url and token:
        return url, token
    from botocore.exceptions import BotoCoreError, ClientError

    from slipway.aws.account import AwsAccount
    from slipway.aws.cloudformation import output
    from slipway.steps import StepError

    aws = AwsAccount(environment)
    try:
        aws.check()
        if not (url := url or output(aws, facts.HUB_STACK, "Url")):
            raise NoHubError(
                f"the stack {aws.stack(facts.HUB_STACK)} has no output Url: pass --url"
            )
        if not token:
            name = facts.secret_name(environment.name, facts.SMOKE_TOKEN)
            token = aws.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    except StepError as error:
        raise NoHubError(str(error)) from None
    except (BotoCoreError, ClientError) as error:
        raise NoHubError(f"AWS: {error}; is {environment.name} deployed?") from None
    return url, token
