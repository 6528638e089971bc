"""`environments/<name>.yaml`: what every target has. `kubernetes.py` and `eks.py` add their own."""

import ipaddress
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from slipway import facts
from slipway.model.auth import AnyAuth, SharedPassword
from slipway.model.base import VERSION, Domain, Model, Name, VariableName, refuse, text
from slipway.model.catalog import Catalog
from slipway.model.culling import Culling
from slipway.model.nodes import NodePool
from slipway.model.placement import check_placement
from slipway.model.problems import Finding
from slipway.model.quantities import Duration
from slipway.model.storage import Storage

PullPolicy = Literal["IfNotPresent", "Always"]
ServiceType = Literal["ClusterIP", "NodePort", "LoadBalancer"]

ReleaseName = Annotated[
    str, *text(rf"{facts.WORKING_TREE}|{VERSION}", "a release", f"1.2.0 or {facts.WORKING_TREE}")
]
ConfigSection = Annotated[
    str, *text(r"[A-Z][A-Za-z0-9]*", "the name of a configurable class", "KubeSpawner", 100)
]


def _project_file(suffixes: str, example: str) -> Any:
    part = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
    kinds = " or ".join(f".{suffix}" for suffix in suffixes.split("|"))
    what = f"a {kinds} file below the project's folder"
    return text(rf"({part}/)*{part}\.({suffixes})", what, example, 200)


LogoFile = Annotated[str, *_project_file("svg|png", "branding/logo.svg")]
KeyFile = Annotated[str, *_project_file("pem", "keys/release.pem")]
SnapshotName = Annotated[
    str,
    *text(
        r"jupyterhub-[a-zA-Z0-9.-]+\.sqlite",
        "the name of a snapshot",
        "jupyterhub-20261124T093000Z-left-1.0.0.sqlite",
        200,
    ),
]
Severity = Literal["low", "medium", "high", "critical"]


def _range(cidr: str) -> str:
    try:
        ipaddress.ip_network(cidr)
    except ValueError as error:
        raise refuse(
            f"{cidr!r} is not a range of addresses ({error})", "write for example 10.96.0.10/32"
        ) from error
    return cidr


AddressRange = Annotated[str, AfterValidator(_range), Field(examples=["10.96.0.10/32"])]


class EnvironmentSpec(Model):
    """What every target has."""

    has_cluster: ClassVar[bool] = True
    """False for a local environment: its servers are processes of this machine."""
    on_aws: ClassVar[bool] = False
    """Whether `cdk deploy` makes it, in an AWS account."""

    if TYPE_CHECKING:
        target: str

        @property
        def signed_by(self) -> tuple[str, ...]: ...

        @property
        def protected(self) -> bool: ...

    release: ReleaseName = facts.WORKING_TREE
    """A version from `releases/`, or the catalog as it stands."""
    title: Annotated[str, StringConstraints(min_length=1, max_length=60)] | None = None
    """What the hub's pages call it."""
    logo: LogoFile | None = None
    """The image at the top of the hub's pages: a small file of the project."""
    auth: AnyAuth
    culling: Culling = Culling()
    concurrent_spawns: int = Field(default=64, ge=1, le=1000)
    extra_config: dict[ConfigSection, dict[VariableName, Any]] = Field(default_factory=dict)
    """JupyterHub configuration for what no key here foresees, by class (`KubeSpawner`,
    `JupyterHub`). Applied last: it wins."""

    def findings(self) -> Iterator[Finding]:
        """What is wrong between parts of the file."""
        yield from ()

    def misfits(self, catalog: Catalog) -> Iterator[Finding]:
        """What the environment lacks to run `catalog`."""
        yield from ()


class LocalSpec(EnvironmentSpec):
    """One trusted user's own machine, for `slipway up`."""

    has_cluster: ClassVar[bool] = False
    signed_by: ClassVar[tuple[str, ...]] = ()
    protected: ClassVar[bool] = False

    target: Literal["local"]
    auth: SharedPassword


class Gates(Model):
    """What a release must have shown before it is promoted to an environment."""

    smoke_within: Duration = "24h"
    """How old the smoke test of the environment it comes from may be."""
    findings: Severity = "high"
    """Images with a finding of this severity or a worse one stay out."""


class ClusterNetwork(Model):
    """What NetworkPolicies need to know of the cluster's network."""

    dns: tuple[AddressRange, ...] = ()
    """Ranges of the cluster's DNS, if it does not run as pods in kube-system."""
    api_server: tuple[AddressRange, ...] = ()
    """Ranges of the Kubernetes API, to narrow where the hub may go. Some network plug-ins see
    the Service's address, others what is behind it: name both."""
    inside: tuple[AddressRange, ...] = ()
    """Public-looking ranges of pods, services and nodes: users' servers shall not reach them.
    Private ones they never do."""


class ClusterSpec(EnvironmentSpec):
    """What every cluster has."""

    if TYPE_CHECKING:
        # Fields of one target and properties of the other. At run time pydantic warns of a field
        # that a base class has as a property.

        @property
        def namespace(self) -> str: ...

        @property
        def registry(self) -> str: ...

        @property
        def image_pull_policy(self) -> PullPolicy: ...

        @property
        def image_pull_secret(self) -> str | None: ...

        @property
        def service(self) -> ServiceType: ...

        @property
        def ingress_class(self) -> str | None: ...

        @property
        def ingress_annotations(self) -> Mapping[str, str]: ...

        @property
        def nodes(self) -> Mapping[str, NodePool]: ...

        @property
        def storage(self) -> Storage: ...

    core_node_selector: ClassVar[Mapping[str, str]] = {}
    """Nodes of the hub and its proxy."""
    packs_servers: ClassVar[bool] = False
    """Whether servers fill nodes one after another, so that empty nodes can be removed. Where
    nodes stay, servers spread for speed."""

    domain: Domain | None = None
    """Where users find the hub."""
    start_timeout: Duration = "10m"
    """How long a server may take to start, a new node and its first image included. A start that
    cannot succeed ends sooner."""
    max_servers: int = Field(default=500, ge=1, le=5000)
    """Servers that may run at the same time."""
    monitoring_namespace: Name | None = None
    """Where Prometheus runs: its pods may scrape the hub and the proxy."""
    protected: bool = False
    """A release is only ever rendered here by the code it was frozen with."""
    signed_by: tuple[KeyFile, ...] = ()
    """Public keys of the project: releases that none of them has signed are refused."""
    restore_database: SnapshotName | None = None
    """A snapshot of the hub's database that takes its place, once. `slipway rollback` writes it."""
    gates: Gates = Gates()
    """Before `slipway promote` pins a release here."""

    @property
    def secret_files(self) -> tuple[str, ...]:
        """Secrets of the hub and its proxy, by the names of the files they read."""
        monitoring = (facts.PROMETHEUS_TOKEN,) if self.monitoring_namespace else ()
        own = (facts.PROXY_TOKEN, facts.COOKIE_SECRET, facts.SMOKE_TOKEN)
        return (*own, *self.auth.secret_files, *monitoring)

    @property
    @abstractmethod
    def cluster_network(self) -> ClusterNetwork:
        """What NetworkPolicies need to know."""

    def misfits(self, catalog: Catalog) -> Iterator[Finding]:
        return check_placement(self.nodes, catalog, in_file="nodes" in self.model_fields_set)

    @property
    def public_by(self) -> tuple[str, ...]:
        """The fields through which networks outside the cluster may reach the hub.

        Nobody can tell from here whether such a network is a private one.
        """
        return ("domain",) if self.domain else ()

    @model_validator(mode="after")
    def _open_to_the_world_on_purpose(self) -> Self:
        if not self.public_by or self.auth.open_to_everyone:
            return self
        way = self.public_by[0]
        opened = "allow_all" if self.auth.allow_all else _opened_by(self.extra_config)
        if opened:
            raise refuse(
                f"{opened} lets in everybody whom {self.auth.kind} knows, from the whole internet "
                f"({way})",
                "name who may log in, or say auth.open_to_everyone: true",
            )
        return self


def _opened_by(extra_config: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The setting of `extra_config`, which wins over `auth`, that may let in everybody."""
    for section, traits in extra_config.items():
        for trait, value in traits.items():
            opens = section.endswith("Authenticator") and trait == "allow_all" and value
            if opens or (section, trait) == ("JupyterHub", "authenticator_class"):
                return f"extra_config.{section}.{trait}"
    return None
