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
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway_hub.database import newest_schema

from slipway import facts
from slipway.aws.account import AwsAccount
from slipway.rehearse.cluster import Object
from slipway.rehearse.sandbox import Sandbox

if TYPE_CHECKING:
    from types_boto3_ec2.type_defs import FilterTypeDef, TagTypeDef

USERS = ("ada", "grace", "katherine")
"""Who has logged in to every hub of a rehearsal."""
DATABASE = "jupyterhub.sqlite"


class Controllers:
    """`account_of` gives the account of a cluster, by its id `account/region/name`."""

    def __init__(self, sandbox: Sandbox, account_of: Callable[[str], AwsAccount]) -> None:
        self._sandbox, self._account_of = sandbox, account_of
        self._settings: dict[str, Any] = {}
        self._snapshots: dict[str, str] = {}
        """The hub's settings and where its snapshots go, by cluster."""

    def changed(self, cluster: str, what: str, item: Object) -> None:
        """An object was `written` or `deleted`."""
        match item["kind"], item["metadata"]["name"], what:
            case "Ingress", name, "written":
                self._create_load_balancer(cluster, _balancer_name(name))
            case "Ingress", name, "deleted":
                self._delete_load_balancer(cluster, _balancer_name(name))
            case "PersistentVolumeClaim", facts.HUB_DATABASE, _:
                self._volume(cluster, what)
            case "ConfigMap", facts.HUB_SETTINGS, "written":
                self._settings[cluster] = json.loads(item["data"][facts.HUB_SETTINGS_FILE])
            case "Deployment", facts.HUB, "written":
                self._start_hub(cluster, item)

    def executed(self, cluster: str, command: list[str]) -> None:
        """`kubectl exec` in the hub's pod."""
        self._hub_program(cluster, *command[1:])

    def _create_load_balancer(self, cluster: str, name: str) -> None:
        aws = self._account_of(cluster)
        elb, ec2 = aws.client("elbv2"), aws.client("ec2")
        balancers = elb.describe_load_balancers()["LoadBalancers"]
        if name in [one["LoadBalancerName"] for one in balancers]:
            return
        tags: list[TagTypeDef] = [{"Key": facts.CLUSTER_TAG, "Value": aws.cluster}]
        ours: list[FilterTypeDef] = [{"Name": f"tag:{facts.ENVIRONMENT_TAG}", "Values": [aws.name]}]
        (vpc,) = ec2.describe_vpcs(Filters=ours)["Vpcs"]
        inside: list[FilterTypeDef] = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
        subnets = ec2.describe_subnets(Filters=inside)["Subnets"]
        group = ec2.create_security_group(
            GroupName=name,
            Description="load balancer",
            VpcId=vpc["VpcId"],
            TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
        )
        elb.create_load_balancer(
            Name=name,
            Subnets=[subnet["SubnetId"] for subnet in subnets[:2]],
            SecurityGroups=[group["GroupId"]],
            Tags=[{"Key": facts.CLUSTER_TAG, "Value": aws.cluster}],
        )

    def _delete_load_balancer(self, cluster: str, name: str) -> None:
        aws = self._account_of(cluster)
        elb, ec2 = aws.client("elbv2"), aws.client("ec2")
        for one in elb.describe_load_balancers()["LoadBalancers"]:
            if one["LoadBalancerName"] == name:
                elb.delete_load_balancer(LoadBalancerArn=one["LoadBalancerArn"])
                for id in one.get("SecurityGroups", []):
                    ec2.delete_security_group(GroupId=id)

    def _volume(self, cluster: str, what: str) -> None:
        aws = self._account_of(cluster)
        ec2 = aws.client("ec2")
        tagged: list[FilterTypeDef] = [
            {"Name": f"tag:{facts.CLUSTER_TAG}", "Values": [aws.cluster]}
        ]
        found = ec2.describe_volumes(Filters=tagged)["Volumes"]
        if what == "written" and not found:
            tags: list[TagTypeDef] = [{"Key": facts.CLUSTER_TAG, "Value": aws.cluster}]
            ec2.create_volume(
                AvailabilityZone=aws.spec.zones[0],
                Size=10,
                TagSpecifications=[{"ResourceType": "volume", "Tags": tags}],
            )
        if what == "deleted":
            shutil.rmtree(self._state(cluster), ignore_errors=True)
            for volume in found:
                ec2.delete_volume(VolumeId=volume["VolumeId"])

    def _start_hub(self, cluster: str, deployment: Object) -> None:
        """Its init container restores a lost database; without a snapshot, it gets a new one."""
        (hub,) = deployment["spec"]["template"]["spec"]["containers"]
        variables = {one["name"]: one.get("value") for one in hub["env"]}
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
                **self._account_of(cluster).variables,
                "SLIPWAY_HUB_SETTINGS": str(settings),
                "SLIPWAY_SNAPSHOTS": self._snapshots[cluster],
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{facts.HUB_PROGRAM} {' '.join(arguments)}: {done.stderr}")


def _balancer_name(ingress: str) -> str:
    return f"k8s-{ingress}"[:32]


def _create_database(file: Path) -> None:
    """The tables and rows that our programs read of a hub's database, and no more."""
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)")
        database.executemany("INSERT INTO users (name) VALUES (?)", [(name,) for name in USERS])
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        versions = [(version,) for version in newest_schema()]
        database.executemany("INSERT INTO alembic_version VALUES (?)", versions)
