"""A synthesis without jsii's check of Python's types."""

import os
import subprocess
import sys

import pytest

from slipway.toolchain.node import node_environment

MISTAKE = """
import sys
{first}
from aws_cdk import App, CfnOutput, Stack
try:
    CfnOutput(Stack(App(), "stack"), "output", value=["no text"])
except Exception as error:
    print(type(error).__name__, "typeguard" in sys.modules)
"""
TRUST = "from slipway.toolchain.unchecked import trust_types; trust_types()"


@pytest.mark.parametrize(
    ("first", "told"),
    [
        pytest.param("", "TypeError True", id="jsii compares in Python"),
        pytest.param(TRUST, "RuntimeError False", id="Node compares alone"),
    ],
)
def test_a_wrong_type_is_refused_with_and_without_the_check(first: str, told: str):
    done = subprocess.run(
        [sys.executable, "-c", MISTAKE.format(first=first)],
        env={**os.environ, **node_environment()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == told
