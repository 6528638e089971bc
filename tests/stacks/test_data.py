"""Users' files and secrets."""

import json
from typing import Any

from slipway.model.quantities import seconds
from tests.stacks.conftest import Assembly


def test_homes_are_encrypted_and_owned_by_the_images_user(assembly: Assembly) -> None:
    file_system = assembly.only("data", "AWS::EFS::FileSystem")
    assert file_system["Encrypted"] is True
    assert file_system["KmsKeyId"]
    homes = assembly.only("data", "AWS::EFS::AccessPoint")
    assert homes["PosixUser"] == {"Uid": "1000", "Gid": "1000"}
    assert homes["RootDirectory"]["CreationInfo"]["OwnerUid"] == "1000"


def test_homes_can_be_mounted_in_every_zone_and_from_the_vpc_alone(assembly: Assembly) -> None:
    spec: Any = assembly.environment.spec
    assert len(assembly.resources("data", "AWS::EFS::MountTarget")) == len(spec.zones)
    access = assembly.only("data", "AWS::EC2::SecurityGroup")
    (rule,) = access["SecurityGroupIngress"]
    assert (rule["CidrIp"], rule["FromPort"], rule["ToPort"]) == (spec.network.cidr, 2049, 2049)


def test_homes_are_backed_up_as_long_as_the_environment_says(assembly: Assembly) -> None:
    spec: Any = assembly.environment.spec
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
        for secret in ("proxy_auth_token", "cookie_secret", "oauth_client_secret")
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
    for resource in assembly.resources("data", "AWS::SecretsManager::Secret").values():
        how = resource["Properties"]["GenerateSecretString"]
        assert how["PasswordLength"] == 64
        assert how["ExcludeUppercase"] is how["ExcludePunctuation"] is True
        left = set("abcdefghijklmnopqrstuvwxyz0123456789") - set(how["ExcludeCharacters"])
        assert left == set("0123456789abcdef")


def test_the_hubs_pod_may_read_its_own_secrets_only(assembly: Assembly) -> None:
    policy = assembly.only("hub", "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    read = {s["Action"]: s["Resource"] for s in policy}
    assert set(read) == {"secretsmanager:GetSecretValue", "kms:Decrypt"}
    assert len(read["secretsmanager:GetSecretValue"]) == 3
    assert "*" not in json.dumps(policy)
    identity = assembly.only("hub", "AWS::EKS::PodIdentityAssociation")
    assert (identity["Namespace"], identity["ServiceAccount"]) == ("slipway", "hub")
