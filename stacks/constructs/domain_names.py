"""The domain's certificate, and its names in the hosted zone."""

from aws_cdk import Duration
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53
from constructs import Construct

from slipway.model.eks import HostedZone

TTL = Duration.minutes(1)


class DomainNames(Construct):
    """The domain and every name below it, as per-user subdomains need, lead to a load balancer.

    The load balancer's controller finds the certificate by its domain. The names are
    CloudFormation's, which takes them away again; a controller in the cluster is gone before it
    could. They follow a load balancer that is replaced at the next deploy.
    """

    def __init__(
        self, scope: Construct, id: str, *, domain: str, zone: HostedZone, load_balancer: str
    ) -> None:
        super().__init__(scope, id)
        hosted_zone = route53.HostedZone.from_hosted_zone_attributes(
            self, "zone", hosted_zone_id=zone.id, zone_name=zone.name
        )
        self.certificate = acm.Certificate(
            self,
            "certificate",
            domain_name=domain,
            # A wildcard does not cover the name it stands below.
            subject_alternative_names=[f"*.{domain}"],
            validation=acm.CertificateValidation.from_dns(hosted_zone),
        )
        for record_id, name in (("record", domain), ("wildcard", f"*.{domain}")):
            route53.CnameRecord(
                self,
                record_id,
                zone=hosted_zone,
                record_name=name,
                domain_name=load_balancer,
                ttl=TTL,
            )
