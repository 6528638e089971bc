"""ministack with what our stacks need beside it. Run by the Python of ministack's own environment:
nothing of Slipway can be imported here.

Added: resource types it does not know, clusters whose Kubernetes API is the one we name, their
deletion protection, scans that find nothing, and a repository that exists already fails, as on AWS.
A type that neither knows is refused with its name.
"""

import json
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core.responses import (
    error_response_json,
    get_account_id,
    get_region,
    json_response,
)
from ministack.services import ecr, eks
from ministack.services.cloudformation import provisioners

KUBERNETES_URL = os.environ["SLIPWAY_KUBERNETES_URL"]
KUBERNETES_CA = os.environ["SLIPWAY_KUBERNETES_CA"]
LONGEST_WAIT = os.environ["SLIPWAY_LONGEST_WAIT"]
"""Seconds a deploy waits for an object's value: a failed roll-out shall not take ten minutes."""

RECORDED = {
    "AWS::Backup::BackupSelection": "selection-",
    "AWS::Budgets::Budget": "budget-",
    "AWS::EC2::EIP": "eipalloc-",
    "AWS::EC2::FlowLog": "fl-",
    "AWS::EC2::NatGateway": "nat-",
    "AWS::EC2::SecurityGroupEgress": "sgr-",
    "AWS::EC2::SecurityGroupIngress": "sgr-",
    "AWS::IAM::OIDCProvider": "arn:aws:iam::{account}:oidc-provider/",
}
"""Types of which nothing is asked but that they are there: how their ids begin."""

Properties = dict[str, Any]
Answer = tuple[str, Properties]
"""A resource's physical id, and its attributes."""
handlers = provisioners._RESOURCE_HANDLERS
attributes: dict[str, Properties] = {}
"""Of the resources that are created here, by id."""


def handler(
    create: Callable[[Properties], Answer], delete: Callable[[str, Properties], object]
) -> Properties:
    """An update changes nothing that anybody asks for."""

    def created(logical_id: str, props: Properties, stack: str) -> Answer:
        id, attributes[id] = create(props)
        return id, attributes[id]

    def updated(id: str, old: Properties, new: Properties, stack: str) -> Answer:
        return id, attributes.get(id, {})

    return {"create": created, "update": updated, "delete": delete}


def recorded(start: str) -> Properties:
    """A resource of which only its existence is asked."""

    def create(props: Properties) -> Answer:
        id = start.format(account=get_account_id()) + uuid.uuid4().hex[:17]
        names = ("Id", "AllocationId", "NatGatewayId", "SelectionId", "Arn")
        return id, {**dict.fromkeys(names, id), "PublicIp": "192.0.2.1"}

    return handler(create, lambda id, props: None)


def body_of(response: Any) -> Properties:
    status, _, body = response
    content: Properties = json.loads(body)
    if status >= 400:
        raise ValueError(content.get("message") or str(content))
    return content


def in_cluster(props: Properties) -> Properties:
    """The body of a call about something in a cluster, as EKS's API writes it."""
    kept = {k: v for k, v in props.items() if k not in ("ClusterName", "Tags")}
    body: Properties = provisioners._pascal_to_camel(kept)
    return body


def create_addon(props: Properties) -> Answer:
    made = body_of(eks._create_addon(props["ClusterName"], in_cluster(props)))["addon"]
    return f"{props['ClusterName']}|{props['AddonName']}", {"Arn": made["addonArn"]}


def create_access_entry(props: Properties) -> Answer:
    kept = {k: v for k, v in props.items() if k in ("PrincipalArn", "Type")}
    response = eks._create_access_entry(props["ClusterName"], in_cluster(kept))
    made = body_of(response)["accessEntry"]
    return f"{props['ClusterName']}|{props['PrincipalArn']}", {
        "AccessEntryArn": made["accessEntryArn"]
    }


def create_pod_identity(props: Properties) -> Answer:
    response = eks._create_pod_identity_association(props["ClusterName"], in_cluster(props))
    made = body_of(response)["association"]
    return made["associationArn"], {"AssociationId": made["associationId"]}


def delete_pod_identity(id: str, props: Properties) -> None:
    eks._delete_pod_identity_association(props["ClusterName"], id.rpartition("/")[2])


def cluster_in_ours() -> None:
    """A cluster's Kubernetes API is a folder of the one that we name, and it may be protected."""
    create = handlers["AWS::EKS::Cluster"]["create"]
    remove, handle = eks._delete_cluster, eks._handle_request_sync

    def created(logical_id: str, props: Properties, stack: str) -> Answer:
        name, _ = create(logical_id, props, stack)
        cluster = eks._clusters[name]
        cluster["endpoint"] = f"{KUBERNETES_URL}/{get_account_id()}/{get_region()}/{name}"
        cluster["certificateAuthority"] = {"data": KUBERNETES_CA}
        cluster["deletionProtection"] = str(props.get("DeletionProtection")).lower() == "true"
        return name, provisioners._eks_cluster_attrs(cluster)

    def deleted(name: str) -> Any:
        if eks._clusters.get(name, {}).get("deletionProtection"):
            return eks._error(400, "InvalidRequestException", f"{name} has deletion protection")
        return remove(name)

    def requested(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        if method == "POST" and path.endswith("/update-config"):
            cluster = eks._clusters.get(path.split("/")[2])
            if cluster:
                cluster.update(json.loads(body))
                return eks._json_resp(
                    200, {"update": {"id": str(uuid.uuid4()), "status": "Successful"}}
                )
        return handle(method, path, headers, body, query)

    eks._delete_cluster, eks._handle_request_sync = deleted, requested
    handlers["AWS::EKS::Cluster"]["create"] = created
    handlers["AWS::EKS::Cluster"]["delete"] = lambda id, props: _unless_gone(deleted(id))


def _unless_gone(response: Any) -> None:
    if response[0] != 404:
        body_of(response)


def repositories_that_exist_fail() -> None:
    create = handlers["AWS::ECR::Repository"]["create"]

    def created(logical_id: str, props: dict[str, Any], stack: str) -> Any:
        if props.get("RepositoryName") in ecr._repositories:
            raise ValueError(f"{props['RepositoryName']} already exists")
        return create(logical_id, props, stack)

    handlers["AWS::ECR::Repository"]["create"] = created


def scans_find_nothing() -> None:
    """An image in a repository that scans what is pushed was scanned, as far as we can tell."""
    handle = ecr.handle_request

    async def requested(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        if not headers.get("x-amz-target", "").endswith(".DescribeImageScanFindings"):
            return await handle(method, path, headers, body, query)
        request = json.loads(body)
        name, image = request["repositoryName"], request["imageId"]
        scans = ecr._repositories.get(name, {}).get("imageScanningConfiguration", {})
        if not (scans.get("scanOnPush") and ecr._find_image(name, image)):
            return error_response_json(
                "ScanNotFoundException", f"no scan of {image} in {name}", 400
            )
        return json_response(
            {
                "registryId": get_account_id(),
                "repositoryName": name,
                "imageId": image,
                "imageScanStatus": {"status": "COMPLETE"},
                "imageScanFindings": {"findings": [], "findingSeverityCounts": {}},
            }
        )

    ecr.handle_request = requested


def waits_are_short() -> None:
    from ministack.services.cloudformation import custom_resource

    invoke = custom_resource.invoke_custom_resource

    def invoked(
        request: str, logical_id: str, props: dict[str, Any], *rest: Any, **more: Any
    ) -> Any:
        if "TimeoutSeconds" in props and "JsonPath" in props:
            props = {**props, "TimeoutSeconds": LONGEST_WAIT}
        return invoke(request, logical_id, props, *rest, **more)

    custom_resource.invoke_custom_resource = invoked


def ends_with(parent: int) -> None:
    """With whoever started us, even if it was killed: nothing stays running."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


for kind, start in RECORDED.items():
    handlers.setdefault(kind, recorded(start))
handlers["AWS::EKS::Addon"] = handler(
    create_addon, lambda id, props: eks._delete_addon(*id.split("|"))
)
handlers["AWS::EKS::AccessEntry"] = handler(
    create_access_entry, lambda id, props: eks._delete_access_entry(*id.split("|"))
)
handlers["AWS::EKS::PodIdentityAssociation"] = handler(create_pod_identity, delete_pod_identity)
eks._VALID_ACCESS_ENTRY_TYPES = {*eks._VALID_ACCESS_ENTRY_TYPES, "EC2"}  # of Auto Mode
cluster_in_ours()
repositories_that_exist_fail()
scans_find_nothing()
waits_are_short()

if __name__ == "__main__":
    ends_with(int(os.environ["SLIPWAY_PARENT"]))
    app.main()
