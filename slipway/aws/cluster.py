"""kubectl in an environment's EKS cluster, authenticated by AWS credentials alone."""

import base64
from pathlib import Path
from tempfile import TemporaryDirectory

from botocore.exceptions import ClientError
from botocore.signers import RequestSigner

from slipway import facts, files
from slipway.aws.account import AwsAccount, is_missing
from slipway.aws.kubeconfig import kubeconfig
from slipway.steps import StepError
from slipway.toolchain.kubectl import KubectlError
from slipway.toolchain.kubectl import run as run_kubectl

TIMEOUT = 300
"""Seconds for one command: a server is given time to stop."""


def _token(aws: AwsAccount) -> str:
    """A token for the cluster's API, good for fifteen minutes: a signed request to STS.

    EKS sends it on to learn who we are:
    https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster
    """
    session, region = aws.session, aws.spec.region
    credentials = session.get_credentials()
    assert credentials
    signer = RequestSigner(
        session.client("sts").meta.service_model.service_id,
        region,
        "sts",
        "v4",
        credentials,
        session.events,
    )
    url = signer.generate_presigned_url(
        {
            "method": "GET",
            "url": f"https://sts.{region}.amazonaws.com/"
            "?Action=GetCallerIdentity&Version=2011-06-15",
            "body": {},
            "headers": {"x-k8s-aws-id": aws.cluster},
            "context": {},
        },
        region_name=region,
        expires_in=60,
        operation_name="",
    )
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def kubectl(aws: AwsAccount, *arguments: str) -> str | None:
    """What kubectl printed; None if there is no cluster. Raises StepError."""
    try:
        cluster = aws.client("eks").describe_cluster(name=aws.cluster)["cluster"]
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    if cluster["status"] not in ("ACTIVE", "UPDATING"):
        return None
    config = kubeconfig(
        cluster["name"], cluster["endpoint"], cluster["certificateAuthority"]["data"], _token(aws)
    )
    with TemporaryDirectory() as folder:
        file = Path(folder) / "kubeconfig"
        files.write(file, config, mode=0o600)
        try:
            done = run_kubectl(
                *arguments, kubeconfig=file, timeout=TIMEOUT, environment=aws.variables
            )
        except KubectlError as error:
            raise StepError(f"{error}{_hint(aws, str(error))}") from None
    return done.stdout


def _hint(aws: AwsAccount, message: str) -> str:
    if "Unauthorized" not in message and "must be logged in" not in message:
        return ""
    return f": add your role to cluster.admins in {facts.environment_file(aws.name)} and deploy"
