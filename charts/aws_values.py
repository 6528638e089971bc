"""What the charts name in an AWS account, known only when its stacks are deployed."""

from collections.abc import Mapping
from dataclasses import dataclass

from slipway.model import Environment


@dataclass(frozen=True)
class FileSystem:
    """An EFS file system and the access point that owns the homes in it."""

    id: str
    access_point: str


@dataclass(frozen=True)
class AwsValues:
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
    endpoints: str | None = None
    """Range of AWS's interface endpoints. None: AWS is reached over the internet."""


def placeholder_values(environment: Environment) -> AwsValues | None:
    """For reading and testing: placeholders that say what a deploy fills in. None where the
    environment is not on AWS."""
    if not environment.spec.on_aws:
        return None
    spec = environment.eks_spec
    return AwsValues(
        region=spec.region,
        file_system=FileSystem("FILE-SYSTEM-ID", "ACCESS-POINT-ID"),
        secret_ids=environment.secret_ids,
        snapshots_bucket="SNAPSHOTS-BUCKET",
        node_role="NODE-ROLE-NAME",
        subnets=tuple(f"SUBNET-ID-{zone}" for zone in spec.zones),
        security_group="SECURITY-GROUP-ID",
        user_security_group="USER-SECURITY-GROUP-ID",
        endpoints=spec.network.cidr if spec.network.has_endpoints else None,
    )
