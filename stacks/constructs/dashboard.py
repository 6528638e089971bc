"""The dashboard of an environment."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from slipway import facts
from stacks.constructs.hub_metrics import HubMetrics

BILLING_REGION = "us-east-1"


class Dashboard(Construct):
    """Alarms, hub and proxy, starts of servers, homes, load balancers and cost on one page."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        metrics: HubMetrics,
        alarms: Sequence[cloudwatch.IAlarm],
    ) -> None:
        super().__init__(scope, id)
        board = cloudwatch.Dashboard(
            self, "board", dashboard_name=name, default_interval=Duration.hours(12)
        )
        board.add_widgets(
            cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=8),
            _graph("Hub and proxy", metrics.hub_pods, metrics.proxy_pods),
            _graph("Pods and nodes", metrics.pods, metrics.nodes),
        )
        board.add_widgets(
            _graph(
                "Servers started, failed",
                metrics.start_times.with_(statistic="SampleCount"),
                metrics.failed_starts,
            ),
            _graph(
                "Seconds to start",
                *(metrics.start_times.with_(statistic=s) for s in ("Average", "Maximum")),
            ),
            _graph("Homes", metrics.homes_io, metrics.homes_clients, metrics.homes_limit),
        )
        board.add_widgets(
            _graph("Load balancer: response time", _load_balancers("TargetResponseTime", "p95")),
            _graph("Load balancer: 5xx", _load_balancers("HTTPCode_Target_5XX_Count", "Sum")),
            _graph("Cost of the account this month", _cost()),
        )


def _graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=8)


def _load_balancers(metric: str, statistic: str) -> cloudwatch.MathExpression:
    """Found by what a controller calls them: nobody knows their names before they are made."""
    name = f"k8s-{facts.NAMESPACE}"
    search = f'{{AWS/ApplicationELB,LoadBalancer}} MetricName="{metric}" LoadBalancer="{name}"'
    return cloudwatch.MathExpression(
        expression=f"SEARCH('{search}', '{statistic}', 60)", label="", using_metrics={}
    )


def _cost() -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/Billing",
        metric_name="EstimatedCharges",
        dimensions_map={"Currency": "USD"},
        statistic="Maximum",
        period=Duration.hours(6),
        region=BILLING_REGION,
    )
