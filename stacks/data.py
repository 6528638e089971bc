"""What users and the hub keep: homes, their backups, secrets and the key to all of it."""

from aws_cdk import Duration
from aws_cdk import aws_backup as backup
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from charts.deployed_values import FileSystem
from slipway.model import EksSpec, Environment
from slipway.model.quantities import seconds
from stacks.long_lived import LongLivedStack
from stacks.network import NetworkStack

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
        self._backups(file_system, seconds(spec.storage.backup_retention))
        self.secrets = {
            name: self._secret(environment.name, name) for name in secret_names(environment)
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

    def _backups(self, file_system: efs.FileSystem, retention: int) -> None:
        vault = backup.BackupVault(self, "backups", encryption_key=self.key)
        plan = backup.BackupPlan(self, "backup-plan", backup_vault=vault)
        plan.add_rule(
            backup.BackupPlanRule(
                rule_name="daily",
                schedule_expression=events.Schedule.cron(hour="2", minute="0"),
                delete_after=Duration.seconds(retention),
            )
        )
        plan.add_selection(
            "homes", resources=[backup.BackupResource.from_efs_file_system(file_system)]
        )

    def _secret(self, environment: str, name: str) -> secretsmanager.Secret:
        """64 hexadecimal digits, made by Secrets Manager: no template ever holds them."""
        return secretsmanager.Secret(
            self,
            name,
            secret_name=f"slipway/{environment}/{name}",
            encryption_key=self.key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=64,
                exclude_uppercase=True,
                exclude_punctuation=True,
                exclude_characters="ghijklmnopqrstuvwxyz",
                require_each_included_type=False,
            ),
        )


def secret_names(environment: Environment) -> tuple[str, ...]:
    """The files the hub reads. What an identity provider issued replaces what is generated here."""
    own = ("proxy_auth_token", "cookie_secret")
    return own if environment.spec.auth.kind == "native" else (*own, "oauth_client_secret")
