"""Objects of custom resource kinds, for which cdk8s-plus has no types."""

from collections.abc import Mapping
from typing import Any

from cdk8s import ApiObject, ApiObjectMetadata, JsonPatch
from constructs import Construct

EKS = "eks.amazonaws.com"
KARPENTER = "karpenter.sh"


def custom_object(
    scope: Construct, id: str, *, group: str, kind: str, name: str, spec: Mapping[str, Any]
) -> None:
    """Add a cluster-wide object of `group`/v1 to `scope`."""
    item = ApiObject(
        scope, id, api_version=f"{group}/v1", kind=kind, metadata=ApiObjectMetadata(name=name)
    )
    item.add_json_patch(JsonPatch.add("/spec", spec))
