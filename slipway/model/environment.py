"""An environment: a spec, with all that it names."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Self

from pydantic import Field

from slipway import facts
from slipway.model.catalog import Catalog
from slipway.model.eks import EksSpec
from slipway.model.kubernetes import KubernetesSpec
from slipway.model.release import PlatformVersions, Release
from slipway.model.specs import ClusterSpec, EnvironmentSpec, LocalSpec, PullPolicy

AnySpec = Annotated[LocalSpec | KubernetesSpec | EksSpec, Field(discriminator="target")]
"""What a file of `environments/` may hold."""


@dataclass(frozen=True)
class Environment:
    """A release at its place. Charts, stacks and the hub's settings are functions of it."""

    name: str
    spec: EnvironmentSpec
    catalog: Catalog
    versions: PlatformVersions
    release: Release | None
    """None for the working tree."""
    logo: str = ""
    """The spec's file as a `data:` URI; empty when it names none."""
    repositories: tuple[str, ...] = ()
    """On AWS: every image that the catalog or any release of the project builds."""

    def with_release(self, release: Release) -> Self:
        """The environment as it would be if its file pinned `release`."""
        spec = self.spec.model_copy(update={"release": release.version})
        catalog, versions = release.catalog, release.platform
        return replace(self, spec=spec, release=release, catalog=catalog, versions=versions)

    @property
    def cluster_spec(self) -> ClusterSpec:
        """The spec of an environment on a cluster. Raises ValueError for a local one."""
        if not isinstance(self.spec, ClusterSpec):
            raise ValueError(f"{self.name} is local: it has no cluster")
        return self.spec

    @property
    def eks_spec(self) -> EksSpec:
        """The spec of an environment on AWS. Raises ValueError for another one."""
        if not isinstance(self.spec, EksSpec):
            raise ValueError(f"{self.name} has target {self.spec.target}: it is not on AWS")
        return self.spec

    @property
    def secret_ids(self) -> dict[str, str]:
        """The name in Secrets Manager of the content of each file in `secret_files`."""
        return {file: facts.secret_name(self.name, file) for file in self.cluster_spec.secret_files}

    def pull_policy(self, image: str) -> PullPolicy:
        """A tag may have moved since a node pulled it; a digest cannot, in a release or outside."""
        if "@" in self.image_reference(image):
            return "IfNotPresent"
        return self.cluster_spec.image_pull_policy

    @property
    def release_name(self) -> str:
        return self.release.version if self.release else facts.WORKING_TREE

    def image_reference(self, image: str) -> str:
        """Where a cluster pulls an image: one of the catalog's, `hub` or `proxy`.

        A release pins each by digest. The working tree follows the tag `working-tree`.
        """
        named: Mapping[str, str | None] = {n: i.reference for n, i in self.catalog.images.items()}
        if elsewhere := named.get(image):
            return elsewhere
        registry = f"{self.cluster_spec.registry}/{image}"
        if self.release:
            return f"{registry}@{self.release.images[image]}"
        return f"{registry}:{facts.WORKING_TREE}"
