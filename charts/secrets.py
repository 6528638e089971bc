"""How secrets reach pods: as files in one folder.

The only place that knows where they come from. On AWS an init container fetches them with the
pod's own identity into memory, so that no Kubernetes Secret holds them; elsewhere a Secret is
mounted.
"""

from collections.abc import Sequence

from cdk8s_plus_33 import k8s
from slipway_hub.settings import SECRETS as SECRETS_VARIABLE

from charts import resources, security
from charts.aws_values import AwsValues
from charts.values import quantity
from slipway import facts

SECRETS = "secrets"
ALREADY_PULLED = "IfNotPresent"
"""Pull policy after an init container of the same image: all of a pod is one version, also when
one of its containers is restarted, and no restart waits for the registry."""


def secrets_volume(aws: AwsValues | None, only: Sequence[str] = ()) -> k8s.Volume:
    """All secrets, or `only` some files. 0440: readable by the pod's group, its fsGroup."""
    if aws:
        memory = k8s.EmptyDirVolumeSource(medium="Memory", size_limit=quantity("1Mi"))
        return k8s.Volume(name=SECRETS, empty_dir=memory)
    return k8s.Volume(
        name=SECRETS,
        secret=k8s.SecretVolumeSource(
            secret_name=facts.HUB_SECRETS,
            default_mode=0o440,
            items=[k8s.KeyToPath(key=name, path=name) for name in only] or None,
        ),
    )


def secrets_mount(read_only: bool = True) -> k8s.VolumeMount:
    return k8s.VolumeMount(name=SECRETS, mount_path=facts.HUB_SECRETS_FOLDER, read_only=read_only)


def folder() -> k8s.EnvVar:
    return k8s.EnvVar(name=SECRETS_VARIABLE, value=facts.HUB_SECRETS_FOLDER)


def fetch_secrets(
    aws: AwsValues | None,
    image: str,
    pull_policy: str,
    args: Sequence[str],
    only: Sequence[str] = (),
) -> list[k8s.Container]:
    """The init container that writes secrets from AWS to the folder; none elsewhere.

    It runs the pod's own image: with the hub's, each release of the hub would restart the proxy.
    """
    if aws is None:
        return []
    wanted = [f"{name}={aws.secret_ids[name]}" for name in only or aws.secret_ids]
    return [
        k8s.Container(
            name=SECRETS,
            image=image,
            image_pull_policy=pull_policy,
            args=[*args, *wanted],
            env=[folder(), region(aws)],
            security_context=security.container_security(),
            resources=resources.requirements(resources.FETCH_SECRETS),
            volume_mounts=[security.tmp_mount(), secrets_mount(read_only=False)],
        )
    ]


def region(aws: AwsValues) -> k8s.EnvVar:
    """AWS's SDK needs it in a variable: pods cannot reach the instance metadata on Auto Mode."""
    return k8s.EnvVar(name="AWS_REGION", value=aws.region)
