"""What a cluster's controllers and its hub do on AWS, for the stand-in of a cluster.

A load balancer for an Ingress, a volume for a claim, both tagged as Auto Mode tags them; and the
genuine `slipway-hub database` and `slipway-hub snapshot`, so that the hub's database travels to the
bucket and back as it will.
"""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from slipway_hub.database import newest_schema

from slipway.aws.account import AwsAccount
from slipway.operate.orphaned_resources import TAG
from slipway.rehearse.cluster import Object
from slipway.rehearse.sandbox import Sandbox

USERS = ("ada", "grace", "katherine")
"""Who has logged in to every hub of a rehearsal."""
DATABASE = "jupyterhub.sqlite"


class Controllers:
    """`account_of` gives an environment's account by its cluster's `account/region/name`."""

    def __init__(self, sandbox: Sandbox, account_of: Callable[[str], AwsAccount]) -> None:
        self._sandbox, self._account_of = sandbox, account_of
        self._settings: dict[str, Any] = {}

    def changed(self, cluster: str, what: str, item: Object) -> None:
        """An object was written or deleted."""
        act = {
            "Ingress": self._load_balancer,
            "PersistentVolumeClaim": self._volume,
            "ConfigMap": self._hub_settings,
            "Deployment": self._hub,
        }.get(item["kind"])
        if act:
            act(cluster, what, item)

    def executed(self, cluster: str, command: list[str]) -> None:
        """`kubectl exec` in the hub's pod."""
        self._hub_program(cluster, *command[1:])

    def _load_balancer(self, cluster: str, what: str, item: Object) -> None:
        aws = self._account_of(cluster)
        elb, ec2 = aws.client("elbv2"), aws.client("ec2")
        name = f"k8s-{item['metadata']['name']}"[:32]
        tags = [{"Key": TAG, "Value": aws.cluster}]
        balancers = elb.describe_load_balancers()["LoadBalancers"]
        there = [one for one in balancers if one["LoadBalancerName"] == name]
        if what == "written" and not there:
            (vpc,) = ec2.describe_vpcs(
                Filters=[{"Name": "tag:slipway:environment", "Values": [aws.name]}]
            )["Vpcs"]
            subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])
            group = ec2.create_security_group(
                GroupName=name,
                Description="load balancer",
                VpcId=vpc["VpcId"],
                TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
            )
            ids = [subnet["SubnetId"] for subnet in subnets["Subnets"]][:2]
            elb.create_load_balancer(
                Name=name, Subnets=ids, SecurityGroups=[group["GroupId"]], Tags=tags
            )
        if what == "deleted":
            for one in there:
                elb.delete_load_balancer(LoadBalancerArn=one["LoadBalancerArn"])
                for id in one.get("SecurityGroups", []):
                    ec2.delete_security_group(GroupId=id)

    def _volume(self, cluster: str, what: str, item: Object) -> None:
        if item["metadata"]["name"] != "hub-database":
            return
        aws = self._account_of(cluster)
        ec2 = aws.client("ec2")
        tags = [{"Key": TAG, "Value": aws.cluster}]
        found = ec2.describe_volumes(Filters=[{"Name": f"tag:{TAG}", "Values": [aws.cluster]}])
        if what == "written" and not found["Volumes"]:
            ec2.create_volume(
                AvailabilityZone=aws.spec.zones[0],
                Size=10,
                TagSpecifications=[{"ResourceType": "volume", "Tags": tags}],
            )
        if what == "deleted":
            shutil.rmtree(self._state(cluster), ignore_errors=True)
            for volume in found["Volumes"]:
                ec2.delete_volume(VolumeId=volume["VolumeId"])

    def _hub_settings(self, cluster: str, what: str, item: Object) -> None:
        if item["metadata"]["name"] == "hub-settings" and what == "written":
            self._settings[cluster] = json.loads(item["data"]["hub.json"])

    def _hub(self, cluster: str, what: str, item: Object) -> None:
        """A pod of the hub starts: its init container restores a database that is lost."""
        if item["metadata"]["name"] != "hub" or what != "written":
            return
        (hub,) = item["spec"]["template"]["spec"]["containers"]
        aws = next(one["value"] for one in hub["env"] if one["name"] == "SLIPWAY_SNAPSHOTS")
        self._settings.setdefault(cluster, {})["snapshots"] = aws
        state = self._state(cluster)
        state.mkdir(parents=True, exist_ok=True)
        self._hub_program(cluster, "database")
        if not (state / DATABASE).exists():
            _first_users(state / DATABASE)

    def _state(self, cluster: str) -> Path:
        return self._sandbox.folder / "volumes" / cluster

    def _hub_program(self, cluster: str, *arguments: str) -> None:
        """The genuine one, with its database in the stand-in's volume."""
        aws, settings = self._account_of(cluster), dict(self._settings[cluster])
        snapshots = settings.pop("snapshots")
        state = self._state(cluster)
        file = state / "hub.json"
        file.write_text(json.dumps({**settings, "state": str(state)}))
        done = subprocess.run(
            [sys.executable, "-m", "slipway_hub.commands", *arguments],
            env={
                **aws.variables,
                "SLIPWAY_HUB_SETTINGS": str(file),
                "SLIPWAY_SNAPSHOTS": snapshots,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"slipway-hub {' '.join(arguments)}: {done.stderr}")


def _first_users(database: Path) -> None:
    """A hub that has served some: what is asked of its database, and no more."""
    with closing(sqlite3.connect(database)) as hub, hub:
        hub.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)")
        hub.executemany("INSERT INTO users (name) VALUES (?)", [(name,) for name in USERS])
        hub.execute("CREATE TABLE alembic_version (version_num TEXT)")
        versions = [(version,) for version in newest_schema()]
        hub.executemany("INSERT INTO alembic_version VALUES (?)", versions)
