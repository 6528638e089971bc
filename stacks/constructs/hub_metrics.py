"""Metrics of a running environment: what alarms and the dashboard look at."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct
from slipway_hub.start_times import EVENT, FAILED_EVENT

from slipway import facts

MINUTE = Duration.minutes(1)
NAMESPACE = "Slipway"
"""Of the metrics that are taken from the hub's log, in CloudWatch."""


class HubMetrics(Construct):
    """Container Insights' metrics, those taken from the hub's log, and those of the homes.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-enhanced-EKS.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        cluster: str,
        hub_log: logs.ILogGroup,
        file_system: str,
        backup_vault: str,
    ) -> None:
        super().__init__(scope, id)
        self._cluster = cluster
        self._hub_log = hub_log
        # Lines of JSON, which the agent's Fluent Bit unpacks: seconds for each server that started,
        # and those that did not.
        self.start_times = self._from_log("start-seconds", EVENT, "$.log_processed.seconds")
        self.failed_starts = self._from_log("failures", FAILED_EVENT, "1", default=0)
        self.hub_pods = self._pods_of(facts.HUB)
        self.proxy_pods = self._pods_of(facts.PROXY_PUBLIC)
        self.pods = self._insight("namespace_number_of_running_pods", Namespace=facts.NAMESPACE)
        self.nodes = self._insight("cluster_node_count")
        homes = {"FileSystemId": file_system}
        self.homes_limit = _metric("AWS/EFS", "PercentIOLimit", homes, "Maximum")
        self.homes_io = _metric("AWS/EFS", "MeteredIOBytes", homes, "Sum")
        self.homes_clients = _metric("AWS/EFS", "ClientConnections", homes, "Sum")
        self.failed_backups = _metric(
            "AWS/Backup",
            "NumberOfBackupJobsFailed",
            {"BackupVaultName": backup_vault},
            "Sum",
            Duration.hours(1),
        )

    def _pods_of(self, service: str) -> cloudwatch.Metric:
        return self._insight(
            "service_number_of_running_pods", Namespace=facts.NAMESPACE, Service=service
        )

    def _insight(self, name: str, **dimensions: str) -> cloudwatch.Metric:
        dimensions = {"ClusterName": self._cluster, **dimensions}
        return _metric("ContainerInsights", name, dimensions, "Minimum")

    def _from_log(
        self, name: str, event: str, value: str, default: float | None = None
    ) -> cloudwatch.Metric:
        """From the lines of the hub's log that are this event."""
        is_event = f'($.log_processed.event = "{event}")'
        container = f'($.kubernetes.container_name = "{facts.HUB}")'
        namespace = f"{NAMESPACE}/{self._cluster}"
        logs.MetricFilter(
            self,
            name,
            log_group=self._hub_log,
            filter_pattern=logs.FilterPattern.literal(f"{{ {container} && {is_event} }}"),
            metric_namespace=namespace,
            metric_name=name,
            metric_value=value,
            default_value=default,
        )
        return _metric(namespace, name, None, "Sum")


def _metric(
    namespace: str,
    name: str,
    dimensions: dict[str, str] | None,
    statistic: str,
    period: Duration = MINUTE,
) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map=dimensions,
        statistic=statistic,
        period=period,
    )
