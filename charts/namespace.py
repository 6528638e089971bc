"""The namespace, with what it refuses: pods that are not `restricted`, and too many objects."""

from cdk8s_plus_33 import k8s
from constructs import Construct

from charts.resources import DEFAULT_REQUESTS
from charts.values import quantity
from slipway.model import ClusterSpec

POD_SECURITY = "restricted"
CERT_MANAGER = "cert-manager.io/"


class Namespace(Construct):
    """Nothing that asks for more than Pod Security `restricted` starts in it.

    https://kubernetes.io/docs/concepts/security/pod-security-admission/
    """

    def __init__(self, scope: Construct, id: str, *, name: str, kubernetes: str) -> None:
        super().__init__(scope, id)
        labels = {
            "pod-security.kubernetes.io/enforce": POD_SECURITY,
            "pod-security.kubernetes.io/enforce-version": f"v{kubernetes}",
            "pod-security.kubernetes.io/warn": POD_SECURITY,
            "pod-security.kubernetes.io/audit": POD_SECURITY,
        }
        k8s.KubeNamespace(self, "namespace", metadata=k8s.ObjectMeta(name=name, labels=labels))


class Quotas(Construct):
    """Limits for a faulty or hijacked hub: it cannot fill the cluster.

    CPU and memory have no quota: profiles bound each server, and this bounds their number.
    """

    def __init__(self, scope: Construct, id: str, *, spec: ClusterSpec) -> None:
        super().__init__(scope, id)
        # The chart's own pods all have a priority class and so never count here: how many pull
        # images depends on the nodes there are.
        k8s.KubeResourceQuota(
            self,
            "servers",
            metadata=k8s.ObjectMeta(name="user-servers", namespace=spec.namespace),
            spec=k8s.ResourceQuotaSpec(
                hard={"pods": quantity(str(_servers(spec)))},
                scope_selector=k8s.ScopeSelector(
                    match_expressions=[
                        k8s.ScopedResourceSelectorRequirement(
                            scope_name="PriorityClass", operator="DoesNotExist"
                        )
                    ]
                ),
            ),
        )
        balancers, node_ports = _exposed_services(spec)
        k8s.KubeResourceQuota(
            self,
            "ways-in",
            metadata=k8s.ObjectMeta(name="ways-in", namespace=spec.namespace),
            spec=k8s.ResourceQuotaSpec(
                hard={
                    "services.loadbalancers": quantity(str(balancers)),
                    "services.nodeports": quantity(str(node_ports)),
                }
            ),
        )
        self._requests(spec.namespace)

    def _requests(self, namespace: str) -> None:
        """For containers that name none. No default limit: one below a profile's guarantee would
        be refused, and a profile without a limit means none."""
        least = {name: quantity(amount) for name, amount in DEFAULT_REQUESTS.items()}
        k8s.KubeLimitRange(
            self,
            "requests",
            metadata=k8s.ObjectMeta(name="requests", namespace=namespace),
            spec=k8s.LimitRangeSpec(
                limits=[k8s.LimitRangeItem(type="Container", default_request=least)]
            ),
        )


def _servers(spec: ClusterSpec) -> int:
    """Pods that end still count, and as many may be ending as are starting."""
    return spec.max_servers + spec.concurrent_spawns


def _exposed_services(spec: ClusterSpec) -> tuple[int, int]:
    """How many Services may be load balancers, and how many ports of nodes may be open.

    A load balancer takes a port of the nodes as well. So does cert-manager for a moment, when it
    shows by HTTP that a domain is ours.
    """
    balancers = int(spec.service == "LoadBalancer")
    public = int(spec.service != "ClusterIP")
    solver = any(key.startswith(CERT_MANAGER) for key in spec.ingress_annotations)
    return balancers, public + int(solver)
