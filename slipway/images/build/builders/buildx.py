"""Docker's BuildKit."""

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
from slipway.images.oci.descriptors import Descriptor, Platform


class Buildx(Builder):
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
        return output_of([self.command, "buildx", "version"]).strip()

    def base(self, reference: str, platform: Platform, *, renew: bool) -> str:
        inspect = [self.command, "buildx", "imagetools", "inspect", reference]
        try:
            digest = output_of([*inspect, "--format={{.Manifest.Digest}}"]).strip()
        except BuildError as error:
            raise base_error(reference, str(error)) from None
        return f"{untagged(reference)}@{digest}"

    def build(self, job: Job, log: Log) -> Descriptor:
        command = [self.command, "buildx", "build", "--progress=plain", "--provenance=false"]
        command += [f"--platform={','.join(map(str, job.platforms))}"]
        command += [] if job.cached else ["--no-cache"]
        command += [f"--secret=id={CA},src={job.ca}"] if job.ca else []
        parents = {}
        for name, parent in job.parents.items():
            # A context of that name stands for the image in FROM and COPY --from.
            parents[name] = f"slipway-{name.lower()}"
            place = f"oci-layout://{self._store.folder.resolve()}@{parent.digest}"
            command.append(f"--build-context={parents[name]}={place}")
        command += build_arguments({**job.arguments, **parents}, job)
        with self._output() as layout:
            options = "tar=false,oci-mediatypes=true,rewrite-timestamp=true"
            command.append(f"--output=type=oci,dest={layout.folder},{options}")
            self._run([*command, str(job.context)], log)
            return repack(layout, self._store)
