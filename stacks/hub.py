"""The hub chart, and what the pods of the hub and its proxy may do on AWS."""

from collections.abc import Iterable

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from charts import names, rendering
from charts.hub_pod import SNAPSHOTS_PREFIX
from slipway.model import EksSpec, Environment
from stacks.cluster import ClusterStack
from stacks.data import DataStack
from stacks.kubernetes import KubernetesObjects
from stacks.pod_identity import pod_identity, pod_role


class HubStack(Stack):
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
        chart = KubernetesObjects(
            self,
            "hub",
            cluster=cluster.cluster,
            objects=rendering.chart_objects(rendering.HUB, environment, cluster.deployed),
        )
        roles = {names.HUB: self._hub_role(data), names.PROXY: self._proxy_role(data)}
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

    def _hub_role(self, data: DataStack) -> iam.Role:
        role = pod_role(self, "hub-role")
        _may_read(role, data, data.secrets.values())
        bucket = data.snapshots.bucket_arn
        role.add_to_policy(
            _allow(["s3:GetObject", "s3:PutObject"], [f"{bucket}/{SNAPSHOTS_PREFIX}/*"])
        )
        only_its_own = {"StringLike": {"s3:prefix": f"{SNAPSHOTS_PREFIX}/*"}}
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:ListBucket"], resources=[bucket], conditions=only_its_own
            )
        )
        role.add_to_policy(_allow(["kms:GenerateDataKey"], [data.key.key_arn]))
        return role

    def _proxy_role(self, data: DataStack) -> iam.Role:
        role = pod_role(self, "proxy-role")
        _may_read(role, data, [data.secrets[names.PROXY_TOKEN]])
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
