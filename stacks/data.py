"""What users and the hub keep: homes, backups, snapshots, secrets and the key to all of it."""

from aws_cdk import Duration
from aws_cdk import aws_backup as backup
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from charts.deployed_values import FileSystem
from charts.secret_names import secret_ids
from slipway.model import EksSpec, Environment
from slipway.model.quantities import seconds
from stacks.long_lived import LongLivedStack
from stacks.network import NetworkStack

DAY = 86_400
HOMES_UID = "1000"
"""The user of every notebook image: the access point makes all files theirs."""


class DataStack(LongLivedStack):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        spec: EksSpec,
        network: NetworkStack,
    ) -> None:
        super().__init__(scope, id, description="Users' files and secrets. Never deleted.")
        self.key = kms.Key(self, "key", enable_key_rotation=True)
        file_system = self._homes(network, spec.network.cidr)
        access_point = file_system.add_access_point(
            "homes",
            path="/homes",
            posix_user=efs.PosixUser(uid=HOMES_UID, gid=HOMES_UID),
            create_acl=efs.Acl(owner_uid=HOMES_UID, owner_gid=HOMES_UID, permissions="0770"),
        )
        self.homes = FileSystem(file_system.file_system_id, access_point.access_point_id)
        retention = Duration.days(max(1, seconds(spec.storage.backup_retention) // DAY))
        self._backups(file_system, retention)
        self.snapshots = self._snapshots(retention)
        self.secrets = {
            name: self._secret(name, stored_as)
            for name, stored_as in secret_ids(environment).items()
        }

    def _homes(self, network: NetworkStack, clients: str) -> efs.FileSystem:
        # By address, not by the cluster's security group: a rule of a long-lived stack that names
        # it would keep the cluster from being deleted.
        access = ec2.SecurityGroup(self, "homes-access", vpc=network.vpc, allow_all_outbound=False)
        access.add_ingress_rule(ec2.Peer.ipv4(clients), ec2.Port.tcp(2049), "NFS")
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
        )

    def _backups(self, file_system: efs.FileSystem, retention: Duration) -> None:
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

    def _snapshots(self, retention: Duration) -> s3.Bucket:
        """Of the hub's database. No snapshot expires by itself: after a long teardown the newest
        is the only one."""
        return s3.Bucket(
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

    def _secret(self, name: str, stored_as: str) -> secretsmanager.Secret:
        """64 hexadecimal digits, made by Secrets Manager: no template ever holds them. What an
        identity provider issued replaces them."""
        return secretsmanager.Secret(
            self,
            name,
            secret_name=stored_as,
            encryption_key=self.key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=64,
                exclude_uppercase=True,
                exclude_punctuation=True,
                exclude_characters="ghijklmnopqrstuvwxyz",
                require_each_included_type=False,
            ),
        )
