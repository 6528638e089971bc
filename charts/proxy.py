"""The proxy: every request of every user passes through it.

Nothing of the hub's settings may reach its pod template: a restart forgets all routes and cuts
every websocket.
"""

from cdk8s_plus_33 import k8s
from constructs import Construct

from charts import names, secrets, security
from charts.deployed_values import DeployedValues
from slipway.model import Environment

USER = 65534
HEALTH = "/_chp_healthz"


class Proxy(Construct):
    """Deployment, and two Services: one for users, one for the hub alone."""

    def __init__(
        self, scope: Construct, id: str, *, environment: Environment, deployed: DeployedValues
    ) -> None:
        super().__init__(scope, id)
        self._service("api", names.PROXY_API, names.PROXY_API_PORT, names.PROXY_API_PORT)
        self._service("public", names.PROXY_PUBLIC, 80, names.PROXY_PORT)
        k8s.KubeDeployment(
            self,
            "deployment",
            metadata=k8s.ObjectMeta(name=names.PROXY, labels=names.component(names.PROXY)),
            spec=k8s.DeploymentSpec(
                replicas=1,
                # The hub gives its routes to one proxy: a second beside it would know none.
                strategy=k8s.DeploymentStrategy(type="Recreate"),
                selector=k8s.LabelSelector(match_labels=names.component(names.PROXY)),
                template=k8s.PodTemplateSpec(
                    metadata=k8s.ObjectMeta(labels=names.component(names.PROXY)),
                    spec=k8s.PodSpec(
                        automount_service_account_token=False,
                        enable_service_links=False,
                        security_context=security.pod_security(USER),
                        containers=[_container(environment.image_reference("proxy"), deployed)],
                        volumes=[security.tmp_volume()],
                    ),
                ),
            ),
        )

    def _service(self, id: str, name: str, port: int, target: int) -> None:
        k8s.KubeService(
            self,
            id,
            metadata=k8s.ObjectMeta(name=name),
            spec=k8s.ServiceSpec(
                selector=names.component(names.PROXY),
                ports=[
                    k8s.ServicePort(
                        name="http", port=port, target_port=k8s.IntOrString.from_number(target)
                    )
                ],
            ),
        )


def _container(image: str, deployed: DeployedValues) -> k8s.Container:
    health = k8s.HttpGetAction(path=HEALTH, port=k8s.IntOrString.from_number(names.PROXY_PORT))
    hub = f"http://{names.HUB}:{names.HUB_PORT}"
    return k8s.Container(
        name=names.PROXY,
        image=image,
        image_pull_policy=names.pull_policy(image),
        args=[
            "--ip=0.0.0.0",
            f"--port={names.PROXY_PORT}",
            "--api-ip=0.0.0.0",
            f"--api-port={names.PROXY_API_PORT}",
            f"--default-target={hub}",
            f"--error-target={hub}/hub/error",
        ],
        env=[secrets.proxy_token(deployed)],
        ports=[
            k8s.ContainerPort(name="http", container_port=names.PROXY_PORT),
            k8s.ContainerPort(name="api", container_port=names.PROXY_API_PORT),
        ],
        security_context=security.container_security(),
        resources=k8s.ResourceRequirements(
            requests={
                "cpu": k8s.Quantity.from_string("100m"),
                "memory": k8s.Quantity.from_string("128Mi"),
            },
            limits={"memory": k8s.Quantity.from_string("512Mi")},
        ),
        startup_probe=k8s.Probe(http_get=health, period_seconds=1, failure_threshold=60),
        readiness_probe=k8s.Probe(http_get=health, period_seconds=2, timeout_seconds=3),
        liveness_probe=k8s.Probe(
            http_get=health, period_seconds=10, timeout_seconds=5, failure_threshold=6
        ),
        volume_mounts=[security.tmp_mount()],
    )
