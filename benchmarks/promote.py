"""Copying images: what `slipway promote` adds to skopeo, and what a repeat costs.

`slipway promote` copies with skopeo, asks before and verifies after. Both copy the same gigabyte of
random layers between the same two registries, in turns, each time into a repository that is empty.
Needs what `make test-images` needs.
"""

import json
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import publish
from slipway.images.oci.descriptors import Descriptor
from slipway.images.oci.layout import Layout
from tests.support.random_images import image, push, reference
from tests.support.registry import registry

RUNS = 3
LAYERS = tuple(mebibytes << 20 for mebibytes in (16, 248, 240, 160, 128, 96, 64, 48, 24))
"""Bytes: 1 GiB, in the sizes that layers have."""
IMAGES = 10
SKOPEO = ("skopeo", "copy", "--all", "--preserve-digests", "--quiet")
SKOPEO += ("--src-tls-verify=false", "--dest-tls-verify=false")
COPY = r"""
import json, pathlib, re, sys, time
from slipway.images.registry.copy import ImageCopy, copy_images
from slipway.images.registry.reference import Reference
from slipway.images.registry.registry import Registry

wanted = [ImageCopy(n, Reference.parse(s), Reference.parse(t)) for n, s, t in json.load(sys.stdin)]
began = time.monotonic()
with Registry(wanted[0].source) as source, Registry(wanted[0].target) as target:
    done = copy_images(wanted, source, target)
seconds = time.monotonic() - began
status = pathlib.Path("/proc/self/status").read_text()
print(json.dumps({
    "seconds": seconds,
    "rss": int(re.search(r"VmHWM:\s*([0-9]+)", status)[1]) / 1024,
    "copied": sum(image.copied_blobs for image in done),
}))
"""


def ours(wanted: list[tuple[str, str, str]]) -> dict[str, Any]:
    """In a process of its own, as `slipway promote` is."""
    done = subprocess.run(
        [sys.executable, "-c", COPY],
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def skopeo(source: str, target: str) -> float:
    began = time.monotonic()
    subprocess.run(
        [*SKOPEO, f"docker://{source}", f"docker://{target}"],
        check=True,
        capture_output=True,
    )
    return time.monotonic() - began


class Pair:
    """Two registries, and a gigabyte in the first. Each copy finds the second empty."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, Layout(folder / "store")

    def large(self, dev: str) -> Descriptor:
        made = image(self.store, 1, sizes=LAYERS)
        push(self.store, made, reference(dev, "large"))
        return made

    def compare(self, dev: str) -> tuple[list[float], list[float], float]:
        large = self.large(dev)
        named = f"{dev}/large@{large.digest}"
        copies, peers, memory = [], [], 0.0
        for run in range(2 * RUNS):
            target = self.folder / f"prod-{run}"
            with registry(target) as prod:
                if run % 2:
                    peers.append(skopeo(named, f"{prod}/large:1"))
                else:
                    done = ours([("large", named, f"{prod}/large:1")])
                    copies.append(done["seconds"])
                    memory = max(memory, done["rss"])
            shutil.rmtree(target)
        return copies, peers, memory

    def repeat(self, dev: str) -> dict[str, Any]:
        wanted = []
        with registry(self.folder / "prod-repeat") as prod:
            for number in range(IMAGES):
                name = f"small-{number}"
                made = image(self.store, 100 + number)
                push(self.store, made, reference(dev, name))
                wanted.append((name, f"{dev}/{name}@{made.digest}", f"{prod}/{name}:1"))
            ours(wanted)
            return ours(wanted)


def main() -> None:
    with TemporaryDirectory(prefix="slipway-bench-", dir="/var/tmp") as name:
        pair = Pair(Path(name))
        with registry(Path(name) / "dev") as dev:
            copies, peers, memory = pair.compare(dev)
            again = pair.repeat(dev)
    mine, peer = statistics.median(copies), statistics.median(peers)
    size = sum(LAYERS) / 1e6
    publish(
        "promote",
        {"throughput_to_skopeo": round(peer / mine, 2)},
        {
            "megabytes": round(size),
            "megabytes_per_second": round(size / mine),
            "skopeo_megabytes_per_second": round(size / peer),
            "peak_memory_mib": round(memory),
            "repeat_of_10_images_seconds": round(again["seconds"], 2),
            "repeat_copied_blobs": again["copied"],
        },
    )


if __name__ == "__main__":
    main()
