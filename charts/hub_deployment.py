"""The hub: its settings, its Service, its Deployment."""

import hashlib

from cdk8s_plus_33 import k8s
from constructs import Construct

from charts import hub_pod
from charts.aws_values import AwsValues
from charts.deployment import Deployment, PodDisruptionBudget
from charts.services import Service, prometheus_annotations
from slipway import facts
from slipway.model import Environment
from slipway.settings.hub import settings_json

METRICS = "/hub/metrics"
SETTINGS_CHECKSUM = "slipway/settings-checksum"


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
            pod=hub_pod.pod(environment, aws),
        )
