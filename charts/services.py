"""Services, and the annotations by which Prometheus finds them."""

from collections.abc import Mapping

from cdk8s_plus_33 import k8s
from constructs import Construct

from charts.values import port
from slipway import facts


class Service(Construct):
    """A Service, in both address families where the cluster has two.

    `ports` are `{name: (port, port of the container)}`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        component: str,
        ports: Mapping[str, tuple[int, int]],
        type: str | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(scope, id)
        k8s.KubeService(
            self,
            "service",
            metadata=k8s.ObjectMeta(
                name=name,
                labels=facts.component_labels(component),
                annotations=dict(annotations) if annotations else None,
            ),
            spec=k8s.ServiceSpec(
                type=type,
                # Otherwise nodes put their own address in place of the user's, another one each
                # time, and the hub refuses the login form as forged.
                external_traffic_policy="Local" if type == "LoadBalancer" else None,
                ip_family_policy="PreferDualStack",
                selector=facts.component_labels(component),
                ports=[
                    k8s.ServicePort(
                        name=port_name,
                        port=number,
                        target_port=port(target),
                    )
                    for port_name, (number, target) in ports.items()
                ],
            ),
        )


def prometheus_annotations(port: int, path: str) -> dict[str, str]:
    """For Prometheus' usual Kubernetes configuration."""
    return {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(port),
        "prometheus.io/path": path,
    }
