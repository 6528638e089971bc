"""Every alarm of an environment, in one table, and the e-mails that they send.

A new alarm is a rule in `alarm_rules` and its id in `tests/stacks/test_observability.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from stacks.constructs.hub_metrics import HubMetrics

BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
BREACHING = cloudwatch.TreatMissingData.BREACHING
NOT_BREACHING = cloudwatch.TreatMissingData.NOT_BREACHING
IGNORE = cloudwatch.TreatMissingData.IGNORE


@dataclass(frozen=True)
class AlarmRule:
    """An alarm: when the metric has been below or at least the threshold for some periods."""

    id: str
    metric: cloudwatch.IMetric
    operator: cloudwatch.ComparisonOperator
    threshold: float
    description: str
    periods: int = 1
    no_data: cloudwatch.TreatMissingData = NOT_BREACHING


def alarm_rules(
    metrics: HubMetrics, *, slow_start: float, certificate: acm.ICertificate | None
) -> list[AlarmRule]:
    """`slow_start` is in seconds: servers that take longer on average raise an alarm."""
    failed_starts = metrics.failed_starts.with_(period=Duration.minutes(5))
    start_time = metrics.start_times.with_(statistic="Average", period=Duration.minutes(15))
    slow = "Servers take half their time limit to start, or longer"
    no_proxy = "No proxy answers: nobody reaches anything"
    rules = [
        # A hub whose node is gone sends no data at all.
        AlarmRule("hub-down", metrics.hub_pods, BELOW, 1, "No hub answers", 3, BREACHING),
        AlarmRule("proxy-down", metrics.proxy_pods, BELOW, 1, no_proxy, 3, BREACHING),
        AlarmRule("spawn-failures", failed_starts, AT_LEAST, 3, "Servers do not start"),
        AlarmRule("slow-starts", start_time, AT_LEAST, slow_start, slow),
        AlarmRule("homes-slow", metrics.homes_limit, AT_LEAST, 95, "Homes are at their limit", 15),
        AlarmRule("backup-failed", metrics.failed_backups, AT_LEAST, 1, "Homes were not backed up"),
    ]
    if certificate:
        days = certificate.metric_days_to_expiry()
        ends = "The certificate ends soon and was not renewed"
        rules.append(AlarmRule("certificate", days, BELOW, 30, ends, no_data=IGNORE))
    return rules


class Alarms(Construct):
    """CloudWatch alarms, and a topic that sends them to an e-mail address if there is one."""

    def __init__(
        self, scope: Construct, id: str, *, rules: Sequence[AlarmRule], email: str | None
    ) -> None:
        super().__init__(scope, id)
        self.alarms = [self._alarm(rule) for rule in rules]
        if email:
            topic = self._topic(email)
            for alarm in self.alarms:
                alarm.add_alarm_action(actions.SnsAction(topic))

    def _alarm(self, rule: AlarmRule) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            rule.id,
            metric=rule.metric,
            threshold=rule.threshold,
            comparison_operator=rule.operator,
            evaluation_periods=rule.periods,
            alarm_description=rule.description,
            treat_missing_data=rule.no_data,
        )

    def _topic(self, email: str) -> sns.Topic:
        topic = sns.Topic(self, "topic", enforce_ssl=True)
        topic.add_subscription(subscriptions.EmailSubscription(email))
        # A topic with a policy of its own, as TLS asks for, no longer lets its account publish.
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )
        return topic
