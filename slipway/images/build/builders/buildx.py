"""Docker's BuildKit."""

import subprocess
from pathlib import Path

from slipway.images.build.builders import base
from slipway.images.build.context import BuildRequest
from slipway.images.build.recipes import argument_of
from slipway.images.oci.descriptors import Platform
from slipway.images.oci.layout import Layout
from slipway.images.programs import Log


class Buildx(base.Builder):
    """Docker's BuildKit, with a builder that can write OCI layouts, for several platforms at once.

    https://docs.docker.com/reference/cli/docker/buildx/build/
    """

    name, preference = "buildx", 1
    command = "docker"

    @classmethod
    def is_installed(cls) -> bool:
        """Whether there is an engine as well: the client alone builds nothing."""
        inspect = [cls.command, "buildx", "inspect"]
        return super().is_installed() and (
            subprocess.run(inspect, capture_output=True, check=False, timeout=60).returncode == 0
        )

    @property
    def version(self) -> str:
        return base.output_of([self.command, "buildx", "version"]).strip()

    def _digest(self, reference: str, platform: Platform, *, renew: bool) -> str | None:
        inspect = [self.command, "buildx", "imagetools", "inspect", reference]
        return base.output_of([*inspect, "--format={{.Manifest.Digest}}"]).strip()

    def _build(self, request: BuildRequest, context: Path, layout: Layout, log: Log) -> None:
        command = [self.command, "buildx", "build", "--progress=plain", "--provenance=false"]
        command.append(f"--platform={','.join(map(str, request.platforms))}")
        parents = {}
        for image, parent in request.parents.items():
            # A context of that name stands for the image in FROM and COPY --from.
            name = parents[argument_of(image)] = f"slipway-{argument_of(image).lower()}"
            place = f"oci-layout://{self._store.folder.resolve()}@{parent.digest}"
            command.append(f"--build-context={name}={place}")
        command += base.build_options(request, parents)
        options = "tar=false,oci-mediatypes=true,rewrite-timestamp=true"
        command.append(f"--output=type=oci,dest={layout.folder},{options}")
        self._run([*command, str(context)], log)
