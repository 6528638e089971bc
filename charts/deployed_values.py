"""What a chart needs and no file says: values known only where and when it is deployed."""

from collections.abc import Mapping
from dataclasses import dataclass

from charts.secret_names import secret_ids
from slipway import facts
from slipway.model import EksSpec, Environment, KubernetesSpec

EKS_SERVICE_RANGE = "172.20.0.0/16"
"""Given to the cluster, so that the addresses of its DNS and API server are known beforehand."""
EKS_DNS = "172.20.0.10/32"
EKS_API_SERVER = "172.20.0.1/32"

EVERYWHERE = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True)
class FileSystem:
    """An EFS file system and the access point that owns the homes in it."""

    id: str
    access_point: str


@dataclass(frozen=True)
class Aws:
    """What the charts name in an AWS account."""

    region: str
    file_system: FileSystem
    """Where homes are."""
    secret_ids: Mapping[str, str]
    """In Secrets Manager, by the file that the hub reads."""
    snapshots_bucket: str
    """Where snapshots of the hub's database go."""
    node_role: str
    """The name, not the ARN, of the role of all nodes."""
    subnets: tuple[str, ...]
    """Ids of the private subnets, where nodes are."""
    security_group: str
    """Id of the cluster's own security group, which core nodes share with the Kubernetes API."""
    user_security_group: str
    """Id of the security group of users' nodes: a wall that needs no NetworkPolicy to stand."""
    certificate: str | None = None
    """ARN of the load balancer's certificate. None: it is found by the domain."""
    endpoints: str | None = None
    """Range of AWS's interface endpoints. None: AWS is reached over the internet."""


@dataclass(frozen=True)
class DeployedValues:
    """The defaults suit any conformant cluster."""

    aws: Aws | None = None
    secret: str = facts.HUB_SECRETS
    """The Kubernetes Secret with one key per file, where there is no AWS. Not part of a chart."""
    dns: tuple[str, ...] = ()
    """CIDRs of the cluster's DNS. Empty: the pods in kube-system."""
    api_server: tuple[str, ...] = EVERYWHERE
    """CIDRs of the Kubernetes API. Network plug-ins differ in whether they see its Service or what
    is behind it, so name both if you narrow this."""
    inside: tuple[str, ...] = ()
    """Ranges that are not the internet, though they need not look private."""


def on_eks(spec: EksSpec, aws: Aws) -> DeployedValues:
    """Auto Mode runs DNS on each node, not in pods, so policies must name its address:
    https://docs.aws.amazon.com/eks/latest/userguide/auto-net-pol.html
    """
    return DeployedValues(
        aws=aws,
        dns=(EKS_DNS,),
        api_server=(EKS_API_SERVER, spec.network.cidr),
        inside=(spec.network.cidr,),
    )


def on_any_cluster(spec: KubernetesSpec) -> DeployedValues:
    network = spec.network
    return DeployedValues(
        dns=network.dns, api_server=network.api_server or EVERYWHERE, inside=network.inside
    )


def before_deploy(environment: Environment) -> DeployedValues:
    """For reading and testing: what only a deploy knows has a placeholder that says so.

    Raises ValueError for a local environment: it has no cluster.
    """
    spec = environment.cluster_spec
    if isinstance(spec, KubernetesSpec):
        return on_any_cluster(spec)
    aws = Aws(
        region=spec.region,
        file_system=FileSystem("FILE-SYSTEM-ID", "ACCESS-POINT-ID"),
        secret_ids=secret_ids(environment),
        snapshots_bucket="SNAPSHOTS-BUCKET",
        node_role="NODE-ROLE-NAME",
        subnets=tuple(f"SUBNET-ID-{zone}" for zone in spec.zones),
        security_group="SECURITY-GROUP-ID",
        user_security_group="USER-SECURITY-GROUP-ID",
        endpoints=endpoints(spec),
    )
    return on_eks(spec, aws)


def endpoints(spec: EksSpec) -> str | None:
    """Where the network stack's interface endpoints answer, if it makes any."""
    return spec.network.cidr if has_endpoints(spec) else None


def has_endpoints(spec: EksSpec) -> bool:
    return spec.network.nat == "none" or spec.network.endpoints == "always"
