"""AWS resources that the cluster's controllers made: no stack knows them or deletes them.

Auto Mode tags them with the cluster's name:
https://docs.aws.amazon.com/eks/latest/userguide/auto-troubleshoot.html
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from slipway import facts
from slipway.aws.account import AwsAccount, is_missing

RUNNING = "State.Name != 'terminated' && State.Name != 'shutting-down'"
OF_EC2: tuple[tuple[str, str, str, Callable[[Any, str], object]], ...] = (
    (
        "instance",
        "describe_instances",
        f"Reservations[].Instances[?{RUNNING}][].InstanceId",
        lambda ec2, id: ec2.terminate_instances(InstanceIds=[id]),
    ),
    (
        "volume",
        "describe_volumes",
        "Volumes[].VolumeId",
        lambda ec2, id: ec2.delete_volume(VolumeId=id),
    ),
    (
        "network interface",
        "describe_network_interfaces",
        "NetworkInterfaces[].NetworkInterfaceId",
        lambda ec2, id: ec2.delete_network_interface(NetworkInterfaceId=id),
    ),
    (
        "security group",
        "describe_security_groups",
        "SecurityGroups[].GroupId",
        lambda ec2, id: ec2.delete_security_group(GroupId=id),
    ),
)
"""Kinds of EC2: how they are listed, where in a page their ids are, how one is deleted."""


@dataclass(frozen=True)
class OrphanedResource:
    kind: str
    id: str
    delete: Callable[[str], object]
    """Called with the id."""

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    def remove(self) -> str | None:
        """Delete it. None when it is gone, else why it is not."""
        try:
            self.delete(self.id)
        except ClientError as error:
            return None if is_missing(error) else str(error)
        return None


def find(aws: AwsAccount) -> list[OrphanedResource]:
    """In the order in which they can be deleted: what uses another comes before it."""
    # A page of AWS without the key is one None.
    return [
        OrphanedResource(kind, id, delete) for kind, ids, delete in _kinds(aws) for id in ids if id
    ]


def _kinds(aws: AwsAccount) -> Iterator[tuple[str, Iterable[str], Callable[[str], object]]]:
    """Each kind's name, the ids of what there is, and how one is deleted."""
    elb, logs = aws.client("elbv2"), aws.client("logs")
    balancers = elb.get_paginator("describe_load_balancers").paginate()
    arns = _of_cluster(aws, balancers.search("LoadBalancers[].LoadBalancerArn"))
    yield "load balancer", arns, lambda arn: elb.delete_load_balancer(LoadBalancerArn=arn)
    groups = elb.get_paginator("describe_target_groups").paginate()
    arns = _of_cluster(aws, groups.search("TargetGroups[].TargetGroupArn"))
    yield "target group", arns, lambda arn: elb.delete_target_group(TargetGroupArn=arn)
    ec2: Any = aws.client("ec2")
    tagged = [{"Name": f"tag:{facts.CLUSTER_TAG}", "Values": [aws.cluster]}]
    for kind, describe, ids, delete in OF_EC2:
        found = ec2.get_paginator(describe).paginate(Filters=tagged).search(ids)
        yield kind, found, partial(delete, ec2)
    yield "log group", _log_groups(aws), lambda name: logs.delete_log_group(logGroupName=name)


def _of_cluster(aws: AwsAccount, arns: Iterable[str]) -> Iterator[str]:
    """Those with the cluster's tag. ELB describes tags of at most 20 at a time."""
    known = [arn for arn in arns if arn]
    tag = {"Key": facts.CLUSTER_TAG, "Value": aws.cluster}
    for start in range(0, len(known), 20):
        found = aws.client("elbv2").describe_tags(ResourceArns=known[start : start + 20])
        for described in found["TagDescriptions"]:
            if tag in described["Tags"]:
                yield described["ResourceArn"]


def _log_groups(aws: AwsAccount) -> Iterator[str]:
    """Made anew by a last line that was written after their stack was gone."""
    pages = aws.client("logs").get_paginator("describe_log_groups")
    for folder in (facts.CLUSTER_LOG_GROUPS, facts.CONTAINER_LOG_GROUPS):
        prefix = folder.format(cluster=aws.cluster)
        yield from pages.paginate(logGroupNamePrefix=prefix).search("logGroups[].logGroupName")
