"""What GitHub's workflows may do here: deploy, push and promote images, and show differences.

Long-lived: the role that recreates an environment must outlive it.
"""

from aws_cdk import Aws, CfnOutput
from aws_cdk import aws_iam as iam
from constructs import Construct

from slipway.model import EksSpec, Environment
from slipway.model.eks import GitHubActions
from stacks.acknowledgements import acknowledge
from stacks.data import DataStack
from stacks.long_lived import LongLivedStack
from stacks.promotion import (
    may_keep_records,
    may_look_before_promoting,
    may_read_records,
    may_smoke,
)
from stacks.registry import NAMESPACE, PULL

GITHUB = "token.actions.githubusercontent.com"
PUSH = (
    "ecr:CompleteLayerUpload",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)
DEPLOYS = ("deploy", "file-publishing", "image-publishing", "lookup")
"""CDK's bootstrap roles: what an environment needs is their business, not the workflow's.
https://docs.aws.amazon.com/cdk/v2/guide/best-practices-security.html"""


class PipelineStack(LongLivedStack):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        spec: EksSpec,
        github: GitHubActions,
        data: DataStack,
    ) -> None:
        super().__init__(scope, id, description="The role of GitHub's workflows.")
        self._provider = self._identity_provider(github)
        name = environment.name
        deploy = self._role(
            f"{NAMESPACE}-{name}-deploy",
            who=f"{github.subject}:environment:{name}",
            description="Deploys, pushes and promotes images",
        )
        _may_take_bootstrap_roles(deploy, spec)
        _may_push(deploy, spec)
        may_read_records(deploy, data, environment, spec)
        may_keep_records(deploy, data)
        may_smoke(deploy, data)
        if spec.promotion.source:
            may_look_before_promoting(deploy, spec.promotion.source)
        CfnOutput(self, "DeployRole", value=deploy.role_arn)

    def _identity_provider(self, github: GitHubActions) -> str:
        """Its ARN. An account has one for all repositories."""
        if github.provider == "create":
            provider = iam.CfnOIDCProvider(
                self, "github", url=f"https://{GITHUB}", client_id_list=["sts.amazonaws.com"]
            )
            return provider.attr_arn
        return f"arn:aws:iam::{Aws.ACCOUNT_ID}:oidc-provider/{GITHUB}"

    def _role(self, name: str, *, who: str, description: str) -> iam.Role:
        """https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws"""
        caller = iam.WebIdentityPrincipal(
            self._provider,
            {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com", f"{GITHUB}:sub": who}},
        )
        return iam.Role(self, name, role_name=name, assumed_by=caller, description=description)


def _may_take_bootstrap_roles(role: iam.Role, spec: EksSpec) -> None:
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["sts:AssumeRole"],
            resources=[
                f"arn:aws:iam::{spec.account}:role/"
                f"cdk-hnb659fds-{one}-role-{spec.account}-{spec.region}"
                for one in DEPLOYS
            ],
        )
    )


def _may_push(role: iam.Role, spec: EksSpec) -> None:
    """Here, and pull from where releases are promoted from."""
    own = f"arn:aws:ecr:{spec.region}:{spec.account}:repository/{NAMESPACE}/*"
    role.add_to_policy(iam.PolicyStatement(actions=[*PULL, *PUSH], resources=[own]))
    acknowledge(role, f"IAM5[Resource::{own}]", "the repositories are those of the catalog")
    if spec.promotion.source:
        source = f"arn:aws:ecr:*:{spec.promotion.source}:repository/{NAMESPACE}/*"
        role.add_to_policy(iam.PolicyStatement(actions=list(PULL), resources=[source]))
        acknowledge(role, f"IAM5[Resource::{source}]", "the same in the account before this one")
    role.add_to_policy(iam.PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"]))
    acknowledge(role, "IAM5[Resource::*]", "a login to ECR is for a whole registry")
