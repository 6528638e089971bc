"""An environment on AWS: its stacks, in the order of their deployment."""

from aws_cdk import Environment as AwsEnvironment
from aws_cdk import Stage, Tags
from constructs import Construct

from slipway import facts
from slipway.model import Environment
from stacks.cluster import ClusterStack
from stacks.data import DataStack
from stacks.hub import HubStack
from stacks.network import NetworkStack
from stacks.observability import ObservabilityStack
from stacks.pipeline import PipelineStack
from stacks.registry import RegistryStack


class EnvironmentStage(Stage):
    """The stacks that outlive a teardown come first: `facts.LONG_LIVED_STACKS`."""

    def __init__(self, scope: Construct, id: str, *, environment: Environment) -> None:
        spec = environment.eks_spec
        super().__init__(scope, id, env=AwsEnvironment(account=spec.account, region=spec.region))

        RegistryStack(self, facts.REGISTRY_STACK, environment=environment)
        network = NetworkStack(self, facts.NETWORK_STACK, environment=environment)
        data = DataStack(self, facts.DATA_STACK, environment=environment, network=network)
        if spec.github:
            PipelineStack(
                self,
                facts.PIPELINE_STACK,
                environment=environment,
                github=spec.github,
                data=data,
            )

        cluster = ClusterStack(
            self, facts.CLUSTER_STACK, environment=environment, network=network, data=data
        )
        hub = HubStack(self, facts.HUB_STACK, environment=environment, cluster=cluster, data=data)
        ObservabilityStack(
            self,
            facts.OBSERVABILITY_STACK,
            environment=environment,
            cluster=cluster.cluster,
            data=data,
            certificate=hub.certificate,
        )

        # Cost allocation tags, on every resource that can carry tags.
        Tags.of(self).add(facts.ENVIRONMENT_TAG, environment.name)
        Tags.of(self).add(facts.RELEASE_TAG, environment.release_name)
