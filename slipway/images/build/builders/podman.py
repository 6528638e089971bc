"""podman, which builds as buildah does."""

from slipway.images.build.builders.buildah import ContainersBuilder


class Podman(ContainersBuilder):
    name, preference = "podman", 3
    command = "podman"
