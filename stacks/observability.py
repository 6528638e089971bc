"""Logs, metrics, and who is told."""

from aws_cdk import Stack
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from charts.rendering import Manifest
from slipway.model import EksSpec, Environment
from slipway.model.environment import Alarms, Budget
from stacks.kubernetes import KubernetesObjects
from stacks.pod_identity import pod_role

CLOUDWATCH = "amazon-cloudwatch-observability"
CLOUDWATCH_NAMESPACE = "amazon-cloudwatch"


class ObservabilityStack(Stack):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        spec: EksSpec,
        cluster: eks.ICluster,
    ) -> None:
        super().__init__(scope, id, description="Logs, metrics and alarms. Disposable.")
        self._agent(environment, cluster)
        if spec.alarms:
            topic = sns.Topic(self, "alarms")
            topic.add_subscription(subscriptions.EmailSubscription(spec.alarms.email))
        if spec.alarms and spec.budget:
            self._budget(environment.name, spec.alarms, spec.budget)

    def _agent(self, environment: Environment, cluster: eks.ICluster) -> None:
        role = pod_role(self, "agent-role")
        for policy in ("CloudWatchAgentServerPolicy", "AWSXrayWriteOnlyAccess"):
            role.add_managed_policy(iam.ManagedPolicy.from_aws_managed_policy_name(policy))
        agent = eks.CfnAddon(
            self,
            "agent",
            addon_name=CLOUDWATCH,
            addon_version=environment.versions.addons.get(CLOUDWATCH),
            cluster_name=cluster.cluster_name,
            pod_identity_associations=[
                eks.CfnAddon.PodIdentityAssociationProperty(
                    service_account="cloudwatch-agent", role_arn=role.role_arn
                )
            ],
        )

        # It runs on users' nodes too, where a pod without a policy reaches nothing.
        KubernetesObjects(
            self, "agent-network", cluster=cluster, objects=[_open_network(CLOUDWATCH_NAMESPACE)]
        ).node.add_dependency(agent)

    def _budget(self, name: str, alarms: Alarms, budget: Budget) -> None:
        """Of the whole account: an environment has one of its own."""
        at = budgets.CfnBudget.NotificationProperty(
            comparison_operator="GREATER_THAN",
            notification_type="FORECASTED",
            threshold=100,
            threshold_type="PERCENTAGE",
        )
        email = budgets.CfnBudget.SubscriberProperty(
            address=alarms.email, subscription_type="EMAIL"
        )
        budgets.CfnBudget(
            self,
            "budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=f"slipway-{name}",
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=budget.monthly_usd, unit="USD"),
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=at, subscribers=[email]
                )
            ],
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
