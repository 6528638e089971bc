"""The way in from outside the cluster."""

from cdk8s_plus_33 import k8s
from constructs import Construct

from charts import names, proxy
from slipway.model import EksSpec, KubernetesSpec

CERTIFICATE = "proxy-public-tls"


class EksIngress(Construct):
    """An Application Load Balancer of Auto Mode.

    The certificate is the one in AWS Certificate Manager that covers the domain: the controller
    finds it by the host. What belongs to the load balancer itself stands in `auto_mode.py`.
    https://docs.aws.amazon.com/eks/latest/userguide/auto-configure-alb.html
    """

    def __init__(self, scope: Construct, id: str, *, spec: EksSpec) -> None:
        super().__init__(scope, id)
        annotations = {
            "alb.ingress.kubernetes.io/healthcheck-path": proxy.HEALTH,
            "alb.ingress.kubernetes.io/target-group-attributes": (
                "deregistration_delay.timeout_seconds=30"
            ),
        }
        if spec.domain:
            annotations |= {
                "alb.ingress.kubernetes.io/listen-ports": '[{"HTTP":80},{"HTTPS":443}]',
                "alb.ingress.kubernetes.io/ssl-redirect": "443",
            }
        _ingress(self, annotations, names.INGRESS_CLASS, spec.domain, tls=None)


class ClusterIngress(Construct):
    """For whatever controller a cluster has; TLS from a Secret, as cert-manager fills it."""

    def __init__(self, scope: Construct, id: str, *, spec: KubernetesSpec) -> None:
        super().__init__(scope, id)
        hosts = [spec.domain] if spec.domain else []
        tls = [k8s.IngressTls(hosts=hosts, secret_name=CERTIFICATE)]
        _ingress(self, {}, spec.ingress_class, spec.domain, tls=tls)


def _ingress(
    scope: Construct,
    annotations: dict[str, str],
    ingress_class: str | None,
    host: str | None,
    tls: list[k8s.IngressTls] | None,
) -> None:
    service = k8s.IngressServiceBackend(
        name=names.PROXY_PUBLIC, port=k8s.ServiceBackendPort(number=80)
    )
    everything = k8s.HttpIngressPath(
        path="/", path_type="Prefix", backend=k8s.IngressBackend(service=service)
    )
    k8s.KubeIngress(
        scope,
        "ingress",
        metadata=k8s.ObjectMeta(name=names.PROXY_PUBLIC, annotations=annotations),
        spec=k8s.IngressSpec(
            ingress_class_name=ingress_class,
            rules=[k8s.IngressRule(host=host, http=k8s.HttpIngressRuleValue(paths=[everything]))],
            tls=tls,
        ),
    )
