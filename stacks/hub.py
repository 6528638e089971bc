"""The hub chart, what the pods of the hub and its proxy may do on AWS, and the way to them."""

from collections.abc import Iterable

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from charts import rendering
from charts.rendering import Manifest
from slipway import facts
from slipway.model import EksSpec, Environment
from stacks.acknowledgements import acknowledge
from stacks.cluster import ClusterStack
from stacks.data import SNAPSHOTS_ARN, DataStack
from stacks.domain import DomainNames
from stacks.kubernetes import KubernetesObjects
from stacks.pod_identity import pod_identity, pod_role
from stacks.roll_out import RollOut, with_revisions

AWAITED = (facts.HUB, facts.PROXY)


class HubStack(Stack):
    certificate: acm.ICertificate | None = None

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        spec: EksSpec,
        cluster: ClusterStack,
        data: DataStack,
    ) -> None:
        super().__init__(scope, id, description="JupyterHub and its proxy. Disposable.")
        rendered = rendering.chart_objects(rendering.HUB, environment, cluster.aws_values)
        objects = list(with_revisions(self, rendered))
        chart = KubernetesObjects(self, "hub", cluster=cluster.cluster, objects=objects)
        roles = {facts.HUB: self._hub_role(data), facts.PROXY: self._proxy_role(data)}
        for account, role in roles.items():
            identity = pod_identity(
                self,
                f"{account}-identity",
                cluster=cluster.cluster,
                namespace=spec.namespace,
                account=account,
                role=role,
            )
            # A pod that starts without it stays without it.
            chart.node.add_dependency(identity)
        self._wait_for(objects, cluster.cluster, chart)
        self._publish(spec, cluster.cluster, chart)

    def _wait_for(
        self, objects: Iterable[Manifest], cluster: eks.ICluster, chart: KubernetesObjects
    ) -> None:
        for item in objects:
            if item["kind"] == "Deployment" and item["metadata"]["name"] in AWAITED:
                name = f"{item['metadata']['name']}-ready"
                RollOut(self, name, cluster=cluster, deployment=item).node.add_dependency(chart)

    def _publish(self, spec: EksSpec, cluster: eks.ICluster, chart: KubernetesObjects) -> None:
        """The domain, or where there is none the load balancer's own name inside the VPC."""
        address = eks.KubernetesObjectValue(
            self,
            "load-balancer",
            cluster=cluster,
            object_type="ingress",
            object_name=facts.PROXY_PUBLIC,
            object_namespace=spec.namespace,
            json_path=".status.loadBalancer.ingress[0].hostname",
            timeout=Duration.minutes(10),
        )
        address.node.add_dependency(chart)
        url = f"http://{address.value}"
        if spec.domain and spec.hosted_zone:
            domain = DomainNames(self, "domain", domain=spec.domain, zone=spec.hosted_zone)
            # The load balancer is made with it, and gone before it.
            chart.node.add_dependency(domain.certificate)
            domain.lead_to(address.value)
            self.certificate = domain.certificate
            url = f"https://{spec.domain}"
        CfnOutput(self, "Url", value=url, description="Where users find the hub")

    def _hub_role(self, data: DataStack) -> iam.Role:
        role = pod_role(self, "hub-role")
        _may_read(role, data, data.secrets.values())
        bucket = data.snapshots.bucket_arn
        role.add_to_policy(
            _allow(["s3:GetObject", "s3:PutObject"], [f"{bucket}/{facts.SNAPSHOTS_PREFIX}*"])
        )
        only_its_own = {"StringLike": {"s3:prefix": f"{facts.SNAPSHOTS_PREFIX}*"}}
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:ListBucket"], resources=[bucket], conditions=only_its_own
            )
        )
        role.add_to_policy(_allow(["kms:GenerateDataKey"], [data.key.key_arn]))
        acknowledge(
            role,
            f"IAM5[Resource::{data.stack_name}:{SNAPSHOTS_ARN}/{facts.SNAPSHOTS_PREFIX}*]",
            "snapshots have a key each, below the one prefix",
        )
        return role

    def _proxy_role(self, data: DataStack) -> iam.Role:
        role = pod_role(self, "proxy-role")
        _may_read(role, data, [data.secrets[facts.PROXY_TOKEN]])
        return role


def _may_read(role: iam.Role, data: DataStack, secrets: Iterable[secretsmanager.ISecret]) -> None:
    """Not secret.grant_read: it would write the role into the key's policy, and a long-lived stack
    must not know a disposable one."""
    role.add_to_policy(
        _allow(["secretsmanager:GetSecretValue"], [secret.secret_arn for secret in secrets])
    )
    role.add_to_policy(_allow(["kms:Decrypt"], [data.key.key_arn]))


def _allow(actions: list[str], resources: list[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=actions, resources=resources)
