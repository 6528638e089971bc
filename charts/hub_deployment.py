"""The hub: its settings, its Service, its Deployment."""

import hashlib
from typing import Any

from cdk8s_plus_33 import k8s
from constructs import Construct
from slipway_hub.settings import READY, SNAPSHOTS, VARIABLE

from charts import placement, resources, secrets, security
from charts.aws_values import AwsValues
from charts.deployment import Deployment, PodDisruptionBudget
from charts.priorities import CORE
from charts.services import Service, prometheus_annotations
from charts.values import port
from slipway import facts
from slipway.model import ClusterSpec, Environment
from slipway.settings.hub import settings_json

HEALTH = "/hub/health"
METRICS = "/hub/metrics"
SETTINGS_CHECKSUM = "slipway/settings-checksum"

DATABASE = "database"
HOMES = "homes"
SETTINGS = "settings"


class HubDeployment(Construct):
    """ConfigMap, Service, PodDisruptionBudget and Deployment of JupyterHub."""

    def __init__(
        self, scope: Construct, id: str, *, environment: Environment, aws: AwsValues | None
    ) -> None:
        super().__init__(scope, id)
        settings = settings_json(environment)
        k8s.KubeConfigMap(
            self,
            "settings",
            metadata=k8s.ObjectMeta(name=facts.HUB_SETTINGS),
            data={facts.HUB_SETTINGS_FILE: settings},
        )
        Service(
            self,
            "address",
            name=facts.HUB,
            component=facts.HUB,
            ports={"http": (facts.HUB_PORT, facts.HUB_PORT)},
            annotations=prometheus_annotations(facts.HUB_PORT, METRICS),
        )
        PodDisruptionBudget(self, "disruption", component=facts.HUB)
        Deployment(
            self,
            "deployment",
            name=facts.HUB,
            labels=facts.component_labels(facts.HUB),
            version=environment.release_name,
            # The hub reads its settings at start only.
            annotations={SETTINGS_CHECKSUM: hashlib.sha256(settings.encode()).hexdigest()},
            pod=_pod(environment, aws),
        )


def _pod(environment: Environment, aws: AwsValues | None) -> k8s.PodSpec:
    spec = environment.cluster_spec
    image = environment.image_reference(facts.HUB_IMAGE)
    env = _variables(spec, aws)
    mounts = _mounts(spec)
    fetch_secrets = secrets.fetch_secrets(
        aws, image, environment.pull_policy(facts.HUB_IMAGE), [facts.HUB_PROGRAM, "secrets"]
    )
    # The first container pulls for all.
    pull = secrets.ALREADY_PULLED if fetch_secrets else environment.pull_policy(facts.HUB_IMAGE)
    return k8s.PodSpec(
        service_account_name=facts.HUB,
        automount_service_account_token=True,
        enable_service_links=False,
        priority_class_name=facts.priority_class_name(spec.namespace, CORE.name),
        # At SIGTERM it ends at once.
        termination_grace_period_seconds=15,
        node_selector=spec.core_node_selector or None,
        affinity=placement.near_users() if spec.storage.homes.one_node else None,
        image_pull_secrets=placement.pull_secrets(spec),
        security_context=security.pod_security(facts.USER_ID),
        init_containers=[
            *fetch_secrets,
            _container("database", image, pull, env, mounts, name="database"),
        ],
        containers=[_hub(image, env, mounts)],
        volumes=_volumes(spec, aws),
    )


def _hub(image: str, env: list[k8s.EnvVar], mounts: list[k8s.VolumeMount]) -> k8s.Container:
    http = port(facts.HUB_PORT)
    health = k8s.HttpGetAction(path=HEALTH, port=http)
    return _container(
        "run",
        image,
        secrets.ALREADY_PULLED,
        env,
        mounts,
        name=facts.HUB,
        ports=[k8s.ContainerPort(name="http", container_port=facts.HUB_PORT)],
        # A hub does not listen before it has reached its proxy: it is restarted after ten minutes.
        # Every second, because users wait for the first answer.
        startup_probe=k8s.Probe(http_get=health, period_seconds=1, failure_threshold=600),
        # /hub/health is fine also when the database cannot be written.
        readiness_probe=k8s.Probe(
            http_get=k8s.HttpGetAction(path=f"/hub/{READY}", port=http),
            period_seconds=1,
            timeout_seconds=5,
        ),
        # Five minutes: a hub that is busy with a class that logs in must not be killed for it.
        liveness_probe=k8s.Probe(
            http_get=health, period_seconds=10, timeout_seconds=5, failure_threshold=30
        ),
    )


def _container(
    verb: str,
    image: str,
    pull_policy: str,
    env: list[k8s.EnvVar],
    mounts: list[k8s.VolumeMount],
    **options: Any,
) -> k8s.Container:
    """One that runs a verb of `slipway-hub`. `options` are further fields."""
    return k8s.Container(
        image=image,
        image_pull_policy=pull_policy,
        args=[facts.HUB_PROGRAM, verb],
        env=env,
        security_context=security.container_security(),
        resources=resources.requirements(resources.HUB),
        volume_mounts=mounts,
        **options,
    )


def _variables(spec: ClusterSpec, aws: AwsValues | None) -> list[k8s.EnvVar]:
    settings = f"{facts.HUB_SETTINGS_FOLDER}/{facts.HUB_SETTINGS_FILE}"
    return [
        k8s.EnvVar(name=VARIABLE, value=settings),
        k8s.EnvVar(name=SNAPSHOTS, value=_snapshots(spec, aws)),
        *([secrets.region(aws)] if aws else []),
    ]


def _snapshots(spec: ClusterSpec, aws: AwsValues | None) -> str:
    """Where snapshots of the database go: not to its own volume, where there is another."""
    snapshots = facts.SNAPSHOTS_PREFIX.rstrip("/")
    if aws:
        return f"s3://{aws.snapshots_bucket}/{snapshots}"
    if spec.storage.homes.claim_name:
        return f"{facts.HOMES_FOLDER}/{facts.STATE_FOLDER}/{snapshots}"
    return f"{facts.HUB_STATE_FOLDER}/snapshots"


def _mounts(spec: ClusterSpec) -> list[k8s.VolumeMount]:
    # The hub alone sees all homes: it makes each user's folder.
    homes = k8s.VolumeMount(name=HOMES, mount_path=facts.HOMES_FOLDER)
    return [
        security.tmp_mount(),
        secrets.secrets_mount(),
        k8s.VolumeMount(name=SETTINGS, mount_path=facts.HUB_SETTINGS_FOLDER, read_only=True),
        k8s.VolumeMount(name=DATABASE, mount_path=facts.HUB_STATE_FOLDER),
        *([homes] if spec.storage.homes.claim_name else []),
    ]


def _volumes(spec: ClusterSpec, aws: AwsValues | None) -> list[k8s.Volume]:
    homes = spec.storage.homes.claim_name
    return [
        # A snapshot of the database is made in it.
        security.tmp_volume(spec.storage.hub_database),
        secrets.secrets_volume(aws),
        k8s.Volume(name=SETTINGS, config_map=k8s.ConfigMapVolumeSource(name=facts.HUB_SETTINGS)),
        _claim(DATABASE, facts.HUB_DATABASE),
        *([_claim(HOMES, homes)] if homes else []),
    ]


def _claim(name: str, claim: str) -> k8s.Volume:
    source = k8s.PersistentVolumeClaimVolumeSource(claim_name=claim)
    return k8s.Volume(name=name, persistent_volume_claim=source)
