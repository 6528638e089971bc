"""What tells how the hub is doing, and when it is not doing well."""

from aws_cdk import Duration
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct
from slipway_hub.start_times import EVENT

from slipway import facts
from stacks.data import DataStack

MINUTE = Duration.minutes(1)
OURS = "Slipway"
FAILED = ("Unhandled error starting", "giving up", "never showed up")
"""What JupyterHub logs, in `jupyterhub/handlers/base.py` and `jupyterhub/user.py`."""


class HubMetrics(Construct):
    """Container Insights' metrics, and those that are taken from the hub's log.

    `slow_start` are seconds: a server that takes longer is worth a look.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-enhanced-EKS.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        cluster: str,
        namespace: str,
        log_group: logs.ILogGroup,
        data: DataStack,
        certificate: acm.ICertificate | None,
        slow_start: float,
    ) -> None:
        super().__init__(scope, id)
        self._slow_start = slow_start
        self._cluster = {"ClusterName": cluster}
        self._namespace = {**self._cluster, "Namespace": namespace}
        self.log_group = log_group
        self._ours = f"{OURS}/{cluster}"
        self.start_times = self._start_times()
        self.failures = self._counted("failures", FAILED)
        self.hub = self._running(facts.HUB)
        self.proxy = self._running(facts.PROXY_PUBLIC)
        self.pods = _insight("namespace_number_of_running_pods", self._namespace)
        self.nodes = _insight("cluster_node_count", self._cluster)
        homes = {"FileSystemId": data.homes.id}
        self.homes_limit = _metric("AWS/EFS", "PercentIOLimit", homes, "Maximum")
        self.homes_io = _metric("AWS/EFS", "MeteredIOBytes", homes, "Sum")
        self.homes_clients = _metric("AWS/EFS", "ClientConnections", homes, "Sum")
        self.failed_backups = _metric(
            "AWS/Backup",
            "NumberOfBackupJobsFailed",
            {"BackupVaultName": data.vault.backup_vault_name},
            "Sum",
            Duration.hours(1),
        )
        self._certificate = certificate

    def alarms(self) -> list[cloudwatch.Alarm]:
        made = [
            self._too_low("hub-down", self.hub, "No hub answers"),
            self._too_low("proxy-down", self.proxy, "No proxy answers: nobody reaches anything"),
            self._too_high(
                "spawn-failures",
                self.failures.with_(period=Duration.minutes(5)),
                3,
                "Servers do not start",
            ),
            self._too_high(
                "slow-starts",
                self.start_times.with_(statistic="Average", period=Duration.minutes(15)),
                self._slow_start,
                "Servers take half their time limit to start, or longer",
            ),
            self._too_high("homes-slow", self.homes_limit, 95, "Homes are at their limit", 15),
            self._too_high("backup-failed", self.failed_backups, 1, "Homes were not backed up"),
        ]
        if self._certificate:
            days = self._certificate.metric_days_to_expiry()
            left = "The certificate ends soon and was not renewed"
            made.append(self._too_low("certificate", days, left, below=30, times=1, silence=False))
        return made

    def _too_low(
        self,
        id: str,
        metric: cloudwatch.IMetric,
        what: str,
        *,
        below: float = 1,
        times: int = 3,
        silence: bool = True,
    ) -> cloudwatch.Alarm:
        """`silence`: whether no data is as bad."""
        bad = cloudwatch.TreatMissingData.BREACHING
        return cloudwatch.Alarm(
            self,
            id,
            metric=metric,
            threshold=below,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            evaluation_periods=times,
            alarm_description=what,
            treat_missing_data=bad if silence else cloudwatch.TreatMissingData.IGNORE,
        )

    def _too_high(
        self, id: str, metric: cloudwatch.IMetric, least: float, what: str, times: int = 1
    ) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            id,
            metric=metric,
            threshold=least,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=times,
            alarm_description=what,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _running(self, service: str) -> cloudwatch.Metric:
        dimensions = {**self._namespace, "Service": service}
        return _insight("service_number_of_running_pods", dimensions)

    def _start_times(self) -> cloudwatch.Metric:
        """Seconds, one value for each server that started: a line of JSON, which the agent's Fluent
        Bit unpacks."""
        started = f'($.log_processed.event = "{EVENT}")'
        return self._logged("start-seconds", started, "$.log_processed.seconds", None)

    def _counted(self, name: str, texts: tuple[str, ...]) -> cloudwatch.Metric:
        """Lines with any of these texts."""
        said = " || ".join(f'($.log = "*{text}*")' for text in texts)
        return self._logged(name, f"({said})", "1", 0)

    def _logged(
        self, name: str, pattern: str, value: str, default: float | None
    ) -> cloudwatch.Metric:
        """From lines of the hub's log."""
        hubs = f'($.kubernetes.container_name = "{facts.HUB}")'
        logs.MetricFilter(
            self,
            name,
            log_group=self.log_group,
            filter_pattern=logs.FilterPattern.literal(f"{{ {hubs} && {pattern} }}"),
            metric_namespace=self._ours,
            metric_name=name,
            metric_value=value,
            default_value=default,
        )
        return cloudwatch.Metric(
            namespace=self._ours, metric_name=name, statistic="Sum", period=MINUTE
        )


def _insight(name: str, dimensions: dict[str, str]) -> cloudwatch.Metric:
    return _metric("ContainerInsights", name, dimensions, "Minimum")


def _metric(
    namespace: str, name: str, dimensions: dict[str, str], statistic: str, period: Duration = MINUTE
) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map=dimensions,
        statistic=statistic,
        period=period,
    )
