"""What still exists after a teardown and should not: found by stack, cluster, VPC and tag."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slipway import facts
from slipway.aws import cloudformation
from slipway.aws.account import AwsAccount
from slipway.operate import orphaned_resources

if TYPE_CHECKING:
    from types_boto3_ec2.type_defs import FilterTypeDef, NetworkInterfaceTypeDef
    from types_boto3_resourcegroupstaggingapi.type_defs import TagFilterTypeDef

KEPT_INTERFACES = ("efs", "gateway_load_balancer_endpoint", "lambda", "nat_gateway", "vpc_endpoint")
"""Types of network interfaces that belong to what is kept. Those of functions are deleted by AWS
within an hour after their function."""


def leftovers(aws: AwsAccount) -> list[str]:
    """In words, each with its id. Disposable stacks that exist are listed too."""
    known = {
        str(resource["PhysicalResourceId"])
        for stack in facts.LONG_LIVED_STACKS
        for resource in cloudformation.resources(aws, stack)
    }
    stacks = cloudformation.existing(aws, facts.DISPOSABLE_STACKS)
    found = {
        *(f"stack {aws.stack(stack)}" for stack in stacks),
        *(str(resource) for resource in orphaned_resources.find(aws)),
        *_clusters(aws),
        *_in_the_vpc(aws, known),
        *_tagged(aws, known),
    }
    return sorted(found)


def _clusters(aws: AwsAccount) -> Iterator[str]:
    for page in aws.client("eks").get_paginator("list_clusters").paginate():
        if aws.cluster in page["clusters"]:
            yield f"cluster {aws.cluster}"


def _in_the_vpc(aws: AwsAccount, known: set[str]) -> Iterator[str]:
    """What keeps a VPC from being deleted, or costs money in it."""
    ec2 = aws.client("ec2")
    for vpc in cloudformation.physical_ids(aws, facts.NETWORK_STACK, "AWS::EC2::VPC"):
        inside: list[FilterTypeDef] = [{"Name": "vpc-id", "Values": [vpc]}]
        for group in ec2.describe_security_groups(Filters=inside)["SecurityGroups"]:
            if group["GroupName"] != "default" and group["GroupId"] not in known:
                yield f"security group {group['GroupId']}"
        for interface in ec2.describe_network_interfaces(Filters=inside)["NetworkInterfaces"]:
            if not _is_kept(interface):
                yield f"network interface {interface['NetworkInterfaceId']}"
        for balancer in aws.client("elbv2").describe_load_balancers()["LoadBalancers"]:
            if balancer.get("VpcId") == vpc:
                yield f"load balancer {balancer['LoadBalancerArn']}"


def _is_kept(interface: "NetworkInterfaceTypeDef") -> bool:
    description = interface.get("Description", "")
    kind = interface.get("InterfaceType", "interface")
    return kind in KEPT_INTERFACES or description.startswith(("EFS mount target", "VPC Endpoint"))


def _tagged(aws: AwsAccount, known: set[str]) -> Iterator[str]:
    pages = aws.client("resourcegroupstaggingapi").get_paginator("get_resources")
    tags: list[TagFilterTypeDef] = [{"Key": facts.ENVIRONMENT_TAG, "Values": [aws.name]}]
    for page in pages.paginate(TagFilters=tags):
        for resource in page["ResourceTagMappingList"]:
            arn = resource["ResourceARN"]
            if not _is_known(arn, known, aws) and not _is_being_deleted(arn, aws):
                yield f"resource {arn}"


def _is_being_deleted(arn: str, aws: AwsAccount) -> bool:
    """AWS deletes a key only after a month, in which it can be had back."""
    if ":kms:" not in arn:
        return False
    key = aws.client("kms").describe_key(KeyId=arn)["KeyMetadata"]
    return key["KeyState"] == "PendingDeletion"


def _is_known(arn: str, known: set[str], aws: AwsAccount) -> bool:
    """By its ARN or the id at its end; a stack by its name."""
    end = arn.rpartition("/")[2].rpartition(":")[2]
    if ":cloudformation:" in arn:
        return any(f":stack/{aws.stack(stack)}/" in arn for stack in facts.LONG_LIVED_STACKS)
    return arn in known or end in known or any(id in arn for id in known if len(id) > 8)
