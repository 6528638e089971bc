"""An environment rendered, in this process or by the code of another commit in one of its own.

`python -m slipway.release.diff.rendered FOLDER ENVIRONMENT` is that other process.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from slipway.installation import INSTALLATION
from slipway.model import Environment, load
from slipway.release.diff.changes import Objects
from slipway.release.diff.cloudformation import objects_in, synthesized, without_objects
from slipway.release.diff.kubernetes import objects
from slipway.toolchain.node import use_pinned_node

PACKAGES = (".", "packages/hub", "packages/notebook", "packages/datapath")
"""Folders of the Python packages that render, below a Slipway's own."""


class CannotRender(Exception):  # noqa: N818 - as `CannotFreeze`
    """The other commit's code does not render the environment; the message is its last line."""


@dataclass(frozen=True)
class RenderedEnvironment:
    """Kubernetes objects, and CloudFormation's resources without them."""

    kubernetes: Objects
    cloudformation: Objects

    @classmethod
    def of_resources(cls, resources: Objects) -> Self:
        return cls(objects_in(resources), without_objects(resources))


def rendered(root: Path, environment: Environment | None) -> RenderedEnvironment:
    """By the code at hand. Starts Node."""
    if environment is None or not environment.spec.has_cluster:
        return RenderedEnvironment({}, {})
    use_pinned_node()
    if environment.spec.on_aws:
        return RenderedEnvironment.of_resources(synthesized(root, environment))
    return RenderedEnvironment(objects(environment), {})


class RenderProcess:
    """The code of the commit in `folder`, a project, at work beside this process."""

    def __init__(self, root: Path, folder: Path, name: str) -> None:
        # The commit's Slipway is as far from its project as this one is from this project.
        installation = folder / os.path.relpath(INSTALLATION, root.resolve())
        path = os.pathsep.join(str(installation / package) for package in PACKAGES)
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, folder, name],
            cwd=installation,
            env=os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def result(self) -> RenderedEnvironment:
        """Waits for it. Raises CannotRender."""
        printed, error = self._process.communicate()
        if self._process.returncode != 0:
            raise CannotRender((error.strip().splitlines() or ["it says nothing"])[-1])
        found = json.loads(printed)
        return RenderedEnvironment(_objects(found["kubernetes"]), _objects(found["cloudformation"]))


def _objects(items: list[Any]) -> Objects:
    return {(place, kind, name): value for place, kind, name, value in items}


def _main(folder: str, name: str) -> None:
    root = Path(folder)
    found = rendered(root, load(root, name).environment(name))
    parts = {"kubernetes": found.kubernetes, "cloudformation": found.cloudformation}
    print(json.dumps({part: [[*k, v] for k, v in one.items()] for part, one in parts.items()}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
