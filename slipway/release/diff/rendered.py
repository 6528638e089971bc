"""What an environment becomes: in this process, or by the code of another commit in one of its own.

`python -m slipway.release.diff.rendered FOLDER ENVIRONMENT` is the other end.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from slipway.model import Environment, load
from slipway.release.code import code_digest
from slipway.release.diff.changes import Things
from slipway.release.diff.cloudformation import objects_in, synthesized, without_objects
from slipway.release.diff.kubernetes import objects
from slipway.toolchain.node import use_pinned_node

PACKAGES = (".", "packages/hub", "packages/notebook", "packages/datapath")
"""Folders of the packages that render, below a Slipway's own."""


class CannotRender(Exception):  # noqa: N818 - as `CannotFreeze`
    """The other commit's code does not do what is asked of it."""


@dataclass(frozen=True)
class Rendered:
    """Kubernetes objects, and CloudFormation's resources without them."""

    kubernetes: Things
    cloudformation: Things

    @classmethod
    def of_resources(cls, resources: Things) -> Self:
        return cls(objects_in(resources), without_objects(resources))


NOTHING = Rendered({}, {})


def rendered(root: Path, environment: Environment | None) -> Rendered:
    """By the code at hand. Starts Node."""
    if environment is None or not environment.spec.has_cluster:
        return NOTHING
    use_pinned_node()
    if environment.spec.on_aws:
        return Rendered.of_resources(synthesized(root, environment))
    return Rendered(objects(environment), {})


class Elsewhere:
    """A commit's own code at work, beside this process."""

    def __init__(self, code: Path, name: str) -> None:
        path = os.pathsep.join(str(code / package) for package in PACKAGES)
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, code, name],
            cwd=code,
            env=os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def result(self) -> Rendered:
        """Waits for it. Raises CannotRender."""
        printed, said = self._process.communicate()
        if self._process.returncode != 0:
            last = said.strip().splitlines()[-1:] or ["it says nothing"]
            raise CannotRender(last[0])
        found = json.loads(printed)
        return Rendered(_things(found["kubernetes"]), _things(found["cloudformation"]))


def is_other_code(root: Path, code: Path) -> bool:
    return code_digest(code, code) != code_digest(root)


def _things(listed: list[Any]) -> Things:
    return {(place, kind, name): value for place, kind, name, value in listed}


def _main(folder: str, name: str) -> None:
    root = Path(folder)
    found = rendered(root, load(root, name).environment(name))
    parts = {"kubernetes": found.kubernetes, "cloudformation": found.cloudformation}
    print(json.dumps({part: [[*k, v] for k, v in one.items()] for part, one in parts.items()}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
