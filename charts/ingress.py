"""The Ingress: how users reach the proxy from outside the cluster."""

from collections.abc import Mapping

from cdk8s_plus_33 import k8s
from constructs import Construct

from charts import proxy
from slipway import facts
from slipway.model import ClusterSpec

CERTIFICATE = f"{facts.PROXY_PUBLIC}-tls"
"""The Secret with the certificate."""
ALB = "alb.ingress.kubernetes.io"


class EksIngress(Construct):
    """An Application Load Balancer of Auto Mode.

    The controller takes the certificate in AWS Certificate Manager that covers the host. What
    belongs to the load balancer itself, as its idle time-out, stands in `auto_mode.py`.
    https://docs.aws.amazon.com/eks/latest/userguide/auto-configure-alb.html
    """

    def __init__(self, scope: Construct, id: str, *, spec: ClusterSpec) -> None:
        super().__init__(scope, id)
        annotations = {
            f"{ALB}/target-type": "ip",
            f"{ALB}/healthcheck-path": proxy.HEALTH,
            f"{ALB}/success-codes": "200",
            # A proxy that was replaced serves again after one success.
            f"{ALB}/healthcheck-interval-seconds": "5",
            f"{ALB}/healthcheck-timeout-seconds": "4",
            f"{ALB}/target-group-attributes": "deregistration_delay.timeout_seconds=30",
        }
        if spec.domain:
            annotations |= {
                f"{ALB}/listen-ports": '[{"HTTP":80},{"HTTPS":443}]',
                f"{ALB}/ssl-redirect": "443",
            }
        _ingress(self, annotations, spec.ingress_class, spec.domain, tls=None)


class ClusterIngress(Construct):
    """For any Ingress controller. cert-manager fills the Secret with the certificate."""

    def __init__(self, scope: Construct, id: str, *, spec: ClusterSpec, domain: str) -> None:
        super().__init__(scope, id)
        tls = [k8s.IngressTls(hosts=[domain], secret_name=CERTIFICATE)]
        _ingress(self, spec.ingress_annotations, spec.ingress_class, domain, tls=tls)


def _ingress(
    scope: Construct,
    annotations: Mapping[str, str],
    ingress_class: str | None,
    host: str | None,
    tls: list[k8s.IngressTls] | None,
) -> None:
    service = k8s.IngressServiceBackend(
        name=facts.PROXY_PUBLIC, port=k8s.ServiceBackendPort(number=80)
    )
    everything = k8s.HttpIngressPath(
        path="/", path_type="Prefix", backend=k8s.IngressBackend(service=service)
    )
    k8s.KubeIngress(
        scope,
        "ingress",
        metadata=k8s.ObjectMeta(name=facts.PROXY_PUBLIC, annotations=dict(annotations) or None),
        spec=k8s.IngressSpec(
            ingress_class_name=ingress_class,
            rules=[k8s.IngressRule(host=host, http=k8s.HttpIngressRuleValue(paths=[everything]))],
            tls=tls,
        ),
    )
