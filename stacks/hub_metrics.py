"""What tells how the hub is doing, and when it is not doing well."""

from aws_cdk import Duration
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from charts import names
from stacks.data import DataStack

MINUTE = Duration.minutes(1)
OURS = "Slipway"
STARTED = ("seconds to start",)
FAILED = ("Unhandled error starting", "giving up", "never showed up")
"""What JupyterHub logs, in `jupyterhub/handlers/base.py` and `jupyterhub/user.py`."""


class HubMetrics(Construct):
    """Container Insights' metrics, and two that are counted in the hub's log.

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
    ) -> None:
        super().__init__(scope, id)
        self._cluster = {"ClusterName": cluster}
        self._namespace = {**self._cluster, "Namespace": namespace}
        self.log_group = log_group
        self.starts = self._counted("starts", cluster, STARTED)
        self.failures = self._counted("failures", cluster, FAILED)
        self.hub = self._running(names.HUB)
        self.proxy = self._running(names.PROXY_PUBLIC)
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

    def _counted(self, name: str, cluster: str, texts: tuple[str, ...]) -> cloudwatch.Metric:
        """Lines of the hub's log with any of these texts."""
        said = " || ".join(f'($.log = "*{text}*")' for text in texts)
        hubs = f'($.kubernetes.container_name = "{names.HUB}")'
        where = f"{OURS}/{cluster}"
        logs.MetricFilter(
            self,
            name,
            log_group=self.log_group,
            filter_pattern=logs.FilterPattern.literal(f"{{ {hubs} && ({said}) }}"),
            metric_namespace=where,
            metric_name=name,
            metric_value="1",
            default_value=0,
        )
        return cloudwatch.Metric(namespace=where, metric_name=name, statistic="Sum", period=MINUTE)


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
