"""buildah, and what podman has of it: one library, one storage, the same options."""

import os
import subprocess
from pathlib import Path
from typing import ClassVar

from slipway.images.build.builders import base
from slipway.images.build.context import BuildRequest
from slipway.images.build.recipes import argument_of
from slipway.images.oci.descriptors import Descriptor, ImageError, Platform
from slipway.images.oci.layout import Layout
from slipway.images.programs import Log
from slipway.images.registry.reference import Reference
from slipway.untrusted import parse_json


class Buildah(base.Builder):
    """buildah: https://github.com/containers/buildah/blob/main/docs/buildah-build.1.md"""

    name, preference = "buildah", 2
    command = "buildah"
    # Fast: it is compressed again here.
    push_options: ClassVar[tuple[str, ...]] = (
        "--compression-format=gzip",
        "--compression-level=1",
    )

    @property
    def version(self) -> str:
        return base.output_of([self.command, "--version"]).strip()

    def _digest(self, reference: str, platform: Platform, *, renew: bool) -> str | None:
        if renew or not self._stored(reference, platform):
            command = [self.command, "pull", "-q", f"--os={platform.os}"]
            command += [f"--arch={platform.architecture}"]
            command += [f"--variant={platform.variant}"] if platform.variant else []
            command += ["--tls-verify=false"] if _is_local(reference) else []
            base.output_of([*command, reference])
        return self._stored(reference, platform)

    def _stored(self, reference: str, platform: Platform) -> str | None:
        """The digest of an image in the builder's storage, if it is there for the platform."""
        inspect = [self.command, "inspect", "--type=image", reference]
        done = subprocess.run(inspect, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return None
        image = parse_json(done.stdout)
        if isinstance(image, list):  # podman's way
            is_for = (image[0]["Os"], image[0]["Architecture"])
            digest = str(image[0]["Digest"])
        else:
            is_for = (image["OCIv1"]["os"], image["OCIv1"]["architecture"])
            digest = str(image["FromImageDigest"])
        return digest if is_for == (platform.os, platform.architecture) else None

    def _build(self, request: BuildRequest, context: Path, layout: Layout, log: Log) -> None:
        if len(request.platforms) > 1:
            raise base.BuildError(
                f"{self.command} builds one platform at a time here: name one as --platform, or "
                "use --builder buildx"
            )
        image = f"localhost/slipway/{request.recipe.name}:build"
        command = [self.command, "build", "--format=oci", "--pull=false"]
        command += ["--identity-label=false", f"--timestamp={request.epoch}", f"--tag={image}"]
        command += [f"--platform={request.platforms[0]}"]
        # chroot needs no privileges of a container engine, and is the same wherever it runs.
        command += [] if "BUILDAH_ISOLATION" in os.environ else ["--isolation=chroot"]
        # Cached layers have the time they were built with, which is not asked for again.
        command += ["--layers"] if request.epoch == 0 else ["--layers=false"]
        parents = {argument_of(n): self._parent(parent) for n, parent in request.parents.items()}
        command += base.build_options(request, parents)
        self._run([*command, str(context)], log)
        push = [self.command, "push", "-q", "--format=oci", *self.push_options]
        self._run([*push, image, f"oci:{layout.folder}:built"], log)

    def _parent(self, parent: Descriptor) -> str:
        """A parent in the builder's storage, by its id; brought there if it was removed."""
        image = self._store.children(parent)[0].digest.removeprefix("sha256:")
        inspect = [self.command, "inspect", "--type=image", image]
        if subprocess.run(inspect, capture_output=True, check=False).returncode != 0:
            with self._store.alone(parent) as folder:
                base.output_of([self.command, "pull", "-q", f"oci:{folder}"])
        return image


def _is_local(reference: str) -> bool:
    try:
        return Reference.parse(reference).is_local
    except ImageError:
        return False  # an id, or another of the builder's own ways to name an image
