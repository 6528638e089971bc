"""Logs, metrics, alarms, the dashboard, and who is told."""

from collections.abc import Iterable

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from charts.rendering import Manifest
from slipway.model import EksSpec, Environment
from slipway.model.quantities import seconds
from stacks.addons import Addon
from stacks.budget import MonthlyBudget
from stacks.cluster import LOG_RETENTION, cluster_name
from stacks.dashboard import Dashboard
from stacks.data import DataStack
from stacks.hub_metrics import HubMetrics
from stacks.kubernetes import KubernetesObjects

CLOUDWATCH = "amazon-cloudwatch-observability"
CLOUDWATCH_NAMESPACE = "amazon-cloudwatch"
APPLICATION = "application"
LOG_KINDS = (APPLICATION, "dataplane", "host", "performance")
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-EKS-logs.html"""


class ObservabilityStack(Stack):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        spec: EksSpec,
        cluster: eks.ICluster,
        data: DataStack,
        certificate: acm.ICertificate | None,
    ) -> None:
        super().__init__(scope, id, description="Logs, metrics and alarms. Disposable.")
        name = cluster_name(environment.name)
        groups = {kind: self._logs(name, kind) for kind in LOG_KINDS}
        agent = self._agent(environment, cluster)
        agent.node.add_dependency(*groups.values())
        metrics = HubMetrics(
            self,
            "metrics",
            cluster=name,
            namespace=spec.namespace,
            log_group=groups[APPLICATION],
            data=data,
            certificate=certificate,
            slow_start=seconds(spec.start_timeout) / 2,
        )
        alarms = metrics.alarms()
        if spec.alarms:
            self._tell(spec.alarms.email, alarms)
        if spec.alarms and spec.budget:
            MonthlyBudget(
                self,
                "budget",
                name=name,
                monthly_usd=spec.budget.monthly_usd,
                email=spec.alarms.email,
            )
        Dashboard(self, "dashboard", name=name, metrics=metrics, alarms=alarms)

    def _logs(self, cluster: str, kind: str) -> logs.LogGroup:
        """Made before the agent would make it, without an end to what it keeps."""
        return logs.LogGroup(
            self,
            f"{kind}-logs",
            log_group_name=f"/aws/containerinsights/{cluster}/{kind}",
            retention=LOG_RETENTION,
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _agent(self, environment: Environment, cluster: eks.ICluster) -> Addon:
        agent = Addon(
            self,
            "agent",
            addon=CLOUDWATCH,
            cluster=cluster.cluster_name,
            versions=environment.versions.addons,
            roles={"cloudwatch-agent": ["CloudWatchAgentServerPolicy", "AWSXrayWriteOnlyAccess"]},
        )
        # It runs on users' nodes too, where a pod without a policy reaches nothing.
        KubernetesObjects(
            self, "agent-network", cluster=cluster, objects=[_open_network(CLOUDWATCH_NAMESPACE)]
        ).node.add_dependency(agent)
        return agent

    def _tell(self, email: str, alarms: Iterable[cloudwatch.Alarm]) -> None:
        topic = sns.Topic(self, "alarms", enforce_ssl=True)
        topic.add_subscription(subscriptions.EmailSubscription(email))
        for alarm in alarms:
            alarm.add_alarm_action(actions.SnsAction(topic))
        # A topic with a policy of its own, as TLS asks for, no longer lets its account publish.
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )


def _open_network(namespace: str) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "open", "namespace": namespace},
        "spec": {
            "podSelector": {},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{}],
            "egress": [{}],
        },
    }
