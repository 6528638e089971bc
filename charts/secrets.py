"""How secrets reach pods: as files for the hub, as the one variable that its proxy reads.

The only place that knows where they come from.
"""

from cdk8s_plus_33 import k8s

from charts import names
from charts.deployed_values import DeployedValues
from slipway.hub_settings import SECRETS_FOLDER

SECRETS = "secrets"


def secrets_volume(deployed: DeployedValues) -> k8s.Volume:
    """0440: readable by the pod's group, which is its fsGroup."""
    return k8s.Volume(
        name=SECRETS,
        secret=k8s.SecretVolumeSource(secret_name=deployed.secret, default_mode=0o440),
    )


def secrets_mount() -> k8s.VolumeMount:
    return k8s.VolumeMount(name=SECRETS, mount_path=SECRETS_FOLDER, read_only=True)


def proxy_token(deployed: DeployedValues) -> k8s.EnvVar:
    """configurable-http-proxy takes its token from a variable and from nowhere else."""
    return k8s.EnvVar(
        name="CONFIGPROXY_AUTH_TOKEN",
        value_from=k8s.EnvVarSource(
            secret_key_ref=k8s.SecretKeySelector(name=deployed.secret, key=names.PROXY_TOKEN)
        ),
    )
