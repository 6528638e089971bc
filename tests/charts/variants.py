"""Kinds of environments that the charts serve: the shipped ones, and changes of them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from slipway.model import Environment
from slipway.model.catalog import Profile, Resources
from slipway.model.eks import Network
from slipway.model.nodes import EksNodePool, KubernetesNodePool, Toleration
from slipway.model.release import PlatformVersions, Release
from slipway.model.specs import ClusterNetwork
from slipway.model.storage import ExistingHomes, KubernetesStorage, PerUserHomes, SharedHomes

Change = Callable[[Environment], Environment]


def unchanged(environment: Environment) -> Environment:
    return environment


def spec(**changed: Any) -> Change:
    def change(environment: Environment) -> Environment:
        return replace(environment, spec=environment.spec.model_copy(update=changed))

    return change


def homes(kind: Any) -> Change:
    return spec(storage=KubernetesStorage(homes=kind))


def both(first: Change, second: Change) -> Change:
    return lambda environment: second(first(environment))


def with_image(environment: Environment, /, **changes: Any) -> Environment:
    images = dict(environment.catalog.images)
    images["code-server"] = images["code-server"].model_copy(update=changes)
    return replace(environment, catalog=environment.catalog.model_copy(update={"images": images}))


def released(environment: Environment, **digests: str) -> Environment:
    """A release whose images all have one digest, but for those named."""
    images = dict.fromkeys(("hub", "proxy", *environment.catalog.images), "sha256:" + "1" * 64)
    release = Release(
        version="1.0.0",
        commit="0" * 40,
        platform=PlatformVersions(),
        images=images | {name: "sha256:" + digit * 64 for name, digit in digests.items()},
        catalog=environment.catalog,
    )
    return replace(environment, release=release)


def gpu_profile(environment: Environment) -> Environment:
    """A third profile, for the pool `gpu`."""
    catalog = environment.catalog
    profile = Profile(
        title="Deep learning", image="code-server", nodes="gpu", resources=Resources(gpu=1)
    )
    profiles = {**catalog.profiles, "gpu": profile}
    return replace(environment, catalog=catalog.model_copy(update={"profiles": profiles}))


ON_NODES = {
    "users": KubernetesNodePool(selector={"example.org/purpose": "users"}, placeholders=3),
    "gpu": KubernetesNodePool(
        selector={"example.org/purpose": "gpu"},
        tolerations=(Toleration(key="nvidia.com/gpu", effect="NoSchedule"),),
        gpus=1,
        placeholders=1,
    ),
}
ON_EKS_NODES = {
    "users": EksNodePool(placeholders=2),
    "gpu": EksNodePool(gpus=1, gpu_names=("l4",), spot=True, max_cpu=64, placeholders=1),
}

VARIANTS: dict[str, tuple[str, Change]] = {
    "kube": ("kube", unchanged),
    "kube-per-user": ("kube", homes(PerUserHomes(kind="per-user"))),
    "kube-existing": ("kube", homes(ExistingHomes(kind="existing", claim="nfs-homes"))),
    "kube-shared-many": ("kube", homes(SharedHomes(access_mode="ReadWriteMany"))),
    "kube-ingress": (
        "kube",
        spec(
            domain="hub.example.org",
            ingress_class="nginx",
            ingress_annotations={"cert-manager.io/cluster-issuer": "letsencrypt"},
        ),
    ),
    "kube-load-balancer": ("kube", spec(service="LoadBalancer")),
    "kube-node-port": ("kube", spec(service="NodePort")),
    "kube-nodes": ("kube", both(gpu_profile, spec(nodes=ON_NODES))),
    "kube-watched": (
        "kube",
        spec(
            monitoring_namespace="monitoring",
            image_pull_secret="registry-password",
            network=ClusterNetwork(
                dns=("10.96.0.10/32", "fd00:10:96::a/128"), api_server=("10.250.0.1/32",)
            ),
        ),
    ),
    "dev": ("dev", unchanged),
    "dev-no-nat": ("dev", spec(network=Network(nat="none"))),
    "prod": ("prod", unchanged),
    "prod-gpu-spot": ("prod", both(gpu_profile, spec(nodes=ON_EKS_NODES))),
}
