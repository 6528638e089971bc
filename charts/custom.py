"""Objects of kinds that only EKS Auto Mode knows, and so no typed library."""

from collections.abc import Mapping
from typing import Any

from cdk8s import ApiObject, ApiObjectMetadata, JsonPatch
from constructs import Construct

EKS = "eks.amazonaws.com"
KARPENTER = "karpenter.sh"


def custom_object(
    scope: Construct, id: str, *, group: str, kind: str, name: str, spec: Mapping[str, Any]
) -> None:
    made = ApiObject(
        scope, id, api_version=f"{group}/v1", kind=kind, metadata=ApiObjectMetadata(name=name)
    )
    made.add_json_patch(JsonPatch.add("/spec", spec))
