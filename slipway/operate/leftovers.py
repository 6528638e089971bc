"""What still exists and should not: found by tag, by cluster and by VPC."""

from collections.abc import Iterator

from slipway.aws import cloudformation as cloudformation
from slipway.aws.account import DISPOSABLE, LONG_LIVED, AwsAccount
from slipway.operate import orphaned_resources as made_by_controllers

ENVIRONMENT_TAG = "slipway:environment"
BY_AWS = ("efs", "gateway_load_balancer_endpoint", "lambda", "nat_gateway", "vpc_endpoint")
"""Types of interfaces that belong to what stays, or, as those of functions, that AWS itself takes
away within the hour after their function is gone."""


def leftovers(aws: AwsAccount) -> list[str]:
    """In words, each with its id. Stacks that should be gone are listed too."""
    known = {
        str(one["PhysicalResourceId"])
        for short in LONG_LIVED
        for one in cloudformation.resources(aws, short)
    }
    found = [
        *(f"stack {aws.stack(short)}" for short in DISPOSABLE if cloudformation.status(aws, short)),
        *(str(made) for made in made_by_controllers.find(aws)),
        *_clusters(aws),
        *_in_the_vpc(aws, known),
        *_tagged(aws, known),
    ]
    return sorted(set(found))


def _clusters(aws: AwsAccount) -> Iterator[str]:
    for page in aws.client("eks").get_paginator("list_clusters").paginate():
        if aws.cluster in page["clusters"]:
            yield f"cluster {aws.cluster}"


def _in_the_vpc(aws: AwsAccount, known: set[str]) -> Iterator[str]:
    """What keeps a VPC from being deleted, and what its neighbours pay for."""
    ec2 = aws.client("ec2")
    for vpc in cloudformation.physical_ids(aws, "network", "AWS::EC2::VPC"):
        inside = [{"Name": "vpc-id", "Values": [vpc]}]
        for group in ec2.describe_security_groups(Filters=inside)["SecurityGroups"]:
            if group["GroupName"] != "default" and group["GroupId"] not in known:
                yield f"security group {group['GroupId']}"
        for one in ec2.describe_network_interfaces(Filters=inside)["NetworkInterfaces"]:
            if not _stays(one):
                yield f"network interface {one['NetworkInterfaceId']}"
        for balancer in aws.client("elbv2").describe_load_balancers()["LoadBalancers"]:
            if balancer.get("VpcId") == vpc:
                yield f"load balancer {balancer['LoadBalancerArn']}"


def _stays(interface: dict[str, str]) -> bool:
    description = interface.get("Description", "")
    kind = interface.get("InterfaceType", "interface")
    return kind in BY_AWS or description.startswith(("EFS mount target", "VPC Endpoint"))


def _tagged(aws: AwsAccount, known: set[str]) -> Iterator[str]:
    pages = aws.client("resourcegroupstaggingapi").get_paginator("get_resources")
    wanted = [{"Key": ENVIRONMENT_TAG, "Values": [aws.name]}]
    for page in pages.paginate(TagFilters=wanted):
        for resource in page["ResourceTagMappingList"]:
            arn = resource["ResourceARN"]
            if not _is_known(arn, known, aws) and not _is_ending(arn, aws):
                yield f"resource {arn}"


def _is_ending(arn: str, aws: AwsAccount) -> bool:
    """A key takes a month to go, so that what it encrypted can still be had back."""
    if ":kms:" not in arn:
        return False
    key = aws.client("kms").describe_key(KeyId=arn)["KeyMetadata"]
    return bool(key["KeyState"] == "PendingDeletion")


def _is_known(arn: str, known: set[str], aws: AwsAccount) -> bool:
    """By its ARN or the id at its end; a stack by its name."""
    end = arn.rpartition("/")[2].rpartition(":")[2]
    if ":cloudformation:" in arn:
        return any(f":stack/{aws.stack(short)}/" in arn for short in LONG_LIVED)
    return arn in known or end in known or any(one and one in arn for one in known if len(one) > 8)
