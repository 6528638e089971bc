"""What EKS Auto Mode leaves to its user: it creates no storage class and no ingress class."""

from cdk8s import ApiObject, ApiObjectMetadata, JsonPatch
from cdk8s_plus_33 import k8s
from constructs import Construct

from charts import names

WEBSOCKET_IDLE_SECONDS = "3600"


class AutoModeClasses(Construct):
    """Encrypted block storage, and a public load balancer that keeps idle websockets open."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        k8s.KubeStorageClass(
            self,
            "block-storage",
            metadata=k8s.ObjectMeta(name=names.BLOCK_STORAGE_CLASS),
            provisioner="ebs.csi.eks.amazonaws.com",
            volume_binding_mode="WaitForFirstConsumer",
            reclaim_policy="Delete",
            allow_volume_expansion=True,
            allowed_topologies=[_auto_mode_nodes()],
            parameters={"type": "gp3", "encrypted": "true"},
        )
        params = ApiObject(
            self,
            "load-balancer",
            api_version="eks.amazonaws.com/v1",
            kind="IngressClassParams",
            metadata=ApiObjectMetadata(name=names.INGRESS_CLASS),
        )
        params.add_json_patch(JsonPatch.add("/spec", _load_balancer()))
        k8s.KubeIngressClass(
            self,
            "ingress-class",
            metadata=k8s.ObjectMeta(name=names.INGRESS_CLASS),
            spec=k8s.IngressClassSpec(
                controller="eks.amazonaws.com/alb",
                parameters=k8s.IngressClassParametersReference(
                    api_group="eks.amazonaws.com",
                    kind="IngressClassParams",
                    name=names.INGRESS_CLASS,
                ),
            ),
        )


class NetworkPolicySwitch(Construct):
    """NetworkPolicies do nothing on Auto Mode until this is there:
    https://docs.aws.amazon.com/eks/latest/userguide/auto-net-pol.html
    """

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        k8s.KubeConfigMap(
            self,
            "settings",
            metadata=k8s.ObjectMeta(name="amazon-vpc-cni", namespace="kube-system"),
            data={"enable-network-policy-controller": "true"},
        )


def _auto_mode_nodes() -> k8s.TopologySelectorTerm:
    label = k8s.TopologySelectorLabelRequirement(
        key="eks.amazonaws.com/compute-type", values=["auto"]
    )
    return k8s.TopologySelectorTerm(match_label_expressions=[label])


def _load_balancer() -> dict[str, object]:
    return {
        "scheme": "internet-facing",
        "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
        "loadBalancerAttributes": [
            {"key": "idle_timeout.timeout_seconds", "value": WEBSOCKET_IDLE_SECONDS},
            {"key": "routing.http.drop_invalid_header_fields.enabled", "value": "true"},
        ],
    }
