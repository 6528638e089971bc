"""AWS resources that the cluster's controllers made: no stack knows them or deletes them.

Auto Mode tags them with the cluster's name:
https://docs.aws.amazon.com/eks/latest/userguide/auto-troubleshoot.html
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from slipway import facts
from slipway.aws.account import AwsAccount, is_missing

if TYPE_CHECKING:
    from types_boto3_ec2.type_defs import FilterTypeDef

Kind = tuple[str, Iterable[str], Callable[[str], object]]
"""Its name, the ids of what there is, and how one is deleted."""
RUNNING = "State.Name != 'terminated' && State.Name != 'shutting-down'"


@dataclass(frozen=True)
class OrphanedResource:
    kind: str
    id: str
    delete: Callable[[str], object]
    """Called with the id."""

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


def find(aws: AwsAccount) -> list[OrphanedResource]:
    """In the order in which they can be deleted: what uses another comes before it."""
    # A page of AWS without the key is one None.
    return [
        OrphanedResource(kind, id, delete) for kind, ids, delete in _kinds(aws) for id in ids if id
    ]


def _kinds(aws: AwsAccount) -> list[Kind]:
    ec2, elb, logs = aws.client("ec2"), aws.client("elbv2"), aws.client("logs")
    tagged: list[FilterTypeDef] = [{"Name": f"tag:{facts.CLUSTER_TAG}", "Values": [aws.cluster]}]
    balancers = elb.get_paginator("describe_load_balancers").paginate()
    groups = elb.get_paginator("describe_target_groups").paginate()
    instances = ec2.get_paginator("describe_instances").paginate(Filters=tagged)
    volumes = ec2.get_paginator("describe_volumes").paginate(Filters=tagged)
    interfaces = ec2.get_paginator("describe_network_interfaces").paginate(Filters=tagged)
    security_groups = ec2.get_paginator("describe_security_groups").paginate(Filters=tagged)
    return [
        (
            "load balancer",
            _of_cluster(aws, balancers.search("LoadBalancers[].LoadBalancerArn")),
            lambda arn: elb.delete_load_balancer(LoadBalancerArn=arn),
        ),
        (
            "target group",
            _of_cluster(aws, groups.search("TargetGroups[].TargetGroupArn")),
            lambda arn: elb.delete_target_group(TargetGroupArn=arn),
        ),
        (
            "instance",
            instances.search(f"Reservations[].Instances[?{RUNNING}][].InstanceId"),
            lambda id: ec2.terminate_instances(InstanceIds=[id]),
        ),
        (
            "volume",
            volumes.search("Volumes[].VolumeId"),
            lambda id: ec2.delete_volume(VolumeId=id),
        ),
        (
            "network interface",
            interfaces.search("NetworkInterfaces[].NetworkInterfaceId"),
            lambda id: ec2.delete_network_interface(NetworkInterfaceId=id),
        ),
        (
            "security group",
            security_groups.search("SecurityGroups[].GroupId"),
            lambda id: ec2.delete_security_group(GroupId=id),
        ),
        ("log group", _log_groups(aws), lambda name: logs.delete_log_group(logGroupName=name)),
    ]


def remove(resource: OrphanedResource) -> str | None:
    """Delete it. None when it is gone, else why it is not."""
    try:
        resource.delete(resource.id)
    except ClientError as error:
        return None if is_missing(error) else str(error)
    return None


def _of_cluster(aws: AwsAccount, arns: Iterable[str]) -> Iterator[str]:
    """Those with the cluster's tag. ELB describes tags of at most 20 at a time."""
    known = [arn for arn in arns if arn]
    tag = {"Key": facts.CLUSTER_TAG, "Value": aws.cluster}
    for start in range(0, len(known), 20):
        found = aws.client("elbv2").describe_tags(ResourceArns=known[start : start + 20])
        for one in found["TagDescriptions"]:
            if tag in one["Tags"]:
                yield one["ResourceArn"]


def _log_groups(aws: AwsAccount) -> Iterator[str]:
    """Made anew by a last line that was written after their stack was gone."""
    pages = aws.client("logs").get_paginator("describe_log_groups")
    for folder in (facts.CLUSTER_LOG_GROUPS, facts.CONTAINER_LOG_GROUPS):
        prefix = folder.format(cluster=aws.cluster)
        yield from pages.paginate(logGroupNamePrefix=prefix).search("logGroups[].logGroupName")
