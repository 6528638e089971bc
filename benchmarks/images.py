"""The images: sizes by layer, how soon a server answers, what a change of one line costs.

The peer in the same run is the server image that most instructions lead to: the same Debian, the
same lock, pip in a virtual environment. Needs what `make test-images` needs.
"""

import json
import os
import shutil
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import publish
from slipway.images.build.builders.buildah import Buildah
from slipway.images.build.context import BuildRequest
from slipway.images.build.recipes import Recipe
from slipway.images.build.record import layers
from slipway.images.oci.descriptors import Descriptor, platform_here
from tests.images.conftest import AUTHORITIES, Images, pytest_configure
from tests.support import containers, systems
from tests.support.local import ROOT, Hub
from tests.support.registry import registry

RUNS = 5
NAMES = ("jupyter", "notebook", "code-server", "streamlit", "rstudio", "hub", "proxy")
RENAMED = "code: {kind: code-server, title: Our editor}"
STOCK = """\
ARG BASE
FROM ${BASE}
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl git less \\
        openssh-client procps python3 python3-venv \\
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \\
    && useradd --uid 1000 --create-home jovyan
COPY requirements.txt /tmp/
RUN --mount=type=secret,id=ca,target=/run/secrets/ca.crt \\
    export PIP_CERT=/run/secrets/ca.crt && python3 -m venv /opt/jupyter \\
    && /opt/jupyter/bin/pip install -q --no-cache-dir --require-hashes -r /tmp/requirements.txt
# The stock server, under the name that the hub starts.
RUN folder=$(echo /opt/jupyter/lib/python3*/site-packages)/slipway_notebook && mkdir $folder \\
    && echo 'from jupyterhub.singleuser import main; main()' > $folder/start.py
USER 1000:1000
"""


def stock(images: Images, base: str, folder: Path) -> Descriptor:
    """The peer, built into the store."""
    folder.mkdir()
    (folder / "Dockerfile").write_text(STOCK)
    shutil.copy(ROOT / "images/jupyter/requirements.txt", folder)
    recipe = Recipe("stock", folder, STOCK, {}, {"BASE": base}, ())
    request = BuildRequest(recipe, None, {}, (platform_here(),), epoch=0, ca=AUTHORITIES)
    return Buildah(images.store).build(request, folder, lambda _: None)


def answer(hub: Hub, user: str, image: str) -> tuple[float, float]:
    """Seconds from the request to start until /lab answers, and MiB of the idle server."""
    who = hub.user(user)
    began = time.monotonic()
    who.start(image)
    assert who.visit(f"/user/{user}/lab").status_code == 200
    seconds = time.monotonic() - began
    pid = containers.podman("inspect", "--format={{.State.Pid}}", containers.container_of(who))
    status = Path(f"/proc/{pid.strip()}/status").read_text()
    memory = int(status.split("VmRSS:")[1].split()[0]) / 1024
    who.stop()
    return seconds, memory


def change(images: Images, host: str) -> tuple[float, float, int]:
    """Seconds of a build of nothing and of one changed line, and the bytes that it pushes."""
    kube = images.project / "environments/kube.yaml"
    lines = kube.read_text().splitlines()
    told = [f"registry: {host}/bench" if line.startswith("registry:") else line for line in lines]
    kube.write_text("\n".join(told) + "\n")

    def build() -> tuple[float, Any]:
        began = time.monotonic()
        done = images.build("code-server", "--json", "--push=kube")
        assert done.returncode == 0, done.stderr
        built = {image["name"]: image for image in json.loads(done.stdout)["images"]}
        return time.monotonic() - began, built["code-server"]

    build()
    nothing, _ = build()
    catalog = images.project / "catalog.yaml"
    catalog.write_text(catalog.read_text().replace("code: {kind: code-server}", RENAMED, 1))
    seconds, image = build()
    assert image["built"]
    return nothing, seconds, image["pushed"]["bytes"]


def main() -> None:
    pytest_configure()
    with TemporaryDirectory() as name, registry(Path(name, "registry")) as host:
        folder = Path(name)
        base = os.environ.get("SLIPWAY_TEST_BASE") or systems.debian("trixie", folder)
        images = Images(base, folder)
        records = {name: images.record(name) for name in NAMES}
        peer = stock(images, base, folder / "stock")
        peer_id = images.store.children(peer)[0].digest.removeprefix("sha256:")
        peer_bytes = sum(x.size for x in next(iter(layers(images.store, peer).values())))
        times: dict[str, list[tuple[float, float]]] = {"notebook": [], "stock": []}
        with containers.running_hub(
            folder / "hub", {"notebook": images["notebook"], "stock": peer_id}
        ) as hub:
            for run in range(RUNS):
                for image, seen in times.items():
                    seen.append(answer(hub, f"{image}{run}", image))
        nothing, seconds, pushed = change(images, host)
    start = {n: statistics.median(s for s, _ in seen) for n, seen in times.items()}
    memory = {n: statistics.median(m for _, m in seen) for n, seen in times.items()}
    sizes = {n: record["compressed_bytes"] for n, record in records.items()}
    publish(
        "images",
        {
            "notebook, compressed, ours / pip": round(sizes["notebook"] / peer_bytes, 2),
            "/lab answers after, ours / pip": round(start["notebook"] / start["stock"], 2),
            "idle server, memory, ours / pip": round(memory["notebook"] / memory["stock"], 2),
        },
        {f"{n}, compressed MB": round(size / 1e6, 1) for n, size in sizes.items()}
        | {
            "code-server adds, MB": round((sizes["code-server"] - sizes["notebook"]) / 1e6, 1),
            "pip's image, compressed MB": round(peer_bytes / 1e6, 1),
            "/lab answers after, s": round(start["notebook"], 2),
            "/lab answers after, pip's image, s": round(start["stock"], 2),
            "idle server, MiB": round(memory["notebook"]),
            "idle server, pip's image, MiB": round(memory["stock"]),
            "build of nothing, s": round(nothing, 2),
            "build and push of one changed line, s": round(seconds, 2),
            "one changed line pushes, bytes": pushed,
            "layers": {
                n: [[round(x["size"] / 1e6, 2), x["made_by"][:90]] for x in record["layers"]]
                for n, record in records.items()
            },
        },
    )


if __name__ == "__main__":
    main()
