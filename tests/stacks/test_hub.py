"""The hub's roll-out, and the way to it."""

import json
import re
from typing import Any

import pytest

from stacks.constructs.roll_out import REVISION_LABEL
from tests.stacks.conftest import Assembly, manifest_text, objects_in

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


def test_a_revision_is_the_same_in_every_synthesis(assembly: Assembly) -> None:
    """Made of text that only one synthesis knows, it would restart the proxy with every deploy."""
    for item in objects_in(assembly, "hub").values():
        if item["kind"] == "Deployment":
            revision = item["spec"]["template"]["metadata"]["labels"][REVISION_LABEL]
            assert re.fullmatch(r"[0-9a-f]{16}", revision)
    assert "${Token" not in json.dumps(assembly.templates)


def test_the_domain_and_names_below_it_lead_to_the_load_balancer(assembly: Assembly) -> None:
    spec: Any = assembly.environment.spec
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
    for record in records:
        assert record["HostedZoneId"] == spec.hosted_zone.id
        assert record["ResourceRecords"] == [{"Fn::GetAtt": [address, "Value"]}]
    certificate = assembly.only("hub", "AWS::CertificateManager::Certificate")
    assert {certificate["DomainName"], *certificate["SubjectAlternativeNames"]} == names


def test_the_load_balancer_is_made_after_its_certificate_and_gone_before_it(
    assembly: Assembly,
) -> None:
    (certificate,) = assembly.resources("hub", "AWS::CertificateManager::Certificate")
    (ingress,) = (i for i, o in objects_in(assembly, "hub").items() if o["kind"] == "Ingress")
    assert certificate in assembly.resources("hub")[ingress]["DependsOn"]


def test_the_url_is_an_output(assembly: Assembly) -> None:
    spec: Any = assembly.environment.spec
    assert assembly.templates["hub"]["Outputs"]["Url"]["Value"] == f"https://{spec.domain}"


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
