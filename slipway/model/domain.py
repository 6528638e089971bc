"""Whether an environment's domain can be given a name and a certificate."""

from collections.abc import Iterator

from slipway.model.references import Finding
from slipway.model.specs import EksSpec, KubernetesSpec, LocalSpec


def check_domain(spec: LocalSpec | KubernetesSpec | EksSpec) -> Iterator[Finding]:
    """Found here, not by a certificate that waits for its proof until CloudFormation gives up."""
    if not isinstance(spec, EksSpec):
        return
    if spec.domain and not spec.hosted_zone:
        yield Finding(
            ("domain",),
            f"{spec.domain} has no hosted zone to stand in",
            "add hosted_zone: {id: Z…, name: …}; `aws route53 list-hosted-zones` shows both",
        )
    if spec.hosted_zone and not spec.domain:
        yield Finding(("hosted_zone",), "is for a domain, but there is none", "add domain")
    if spec.domain and spec.hosted_zone and not spec.domain.endswith(f".{spec.hosted_zone.name}"):
        yield Finding(
            ("hosted_zone", "name"),
            f"{spec.domain} is not a name below {spec.hosted_zone.name}",
            "choose a domain below the zone: the zone's own name cannot be an alias",
        )
