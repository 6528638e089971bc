"""The hub: its settings, its pod, its address."""

import hashlib

from cdk8s_plus_33 import k8s
from constructs import Construct
from slipway_hub.settings import VARIABLE

from charts import names, secrets, security
from charts.deployed_values import DeployedValues
from slipway.hub_settings import STATE_FOLDER, kubernetes_settings
from slipway.model import Environment

USER = 1000
HEALTH = "/hub/health"
SETTINGS_CHECKSUM = "slipway/settings-checksum"


class HubServer(Construct):
    """Deployment, Service and settings. JupyterHub is one process with one database."""

    def __init__(
        self, scope: Construct, id: str, *, environment: Environment, deployed: DeployedValues
    ) -> None:
        super().__init__(scope, id)
        settings = kubernetes_settings(environment).model_dump_json(indent=2)
        k8s.KubeConfigMap(
            self,
            "settings",
            metadata=k8s.ObjectMeta(name=names.HUB_SETTINGS),
            data={names.HUB_SETTINGS_FILE: settings},
        )
        k8s.KubeService(
            self,
            "service",
            metadata=k8s.ObjectMeta(name=names.HUB),
            spec=k8s.ServiceSpec(
                selector=names.component(names.HUB),
                ports=[k8s.ServicePort(name="http", port=names.HUB_PORT)],
            ),
        )
        k8s.KubeDeployment(
            self,
            "deployment",
            metadata=k8s.ObjectMeta(name=names.HUB, labels=names.component(names.HUB)),
            spec=k8s.DeploymentSpec(
                replicas=1,
                # Two hubs must never share the database.
                strategy=k8s.DeploymentStrategy(type="Recreate"),
                selector=k8s.LabelSelector(match_labels=names.component(names.HUB)),
                template=k8s.PodTemplateSpec(
                    metadata=k8s.ObjectMeta(
                        labels=names.component(names.HUB),
                        # The hub reads its settings at start only.
                        annotations={SETTINGS_CHECKSUM: checksum(settings)},
                    ),
                    spec=_pod(environment, deployed),
                ),
            ),
        )


def checksum(settings: str) -> str:
    return hashlib.sha256(settings.encode()).hexdigest()


def _pod(environment: Environment, deployed: DeployedValues) -> k8s.PodSpec:
    return k8s.PodSpec(
        service_account_name=names.HUB,
        automount_service_account_token=True,
        enable_service_links=False,
        security_context=security.pod_security(USER),
        containers=[_container(environment.image_reference("hub"))],
        volumes=[
            security.tmp_volume(),
            secrets.secrets_volume(deployed),
            k8s.Volume(
                name="settings", config_map=k8s.ConfigMapVolumeSource(name=names.HUB_SETTINGS)
            ),
            k8s.Volume(
                name="database",
                persistent_volume_claim=k8s.PersistentVolumeClaimVolumeSource(
                    claim_name=names.HUB_DATABASE
                ),
            ),
        ],
    )


def _container(image: str) -> k8s.Container:
    health = k8s.HttpGetAction(path=HEALTH, port=k8s.IntOrString.from_number(names.HUB_PORT))
    return k8s.Container(
        name=names.HUB,
        image=image,
        image_pull_policy=names.pull_policy(image),
        env=[
            k8s.EnvVar(
                name=VARIABLE, value=f"{names.HUB_SETTINGS_FOLDER}/{names.HUB_SETTINGS_FILE}"
            )
        ],
        ports=[k8s.ContainerPort(name="http", container_port=names.HUB_PORT)],
        security_context=security.container_security(),
        resources=k8s.ResourceRequirements(
            requests={
                "cpu": k8s.Quantity.from_string("100m"),
                "memory": k8s.Quantity.from_string("512Mi"),
            },
            limits={"memory": k8s.Quantity.from_string("1Gi")},
        ),
        # A hub that waits for its proxy does not listen yet: give it ten minutes before a restart.
        startup_probe=k8s.Probe(http_get=health, period_seconds=3, failure_threshold=200),
        readiness_probe=k8s.Probe(http_get=health, period_seconds=2, timeout_seconds=3),
        liveness_probe=k8s.Probe(
            http_get=health, period_seconds=10, timeout_seconds=5, failure_threshold=6
        ),
        volume_mounts=[
            security.tmp_mount(),
            secrets.secrets_mount(),
            k8s.VolumeMount(name="settings", mount_path=names.HUB_SETTINGS_FOLDER, read_only=True),
            k8s.VolumeMount(name="database", mount_path=STATE_FOLDER),
        ],
    )
