"""The VPC."""

import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from slipway.model import Environment
from stacks.constructs.long_lived_stack import LongLivedStack

PUBLIC = "public"
PRIVATE = "private"

ENDPOINTS = (
    *("ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticfilesystem"),
    *("elasticloadbalancing", "lambda", "logs", "monitoring", "secretsmanager", "ssm", "sts"),
)
"""What nodes, pods and the kubectl provider call when there is no way to the internet."""


class NetworkStack(LongLivedStack):
    """Public subnets for load balancers, private ones for everything else."""

    def __init__(self, scope: Construct, id: str, *, environment: Environment) -> None:
        spec = environment.eks_spec
        self._zones = list(spec.zones)
        super().__init__(scope, id, description="VPC. Survives a teardown.")
        has_internet = spec.network.nat != "none"
        self.vpc = ec2.Vpc(
            self,
            "vpc",
            ip_addresses=ec2.IpAddresses.cidr(spec.network.cidr),
            availability_zones=self._zones,
            nat_gateways={"none": 0, "one": 1, "per-zone": len(spec.zones)}[spec.network.nat],
            # Equal shares of the range: Auto Mode takes 16 addresses at a time.
            subnet_configuration=[
                ec2.SubnetConfiguration(name=PUBLIC, subnet_type=ec2.SubnetType.PUBLIC),
                ec2.SubnetConfiguration(
                    name=PRIVATE,
                    subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS
                    if has_internet
                    else ec2.SubnetType.PRIVATE_ISOLATED,
                ),
            ],
        )
        self.private = ec2.SubnetSelection(subnet_group_name=PRIVATE)
        self.private_subnets = self.vpc.select_subnets(subnet_group_name=PRIVATE).subnets
        self._log_refused_connections()
        self.vpc.add_gateway_endpoint("s3", service=ec2.GatewayVpcEndpointAwsService.S3)
        if spec.network.has_endpoints:
            self._add_endpoints(spec.network.cidr)

    @property
    @jsii.member(jsii_name="availabilityZones")
    def availability_zones(self) -> list[str]:
        """From the environment file: CDK's own answer is a look-up in the account."""
        return self._zones

    def _log_refused_connections(self) -> None:
        """What was let through is the bulk of a flow log's cost, and answers no question here."""
        group = logs.LogGroup(self, "refused", retention=logs.RetentionDays.THREE_MONTHS)
        self.vpc.add_flow_log(
            "flow-log",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(group),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )

    def _add_endpoints(self, clients: str) -> None:
        """One security group for all: CDK's own would be one for each."""
        access = ec2.SecurityGroup(self, "endpoint-access", vpc=self.vpc, allow_all_outbound=False)
        access.add_ingress_rule(ec2.Peer.ipv4(clients), ec2.Port.tcp(443), "AWS APIs")
        for name in ENDPOINTS:
            self.vpc.add_interface_endpoint(
                name.replace(".", "-"),
                service=ec2.InterfaceVpcEndpointAwsService(name),
                subnets=self.private,
                security_groups=[access],
                open=False,
            )
