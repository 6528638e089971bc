"""What controllers in the cluster made on AWS: no stack knows it, so nobody deletes it with one.

Auto Mode tags it with the cluster's name:
https://docs.aws.amazon.com/eks/latest/userguide/auto-troubleshoot.html
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from slipway.aws.account import AwsAccount, is_missing

TAG = "eks:eks-cluster-name"
LOG_FOLDERS = ("/aws/eks/{cluster}/", "/aws/containerinsights/{cluster}/")


@dataclass(frozen=True)
class Made:
    kind: str
    id: str
    delete: Callable[[], Any]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


def find(aws: AwsAccount) -> list[Made]:
    """In the order in which they can go: what uses before what is used."""
    return [
        *_load_balancers(aws),
        *_target_groups(aws),
        *_instances(aws),
        *_volumes(aws),
        *_interfaces(aws),
        *_security_groups(aws),
        *_log_groups(aws),
    ]


def remove(made: Made) -> str | None:
    """None when it is gone, else why it is not."""
    try:
        made.delete()
    except ClientError as error:
        return None if is_missing(error) else str(error)
    return None


def _tagged(aws: AwsAccount) -> list[dict[str, Any]]:
    return [{"Name": f"tag:{TAG}", "Values": [aws.cluster]}]


def _load_balancers(aws: AwsAccount) -> Iterator[Made]:
    elb = aws.client("elbv2")
    pages = elb.get_paginator("describe_load_balancers").paginate()
    arns = [one["LoadBalancerArn"] for page in pages for one in page["LoadBalancers"]]
    for arn in _of_cluster(aws, arns):
        yield Made("load balancer", arn, partial(elb.delete_load_balancer, LoadBalancerArn=arn))


def _target_groups(aws: AwsAccount) -> Iterator[Made]:
    elb = aws.client("elbv2")
    pages = elb.get_paginator("describe_target_groups").paginate()
    arns = [one["TargetGroupArn"] for page in pages for one in page["TargetGroups"]]
    for arn in _of_cluster(aws, arns):
        yield Made("target group", arn, partial(elb.delete_target_group, TargetGroupArn=arn))


def _of_cluster(aws: AwsAccount, arns: list[str]) -> Iterator[str]:
    """Those with the cluster's tag. ELB lists no more than 20 at a time."""
    for start in range(0, len(arns), 20):
        found = aws.client("elbv2").describe_tags(ResourceArns=arns[start : start + 20])
        for one in found["TagDescriptions"]:
            if {"Key": TAG, "Value": aws.cluster} in one["Tags"]:
                yield one["ResourceArn"]


def _instances(aws: AwsAccount) -> Iterator[Made]:
    ec2 = aws.client("ec2")
    for page in ec2.get_paginator("describe_instances").paginate(Filters=_tagged(aws)):
        for reservation in page["Reservations"]:
            for one in reservation["Instances"]:
                if one["State"]["Name"] not in ("terminated", "shutting-down"):
                    id = one["InstanceId"]
                    yield Made("instance", id, partial(ec2.terminate_instances, InstanceIds=[id]))


def _volumes(aws: AwsAccount) -> Iterator[Made]:
    ec2 = aws.client("ec2")
    for page in ec2.get_paginator("describe_volumes").paginate(Filters=_tagged(aws)):
        for volume in page["Volumes"]:
            id = volume["VolumeId"]
            yield Made("volume", id, partial(ec2.delete_volume, VolumeId=id))


def _interfaces(aws: AwsAccount) -> Iterator[Made]:
    ec2 = aws.client("ec2")
    for page in ec2.get_paginator("describe_network_interfaces").paginate(Filters=_tagged(aws)):
        for one in page["NetworkInterfaces"]:
            id = one["NetworkInterfaceId"]
            yield Made(
                "network interface",
                id,
                partial(ec2.delete_network_interface, NetworkInterfaceId=id),
            )


def _security_groups(aws: AwsAccount) -> Iterator[Made]:
    ec2 = aws.client("ec2")
    for page in ec2.get_paginator("describe_security_groups").paginate(Filters=_tagged(aws)):
        for group in page["SecurityGroups"]:
            id = group["GroupId"]
            yield Made("security group", id, partial(ec2.delete_security_group, GroupId=id))


def _log_groups(aws: AwsAccount) -> Iterator[Made]:
    """That a last line, written after their stack was gone, made anew."""
    logs = aws.client("logs")
    for folder in LOG_FOLDERS:
        prefix = folder.format(cluster=aws.cluster)
        for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix):
            for group in page["logGroups"]:
                name = group["logGroupName"]
                yield Made("log group", name, partial(logs.delete_log_group, logGroupName=name))
