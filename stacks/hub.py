"""The hub chart, and what the hub's pod may do on AWS."""

from collections.abc import Iterable

from aws_cdk import Stack
from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from charts import names, rendering
from charts.deployed_values import DeployedValues
from slipway.model import EksSpec, Environment
from stacks.kubernetes import KubernetesObjects
from stacks.pod_identity import pod_role


class HubStack(Stack):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        spec: EksSpec,
        cluster: eks.ICluster,
        secrets: Iterable[secretsmanager.ISecret],
        key: kms.IKey,
        deployed: DeployedValues,
    ) -> None:
        super().__init__(scope, id, description="JupyterHub and its proxy. Disposable.")
        role = pod_role(self, "hub-role")
        # Not secret.grant_read: it would write the role into the key's policy, and a long-lived
        # stack must not know a disposable one.
        role.add_to_policy(
            _allow(["secretsmanager:GetSecretValue"], [s.secret_arn for s in secrets])
        )
        role.add_to_policy(_allow(["kms:Decrypt"], [key.key_arn]))
        identity = eks.CfnPodIdentityAssociation(
            self,
            "hub-identity",
            cluster_name=cluster.cluster_name,
            namespace=spec.namespace,
            service_account=names.HUB,
            role_arn=role.role_arn,
        )
        chart = KubernetesObjects(
            self,
            "hub",
            cluster=cluster,
            objects=rendering.objects(environment, deployed)[rendering.HUB],
        )
        # A pod gets its identity when it is created, or never.
        chart.node.add_dependency(identity)


def _allow(actions: list[str], resources: list[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=actions, resources=resources)
