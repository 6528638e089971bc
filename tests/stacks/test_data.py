"""Users' files and secrets."""

import json
from typing import Any

from aws_cdk.assertions import Match

from slipway.model.quantities import seconds
from tests.stacks.conftest import Assembly, listed


def test_homes_are_encrypted_and_owned_by_the_images_user(assembly: Assembly) -> None:
    data = assembly.template("data")
    data.all_resources_properties(
        "AWS::EFS::FileSystem", {"Encrypted": True, "KmsKeyId": Match.any_value()}
    )
    data.all_resources_properties(
        "AWS::EFS::AccessPoint",
        {
            "PosixUser": {"Uid": "1000", "Gid": "1000"},
            "RootDirectory": {"CreationInfo": {"OwnerUid": "1000"}},
        },
    )


def test_homes_can_be_mounted_in_every_zone_and_from_the_vpc_alone(assembly: Assembly) -> None:
    spec = assembly.environment.eks_spec
    assert len(assembly.resources("data", "AWS::EFS::MountTarget")) == len(spec.zones)
    access = assembly.only("data", "AWS::EC2::SecurityGroup")
    (rule,) = access["SecurityGroupIngress"]
    assert (rule["CidrIp"], rule["FromPort"], rule["ToPort"]) == (spec.network.cidr, 2049, 2049)


def test_homes_are_mounted_through_an_access_point_and_over_tls_or_not_at_all(
    assembly: Assembly,
) -> None:
    spec = assembly.environment.eks_spec
    policy = assembly.only("data", "AWS::EFS::FileSystem")["FileSystemPolicy"]
    (statement,) = policy["Statement"]
    assert set(statement["Action"]) == {
        *("elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"),
    }, "and never as root"
    assert statement["Condition"]["Bool"] == {
        "aws:SecureTransport": "true",
        "elasticfilesystem:AccessedViaMountTarget": "true",
    }
    points = f"arn:aws:elasticfilesystem:{spec.region}:{spec.account}:access-point/*"
    assert statement["Condition"]["ArnLike"] == {"elasticfilesystem:AccessPointArn": points}


def test_the_client_secret_can_be_filled_in_by_the_command_that_is_printed(
    assembly: Assembly,
) -> None:
    command = assembly.templates["data"]["Outputs"]["FillOauthClientSecret"]["Value"]
    name = assembly.environment.name
    assert f"--secret-id slipway/{name}/oauth_client_secret" in command
    assert "file:///dev/stdin" in command, "not on a command line, where history keeps it"


def test_homes_are_backed_up_as_long_as_the_environment_says(assembly: Assembly) -> None:
    spec = assembly.environment.eks_spec
    plan = assembly.only("data", "AWS::Backup::BackupPlan")["BackupPlan"]
    (rule,) = plan["BackupPlanRule"]
    days = seconds(spec.storage.backup_retention) / 86400
    assert rule["Lifecycle"]["DeleteAfterDays"] == days
    selection = assembly.only("data", "AWS::Backup::BackupSelection")["BackupSelection"]
    assert "filesystem" in json.dumps(selection["Resources"])


def test_secrets_are_made_by_secrets_manager_and_stand_in_no_template(assembly: Assembly) -> None:
    secrets = [
        r["Properties"] for r in assembly.resources("data", "AWS::SecretsManager::Secret").values()
    ]
    name = assembly.environment.name
    assert {s["Name"] for s in secrets} == {
        f"slipway/{name}/{secret}"
        for secret in ("proxy_auth_token", "cookie_secret", "smoke_token", "oauth_client_secret")
    }
    for secret in secrets:
        assert "GenerateSecretString" in secret
        assert "SecretString" not in secret
    everything = json.dumps(assembly.templates)
    assert "{{resolve:" not in everything
    assert '\\"kind\\":\\"Secret\\"' not in everything


def test_a_generated_secret_is_hexadecimal_as_the_hubs_cookie_secret_must_be(
    assembly: Assembly,
) -> None:
    secrets = assembly.resources("data", "AWS::SecretsManager::Secret")
    assert secrets
    for resource in secrets.values():
        how = resource["Properties"]["GenerateSecretString"]
        assert how["PasswordLength"] == 64
        assert how["ExcludeUppercase"] is how["ExcludePunctuation"] is True
        left = set("abcdefghijklmnopqrstuvwxyz0123456789") - set(how["ExcludeCharacters"])
        assert left == set("0123456789abcdef")


def test_snapshots_are_private_encrypted_and_kept_in_every_version(assembly: Assembly) -> None:
    data = assembly.template("data")
    by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": Match.any_value()}
    rule = {"ServerSideEncryptionByDefault": by_default, "BucketKeyEnabled": True}
    public = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    data.all_resources_properties(
        "AWS::S3::Bucket",
        {
            "VersioningConfiguration": {"Status": "Enabled"},
            "BucketEncryption": {"ServerSideEncryptionConfiguration": [rule]},
            "PublicAccessBlockConfiguration": dict.fromkeys(public, True),
        },
    )
    denied = assembly.only("data", "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    assert {"Bool": {"aws:SecureTransport": "false"}} in [s["Condition"] for s in denied]


def test_old_versions_of_snapshots_go_and_the_newest_snapshot_never_does(
    assembly: Assembly,
) -> None:
    bucket = assembly.only("data", "AWS::S3::Bucket")
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 35}
    assert not {"ExpirationInDays", "ExpirationDate"} & set(rule)


def statements(assembly: Assembly, role: str) -> dict[str, Any]:
    """What the pods of a service account may do, by action."""
    policies = assembly.resources("hub", "AWS::IAM::Policy").items()
    (policy,) = (r["Properties"] for i, r in policies if i.startswith(role))
    return {
        action: statement
        for statement in policy["PolicyDocument"]["Statement"]
        for action in listed(statement["Action"])
    }


def test_the_hubs_pod_may_read_its_secrets_and_keep_its_snapshots(assembly: Assembly) -> None:
    may = statements(assembly, "hubrole")
    assert set(may) == {
        *("secretsmanager:GetSecretValue", "kms:Decrypt", "kms:GenerateDataKey"),
        *("s3:GetObject", "s3:PutObject", "s3:ListBucket"),
    }
    assert len(may["secretsmanager:GetSecretValue"]["Resource"]) == 4
    assert "/hub-database/*" in json.dumps(may["s3:PutObject"]["Resource"])
    assert may["s3:ListBucket"]["Condition"] == {"StringLike": {"s3:prefix": "hub-database/*"}}


def test_the_proxys_pod_may_read_its_token_and_nothing_else(assembly: Assembly) -> None:
    may = statements(assembly, "proxyrole")
    assert set(may) == {"secretsmanager:GetSecretValue", "kms:Decrypt"}
    assert "proxyauthtoken" in json.dumps(may["secretsmanager:GetSecretValue"]["Resource"])


def test_no_pods_rights_are_for_everything(assembly: Assembly) -> None:
    policies = assembly.resources("hub", "AWS::IAM::Policy")
    assert len(policies) > 1
    for policy in policies.values():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            assert statement["Resource"] != "*"
            assert "*" not in listed(statement["Action"])


def test_identities_are_given_to_the_service_accounts_of_the_chart(assembly: Assembly) -> None:
    identities = assembly.resources("hub", "AWS::EKS::PodIdentityAssociation").values()
    given = {(i["Properties"]["Namespace"], i["Properties"]["ServiceAccount"]) for i in identities}
    assert given == {("slipway", "hub"), ("slipway", "proxy")}
