"""`environments/<name>.yaml` with `target: eks`."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from slipway import facts
from slipway.model.base import (
    Account,
    Domain,
    Email,
    Model,
    Name,
    Region,
    Text200,
    Zone,
    refuse,
    text,
)
from slipway.model.nodes import EksNodePool
from slipway.model.problems import Finding
from slipway.model.specs import ClusterNetwork, ClusterSpec, PullPolicy, ServiceType
from slipway.model.storage import EksStorage

HostedZoneId = Annotated[
    str, *text(r"Z[A-Z0-9]{1,31}", "the id of a hosted zone", "Z0123456789ABCDEFGHIJ")
]
GitHubRepository = Annotated[
    str,
    *text(
        r"[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}", "a GitHub repository", "example-org/our-hub"
    ),
]
Branch = Annotated[
    str, *text(r"[A-Za-z0-9_](?:[A-Za-z0-9._/-]{0,98}[A-Za-z0-9_-])?", "a branch", "main")
]


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

    @property
    def has_endpoints(self) -> bool:
        return self.nat == "none" or self.endpoints == "always"


class HostedZone(Model):
    """A public zone in Route 53 of the environment's own account, made beforehand."""

    id: HostedZoneId
    name: Domain


class Alarms(Model):
    email: Email
    """Who gets a message for each alarm."""


class Budget(Model):
    monthly_usd: int = Field(ge=1, le=10_000_000)


class GitHubIds(Model):
    """`gh api repos/OWNER/NAME --jq '.owner.id, .id'` prints them."""

    owner: int = Field(ge=1)
    repository: int = Field(ge=1)


class GitHubActions(Model):
    """Workflows that may deploy, without a stored key."""

    repository: GitHubRepository
    ids: GitHubIds | None = None
    """What GitHub's tokens name the repository by, beside its name: those of repositories that were
    created or renamed since July 2026, or that have chosen so. Who gets hold of the name later is
    then not taken for it."""
    branch: Branch = "main"
    """The repository's default branch: jobs of any other one get no role."""
    provider: Literal["create", "existing"] = "create"
    """Whether the account has an identity provider for GitHub already: it can have only one."""

    @property
    def subject(self) -> str:
        """How the subject of every token of the repository begins."""
        if self.ids is None:
            return f"repo:{self.repository}"
        owner, name = self.repository.split("/")
        return f"repo:{owner}@{self.ids.owner}/{name}@{self.ids.repository}"

    @property
    def ref(self) -> str:
        """What tokens call the branch; a tag of the same name is called otherwise."""
        return f"refs/heads/{self.branch}"


class Promotion(Model):
    """Which accounts images travel between."""

    to: tuple[Account, ...] = ()
    """May pull the images of this environment."""
    source: Account | None = None
    """Has the images that are promoted to this environment."""


class EksSpec(ClusterSpec):
    """An AWS account, for `cdk deploy`."""

    on_aws: ClassVar[bool] = True
    core_node_selector: ClassVar[Mapping[str, str]] = {facts.NODE_POOL_LABEL: facts.CORE_NODES}
    packs_servers: ClassVar[bool] = True
    namespace: ClassVar[str] = facts.NAMESPACE
    image_pull_policy: ClassVar[PullPolicy] = "Always"
    image_pull_secret: ClassVar[None] = None
    """Nodes have a role that may pull."""
    service: ClassVar[ServiceType] = "ClusterIP"
    """The load balancer of the Ingress reaches pods themselves."""
    ingress_class: ClassVar[str] = facts.INGRESS_CLASS
    ingress_annotations: ClassVar[Mapping[str, str]] = {}

    target: Literal["eks"]
    account: Account
    region: Region
    zones: tuple[Zone, ...] = Field(min_length=2, max_length=6)
    network: Network = Network()
    cluster: Cluster = Cluster()
    nodes: dict[Name, EksNodePool] = Field(
        default_factory=lambda: {facts.USER_NODES: EksNodePool()}, min_length=1
    )
    storage: EksStorage = EksStorage()
    alarms: Alarms | None = None
    budget: Budget | None = None
    hosted_zone: HostedZone | None = None
    """Where the domain's names and the proof of its certificate are written."""
    github: GitHubActions | None = None
    promotion: Promotion = Promotion()

    @property
    def registry(self) -> str:
        return f"{self.account}.dkr.ecr.{self.region}.amazonaws.com/{facts.NAMESPACE}"

    @property
    def cluster_network(self) -> ClusterNetwork:
        """Auto Mode runs DNS on each node, not in pods, so policies must name its address:
        https://docs.aws.amazon.com/eks/latest/userguide/auto-net-pol.html
        """
        return ClusterNetwork(
            dns=(facts.EKS_DNS,),
            api_server=(facts.EKS_API_SERVER, self.network.cidr),
            inside=(self.network.cidr,),
        )

    def findings(self) -> Iterator[Finding]:
        """Of the domain: a certificate that waits for its proof holds up a deploy for hours."""
        if self.domain and not self.hosted_zone:
            yield Finding(
                ("domain",),
                f"{self.domain} has no hosted zone to stand in",
                "add hosted_zone: {id: Z…, name: …}; `aws route53 list-hosted-zones` shows both",
            )
        if self.hosted_zone and not self.domain:
            yield Finding(("hosted_zone",), "is for a domain, but there is none", "add domain")
        if (
            self.domain
            and self.hosted_zone
            and not self.domain.endswith(f".{self.hosted_zone.name}")
        ):
            yield Finding(
                ("hosted_zone", "name"),
                f"{self.domain} is not a name below {self.hosted_zone.name}",
                "choose a domain below the zone: the zone's own name cannot be an alias",
            )

    @model_validator(mode="after")
    def _budget_has_a_reader(self) -> Self:
        if self.budget and not self.alarms:
            raise refuse("there is a budget, but no address for its alarms", "add alarms.email")
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
        if facts.CORE_NODES in self.nodes:
            raise refuse(
                f"{facts.CORE_NODES!r} is the pool of the hub itself",
                "call the users' another name",
            )
        return self

    @model_validator(mode="after")
    def _has_a_real_login(self) -> Self:
        if self.auth.for_one_person:
            raise refuse(
                "a shared password is for one trusted user", "use github, google, cognito or oidc"
            )
        return self
