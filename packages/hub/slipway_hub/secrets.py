"""Secrets from AWS Secrets Manager, as files. On other clusters Kubernetes mounts them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


class SecretMissingError(Exception):
    """A secret that cannot be had. Says which, never what is in it."""


def fetch(wanted: Mapping[str, str], folder: Path, client: Any = None) -> None:
    """Write each secret `{file: secret id}` to its file, mode 0440.

    Raises SecretMissingError that names the secret and what AWS answered.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    client = client or boto3.client("secretsmanager")
    for name, secret in wanted.items():
        try:
            value = client.get_secret_value(SecretId=secret)["SecretString"]
        except (BotoCoreError, ClientError, KeyError) as error:
            raise SecretMissingError(f"{name}: {secret} cannot be read: {error}") from None
        if not value.strip():
            raise SecretMissingError(f"{name}: {secret} is empty: fill it in")
        _write(folder / name, value)


def _write(file: Path, value: str) -> None:
    partial = file.with_name(f".{file.name}.partial")
    partial.touch(mode=0o600)
    partial.write_text(value)
    partial.chmod(0o440)
    partial.rename(file)
