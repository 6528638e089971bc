"""buildah and podman: one library, one storage, the same options."""

import json
import os
import subprocess

from slipway.images.build.builders.base import (
    CA,
    Builder,
    BuildError,
    Job,
    Log,
    base_error,
    build_arguments,
    output_of,
    untagged,
)
from slipway.images.build.repack import repack
from slipway.images.oci.descriptors import Descriptor, ImageError, Platform
from slipway.images.registry.reference import Reference


class ContainersBuilder(Builder):
    """buildah and podman: one library, one storage, the same options.

    https://github.com/containers/buildah/blob/main/docs/buildah-build.1.md
    """

    push_options: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        return output_of([self.command, "--version"]).strip()

    def base(self, reference: str, platform: Platform, *, renew: bool) -> str:
        if renew or not self._digest(reference, platform):
            command = [self.command, "pull", "-q", f"--os={platform.os}"]
            command += [f"--arch={platform.architecture}"]
            command += [f"--variant={platform.variant}"] if platform.variant else []
            command += ["--tls-verify=false"] if _is_local(reference) else []
            try:
                output_of([*command, reference])
            except BuildError as error:
                raise base_error(reference, str(error)) from None
        if digest := self._digest(reference, platform):
            return f"{untagged(reference)}@{digest}"
        raise BuildError(f"{reference} is not for {platform}")

    def _digest(self, reference: str, platform: Platform) -> str | None:
        """The digest of an image in the builder's storage, if it is there for the platform."""
        inspect = [self.command, "inspect", "--type=image", reference]
        done = subprocess.run(inspect, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return None
        found = json.loads(done.stdout)
        if isinstance(found, list):  # podman's way
            is_for = (found[0]["Os"], found[0]["Architecture"])
            digest = str(found[0]["Digest"])
        else:
            is_for = (found["OCIv1"]["os"], found["OCIv1"]["architecture"])
            digest = str(found["FromImageDigest"])
        return digest if is_for == (platform.os, platform.architecture) else None

    def build(self, job: Job, log: Log) -> Descriptor:
        if len(job.platforms) > 1:
            raise BuildError(
                f"{self.command} builds one platform at a time here: name one as --platform, or "
                "use --builder buildx"
            )
        image = f"localhost/slipway/{job.name}:build"
        command = [self.command, "build", "--format=oci", "--pull=false"]
        command += ["--identity-label=false", f"--timestamp={job.epoch}", f"--tag={image}"]
        command += [f"--platform={job.platforms[0]}"]
        # chroot needs no privileges of a container engine, and is the same wherever it runs.
        command += [] if "BUILDAH_ISOLATION" in os.environ else ["--isolation=chroot"]
        # Cached layers have the time they were built with, which is not asked for again.
        command += ["--layers"] if job.epoch == 0 else ["--layers=false"]
        command += [] if job.cached else ["--no-cache"]
        command += [f"--secret=id={CA},src={job.ca}"] if job.ca else []
        parents = {name: self._parent(parent) for name, parent in job.parents.items()}
        command += build_arguments({**job.arguments, **parents}, job)
        self._run([*command, str(job.context)], log)
        with self._output() as layout:
            target = f"oci:{layout.folder}:built"
            push = [self.command, "push", "-q", "--format=oci", *self.push_options]
            self._run([*push, image, target], log)
            return repack(layout, self._store)

    def _parent(self, parent: Descriptor) -> str:
        """A parent in the builder's storage, by its id; brought there if it was removed."""
        image = self._store.children(parent)[0].digest.removeprefix("sha256:")
        inspect = [self.command, "inspect", "--type=image", image]
        if subprocess.run(inspect, capture_output=True, check=False).returncode != 0:
            with self._store.alone(parent) as folder:
                output_of([self.command, "pull", "-q", f"oci:{folder}"])
        return image


class Buildah(ContainersBuilder):
    name, preference = "buildah", 2
    command = "buildah"
    # Fast: it is compressed again here.
    push_options = ("--compression-format=gzip", "--compression-level=1")


def _is_local(reference: str) -> bool:
    try:
        return Reference.parse(reference).is_local
    except ImageError:
        return False  # an id, or another of the builder's own ways to name an image
