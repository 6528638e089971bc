"""What users and the hub keep: homes, backups, snapshots, secrets and the key to all of it."""

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_backup as backup
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from charts.aws_values import FileSystem
from slipway import facts
from slipway.model import EksSpec, Environment
from slipway.model.quantities import seconds
from stacks.constructs.acknowledgements import acknowledge, acknowledge_managed_policies
from stacks.constructs.long_lived_stack import LongLivedStack
from stacks.constructs.permissions import allow
from stacks.constructs.promotion_role import PromotionRole
from stacks.network import NetworkStack

DAY = 86_400
HOMES_UID = str(facts.USER_ID)
"""The user of every notebook image: the access point makes all files theirs."""
BUCKET_ARN = "snapshots9436D703.Arn"
BUCKET_ARN_EXPORT = "ExportsOutputFnGetAttsnapshots9436D703Arn8D000B03"
"""What CDK calls the bucket's ARN here and in other stacks; only to name findings."""


class DataStack(LongLivedStack):
    """What others need of it:

    - `homes`: the file system of users' homes and its access point; `vault`: where it is backed up
    - `snapshots`: the bucket of the hub's database, and of records of smoke tests and promotions
    - `secrets`: in Secrets Manager, by the file that the hub or its proxy reads
    - `key`: encrypts all of it
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        network: NetworkStack,
    ) -> None:
        super().__init__(scope, id, description="Users' files and secrets. Never deleted.")
        spec = environment.eks_spec
        self.key = kms.Key(self, "key", enable_key_rotation=True)
        file_system = self._homes(network, spec)
        access_point = file_system.add_access_point(
            "homes",
            path="/homes",
            posix_user=efs.PosixUser(uid=HOMES_UID, gid=HOMES_UID),
            create_acl=efs.Acl(owner_uid=HOMES_UID, owner_gid=HOMES_UID, permissions="0770"),
        )
        self.homes = FileSystem(file_system.file_system_id, access_point.access_point_id)
        retention = Duration.days(max(1, seconds(spec.storage.backup_retention) // DAY))
        self.vault = self._backups(file_system, retention)
        self.snapshots = self._snapshots(retention)
        names = environment.secret_ids
        self.secrets = {file: self._secret(file, name) for file, name in names.items()}
        if facts.OAUTH_CLIENT_SECRET in names:
            self._add_fill_command(names[facts.OAUTH_CLIENT_SECRET], spec.region)
        if spec.promotion.to:
            self.grant_read_records(PromotionRole(self, "promotion", environment=environment))

    def grant_read_records(self, role: iam.Role) -> None:
        """Let a role read the records of smoke tests and promotions."""
        self._grant_objects(role, facts.RECORDS_PREFIX, ["s3:GetObject"])
        allow(role, ["kms:Decrypt"], self.key.key_arn)

    def grant_write_records(self, role: iam.Role) -> None:
        """Let a role add records: one that exists is never written again."""
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:PutObject"],
                resources=[f"{self.snapshots.bucket_arn}/{facts.RECORDS_PREFIX}*"],
                conditions={"Null": {"s3:if-none-match": "false"}},
            )
        )
        allow(role, ["kms:GenerateDataKey"], self.key.key_arn)

    def grant_snapshots(self, role: iam.Role) -> None:
        """Let a role save and restore the hub's database."""
        self._grant_objects(role, facts.SNAPSHOTS_PREFIX, ["s3:GetObject", "s3:PutObject"])
        allow(role, ["kms:GenerateDataKey"], self.key.key_arn)

    def grant_read_secrets(self, role: iam.Role, *files: str) -> None:
        """Let a role read the secrets that these files are written from.

        Not `Secret.grant_read`: it would write the role into the key's policy, and a long-lived
        stack must not know a disposable one.
        """
        arns = [self.secrets[file].secret_arn for file in files]
        allow(role, ["secretsmanager:GetSecretValue"], *arns)
        allow(role, ["kms:Decrypt"], self.key.key_arn)

    def _grant_objects(self, role: iam.Role, prefix: str, actions: list[str]) -> None:
        bucket = self.snapshots.bucket_arn
        allow(role, actions, f"{bucket}/{prefix}*")
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[bucket],
                conditions={"StringLike": {"s3:prefix": f"{prefix}*"}},
            )
        )
        for arn in (f"<{BUCKET_ARN}>", f"{self.stack_name}:{BUCKET_ARN_EXPORT}"):
            acknowledge(
                role, f"IAM5[Resource::{arn}/{prefix}*]", "objects have a key each, below a prefix"
            )

    def _homes(self, network: NetworkStack, spec: EksSpec) -> efs.FileSystem:
        # By address, not by the cluster's security group: a rule of a long-lived stack that names
        # it would keep the cluster from being deleted.
        access = ec2.SecurityGroup(self, "homes-access", vpc=network.vpc, allow_all_outbound=False)
        access.add_ingress_rule(ec2.Peer.ipv4(spec.network.cidr), ec2.Port.tcp(2049), "NFS")
        return efs.FileSystem(
            self,
            "file-system",
            vpc=network.vpc,
            vpc_subnets=network.private,
            security_group=access,
            encrypted=True,
            kms_key=self.key,
            throughput_mode=efs.ThroughputMode.ELASTIC,
            lifecycle_policy=efs.LifecyclePolicy.AFTER_30_DAYS,
            out_of_infrequent_access_policy=efs.OutOfInfrequentAccessPolicy.AFTER_1_ACCESS,
            file_system_policy=self._through_an_access_point(spec),
            # The policy says it all: CDK would add to it for everybody.
            allow_anonymous_access=True,
        )

    def _through_an_access_point(self, spec: EksSpec) -> iam.PolicyDocument:
        """Nobody mounts the root of the file system, or mounts without TLS.

        Clients are anonymous: the driver mounts for all pods alike. The access point's own ARN
        cannot stand here, as it is made after its file system.
        https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html
        """
        points = f"arn:aws:elasticfilesystem:{spec.region}:{spec.account}:access-point/*"
        mounting = iam.PolicyStatement(
            principals=[iam.AnyPrincipal()],
            actions=["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
            conditions={
                "Bool": {
                    "aws:SecureTransport": "true",
                    "elasticfilesystem:AccessedViaMountTarget": "true",
                },
                "ArnLike": {"elasticfilesystem:AccessPointArn": points},
            },
        )
        return iam.PolicyDocument(statements=[mounting])

    def _backups(self, file_system: efs.FileSystem, retention: Duration) -> backup.BackupVault:
        vault = backup.BackupVault(self, "backups", encryption_key=self.key)
        plan = backup.BackupPlan(self, "backup-plan", backup_vault=vault)
        plan.add_rule(
            backup.BackupPlanRule(
                rule_name="daily",
                schedule_expression=events.Schedule.cron(hour="2", minute="0"),
                delete_after=retention,
            )
        )
        plan.add_selection(
            "homes", resources=[backup.BackupResource.from_efs_file_system(file_system)]
        )
        acknowledge_managed_policies(plan, "service-role/AWSBackupServiceRolePolicyForBackup")
        return vault

    def _snapshots(self, retention: Duration) -> s3.Bucket:
        """Of the hub's database. No snapshot expires by itself: after a long teardown the newest
        is the only one."""
        bucket = s3.Bucket(
            self,
            "snapshots",
            versioned=True,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[
                s3.LifecycleRule(
                    noncurrent_version_expiration=retention,
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                )
            ],
        )
        acknowledge(
            bucket, "S1", "only the hub's role reaches it; CloudTrail records who else tries"
        )
        return bucket

    def _secret(self, file: str, name: str) -> secretsmanager.Secret:
        """64 hexadecimal digits, made by Secrets Manager: no template ever holds them. What an
        identity provider issued replaces them."""
        secret = secretsmanager.Secret(
            self,
            file,
            secret_name=name,
            encryption_key=self.key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=64,
                exclude_uppercase=True,
                exclude_punctuation=True,
                exclude_characters="ghijklmnopqrstuvwxyz",
                require_each_included_type=False,
            ),
        )
        acknowledge(
            secret,
            "SMG4",
            "a new one logs every user out, or is the identity provider's to issue: docs/aws.md",
        )
        return secret

    def _add_fill_command(self, secret_name: str, region: str) -> None:
        CfnOutput(
            self,
            "FillOauthClientSecret",
            description="Run once, type what your identity provider issued, end with Ctrl-D",
            value=f"aws secretsmanager put-secret-value --region {region} "
            f"--secret-id {secret_name} --secret-string file:///dev/stdin",
        )
