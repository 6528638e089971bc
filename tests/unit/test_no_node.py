"""Commands that operate an environment draw nothing: they start no Node and import no jsii."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.local import ROOT

COMMAND = """
import sys
from botocore.client import BaseClient
from botocore.exceptions import ClientError

def answer(client, operation, parameters):
    "An account with nothing in it."
    if operation == "GetCallerIdentity":
        return {"Account": "111122223333"}
    shape = client.meta.service_model.operation_model(operation).output_shape
    members = shape.members.items() if shape else ()
    if operation in ("DescribeStacks", "GetHostedZone") or not any(
        member.type_name == "list" for _, member in members
    ):
        error = {"Code": "NotFoundException", "Message": "does not exist"}
        raise ClientError({"Error": error}, operation)
    return {name: [] for name, member in members if member.type_name == "list"}

BaseClient._make_api_call = answer
from slipway.cli import main
try:
    main()
except SystemExit as end:
    print(end.code)
loaded = {name.partition(".")[0] for name in sys.modules}
print(*loaded & {"jsii", "aws_cdk", "cdk8s", "constructs"})
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("teardown", "dev", "--yes"),
        ("teardown", "dev", "--dry-run"),
        ("recreate", "dev"),  # as far as to the data, which is not there: a deploy needs Node
        ("doctor", "dev"),
        ("status",),
    ],
)
def test_no_node_is_started_and_no_jsii_imported(tmp_path: Path, arguments: tuple[str, ...]):
    started = tmp_path / "started"
    node = tmp_path / "node"
    node.write_text(f"#!/bin/sh\ntouch {started}\nexit 1\n")
    node.chmod(0o755)
    nobody = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments, "--json", f"--project={ROOT}"],
        env={
            **{name: value for name, value in os.environ.items() if "AWS_" not in name},
            **nobody,
            "JSII_NODE": str(node),
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer, *_, code, imported = done.stdout.split("\n")[:-1]
    assert answer.startswith("{"), done.stdout + done.stderr
    assert code in ("0", "1"), done.stderr
    assert imported == ""
    assert not started.exists()
