"""An environment on AWS: its stacks, those that live longest first."""

from aws_cdk import Environment as Place
from aws_cdk import Stage, Tags
from constructs import Construct

from slipway.model import EksSpec, Environment
from stacks.cluster import ClusterStack
from stacks.data import DataStack
from stacks.hub import HubStack
from stacks.network import NetworkStack
from stacks.observability import ObservabilityStack
from stacks.pipeline import PipelineStack
from stacks.promotion import look_from_outside
from stacks.registry import RegistryStack


class EnvironmentStage(Stage):
    """Long-lived: registry, network, data, pipeline. Disposable: cluster, hub, observability."""

    def __init__(self, scope: Construct, *, environment: Environment, spec: EksSpec) -> None:
        place = Place(account=spec.account, region=spec.region)
        super().__init__(scope, environment.name, env=place)

        RegistryStack(self, "registry", environment=environment, spec=spec)
        network = NetworkStack(self, "network", spec=spec)
        data = DataStack(self, "data", environment=environment, spec=spec, network=network)
        if spec.github:
            PipelineStack(
                self,
                "pipeline",
                environment=environment,
                spec=spec,
                github=spec.github,
                data=data,
            )
        if spec.promotion.to:
            look_from_outside(data, environment=environment, spec=spec)

        cluster = ClusterStack(
            self, "cluster", environment=environment, spec=spec, network=network, data=data
        )
        hub = HubStack(self, "hub", environment=environment, spec=spec, cluster=cluster, data=data)
        ObservabilityStack(
            self,
            "observability",
            environment=environment,
            spec=spec,
            cluster=cluster.cluster,
            data=data,
            certificate=hub.certificate,
        )

        # What costs are allocated by. Stacks pass them on to whatever can carry a tag.
        Tags.of(self).add("slipway:environment", environment.name)
        Tags.of(self).add("slipway:release", environment.deployed_as)
