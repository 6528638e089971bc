"""What GitHub's workflows may do: deploy, push and promote images, and show differences.

Long-lived: the role that recreates an environment must outlive it.
"""

from aws_cdk import Aws, CfnOutput
from aws_cdk import aws_iam as iam
from constructs import Construct

from slipway import facts
from slipway.model import Environment
from slipway.model.eks import GitHubActions
from stacks.constructs.long_lived_stack import LongLivedStack
from stacks.constructs.permissions import (
    PULL_ACTIONS,
    allow,
    allow_describing_stacks,
    repositories_arn,
)
from stacks.data import DataStack

GITHUB = "token.actions.githubusercontent.com"
PUSH_ACTIONS = (
    "ecr:CompleteLayerUpload",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)
BOOTSTRAP_ROLES = ("deploy", "file-publishing", "image-publishing", "lookup")
"""Of CDK's bootstrap: what an environment needs is their business, not the workflow's.
https://docs.aws.amazon.com/cdk/v2/guide/best-practices-security.html"""


class PipelineStack(LongLivedStack):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        github: GitHubActions,
        data: DataStack,
    ) -> None:
        super().__init__(scope, id, description="The role of GitHub's workflows.")
        spec = environment.eks_spec
        role = self._deploy_role(environment.name, github)
        allow(
            role,
            ["sts:AssumeRole"],
            *(facts.bootstrap_role_arn(r, spec.account, spec.region) for r in BOOTSTRAP_ROLES),
        )
        _allow_pushing(role, spec.account, spec.region)
        data.grant_read_records(role)
        data.grant_write_records(role)
        # The token of the hub's service `smoke`, whose rights end at its own users.
        data.grant_read_secrets(role, facts.SMOKE_TOKEN)
        allow_describing_stacks(role, environment)
        if spec.promotion.source:
            _allow_promoting_from(role, spec.promotion.source)
        CfnOutput(self, "DeployRole", value=role.role_arn)

    def _deploy_role(self, environment: str, github: GitHubActions) -> iam.Role:
        """https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws"""
        name = facts.deploy_role_name(environment)
        claims = {
            f"{GITHUB}:aud": "sts.amazonaws.com",
            f"{GITHUB}:sub": f"{github.subject}:environment:{environment}",
        }
        return iam.Role(
            self,
            name,
            role_name=name,
            assumed_by=iam.WebIdentityPrincipal(
                self._identity_provider(github), {"StringEquals": claims}
            ),
            description="Deploys, pushes and promotes images",
        )

    def _identity_provider(self, github: GitHubActions) -> str:
        """Its ARN. An account has one for all repositories."""
        if github.provider == "create":
            provider = iam.CfnOIDCProvider(
                self, "github", url=f"https://{GITHUB}", client_id_list=["sts.amazonaws.com"]
            )
            return provider.attr_arn
        return f"arn:aws:iam::{Aws.ACCOUNT_ID}:oidc-provider/{GITHUB}"


def _allow_pushing(role: iam.Role, account: str, region: str) -> None:
    allow(
        role,
        [*PULL_ACTIONS, *PUSH_ACTIONS],
        repositories_arn(account, region),
        wildcard_reason="the repositories are those of the catalog",
    )
    allow(
        role,
        ["ecr:GetAuthorizationToken"],
        "*",
        wildcard_reason="a login to ECR is for a whole registry",
    )


def _allow_promoting_from(role: iam.Role, account: str) -> None:
    """Pull images there, and take the role that looks at what runs there."""
    allow(
        role,
        PULL_ACTIONS,
        repositories_arn(account, "*"),
        wildcard_reason="the same in the account before this one",
    )
    allow(
        role,
        ["sts:AssumeRole"],
        f"arn:aws:iam::{account}:role/{facts.promotion_role_name('*')}",
        wildcard_reason="each environment there has a role of this name",
    )
