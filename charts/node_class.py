"""NodeClass: disk, subnets and security group of the nodes that EKS Auto Mode makes.

https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html
"""

from typing import Literal

from constructs import Construct

from charts.aws_values import AwsValues
from charts.custom import EKS, custom_object

DefaultPolicy = Literal["DefaultAllow", "DefaultDeny"]
"""What holds for a pod as long as no policy is in force for it."""

CORE_NETWORK: DefaultPolicy = "DefaultAllow"
"""Add-ons run on core nodes, and most come without a policy."""
USER_NETWORK: DefaultPolicy = "DefaultDeny"
"""A server is closed until its policy is in force, and stays closed where it never is: Auto Mode's
agent is known to overlook pods without an owner, which is what KubeSpawner makes.
https://github.com/aws/aws-network-policy-agent/issues/327"""


class NodeClass(Construct):
    """In private subnets. Core nodes are in the cluster's own security group, for which the load
    balancer's controller needs no further rights."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        aws: AwsValues,
        security_group: str,
        network: DefaultPolicy,
        disk: str,
    ) -> None:
        super().__init__(scope, id)
        custom_object(
            self,
            "class",
            group=EKS,
            kind="NodeClass",
            name=name,
            spec={
                "role": aws.node_role,
                "subnetSelectorTerms": [{"id": subnet} for subnet in aws.subnets],
                "securityGroupSelectorTerms": [{"id": security_group}],
                "networkPolicy": network,
                "ephemeralStorage": {"size": disk},
            },
        )
