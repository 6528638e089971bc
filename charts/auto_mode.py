"""What EKS Auto Mode does not make: a storage class, an ingress class, and the switch that makes it
enforce NetworkPolicies."""

from cdk8s_plus_33 import k8s
from constructs import Construct

from charts.custom import EKS, custom_object
from slipway import facts

WEBSOCKET_IDLE_SECONDS = "3600"
"""Idle timeout of the load balancer, for terminals and kernels that send nothing for long. The
default is 60."""


class BlockStorageClass(Construct):
    """Encrypted volumes. Deleted with their claim: the hub's database has snapshots in S3."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        auto_mode_nodes = k8s.TopologySelectorLabelRequirement(
            key="eks.amazonaws.com/compute-type", values=["auto"]
        )
        k8s.KubeStorageClass(
            self,
            "class",
            metadata=k8s.ObjectMeta(name=facts.BLOCK_STORAGE_CLASS),
            provisioner="ebs.csi.eks.amazonaws.com",
            # In the zone of the first pod that mounts it, which the core pool fixes.
            volume_binding_mode="WaitForFirstConsumer",
            reclaim_policy="Delete",
            allow_volume_expansion=True,
            allowed_topologies=[
                k8s.TopologySelectorTerm(match_label_expressions=[auto_mode_nodes])
            ],
            parameters={"type": "gp3", "encrypted": "true"},
        )


class AlbIngressClass(Construct):
    """The ingress class of an Application Load Balancer that keeps idle websockets open, public or
    inside the VPC.

    https://docs.aws.amazon.com/eks/latest/userguide/auto-configure-alb.html
    """

    def __init__(self, scope: Construct, id: str, *, public: bool) -> None:
        super().__init__(scope, id)
        custom_object(
            self,
            "params",
            group=EKS,
            kind="IngressClassParams",
            name=facts.INGRESS_CLASS,
            spec={
                # Without a domain there is no certificate, and no password may cross the internet
                # in clear.
                "scheme": "internet-facing" if public else "internal",
                "targetType": "ip",
                "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
                "loadBalancerAttributes": [
                    {"key": "idle_timeout.timeout_seconds", "value": WEBSOCKET_IDLE_SECONDS},
                    {"key": "routing.http.drop_invalid_header_fields.enabled", "value": "true"},
                ],
            },
        )
        k8s.KubeIngressClass(
            self,
            "class",
            metadata=k8s.ObjectMeta(name=facts.INGRESS_CLASS),
            spec=k8s.IngressClassSpec(
                controller="eks.amazonaws.com/alb",
                parameters=k8s.IngressClassParametersReference(
                    api_group=EKS, kind="IngressClassParams", name=facts.INGRESS_CLASS
                ),
            ),
        )


class NetworkPolicySwitch(Construct):
    """The ConfigMap without which Auto Mode enforces no NetworkPolicy:
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
