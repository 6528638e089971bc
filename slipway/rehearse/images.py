"""Stand-ins for the images of a project, where `slipway build --push` would leave the real ones.

Each is a genuine OCI image whose only file says what it stands for; records, tags and the push are
those of a build. Run in a rehearsal's sandbox: the push goes through its gateway.
"""

import gzip
import hashlib
import io
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import boto3

from slipway.facts import CATALOG_FILE, WORKING_TREE
from slipway.images.build.build import RECORDS, SBOMS
from slipway.images.build.context import BuildRequest
from slipway.images.build.push import push
from slipway.images.build.recipes import Recipe, recipes
from slipway.images.build.record import BuildRecord, BuildRecords
from slipway.images.oci import descriptors as oci
from slipway.images.oci.descriptors import Descriptor, platform_here
from slipway.images.oci.layout import Layout
from slipway.images.registry import transfer
from slipway.images.registry.reference import Reference
from slipway.images.registry.registry import Registry
from slipway.installation import STORE
from slipway.model import load
from slipway.model.release import built_here

FILE = "slipway-rehearsal"
OUTSIDE = "outside"
"""Repositories of images that are not the project's own."""


def publish(root: Path, environment: str) -> None:
    """Make a stand-in for every image and push all to the environment's registry.

    Raises InvalidProject, ImageError.
    """
    store = Layout(root / STORE)
    _bring_home(root, store, environment)
    project = load(root)
    wanted = built_here(project.catalog)
    made: dict[str, BuildRecord] = {}
    for recipe in recipes(root, project.catalog, wanted, {}).values():
        made[recipe.name] = _make(root, store, recipe, made)
    push(store, made, wanted, project.environment(environment), lambda image, what: None)


def _make(
    root: Path, store: Layout, recipe: Recipe, made: Mapping[str, BuildRecord]
) -> BuildRecord:
    """A stand-in with the record that a build would keep; it changes when the image would."""
    base = _by_digest(recipe.base) if recipe.base else None
    parents = {parent: made[parent].descriptor for parent in recipe.parents}
    request = BuildRequest(recipe, base, parents, (platform_here(),), epoch=0)
    with request.assembled() as context:
        tag = request.tag(context)
    image = small_image(store, f"stands for {recipe.name} {tag}\n".encode())
    records = BuildRecords(root / RECORDS)
    record = records.add(store, request, image, tag, "rehearsal")
    bill = _bill(root / RECORDS / SBOMS, image)
    record = replace(record, sboms={str(platform_here()): bill})
    records.write(record)
    return record


def _bring_home(root: Path, store: Layout, environment: str) -> None:
    """Images of other registries, where a rehearsal cannot go: the copy's catalog names stand-ins
    in a corner of the environment's registry."""
    project, file = load(root), root / CATALOG_FILE
    spec, text = project.eks_specs[environment], file.read_text()
    host = Reference.parse(f"{spec.registry}/any").host
    outside = {name: image.reference for name, image in project.catalog.images.items()}
    for name, reference in outside.items():
        if reference is None:
            continue
        repository = f"{OUTSIDE}/{name}"
        ecr = boto3.client("ecr", region_name=spec.region)
        ecr.create_repository(repositoryName=repository)
        image = small_image(store, f"stands for {reference}\n".encode())
        target = Reference.parse(f"{host}/{repository}:{WORKING_TREE}")
        with Registry(target) as registry:
            transfer.push(store, image, [target], registry)
        text = text.replace(reference, f"{host}/{repository}@{image.digest}")
    file.write_text(text)


def _by_digest(reference: str) -> str:
    """Nobody is asked for the outside image: it gets the digest of its name."""
    named = Reference.parse(reference)
    return f"{named.name}@sha256:{hashlib.sha256(reference.encode()).hexdigest()}"


def small_image(store: Layout, content: bytes) -> Descriptor:
    """An image of one file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo(FILE)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    layer = store.add(gzip.compress(packed.getvalue(), mtime=0), oci.LAYER_GZIP)
    here = platform_here()
    config = {
        "os": here.os,
        "architecture": here.architecture,
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [oci.digest_of(packed.getvalue())]},
        "history": [{"created_by": "slipway rehearse"}],
    }
    manifest = oci.manifest_of(store.add(oci.encode(config), oci.CONFIG), [layer])
    return store.add(manifest, oci.MANIFEST)


def _bill(folder: Path, image: Descriptor) -> str:
    """An empty bill of materials (CycloneDX): there is nothing in the image."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{image.digest.removeprefix('sha256:')}.cdx.json"
    file.write_bytes(oci.encode({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}))
    return file.name


if __name__ == "__main__":
    publish(Path(sys.argv[1]), sys.argv[2])
