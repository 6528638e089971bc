"""Logs, metrics, alarms, the dashboard and the budget."""

from aws_cdk import Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_eks_v2 as eks
from constructs import Construct

from charts.rendering import Manifest
from slipway import facts
from slipway.model import Environment
from slipway.model.quantities import seconds
from stacks.constructs.addon import Addon
from stacks.constructs.alarms import Alarms, alarm_rules
from stacks.constructs.dashboard import Dashboard
from stacks.constructs.hub_metrics import HubMetrics
from stacks.constructs.kubernetes_objects import KubernetesObjects
from stacks.constructs.log_group import ClusterLogGroup
from stacks.constructs.monthly_budget import MonthlyBudget
from stacks.data import DataStack

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
        cluster: eks.ICluster,
        data: DataStack,
        certificate: acm.ICertificate | None,
    ) -> None:
        super().__init__(scope, id, description="Logs, metrics and alarms. Disposable.")
        spec = environment.eks_spec
        name = facts.cluster_name(environment.name)
        prefix = facts.CONTAINER_LOG_GROUPS.format(cluster=name)
        log_groups = {
            kind: ClusterLogGroup(self, f"{kind}-logs", name=f"{prefix}{kind}")
            for kind in LOG_KINDS
        }
        agent = self._agent(environment, cluster)
        agent.node.add_dependency(*log_groups.values())
        metrics = HubMetrics(
            self,
            "metrics",
            cluster=name,
            hub_log=log_groups[APPLICATION],
            file_system=data.homes.id,
            backup_vault=data.vault.backup_vault_name,
        )
        slow_start = seconds(spec.start_timeout) / 2
        rules = alarm_rules(metrics, slow_start=slow_start, certificate=certificate)
        email = spec.alarms.email if spec.alarms else None
        alarms = Alarms(self, "alarms", rules=rules, email=email)
        if spec.budget and email:
            MonthlyBudget(
                self, "budget", name=name, monthly_usd=spec.budget.monthly_usd, email=email
            )
        Dashboard(self, "dashboard", name=name, metrics=metrics, alarms=alarms.alarms)

    def _agent(self, environment: Environment, cluster: eks.ICluster) -> Addon:
        agent = Addon(
            self,
            "agent",
            addon=facts.CLOUDWATCH_ADDON,
            cluster=cluster.cluster_name,
            versions=environment.versions.addons,
            roles={"cloudwatch-agent": ["CloudWatchAgentServerPolicy", "AWSXrayWriteOnlyAccess"]},
        )
        # It runs on users' nodes too, where a pod without a policy reaches nothing.
        network_policy = KubernetesObjects(
            self, "agent-network", cluster=cluster, objects=[_open_network(CLOUDWATCH_NAMESPACE)]
        )
        network_policy.node.add_dependency(agent)
        return agent


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
