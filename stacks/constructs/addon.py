"""An EKS add-on, in the version that a release pins."""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.acknowledgements import acknowledge_managed_policies
from stacks.constructs.permissions import PodRole


class Addon(Construct):
    """An add-on with the roles of its service accounts.

    `versions` is by add-on name; one that it lacks comes in EKS's default version.
    `roles` are AWS's managed policies by the service account that needs them. A pod identity
    association beside the add-on would be a second one, which EKS refuses:
    https://github.com/aws/aws-cdk/issues/31522
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        addon: str,
        cluster: str,
        versions: Mapping[str, str],
        roles: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__(scope, id)
        eks.CfnAddon(
            self,
            "addon",
            addon_name=addon,
            addon_version=versions.get(addon),
            cluster_name=cluster,
            # What an earlier deploy left half made is no reason to fail.
            resolve_conflicts="OVERWRITE",
            pod_identity_associations=[
                eks.CfnAddon.PodIdentityAssociationProperty(
                    service_account=account, role_arn=self._role(account, policies).role_arn
                )
                for account, policies in (roles or {}).items()
            ]
            or None,
        )

    def _role(self, account: str, policies: Sequence[str]) -> iam.Role:
        role = PodRole(self, f"{account}-role")
        for policy in policies:
            role.add_managed_policy(iam.ManagedPolicy.from_aws_managed_policy_name(policy))
        acknowledge_managed_policies(role, *policies)
        return role
