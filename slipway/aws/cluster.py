"""kubectl, let into an environment's cluster by AWS credentials alone."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from botocore.exceptions import ClientError
from botocore.signers import RequestSigner

from slipway.aws.account import AwsAccount, is_missing
from slipway.steps import StepError


def signed_token(session: boto3.Session, region: str, cluster: str) -> str:
    """A signed request to STS, which the API server sends on to learn who we are."""
    signer = RequestSigner(
        session.client("sts").meta.service_model.service_id,
        region,
        "sts",
        "v4",
        session.get_credentials(),
        session.events,
    )
    url = signer.generate_presigned_url(
        {
            "method": "GET",
            "url": f"https://sts.{region}.amazonaws.com/"
            "?Action=GetCallerIdentity&Version=2011-06-15",
            "body": {},
            "headers": {"x-k8s-aws-id": cluster},
            "context": {},
        },
        region_name=region,
        expires_in=60,
        operation_name="",
    )
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def kubectl(aws: AwsAccount, *arguments: str, seconds: int = 300) -> str | None:
    """What kubectl printed; None if there is no cluster. Raises StepError."""
    try:
        cluster = aws.client("eks").describe_cluster(name=aws.cluster)["cluster"]
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    if cluster["status"] not in ("ACTIVE", "UPDATING"):
        return None
    program = shutil.which("kubectl", path=aws.variables.get("PATH"))
    if program is None:
        raise StepError("kubectl is missing: `make setup` installs it, or your package manager")
    with TemporaryDirectory() as folder:
        config = Path(folder) / "kubeconfig"
        config.touch(mode=0o600)
        config.write_text(json.dumps(_kubeconfig(cluster, aws.token())))
        return _run([program, "--kubeconfig", str(config), *arguments], aws, seconds)


def _run(command: list[str], aws: AwsAccount, seconds: int) -> str:
    variables = dict(aws.variables) if aws.variables is not os.environ else None
    try:
        done = subprocess.run(
            command,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise StepError(f"kubectl {command[3]} did not end within {seconds} s") from None
    if done.returncode != 0:
        hint = (
            f": add your role to cluster.admins in environments/{aws.name}.yaml and deploy"
            if "Unauthorized" in done.stderr or "must be logged in" in done.stderr
            else ""
        )
        raise StepError(f"kubectl {command[3]}: {done.stderr.strip()}{hint}")
    return done.stdout


def _kubeconfig(cluster: dict[str, Any], token: str) -> dict[str, Any]:
    name = cluster["name"]
    server = {
        "server": cluster["endpoint"],
        "certificate-authority-data": cluster["certificateAuthority"]["data"],
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": server}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
