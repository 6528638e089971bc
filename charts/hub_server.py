"""The hub: its settings, its Deployment, its address."""

import hashlib

from cdk8s_plus_33 import k8s
from constructs import Construct

from charts import hub_pod, names
from charts.aws_values import AwsValues
from charts.disruption import MayBeMoved
from charts.services import Address, scraped
from slipway import facts
from slipway.model import Environment
from slipway.settings.hub import settings_json

METRICS = "/hub/metrics"
SETTINGS_CHECKSUM = "slipway/settings-checksum"


class HubServer(Construct):
    """JupyterHub is one process with one database."""

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
        Address(
            self,
            "address",
            name=facts.HUB,
            component=facts.HUB,
            ports={"http": (facts.HUB_PORT, facts.HUB_PORT)},
            annotations=scraped(facts.HUB_PORT, METRICS),
        )
        MayBeMoved(self, "disruption", component=facts.HUB)
        self._deployment(environment, aws, settings)

    def _deployment(self, environment: Environment, aws: AwsValues | None, settings: str) -> None:
        labels = names.component(facts.HUB)
        k8s.KubeDeployment(
            self,
            "deployment",
            metadata=k8s.ObjectMeta(
                name=facts.HUB, labels={**labels, facts.VERSION_LABEL: environment.deployed_as}
            ),
            spec=k8s.DeploymentSpec(
                replicas=1,
                # Two hubs must never share the database.
                strategy=k8s.DeploymentStrategy(type="Recreate"),
                revision_history_limit=3,
                selector=k8s.LabelSelector(match_labels=labels),
                template=k8s.PodTemplateSpec(
                    metadata=k8s.ObjectMeta(
                        labels={**facts.COMMON_LABELS, **labels},
                        # The hub reads its settings at start only.
                        annotations={SETTINGS_CHECKSUM: checksum(settings)},
                    ),
                    spec=hub_pod.pod(environment, aws),
                ),
            ),
        )


def checksum(settings: str) -> str:
    return hashlib.sha256(settings.encode()).hexdigest()
