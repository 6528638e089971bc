"""A small project in git whose images are in a registry, as `slipway build --push` leaves it."""

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.images.build.build import RECORDS, SBOMS
from slipway.images.build.context import BuildRequest
from slipway.images.build.recipes import recipes
from slipway.images.build.record import BuildRecord, BuildRecords, Layer
from slipway.images.oci import descriptors as oci
from slipway.images.oci.descriptors import Descriptor, Platform
from slipway.images.oci.layout import Layout
from slipway.images.registry import transfer
from slipway.images.registry.reference import Reference
from slipway.images.registry.registry import Registry
from slipway.installation import STORE
from slipway.model import load
from slipway.model.release import built_here
from tests.support.local import ROOT, SLIPWAY

CATALOG = """\
apps:
  lab: {kind: jupyterlab}
  code: {kind: code-server}
images:
  tools:
    apps: [lab, code]
profiles:
  vscode: {title: VS Code, image: tools, app: code}
  lab: {title: JupyterLab, image: tools}
routes:
  /code: {profile: vscode, app: code}
"""
KUBE = """\
target: kubernetes
registry: REGISTRY/slipway
auth: {kind: shared-password, allow_all: true}
"""
CODE = ("slipway", "stacks", "charts", "packages", "app.py", "cdk.json", "requirements.txt")
MAKEFILE = f"""\
setup: .venv/bin/slipway
.venv/bin/slipway: requirements.txt
\t@test -z "$$HANG" || {{ touch "$$HANG" && sleep 300; }}
\t@mkdir -p .venv/bin
\t@echo "setting up"
\t@echo '#!/bin/sh' > $@
\t@echo 'PYTHONPATH=$(CURDIR):$(CURDIR)/packages/hub exec {SLIPWAY} "$$@"' >> $@
\t@chmod +x $@
"""
"""Sets up a copy of Slipway with the libraries that are here."""
PROGRAMS = {"hub": {"jupyterhub": "6.1.1"}, "tools": {"jupyterlab": "4.6.6", "code-server": "4.1"}}


@dataclass
class Released:
    root: Path
    registry: str

    def slipway(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SLIPWAY, *arguments],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
            env=own_slipway(self.root) | variables,
        )

    def release(self, version: str, *options: str, **variables: str) -> dict[str, Any]:
        done = self.slipway("release", version, "--json", *options, **variables)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def git(self, *arguments: str) -> str:
        return git(self.root, *arguments)

    def write(self, name: str, text: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text()
        assert old in text
        (self.root / name).write_text(text.replace(old, new, 1))

    def commit(self, why: str = "a change") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", why)
        return self.git("rev-parse", "HEAD").strip()

    def build(self, *images: str, push: bool = True) -> None:
        """What `slipway build --push kube` leaves behind, with images of a few bytes."""
        project = load(self.root)
        store = Layout(self.root / STORE)
        for image in images or built_here(project.catalog):
            recipe = recipes(self.root, project.catalog, [image], {})[image]
            base = f"docker.io/library/debian@sha256:{'d' * 64}"
            request = BuildRequest(recipe, base, {}, (Platform("linux", "amd64"),), epoch=0)
            with request.assembled() as context:
                tag = request.tag(context)
            made = small_image(store, f"{image} {tag}")
            self._record(image, tag, made, base, dict(recipe.arguments))
            if push:
                self.push(store, image, made, tag)

    def push(self, store: Layout, image: str, made: Descriptor, tag: str) -> None:
        target = Reference.parse(f"{self.registry}/slipway/{image}:{tag}")
        with Registry(target) as registry:
            transfer.push(store, made, [target, target.tagged("working-tree")], registry)

    def _record(
        self, image: str, tag: str, made: Descriptor, base: str, arguments: dict[str, str]
    ) -> None:
        folder = self.root / RECORDS
        (folder / SBOMS).mkdir(parents=True, exist_ok=True)
        bill = f"{made.digest.removeprefix('sha256:')}.cdx.json"
        parts = [{"name": n, "version": v} for n, v in PROGRAMS.get(image, {}).items()]
        (folder / SBOMS / bill).write_text(json.dumps({"components": parts}))
        BuildRecords(folder).write(
            BuildRecord(
                name=image,
                tag=tag,
                digest=made.digest,
                media_type=made.media_type,
                size=made.size,
                builder="a test",
                base=base,
                parents={},
                arguments=arguments,
                platforms={"linux/amd64": (Layer(made.digest, 1, ""),)},
                sboms={"linux/amd64": bill},
            )
        )


def small_image(store: Layout, seed: str) -> Descriptor:
    """An image of one layer that is no archive: nobody unpacks it."""
    layer = store.add(hashlib.sha256(seed.encode()).digest(), oci.LAYER_GZIP)
    config = {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [layer.digest]}}
    manifest = {
        "schemaVersion": 2,
        "mediaType": oci.MANIFEST,
        "config": store.add(oci.encode(config), oci.CONFIG).as_json(),
        "layers": [layer.as_json()],
    }
    return store.add(oci.encode(manifest), oci.MANIFEST)


def copy_slipway(root: Path) -> None:
    """Have Slipway's code in the project's own folder, as in a clone of this repository."""
    options = ("-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, git(ROOT, "ls-files", *options, "--", *CODE).split("\0")):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    (root / "Makefile").write_text(MAKEFILE)


def own_slipway(root: Path) -> dict[str, str]:
    """Variables that have the project's own Slipway run, if it has one."""
    if not (root / "slipway").is_dir():
        return dict(os.environ)
    return os.environ | {"PYTHONPATH": f"{root}:{root}/packages/hub"}


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    plain = ["-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *identity, *plain, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def released_project(root: Path, registry: str) -> Released:
    """Its images are built and pushed, its files are committed."""
    project = Released(root, registry)
    project.write("catalog.yaml", CATALOG)
    project.write("environments/kube.yaml", KUBE.replace("REGISTRY", registry))
    for image in ("hub", "proxy", "tools"):
        dockerfile = "ARG BASE=docker.io/library/debian:trixie-slim\nFROM ${BASE}\n"
        project.write(f"images/{image}/Dockerfile", dockerfile)
    project.write(".gitignore", ".slipway/\n")
    git(root, "init", "-q")
    project.commit("a hub")
    project.build()
    return project
