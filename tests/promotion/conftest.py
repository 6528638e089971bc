"""Two environments on clusters with a real registry each, and what `slipway promote` asks."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.images.oci.descriptors import Descriptor
from slipway.images.oci.layout import Layout
from slipway.model import Release
from slipway.release import releases
from slipway.release.records import OperationRecord, file_record_store
from tests.support.local import SLIPWAY
from tests.support.random_images import image, push, reference
from tests.support.registry import registry
from tests.support.releases import copy_slipway, git, own_slipway

ENVIRONMENT = """\
# The {name} cluster.
target: kubernetes
registry: {host}/slipway   # of its own
release: {release}
auth:
  kind: shared-password
  allow_all: true
"""
CATALOG: dict[str, Any] = {
    "apps": {"lab": {"kind": "jupyterlab"}},
    "images": {"notebook": {"apps": ("lab",)}},
    "profiles": {"lab": {"title": "Lab", "image": "notebook", "app": "lab"}},
    "default_profile": "lab",
    "routes": {"/lab": {"profile": "lab", "app": "lab"}},
}
ON_GPUS = {**CATALOG, "profiles": {"lab": {**CATALOG["profiles"]["lab"], "nodes": "gpu"}}}
PROGRAMS, ANSWERS = ".programs", ".programs/kubectl.json"
IMAGES = ("hub", "notebook", "proxy")
KUBECTL = """\
#!{python}
import json, pathlib, sys
answers = json.loads(pathlib.Path({answers!r}).read_text())
verb = next(a for a in sys.argv if a in ("get", "diff", "exec"))
pathlib.Path({answers!r}).with_name("asked.json").write_text(json.dumps(sys.argv))
answer = answers[verb]
sys.stdout.write(answer["stdout"])
sys.stderr.write(answer.get("stderr", ""))
raise SystemExit(answer["code"])
"""


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with registry(tmp_path_factory.mktemp("dev")) as host:
        yield host


@pytest.fixture(scope="session")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with registry(tmp_path_factory.mktemp("prod")) as host:
        yield host


@dataclass
class Case:
    """A project whose dev runs 1.0.0, all gates open but the scan, which such a registry lacks, and
    the one of drift, which needs the release's code (`with_code`).

    The repositories are below a name of their own: tests share the registries.
    """

    root: Path
    dev: str
    prod: str
    images: dict[str, Descriptor]
    store: Layout

    def promote(self, *arguments: str, waive: bool = True) -> subprocess.CompletedProcess[str]:
        waived = ["--force", "scan", "--why", "no scanner here"] if waive else []
        if waive and not (self.root / "slipway").exists():
            waived += ["--force", "drift", "--why", "no code here"]
        return self.slipway("promote", "dev", "prod", *waived, *arguments)

    def with_code(self) -> "Case":
        """In a git repository that holds Slipway, whose commit is the release's."""
        copy_slipway(self.root)
        (self.root / ".gitignore").write_text(".slipway/\n__pycache__/\n.*/\n")
        git(self.root, "init", "-q")
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "-m", "a project")
        (self.root / "releases/1.0.0.yaml").unlink()
        commit = git(self.root, "rev-parse", "HEAD").strip()
        release(self.root, "1.0.0", self.images, commit=commit)
        self.smoked()
        return self

    def slipway(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def command(self, *arguments: str) -> list[str]:
        return [str(SLIPWAY), *arguments, "--project", str(self.root)]

    @property
    def variables(self) -> dict[str, str]:
        programs = f"{self.root / '.programs'}:{os.environ['PATH']}"
        known = {"PATH": programs, "REGISTRY_AUTH_FILE": str(self.root / "none")}
        return own_slipway(self.root) | known

    def file(self, environment: str) -> str:
        return (self.root / f"environments/{environment}.yaml").read_text()

    def pinned(self, environment: str) -> str:
        return str(yaml.safe_load(self.file(environment)).get("release", "working-tree"))

    def smoked(
        self, release: str = "1.0.0", *, ok: bool = True, age: timedelta = timedelta(hours=1)
    ) -> None:
        checks = [{"name": "route /lab", "verdict": "ok" if ok else "failed", "detail": ""}]
        pinned = yaml.safe_load((self.root / "releases/1.0.0.yaml").read_text())
        at = datetime.now(UTC) - age
        fields = {"ok": ok, "checks": checks, "digest": pinned["digest"]}
        file_record_store(self.root).add(OperationRecord("smoke", "dev", release, at, ok, fields))

    def runs(self, release: str, images: dict[str, str] | None = None, available: int = 1) -> None:
        """What the cluster's API answers."""
        pins = {name: f"{self.dev}@{one.digest}" for name, one in self.images.items()}
        pins = {name: pin.replace("@", f"/{name}@") for name, pin in pins.items()}
        items = [
            {
                "metadata": {"name": name},
                "spec": {
                    "replicas": 1,
                    "template": {
                        "metadata": {"labels": {"app.kubernetes.io/version": release}},
                        "spec": {"containers": [{"image": (images or pins)[name]}]},
                    },
                },
                "status": {"updatedReplicas": 1, "availableReplicas": available},
            }
            for name in ("hub", "proxy")
        ]
        self.answers(get={"code": 0, "stdout": json.dumps({"items": items})})

    def answers(self, **answers: dict[str, Any]) -> None:
        file = self.root / ANSWERS
        known = json.loads(file.read_text()) if file.exists() else {}
        file.write_text(json.dumps(known | answers))


def release(
    root: Path,
    version: str,
    images: dict[str, Descriptor],
    catalog: dict[str, Any] = CATALOG,
    commit: str = "0" * 40,
) -> Release:
    """Written as `slipway release` does."""
    value = {
        "version": version,
        "commit": commit,
        "platform": {},
        "images": {name: one.digest for name, one in images.items()},
        "catalog": catalog,
    }
    return releases.write(root, Release.model_validate(value))


def make_case(
    root: Path, dev: str, prod: str, name: str, sizes: tuple[int, ...] = (30_000, 250_000)
) -> Case:
    root.mkdir(parents=True)
    (root / "environments").mkdir()
    (root / "catalog.yaml").write_text(json.dumps(CATALOG))
    store = Layout(root / ".store")
    images = {one: image(store, hash_of(f"{name} {one}"), sizes=sizes) for one in IMAGES}
    homes = {"dev": f"{dev}/{name}", "prod": f"{prod}/{name}"}
    for one, made in images.items():
        push(store, made, reference(dev, f"{name}/slipway/{one}"))
    for environment, home in homes.items():
        pinned = "1.0.0" if environment == "dev" else "working-tree"
        text = ENVIRONMENT.format(name=environment, host=home, release=pinned)
        (root / f"environments/{environment}.yaml").write_text(text)
    release(root, "1.0.0", images)
    programs = root / PROGRAMS
    programs.mkdir()
    kubectl = programs / "kubectl"
    kubectl.write_text(KUBECTL.format(python=sys.executable, answers=str(root / ANSWERS)))
    kubectl.chmod(kubectl.stat().st_mode | stat.S_IXUSR)
    case = Case(root, f"{homes['dev']}/slipway", f"{homes['prod']}/slipway", images, store)
    case.answers(diff={"code": 0, "stdout": ""})
    case.runs("1.0.0")
    case.smoked()
    return case


def hash_of(text: str) -> int:
    return int.from_bytes(text.encode(), "big") % 2**60


@pytest.fixture
def case(tmp_path: Path, dev: str, prod: str, request: pytest.FixtureRequest) -> Case:
    name = "".join(c if c.isalnum() else "-" for c in request.node.name.lower()).strip("-")
    return make_case(tmp_path / "project", dev, prod, "-".join(filter(None, name.split("-"))))
