"""podman, which builds as buildah does."""

from slipway.images.build.builders.buildah import Buildah


class Podman(Buildah):
    name, preference = "podman", 3
    command = "podman"
    push_options = ()
