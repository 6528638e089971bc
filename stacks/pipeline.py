"""What GitHub's workflows of the default branch may do: deploy and promote, or push images.

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

AUDIENCE = "sts.amazonaws.com"
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
        super().__init__(scope, id, description="The roles of GitHub's workflows.")
        spec = environment.eks_spec
        provider = self._identity_provider(github)
        role = self._role(
            facts.deploy_role_name(environment.name),
            "Deploys, pushes and promotes images",
            iam.WebIdentityPrincipal(
                provider, _only(github, f"environment:{environment.name}", github.ref)
            ),
        )
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
        CfnOutput(self, "DeployRole", value=role.role_arn)
        if spec.promotion.source:
            # Its images come by promotion alone, after its reviewers said yes.
            _allow_promoting_from(role, spec.promotion.source)
            return
        pusher = self._role(
            facts.push_role_name(environment.name),
            "Pushes images",
            iam.WebIdentityPrincipal(provider, _only(github, f"ref:{github.ref}", github.ref)),
        )
        _allow_pushing(pusher, spec.account, spec.region)
        CfnOutput(self, "PushRole", value=pusher.role_arn)

    def _role(self, name: str, description: str, caller: iam.IPrincipal) -> iam.Role:
        return iam.Role(self, name, role_name=name, assumed_by=caller, description=description)

    def _identity_provider(self, github: GitHubActions) -> str:
        """Its ARN. An account has one for all repositories."""
        if github.provider == "create":
            provider = iam.CfnOIDCProvider(
                self, "github", url=f"https://{facts.GITHUB_TOKENS}", client_id_list=[AUDIENCE]
            )
            return provider.attr_arn
        return f"arn:aws:iam::{Aws.ACCOUNT_ID}:oidc-provider/{facts.GITHUB_TOKENS}"


def _only(github: GitHubActions, context: str, ref: str) -> dict[str, dict[str, str]]:
    """The condition that a token is of the repository, of a context such as `environment:dev`, and
    of a job whose run began on `ref`.

    The subject of a job in an environment does not name its branch, and an environment without a
    branch rule is open to every branch: so the branch is asked for by a claim of its own.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
    """
    claims = {"aud": AUDIENCE, "sub": f"{github.subject}:{context}", "ref": ref}
    return {
        "StringEquals": {f"{facts.GITHUB_TOKENS}:{claim}": value for claim, value in claims.items()}
    }


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
