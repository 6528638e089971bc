"""`platform.yaml`: what the working tree runs on. `releases/<version>.yaml`: that and a catalog,
frozen."""

import hashlib
import json
from typing import Annotated

from pydantic import Field

from slipway import facts
from slipway.model.base import Digest, ImageReference, Model, Name, Text200, Version, text
from slipway.model.catalog import Catalog

KubernetesVersion = Annotated[
    str, *text(r"1\.[0-9]{2}", "a Kubernetes version", '"1.36", in quotes')
]
AddonVersion = Annotated[
    str, *text(r"v[0-9][0-9A-Za-z.+-]*", "a version of an EKS add-on", "v2.1.0-eksbuild.1", 60)
]
Commit = Annotated[str, *text(r"[0-9a-f]{40}", "a git commit", "0" * 40)]


def built_here(catalog: Catalog) -> tuple[str, ...]:
    """Every image that an environment pulls and that does not live in another registry."""
    own = (name for name, image in catalog.images.items() if image.reference is None)
    return (*facts.HUB_IMAGES, *own)


class PlatformVersions(Model):
    """`platform.yaml`, where there is one: what the working tree runs on."""

    kubernetes: KubernetesVersion = "1.36"
    addons: dict[Name, AddonVersion] = Field(default_factory=dict)
    """EKS add-on versions by add-on name, as `slipway addons` pins them. One that is missing comes
    in EKS's default version."""


class Release(Model):
    """A numbered, frozen environment content. Written by `slipway release`."""

    version: Version
    commit: Commit
    """The commit it was frozen from. Its code is the only one that renders the release."""
    platform: PlatformVersions
    images: dict[Name, Digest]
    """Every image by digest: the catalog's, `hub` and `proxy`."""
    bases: dict[Name, ImageReference] = Field(default_factory=dict)
    """The outside image, by digest, that each image built here starts from."""
    sboms: dict[Name, dict[Text200, Digest]] = Field(default_factory=dict)
    """The digest of each image's bill of materials, by platform."""
    programs: dict[Name, dict[Text200, Text200]] = Field(default_factory=dict)
    """The versions of what users see in each image, as its bill of materials has them."""
    catalog: Catalog
    digest: Digest | None = None
    """Of all the rest. A file whose content has another one was edited, and is refused."""

    def content_digest(self) -> str:
        """What `digest` must be. The order of a catalog's entries is part of it: users see it."""
        content = self.model_dump(mode="json", exclude={"digest"}, exclude_unset=True)
        text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
