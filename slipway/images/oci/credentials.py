"""Who this machine is to a registry: what `docker login`, `podman login` or AWS say."""

import base64
import binascii
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slipway.images.oci.descriptors import ImageError
from slipway.images.oci.reference import DOCKER_HUB

Login = tuple[str, str]
"""User name and password, or token."""

_ECR = re.compile(r"([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?")
_HUB_KEY = "https://index.docker.io/v1/"


def login(host: str, session: Any = None) -> Login | None:
    """The login for a registry, or None for an anonymous one.

    Looked for where the container tools keep it (containers-auth.json(5), then docker's
    config.json, with their credential helpers); for Amazon ECR without one there, AWS is asked, by
    `session` of boto3 if there is one: then it alone knows who is asking.
    Raises ImageError when a helper or AWS is to be asked and does not answer.
    """
    ecr = _ECR.fullmatch(host)
    for file in () if ecr and session else _files():
        config = _read(file)
        key = _HUB_KEY if host == DOCKER_HUB else host
        helper = config.get("credHelpers", {}).get(host) or config.get("credsStore")
        if helper and (found := _ask_helper(helper, key)):
            return found
        entry = config.get("auths", {}).get(key) or config.get("auths", {}).get(host) or {}
        if text := entry.get("auth"):
            return _decoded(text, file)
    return _ask_ecr(ecr[1], ecr[2], session) if ecr else None


def _files() -> Iterator[Path]:
    if chosen := os.environ.get("REGISTRY_AUTH_FILE"):
        yield Path(chosen)
        return
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime, "containers/auth.json")
    docker = os.environ.get("DOCKER_CONFIG")
    yield (Path(docker) if docker else Path.home() / ".docker") / "config.json"


def _read(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_bytes()))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ImageError(f"{file} cannot be read: {error}") from error


def _decoded(text: str, file: Path) -> Login:
    try:
        user, _, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, ValueError) as error:
        raise ImageError(f"{file} holds a login that is not base64; log in again") from error
    return user, password


def _ask_helper(helper: str, key: str) -> Login | None:
    """https://github.com/docker/docker-credential-helpers: it says no by failing."""
    try:
        done = subprocess.run(
            [f"docker-credential-{helper}", "get"],
            input=key.encode(),
            capture_output=True,
            check=False,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ImageError(f"docker-credential-{helper} cannot be asked: {error}") from error
    if done.returncode != 0:
        return None
    answer = json.loads(done.stdout)
    return answer["Username"], answer["Secret"]


def _ask_ecr(account: str, region: str, session: Any) -> Login:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client = (session or boto3).client("ecr", region_name=region)
        answer = client.get_authorization_token(registryIds=[account])
    except (BotoCoreError, ClientError) as error:
        raise ImageError(
            f"AWS gives no login for the registry of account {account} in {region}: {error}"
        ) from error
    token = answer["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    return user, password
