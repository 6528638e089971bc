"""Who may read and write records of smoke tests and promotions, and look at an environment from
the account that promotes from it."""

from aws_cdk import aws_iam as iam

from slipway.facts import RECORDS_PREFIX as PREFIX
from slipway.facts import SMOKE_TOKEN
from slipway.model import EksSpec, Environment
from stacks.acknowledgements import acknowledge, aws_writes_this_policy
from stacks.data import SNAPSHOTS_ARN, DataStack
from stacks.registry import NAMESPACE, PULL, promotion_role

LOOK = ("cloudformation:DescribeStacks", "cloudformation:ListStackResources")
DRIFT = (
    "cloudformation:DescribeStackResourceDrifts",
    "cloudformation:DetectStackDrift",
    "cloudformation:DetectStackResourceDrift",
)
SECURITY_AUDIT = "SecurityAudit"
"""Settings of every kind of resource and no content: CloudFormation compares them as who asks.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html"""


def may_read_records(
    role: iam.Role, data: DataStack, environment: Environment, spec: EksSpec
) -> None:
    bucket = data.snapshots.bucket_arn
    _allow(role, ["s3:GetObject"], f"{bucket}/{PREFIX}*")
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["s3:ListBucket"],
            resources=[bucket],
            conditions={"StringLike": {"s3:prefix": f"{PREFIX}*"}},
        )
    )
    _allow(role, ["kms:Decrypt"], data.key.key_arn)
    _allow(role, [*LOOK], _stacks(environment, spec))
    _known(role, data, environment, spec)


def may_keep_records(role: iam.Role, data: DataStack) -> None:
    """New ones: what is there is never written again."""
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["s3:PutObject"],
            resources=[f"{data.snapshots.bucket_arn}/{PREFIX}*"],
            conditions={"Null": {"s3:if-none-match": "false"}},
        )
    )
    _allow(role, ["kms:GenerateDataKey"], data.key.key_arn)


def may_smoke(role: iam.Role, data: DataStack) -> None:
    """Have the token of the hub's service `smoke`, whose rights end at its own users."""
    _allow(role, ["secretsmanager:GetSecretValue"], data.secrets[SMOKE_TOKEN].secret_arn)


def may_look_before_promoting(role: iam.Role, account: str) -> None:
    """Take the role below, in the account that releases come from."""
    arn = f"arn:aws:iam::{account}:role/{NAMESPACE}-*-promotion"
    _allow(role, ["sts:AssumeRole"], arn)
    acknowledge(role, f"IAM5[Resource::{arn}]", "each environment there has a role of this name")


def look_from_outside(data: DataStack, *, environment: Environment, spec: EksSpec) -> None:
    """A role for those who promote from here: it sees what runs, its records and its images."""
    accounts = spec.promotion.to
    who = {"ArnLike": {"aws:PrincipalArn": [promotion_role(account) for account in accounts]}}
    role = iam.Role(
        data,
        "promotion",
        role_name=f"{NAMESPACE}-{environment.name}-promotion",
        description="Looks at what runs here before it is promoted elsewhere",
        assumed_by=iam.CompositePrincipal(
            *(iam.PrincipalWithConditions(iam.AccountPrincipal(a), who) for a in accounts)
        ),
        managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(SECURITY_AUDIT)],
    )
    aws_writes_this_policy(role, SECURITY_AUDIT)
    may_read_records(role, data, environment, spec)
    _allow(role, [*DRIFT], _stacks(environment, spec))
    images = f"arn:aws:ecr:{spec.region}:{spec.account}:repository/{NAMESPACE}/*"
    _allow(role, [*PULL], images)
    acknowledge(role, f"IAM5[Resource::{images}]", "the repositories are those of the catalog")
    everything = [
        "cloudformation:DescribeStackDriftDetectionStatus",
        "ecr:GetAuthorizationToken",
    ]
    role.add_to_policy(iam.PolicyStatement(actions=everything, resources=["*"]))
    acknowledge(role, "IAM5[Resource::*]", "neither can be narrowed to a resource")


def _stacks(environment: Environment, spec: EksSpec) -> str:
    return f"arn:aws:cloudformation:{spec.region}:{spec.account}:stack/{environment.name}-*"


def _known(role: iam.Role, data: DataStack, environment: Environment, spec: EksSpec) -> None:
    acknowledge(
        role,
        f"IAM5[Resource::{_stacks(environment, spec)}]",
        "a stack's ARN ends with an id that nobody knows beforehand",
    )
    for bucket in ("<snapshots9436D703.Arn>", f"{data.stack_name}:{SNAPSHOTS_ARN}"):
        acknowledge(
            role,
            f"IAM5[Resource::{bucket}/{PREFIX}*]",
            "the records have a key each, below the one prefix",
        )


def _allow(role: iam.Role, actions: list[str], resource: str) -> None:
    role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
