"""What a chart needs and no file says: values known only where and when it is deployed."""

from dataclasses import dataclass

from charts import names
from slipway.model import EksSpec, Environment

EKS_SERVICE_RANGE = "172.20.0.0/16"
"""Given to the cluster, so that the addresses of its DNS and API server are known beforehand."""
EKS_DNS = "172.20.0.10/32"
EKS_API_SERVER = "172.20.0.1/32"


@dataclass(frozen=True)
class FileSystem:
    """An EFS file system and the access point that owns the homes in it."""

    id: str
    access_point: str


@dataclass(frozen=True)
class DeployedValues:
    """The defaults suit any conformant cluster."""

    file_system: FileSystem | None = None
    """Where homes are. None: a claim of the cluster's storage class."""
    secret: str = names.HUB_SECRETS
    """The Kubernetes Secret that is mounted into the hub, one key per file. Not part of a chart."""
    dns: tuple[str, ...] = ()
    """CIDRs of the cluster's DNS. Empty: the pods in kube-system."""
    api_server: tuple[str, ...] = ("0.0.0.0/0",)
    """CIDRs of the Kubernetes API. Network plug-ins differ in whether they see its Service or what
    is behind it, so name both if you narrow this."""


def on_eks(spec: EksSpec, file_system: FileSystem) -> DeployedValues:
    """Auto Mode runs DNS on each node, not in pods, so policies must name its address:
    https://docs.aws.amazon.com/eks/latest/userguide/auto-net-pol.html
    """
    return DeployedValues(
        file_system=file_system,
        dns=(EKS_DNS,),
        api_server=(EKS_API_SERVER, spec.network.cidr),
    )


def before_deploy(environment: Environment) -> DeployedValues:
    """For reading and testing: what only a deploy knows has a placeholder that says so."""
    if isinstance(environment.spec, EksSpec):
        return on_eks(environment.spec, FileSystem("FILE-SYSTEM-ID", "ACCESS-POINT-ID"))
    return DeployedValues()
