"""`catalog.yaml`: what users get."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from slipway import facts
from slipway.model.apps import AnyApp, App
from slipway.model.base import ImageReference, Model, Name, Text200, VariableName, refuse, text
from slipway.model.quantities import Cpu, Memory, memory_bytes

RoutePath = Annotated[
    str,
    *text(
        r"(/[a-z0-9][a-z0-9._-]*)+", "a path in lower case without a slash at its end", "/code", 100
    ),
]
DefaultUrl = Annotated[
    str, *text(r"/[^\s\\#]*", "a path below the user's server", "/lab/tree/welcome.ipynb", 500)
]

HOME = "/home/jovyan"
_SYSTEM = ("bin", "boot", "dev", "etc", "lib", "lib64", "proc", "run", "sbin", "sys", "tmp", "usr")


def _hides_nothing(path: str) -> str:
    """A home is a volume: what the image has there cannot be seen any more."""
    if path.split("/")[1] in _SYSTEM or f"{facts.JUPYTER_FOLDER}/".startswith(f"{path}/"):
        raise refuse(f"a home at {path} would hide the image's own files", f"write {HOME}")
    return path


HomePath = Annotated[
    str,
    *text(r"(/[A-Za-z0-9_][A-Za-z0-9._@-]*)+", "an absolute path", HOME, 200),
    AfterValidator(_hides_nothing),
]


class Image(Model):
    """A single-user container image that carries apps."""

    apps: tuple[Name, ...]
    """The apps it carries, in the launcher's order."""
    reference: ImageReference | None = None
    """Where it is, if it is not built from `images/<name>` of this project."""
    arguments: dict[VariableName, str] = Field(default_factory=dict)
    """Values for the ARGs of its Dockerfile. Not for secrets: an image tells how it was built."""
    home: HomePath = HOME
    """On a cluster, where the user's home is mounted, and HOME. An image whose programs look for
    their settings elsewhere says where."""
    read_only_root: bool = True
    """On a cluster, nothing but the home, /tmp and /dev/shm can be written. False for an image
    whose programs insist on writing elsewhere."""


class CpuShare(Model):
    guarantee: Cpu | None = None
    limit: Cpu | None = None

    @model_validator(mode="after")
    def _guarantee_fits(self) -> Self:
        if self.guarantee and self.limit and self.guarantee > self.limit:
            raise _guarantee_above_limit(f"{self.guarantee:g}", f"{self.limit:g}")
        return self


class MemoryShare(Model):
    guarantee: Memory | None = None
    limit: Memory | None = None

    @model_validator(mode="after")
    def _guarantee_fits(self) -> Self:
        guarantee, limit = self.guarantee, self.limit
        if guarantee and limit and memory_bytes(guarantee) > memory_bytes(limit):
            raise _guarantee_above_limit(guarantee, limit)
        return self


def _guarantee_above_limit(guarantee: str, limit: str) -> PydanticCustomError:
    message = f"the guarantee ({guarantee}) is above the limit ({limit})"
    return refuse(message, "lower the guarantee or raise the limit")


class Resources(Model):
    """What a server may use; the guarantee decides where it is scheduled."""

    cpu: CpuShare = CpuShare()
    memory: MemoryShare = MemoryShare(guarantee="1Gi", limit="2Gi")
    gpu: int = Field(default=0, ge=0, le=16)
    shared_memory: Memory = "1Gi"
    """The most that /dev/shm may hold, for PyTorch's data loaders and browsers. What is in it
    counts as memory of the server."""


class Profile(Model):
    """What a user may launch."""

    title: Text200
    description: Text200 | None = None
    image: Name
    app: Name | None = None
    """The app a user lands in. Leave out both `app` and `default_url` for JupyterLab."""
    default_url: DefaultUrl | None = None
    """A path to land at instead of an app."""
    resources: Resources = Resources()
    nodes: Name = facts.USER_NODES
    """The environment's node pool that it runs on."""
    groups: tuple[Text200, ...] = ()
    """Who may launch it; everybody when empty."""
    environment: dict[VariableName, str] = Field(default_factory=dict)
    """Variables of the server. Not for secrets: users can read them."""

    @model_validator(mode="after")
    def _one_landing(self) -> Self:
        if self.app and self.default_url:
            raise refuse("both app and default_url are given", "keep the one users shall land in")
        return self


class Route(Model):
    """A stable path of the hub that lands a logged-in user in an app of a profile."""

    profile: Name
    app: Name


class Catalog(Model):
    """Apps, images, profiles and routes."""

    apps: dict[Name, AnyApp]
    images: dict[Name, Image]
    profiles: dict[Name, Profile] = Field(min_length=1)
    routes: dict[RoutePath, Route] = Field(default_factory=dict)
    default_profile: Name | None = None
    """Started without asking when a user logs in; users choose when it is left out."""

    def apps_of(self, image: str) -> dict[str, App]:
        return {name: self.apps[name] for name in self.images[image].apps}

    def route_target(self, path: str) -> str:
        """The path below the user's server where the route lands."""
        app = self.routes[path].app
        return self.apps[app].url_path(app)

    def default_url(self, profile: str) -> str:
        """The path below the user's server where the profile lands."""
        app, default_url = self.profiles[profile].app, self.profiles[profile].default_url
        if default_url:
            return default_url
        return self.apps[app].url_path(app) if app else "/lab"
