"""What a cluster's controllers and its hub do on AWS, for the emulated cluster.

A load balancer for an Ingress and a volume for a claim, both tagged as Auto Mode tags them. The
hub's `slipway-hub database` and `slipway-hub snapshot` are the genuine programs, so its database
travels to the bucket and back as it will on AWS.
"""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway_hub.database import newest_schema

from slipway import facts
from slipway.aws import cloudformation
from slipway.aws.account import AwsAccount
from slipway.rehearse.cluster import Object
from slipway.rehearse.sandbox import Sandbox

if TYPE_CHECKING:
    from types_boto3_ec2.type_defs import TagTypeDef
    from types_boto3_elbv2.type_defs import LoadBalancerTypeDef

USERS = ("ada", "grace", "katherine")
"""Who has logged in to every hub of a rehearsal."""
DATABASE = "jupyterhub.sqlite"


class Controllers:
    """`accounts` has the account of each cluster, by its id `account/region/name`."""

    def __init__(self, sandbox: Sandbox, accounts: Mapping[str, AwsAccount]) -> None:
        self._sandbox, self._accounts = sandbox, accounts
        self._settings: dict[str, Any] = {}
        self._snapshots: dict[str, str] = {}
        """The hub's settings and where its snapshots go, by cluster."""

    def changed(self, cluster: str, what: str, item: Object) -> None:
        """An object was `written` or `deleted`."""
        match item["kind"], item["metadata"]["name"], what:
            case "Ingress", name, "written":
                _create_load_balancer(self._accounts[cluster], f"k8s-{name}"[:32])
            case "Ingress", name, "deleted":
                _delete_load_balancer(self._accounts[cluster], f"k8s-{name}"[:32])
            case "PersistentVolumeClaim", facts.HUB_DATABASE, "written":
                _create_volume(self._accounts[cluster])
            case "PersistentVolumeClaim", facts.HUB_DATABASE, "deleted":
                shutil.rmtree(self._state(cluster), ignore_errors=True)
                _delete_volumes(self._accounts[cluster])
            case "ConfigMap", facts.HUB_SETTINGS, "written":
                self._settings[cluster] = json.loads(item["data"][facts.HUB_SETTINGS_FILE])
            case "Deployment", facts.HUB, "written":
                self._start_hub(cluster, item)

    def executed(self, cluster: str, command: list[str]) -> None:
        """`kubectl exec` in the hub's pod."""
        self._hub_program(cluster, *command[1:])

    def _start_hub(self, cluster: str, deployment: Object) -> None:
        """Its init container restores a lost database; without a snapshot, it gets a new one."""
        (hub,) = deployment["spec"]["template"]["spec"]["containers"]
        variables = {variable["name"]: variable.get("value") for variable in hub["env"]}
        self._snapshots[cluster] = variables["SLIPWAY_SNAPSHOTS"]
        state = self._state(cluster)
        state.mkdir(parents=True, exist_ok=True)
        self._hub_program(cluster, "database")
        if not (state / DATABASE).exists():
            _create_database(state / DATABASE)

    def _state(self, cluster: str) -> Path:
        return self._sandbox.folder / "volumes" / cluster

    def _hub_program(self, cluster: str, *arguments: str) -> None:
        """The genuine one, with its database in the emulated volume."""
        state = self._state(cluster)
        settings = state / facts.HUB_SETTINGS_FILE
        settings.write_text(json.dumps({**self._settings[cluster], "state": str(state)}))
        done = subprocess.run(
            [sys.executable, "-m", "slipway_hub.commands", *arguments],
            env={
                **self._accounts[cluster].variables,
                "SLIPWAY_HUB_SETTINGS": str(settings),
                "SLIPWAY_SNAPSHOTS": self._snapshots[cluster],
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{facts.HUB_PROGRAM} {' '.join(arguments)}: {done.stderr}")


def _tags(aws: AwsAccount) -> "list[TagTypeDef]":
    return [{"Key": facts.CLUSTER_TAG, "Value": aws.cluster}]


def _load_balancers(aws: AwsAccount, name: str) -> "list[LoadBalancerTypeDef]":
    balancers = aws.client("elbv2").describe_load_balancers()["LoadBalancers"]
    return [balancer for balancer in balancers if balancer["LoadBalancerName"] == name]


def _create_load_balancer(aws: AwsAccount, name: str) -> None:
    if _load_balancers(aws, name):
        return
    ec2 = aws.client("ec2")
    (vpc,) = cloudformation.physical_ids(aws, facts.NETWORK_STACK, "AWS::EC2::VPC")
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    group = ec2.create_security_group(
        GroupName=name,
        Description="load balancer",
        VpcId=vpc,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": _tags(aws)}],
    )
    aws.client("elbv2").create_load_balancer(
        Name=name,
        Subnets=[subnet["SubnetId"] for subnet in subnets[:2]],
        SecurityGroups=[group["GroupId"]],
        Tags=[{"Key": facts.CLUSTER_TAG, "Value": aws.cluster}],
    )


def _delete_load_balancer(aws: AwsAccount, name: str) -> None:
    for balancer in _load_balancers(aws, name):
        aws.client("elbv2").delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
        for group in balancer.get("SecurityGroups", []):
            aws.client("ec2").delete_security_group(GroupId=group)


def _volumes(aws: AwsAccount) -> list[str]:
    found = aws.client("ec2").describe_volumes(
        Filters=[{"Name": f"tag:{facts.CLUSTER_TAG}", "Values": [aws.cluster]}]
    )
    return [volume["VolumeId"] for volume in found["Volumes"]]


def _create_volume(aws: AwsAccount) -> None:
    if _volumes(aws):
        return
    aws.client("ec2").create_volume(
        AvailabilityZone=aws.spec.zones[0],
        Size=10,
        TagSpecifications=[{"ResourceType": "volume", "Tags": _tags(aws)}],
    )


def _delete_volumes(aws: AwsAccount) -> None:
    for volume in _volumes(aws):
        aws.client("ec2").delete_volume(VolumeId=volume)


def _create_database(file: Path) -> None:
    """The tables and rows that our programs read of a hub's database, and no more."""
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)")
        database.executemany("INSERT INTO users (name) VALUES (?)", [(name,) for name in USERS])
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        versions = [(version,) for version in newest_schema()]
        database.executemany("INSERT INTO alembic_version VALUES (?)", versions)
