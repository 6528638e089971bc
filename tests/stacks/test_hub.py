"""The hub's roll-out, and the way to it."""

import json
from pathlib import Path
from typing import Any

import pytest

from stacks.constructs.roll_out import REVISION_LABEL
from tests.stacks.conftest import Assembly, manifest_text, objects_in, synthesize

VALUE = "Custom::AWSCDK-EKS-KubernetesObjectValue"


def awaited(assembly: Assembly) -> dict[str, dict[str, Any]]:
    """What the deploy waits for, by the kind of object."""
    return {
        str(r["Properties"]["ObjectName"]): r for r in assembly.resources("hub", VALUE).values()
    }


@pytest.mark.parametrize("name", ["hub", "proxy"])
def test_a_deploy_fails_if_what_it_deployed_does_not_run(assembly: Assembly, name: str) -> None:
    """The pods of this revision, not those that ran before: their Deployment would still say so."""
    objects = objects_in(assembly, "hub")
    ((deployment, item),) = (
        (i, o)
        for i, o in objects.items()
        if (o["kind"], o["metadata"]["name"]) == ("Deployment", name)
    )
    revision = item["spec"]["template"]["metadata"]["labels"][REVISION_LABEL]
    selector = f"--selector=app.kubernetes.io/component={name},{REVISION_LABEL}={revision}"
    waits = awaited(assembly)[selector]
    assert deployment in waits["DependsOn"]
    assert 300 <= int(waits["Properties"]["TimeoutSeconds"]) <= 600
    assert "readyReplicas>0" in waits["Properties"]["JsonPath"]
    assert REVISION_LABEL not in item["spec"]["selector"]["matchLabels"], "a selector cannot change"


def test_templates_are_the_same_in_every_synthesis(dev: Assembly, tmp_path: Path) -> None:
    """A revision made of text that only one synthesis knows, as unresolved tokens are numbered,
    would restart the hub with every deploy."""
    assert len(revisions(dev)) == 2
    again = synthesize(dev.environment, tmp_path)
    assert revisions(again) == revisions(dev)
    assert again.templates == dev.templates


def revisions(assembly: Assembly) -> dict[str, str]:
    """By Deployment."""
    return {
        item["metadata"]["name"]: item["spec"]["template"]["metadata"]["labels"][REVISION_LABEL]
        for item in objects_in(assembly, "hub").values()
        if item["kind"] == "Deployment"
    }


def test_the_domain_and_names_below_it_lead_to_the_load_balancer(assembly: Assembly) -> None:
    spec = assembly.environment.eks_spec
    assert spec.hosted_zone
    (address,) = (
        i
        for i, r in assembly.resources("hub", VALUE).items()
        if r["Properties"]["ObjectType"] == "ingress"
    )
    records = [
        r["Properties"] for r in assembly.resources("hub", "AWS::Route53::RecordSet").values()
    ]
    names = {spec.domain, f"*.{spec.domain}"}
    assert {r["Name"].removesuffix(".") for r in records} == names
    hub = assembly.template("hub")
    hub.all_resources_properties(
        "AWS::Route53::RecordSet",
        {
            "HostedZoneId": spec.hosted_zone.id,
            "ResourceRecords": [{"Fn::GetAtt": [address, "Value"]}],
        },
    )
    hub.all_resources_properties(
        "AWS::CertificateManager::Certificate",
        {"DomainName": spec.domain, "SubjectAlternativeNames": [f"*.{spec.domain}"]},
    )


def test_the_load_balancer_is_made_after_its_certificate_and_gone_before_it(
    assembly: Assembly,
) -> None:
    (certificate,) = assembly.resources("hub", "AWS::CertificateManager::Certificate")
    (ingress,) = (i for i, o in objects_in(assembly, "hub").items() if o["kind"] == "Ingress")
    assert certificate in assembly.resources("hub")[ingress]["DependsOn"]


def test_the_url_is_an_output(assembly: Assembly) -> None:
    url = f"https://{assembly.environment.eks_spec.domain}"
    assembly.template("hub").has_output("Url", {"Value": url})


def test_what_leaves_a_chart_leaves_the_cluster_whatever_its_kind(assembly: Assembly) -> None:
    """Each object is a resource, so CloudFormation deletes it; kubectl's prune knows few kinds."""
    kinds = set()
    for stack in ("cluster", "hub"):
        for resource in assembly.resources(stack).values():
            if resource["Type"].endswith("KubernetesResource"):
                objects = json.loads(manifest_text(resource["Properties"]["Manifest"]))
                assert len(objects) == 1
                assert resource["DeletionPolicy"] == "Delete"
                kinds.add(objects[0]["kind"])
    assert {"NetworkPolicy", "Role", "PodDisruptionBudget", "NodePool", "IngressClass"} <= kinds
