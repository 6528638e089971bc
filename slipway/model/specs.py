"""`environments/<name>.yaml`: where a release runs, and how."""

import ipaddress
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from slipway.model.auth import AnyAuth, SharedPassword
from slipway.model.base import (
    VERSION,
    Account,
    Domain,
    Email,
    ImageReference,
    Model,
    Name,
    Region,
    Text,
    Text200,
    VariableName,
    Zone,
    refuse,
    text,
)
from slipway.model.nodes import (
    CORE,
    EksNodePool,
    LabelKey,
    NodePool,
    default_eks_pools,
    default_pools,
)
from slipway.model.quantities import Duration, seconds
from slipway.model.storage import EksStorage, KubernetesStorage

WORKING_TREE = "working-tree"

PullPolicy = Literal["IfNotPresent", "Always"]


ReleaseName = Annotated[
    str,
    *text(
        rf"{WORKING_TREE}|{VERSION}",
        "a release",
        "1.2.0 or working-tree",
    ),
]


ConfigSection = Annotated[
    str, *text(r"[A-Z][A-Za-z0-9]*", "the name of a configurable class", "KubeSpawner", 100)
]


def _range(cidr: str) -> str:
    try:
        ipaddress.ip_network(cidr)
    except ValueError as error:
        raise refuse(
            f"{cidr!r} is not a range of addresses ({error})", "write for example 10.96.0.10/32"
        ) from error
    return cidr


AddressRange = Annotated[str, AfterValidator(_range), Field(examples=["10.96.0.10/32"])]


def _network(cidr: str) -> str:
    try:
        network = ipaddress.IPv4Network(cidr)
    except ValueError as error:
        raise refuse(
            f"{cidr!r} is not a network ({error})", "write for example 10.0.0.0/16"
        ) from error
    if not 16 <= network.prefixlen <= 24:
        raise refuse(f"{cidr!r} does not suit a VPC", "use a prefix from /16 to /24")
    return cidr


HostedZoneId = Annotated[
    str, *text(r"Z[A-Z0-9]{1,31}", "the id of a hosted zone", "Z0123456789ABCDEFGHIJ")
]
GitHubRepository = Annotated[
    str,
    *text(
        r"[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}", "a GitHub repository", "example-org/our-hub"
    ),
]


class Culling(Model):
    """When servers nobody uses are stopped."""

    idle: Duration = "1h"
    """Stop a server after this long without activity."""
    every: Duration = "10m"
    """How often to look."""
    max_age: Duration | None = None
    """Stop a server after this long even if it is in use."""

    @model_validator(mode="after")
    def _looks_often_enough(self) -> Self:
        if seconds(self.every) > seconds(self.idle):
            raise refuse(
                f"every ({self.every}) is longer than idle ({self.idle})", "look more often"
            )
        return self


LogoFile = Annotated[
    str,
    *text(
        r"([A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-][A-Za-z0-9._-]*\.(svg|png)",
        "a .svg or .png file below the project's folder",
        "branding/logo.svg",
        200,
    ),
]


KeyFile = Annotated[
    str,
    *text(
        r"([A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-][A-Za-z0-9._-]*\.pem",
        "a .pem file below the project's folder",
        "keys/release.pem",
        200,
    ),
]
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


class Gates(Model):
    """What a release must have shown before it is promoted to an environment."""

    smoke_within: Duration = "24h"
    """How old the smoke test of the environment it comes from may be."""
    findings: Severity = "high"
    """Images with a finding of this severity or a worse one stay out."""


class EnvironmentSpec(Model):
    """What every target has."""

    release: ReleaseName = WORKING_TREE
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


class LocalSpec(EnvironmentSpec):
    """One trusted user's own machine, for `slipway up`."""

    target: Literal["local"]
    auth: SharedPassword


class OnCluster(EnvironmentSpec):
    """What every cluster has."""

    target: str
    domain: Domain | None = None
    """Where users find the hub."""
    start_timeout: Duration = "10m"
    """How long a server may take to start, a new node and its first image included. What cannot
    succeed is told long before."""
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

    @model_validator(mode="after")
    def _open_to_the_world_on_purpose(self) -> Self:
        if not self.domain or self.auth.open_to_everyone:
            return self
        if self.auth.kind == "native":
            # NativeAuthenticator approves these names beforehand, whoever takes them.
            raise refuse(
                "the internet can reach this login, and who first signs up under the name of an "
                "admin or of a user you allow is that one",
                "use another login, or let them sign up before there is a domain, then say "
                "auth.open_to_everyone: true",
            )
        if self.auth.allow_all:
            raise refuse(
                f"allow_all lets in everybody whom {self.auth.kind} knows, from the whole internet",
                "name who may log in, or say auth.open_to_everyone: true",
            )
        return self


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


class KubernetesSpec(OnCluster):
    """Any conformant cluster, for `slipway render`."""

    target: Literal["kubernetes"]
    namespace: Name = "slipway"
    registry: ImageReference
    """Where the images of this project are: `registry.example.org/slipway`."""
    image_pull_secret: Name | None = None
    """A Secret in the namespace, for a registry that asks for a password."""
    ingress_class: Name | None = None
    ingress_annotations: dict[LabelKey, Text] = Field(default_factory=dict)
    """For the controller: body size, time-outs, cert-manager's issuer."""
    image_pull_policy: PullPolicy = "Always"
    """For images by tag. Always sees a tag that has moved; IfNotPresent is for images that are
    loaded onto nodes and in no registry."""
    service: Literal["ClusterIP", "NodePort", "LoadBalancer"] = "ClusterIP"
    """How the proxy is reached without an Ingress."""
    nodes: dict[Name, NodePool] = Field(default_factory=default_pools, min_length=1)
    storage: KubernetesStorage = KubernetesStorage()
    network: ClusterNetwork = ClusterNetwork()


class Cluster(Model):
    public_endpoint: bool = True
    """Whether the Kubernetes API answers outside the VPC."""
    admins: tuple[Text200, ...] = ()
    """ARNs of IAM roles that administer the cluster."""


class Network(Model):
    cidr: Annotated[str, AfterValidator(_network)] = "10.0.0.0/16"
    nat: Literal["none", "one", "per-zone"] = "one"
    endpoints: Literal["when-needed", "always"] = "when-needed"
    """Interface endpoints of AWS's services. Needed without NAT; with it they keep traffic to AWS
    off the internet, for the price of an hour in every zone."""


class HostedZone(Model):
    """A public zone in Route 53 of the environment's own account, made beforehand."""

    id: HostedZoneId
    name: Domain


class Alarms(Model):
    email: Email
    """Who is told."""


class Budget(Model):
    monthly_usd: int = Field(ge=1, le=10_000_000)


class GitHubIds(Model):
    """`gh api repos/OWNER/NAME --jq '.owner.id, .id'` prints them."""

    owner: int = Field(ge=1)
    repository: int = Field(ge=1)


class GitHub(Model):
    """Workflows that may deploy, without a stored key."""

    repository: GitHubRepository
    ids: GitHubIds | None = None
    """What GitHub's tokens name the repository by, beside its name: those of repositories that were
    created or renamed since July 2026, or that have chosen so. Who gets hold of the name later is
    then not taken for it."""
    provider: Literal["create", "existing"] = "create"
    """Whether the account has an identity provider for GitHub already: it can have only one."""

    @property
    def subject(self) -> str:
        """How the subject of every token of the repository begins."""
        if self.ids is None:
            return f"repo:{self.repository}"
        owner, name = self.repository.split("/")
        return f"repo:{owner}@{self.ids.owner}/{name}@{self.ids.repository}"


class Promotion(Model):
    """Which accounts images travel between."""

    to: tuple[Account, ...] = ()
    """May pull the images of this environment."""
    source: Account | None = None
    """Has the images that are promoted to this environment."""


class EksSpec(OnCluster):
    """An AWS account, for `cdk deploy`."""

    target: Literal["eks"]
    account: Account
    region: Region
    zones: tuple[Zone, ...] = Field(min_length=2, max_length=6)
    network: Network = Network()
    cluster: Cluster = Cluster()
    nodes: dict[Name, EksNodePool] = Field(default_factory=default_eks_pools, min_length=1)
    storage: EksStorage = EksStorage()
    alarms: Alarms | None = None
    budget: Budget | None = None
    hosted_zone: HostedZone | None = None
    """Where the domain's names and the proof of its certificate are written."""
    github: GitHub | None = None
    promotion: Promotion = Promotion()

    @property
    def registry(self) -> str:
        return f"{self.account}.dkr.ecr.{self.region}.amazonaws.com/slipway"

    @property
    def namespace(self) -> str:
        return "slipway"

    @model_validator(mode="after")
    def _budget_has_a_reader(self) -> Self:
        if self.budget and not self.alarms:
            raise refuse("there is a budget, but nobody is told", "add alarms.email")
        return self

    @model_validator(mode="after")
    def _zones_are_of_the_region(self) -> Self:
        for zone in self.zones:
            if zone[:-1] != self.region:
                raise refuse(f"the zone {zone} is not in {self.region}", "name zones of the region")
        if len(set(self.zones)) != len(self.zones):
            raise refuse("a zone is named twice", "name each zone once")
        return self

    @model_validator(mode="after")
    def _pools_have_names_of_their_own(self) -> Self:
        if CORE in self.nodes:
            raise refuse(f"{CORE!r} is the pool of the hub itself", "call the users' another name")
        return self

    @model_validator(mode="after")
    def _has_a_real_login(self) -> Self:
        if self.auth.kind == "shared-password":
            raise refuse(
                "a shared password is for one trusted user", "use github, google, oidc or native"
            )
        return self


AnySpec = Annotated[LocalSpec | KubernetesSpec | EksSpec, Field(discriminator="target")]
ClusterSpec = KubernetesSpec | EksSpec
