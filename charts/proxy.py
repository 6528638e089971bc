"""The proxy: every request of every user passes through it.

Nothing but its own image and where its secret is may reach its pod template: a restart forgets all
routes and cuts every websocket.
"""

from cdk8s_plus_33 import k8s
from constructs import Construct

from charts import placement, resources, secrets, security
from charts.aws_values import AwsValues
from charts.deployment import Deployment, PodDisruptionBudget
from charts.priorities import CORE
from charts.services import Service, prometheus_annotations
from charts.values import port
from slipway import facts
from slipway.model import ClusterSpec, Environment

HEALTH = "/_chp_healthz"
UNREACHABLE_SECONDS = 30
"""The default is 300: users would wait five minutes for another proxy when its node is lost."""


class Proxy(Construct):
    """Deployment, account, and two Services: one for users, one for the hub alone."""

    def __init__(
        self, scope: Construct, id: str, *, environment: Environment, aws: AwsValues | None
    ) -> None:
        super().__init__(scope, id)
        spec = environment.cluster_spec
        k8s.KubeServiceAccount(
            self,
            "account",
            metadata=k8s.ObjectMeta(name=facts.PROXY),
            automount_service_account_token=False,
        )
        self._services(spec)
        PodDisruptionBudget(self, "disruption", component=facts.PROXY)
        Deployment(
            self,
            "deployment",
            name=facts.PROXY,
            labels=facts.component_labels(facts.PROXY),
            version=environment.release_name,
            pod=_pod(environment, aws),
        )

    def _services(self, spec: ClusterSpec) -> None:
        Service(
            self,
            "api",
            name=facts.PROXY_API,
            component=facts.PROXY,
            ports={
                "api": (facts.PROXY_API_PORT, facts.PROXY_API_PORT),
                "metrics": (facts.PROXY_METRICS_PORT, facts.PROXY_METRICS_PORT),
            },
            annotations=prometheus_annotations(facts.PROXY_METRICS_PORT, "/metrics"),
        )
        Service(
            self,
            "public",
            name=facts.PROXY_PUBLIC,
            component=facts.PROXY,
            ports={"http": (80, facts.PROXY_PORT)},
            type=spec.service,
        )


def _pod(environment: Environment, aws: AwsValues | None) -> k8s.PodSpec:
    spec, image = environment.cluster_spec, environment.image_reference(facts.PROXY_IMAGE)
    pull_policy, only = environment.pull_policy(facts.PROXY_IMAGE), [facts.PROXY_TOKEN]
    fetch = secrets.fetch_secrets(aws, image, pull_policy, ["secrets"], only)
    return k8s.PodSpec(
        service_account_name=facts.PROXY,
        automount_service_account_token=False,
        enable_service_links=False,
        priority_class_name=facts.priority_class_name(spec.namespace, CORE.name),
        # At SIGTERM it ends at once, and the next one starts only then.
        termination_grace_period_seconds=5,
        node_selector=spec.core_node_selector or None,
        tolerations=[
            k8s.Toleration(
                key=f"node.kubernetes.io/{trouble}",
                operator="Exists",
                effect="NoExecute",
                toleration_seconds=UNREACHABLE_SECONDS,
            )
            for trouble in ("not-ready", "unreachable")
        ],
        image_pull_secrets=placement.pull_secrets(spec),
        security_context=security.pod_security(facts.NOBODY_ID),
        init_containers=fetch or None,
        containers=[_container(image, secrets.ALREADY_PULLED if fetch else pull_policy)],
        volumes=[security.tmp_volume("64Mi"), secrets.secrets_volume(aws, only)],
    )


def _container(image: str, pull_policy: str) -> k8s.Container:
    health = k8s.HttpGetAction(path=HEALTH, port=port(facts.PROXY_PORT))
    hub = f"http://{facts.HUB}:{facts.HUB_PORT}"
    return k8s.Container(
        name=facts.PROXY,
        image=image,
        image_pull_policy=pull_policy,
        # No address means all of them, of both families.
        args=[
            "run",
            "--ip=",
            f"--port={facts.PROXY_PORT}",
            "--api-ip=",
            f"--api-port={facts.PROXY_API_PORT}",
            "--metrics-ip=",
            f"--metrics-port={facts.PROXY_METRICS_PORT}",
            f"--default-target={hub}",
            f"--error-target={hub}/hub/error",
        ],
        env=[secrets.folder()],
        ports=[
            k8s.ContainerPort(name="http", container_port=facts.PROXY_PORT),
            k8s.ContainerPort(name="api", container_port=facts.PROXY_API_PORT),
            k8s.ContainerPort(name="metrics", container_port=facts.PROXY_METRICS_PORT),
        ],
        security_context=security.container_security(),
        resources=resources.requirements(resources.PROXY),
        startup_probe=k8s.Probe(http_get=health, period_seconds=1, failure_threshold=60),
        readiness_probe=k8s.Probe(http_get=health, period_seconds=1, timeout_seconds=5),
        liveness_probe=k8s.Probe(
            http_get=health, period_seconds=10, timeout_seconds=5, failure_threshold=6
        ),
        volume_mounts=[security.tmp_mount(), secrets.secrets_mount()],
    )
