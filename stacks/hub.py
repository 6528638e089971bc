"""The hub chart, what the pods of the hub and its proxy may do on AWS, and the way to them."""

from collections.abc import Sequence

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_iam as iam
from constructs import Construct

from charts import rendering
from charts.rendering import Manifest
from slipway import facts
from slipway.model import EksSpec, Environment
from stacks.cluster import ClusterStack
from stacks.constructs.domain_names import DomainNames
from stacks.constructs.kubernetes_objects import KubernetesObjects
from stacks.constructs.permissions import PodRole
from stacks.constructs.roll_out import RollOut, with_revision
from stacks.data import DataStack

AWAITED = (facts.HUB, facts.PROXY)
"""Deployments without which a deploy is rolled back."""


class HubStack(Stack):
    """`certificate` is the domain's; None where users come by the load balancer's own name."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        cluster: ClusterStack,
        data: DataStack,
    ) -> None:
        super().__init__(scope, id, description="JupyterHub and its proxy. Disposable.")
        self._cluster = cluster.cluster
        rendered = rendering.chart_objects(rendering.HUB, environment, cluster.aws_values)
        objects = [with_revision(self, item) for item in rendered]
        chart = KubernetesObjects(self, "hub", cluster=self._cluster, objects=objects)
        hub_role, proxy_role = PodRole(self, "hub-role"), PodRole(self, "proxy-role")
        data.grant_read_secrets(hub_role, *data.secrets)
        data.grant_snapshots(hub_role)
        data.grant_read_secrets(proxy_role, facts.PROXY_TOKEN)
        for account, role in ((facts.HUB, hub_role), (facts.PROXY, proxy_role)):
            # A pod that starts without its role stays without it.
            chart.node.add_dependency(self._pod_identity(account, role))
        self._wait_for_roll_out(objects, chart)

        spec = environment.eks_spec
        load_balancer = self._load_balancer(chart)
        domain = self._domain(spec, load_balancer)
        if domain:
            # The load balancer is made with the certificate, and gone before it.
            chart.node.add_dependency(domain.certificate)
        self.certificate = domain.certificate if domain else None
        url = f"https://{spec.domain}" if domain else f"http://{load_balancer}"
        CfnOutput(self, "Url", value=url, description="Where users find the hub")

    def _pod_identity(self, account: str, role: iam.Role) -> eks.CfnPodIdentityAssociation:
        return eks.CfnPodIdentityAssociation(
            self,
            f"{account}-identity",
            cluster_name=self._cluster.cluster_name,
            namespace=facts.NAMESPACE,
            service_account=account,
            role_arn=role.role_arn,
        )

    def _wait_for_roll_out(self, objects: Sequence[Manifest], chart: KubernetesObjects) -> None:
        for item in objects:
            name = item["metadata"]["name"]
            if item["kind"] == "Deployment" and name in AWAITED:
                roll_out = RollOut(self, f"{name}-ready", cluster=self._cluster, deployment=item)
                roll_out.node.add_dependency(chart)

    def _load_balancer(self, chart: KubernetesObjects) -> str:
        """Its name in the DNS."""
        hostname = eks.KubernetesObjectValue(
            self,
            "load-balancer",
            cluster=self._cluster,
            object_type="ingress",
            object_name=facts.PROXY_PUBLIC,
            object_namespace=facts.NAMESPACE,
            json_path=".status.loadBalancer.ingress[0].hostname",
            timeout=Duration.minutes(10),
        )
        hostname.node.add_dependency(chart)
        return hostname.value

    def _domain(self, spec: EksSpec, load_balancer: str) -> DomainNames | None:
        if not spec.domain or not spec.hosted_zone:
            return None
        return DomainNames(
            self,
            "domain",
            domain=spec.domain,
            zone=spec.hosted_zone,
            load_balancer=load_balancer,
        )
