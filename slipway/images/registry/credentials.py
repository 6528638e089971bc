"""The login for a registry: from docker's and podman's files, for Amazon ECR also from AWS.

skopeo reads those files, too, but not docker's `credsStore`, which Docker Desktop uses for all
logins; and the request that skopeo has no command for (`referrers`) needs the login as well.
"""

import base64
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.images.oci.descriptors import ImageError
from slipway.images.registry.reference import DOCKER_HUB
from slipway.untrusted import parse_json

if TYPE_CHECKING:
    import boto3

Login = tuple[str, str]
"""User name and password, or token."""

_ECR = re.compile(r"([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?")


def key_of(host: str) -> str:
    """What the files call a registry."""
    return "https://index.docker.io/v1/" if host == DOCKER_HUB else host


def login(host: str, session: "boto3.Session | None" = None) -> Login | None:
    """The login for a registry, or None for an anonymous one.

    For Amazon ECR, `session` wins over the files; without either, AWS's default credentials count.
    Raises ImageError when a file, a credential helper or AWS does not answer.
    """
    ecr = _ECR.fullmatch(host)
    if not (ecr and session) and (stored := _file_login(host)):
        return stored
    return _ecr_login(ecr[1], ecr[2], session) if ecr else None


def _file_login(host: str) -> Login | None:
    """As containers-auth.json(5) and docker's config.json say, with their credential helpers."""
    key = key_of(host)
    for file in _files():
        try:
            config = parse_json(file.read_bytes())
            helper = config.get("credHelpers", {}).get(host) or config.get("credsStore")
            if helper and (stored := _helper_login(helper, key)):
                return stored
            auths = config.get("auths", {})
            if text := (auths.get(key) or auths.get(host) or {}).get("auth"):
                return _decoded(text)
        except FileNotFoundError:
            continue
        except (OSError, ValueError, AttributeError) as error:
            raise ImageError(f"{file} cannot be read: {error}; log in again") from error
    return None


def _files() -> Iterator[Path]:
    """In the order in which skopeo reads them."""
    if chosen := os.environ.get("REGISTRY_AUTH_FILE"):
        yield Path(chosen)
        return
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime, "containers/auth.json")
    yield Path(f"/run/containers/{os.getuid()}/auth.json")
    yield Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker", "config.json")


def _helper_login(helper: str, key: str) -> Login | None:
    """https://github.com/docker/docker-credential-helpers: one without a login fails."""
    command = [f"docker-credential-{helper}", "get"]
    try:
        done = subprocess.run(
            command, input=key.encode(), capture_output=True, check=False, timeout=60
        )
    except subprocess.TimeoutExpired as error:
        raise ImageError(f"{command[0]} does not answer") from error
    if done.returncode != 0:
        return None
    answer = parse_json(done.stdout)
    return answer["Username"], answer["Secret"]


def _ecr_login(account: str, region: str, session: Any) -> Login:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client = (session or boto3).client("ecr", region_name=region)
        answer = client.get_authorization_token(registryIds=[account])
    except (BotoCoreError, ClientError) as error:
        raise ImageError(
            f"AWS gives no login for the registry of account {account} in {region}: {error}"
        ) from error
    return _decoded(answer["authorizationData"][0]["authorizationToken"])


def _decoded(text: str) -> Login:
    user, _, password = base64.b64decode(text, validate=True).decode().partition(":")
    return user, password
