"""Images that are migrated in tests, made by hand."""

import tarfile
from pathlib import Path
from typing import Any

from slipway.images.migrate.examine import ExaminedImage, examine
from slipway.images.migrate.inside import Inside, worth_keeping
from slipway.images.migrate.layers import write_layer
from slipway.images.oci.filesystem import FileSystem
from slipway.images.oci.image import load_image
from slipway.images.oci.layout import Layout
from tests.support.images import add_image, tar

PASSWD = "root:x:0:0:root:/root:/bin/bash\ndev:x:1234:1234::/home/dev:/bin/bash\n"
PROGRAM = tar(("bin/sh", "#!"), ("usr/bin/code-server", "#!"), mode=0o755)
RSTUDIO = tar(
    ("bin/sh", "#!"),
    ("usr/lib/rstudio-server/bin/rserver", "#!"),
    ("opt/R/4.4.1/bin/R", "#!"),
    mode=0o755,
)
SECRET = "hunter2-and-more"
CONFIG_FILE = f"bind-addr: 0.0.0.0:9000\nauth: password\npassword: {SECRET}\napp-name: Team\n"


def inside(folder: Path, *layers: bytes, **settings: Any) -> Inside:
    layout = Layout(folder)
    found = add_image(layout, layers, settings)
    return Inside(FileSystem(load_image(layout, found), worth_keeping))


def files(*entries: Any, passwd: str = PASSWD, uid: int = 0) -> bytes:
    return tar(("etc/passwd", passwd), ("etc/group", "dev:x:1234:\n"), *entries, uid=uid)


def found_in(
    folder: Path, *layers: bytes, add_user: bool = False, **settings: Any
) -> ExaminedImage:
    return examine(inside(folder, *layers, **settings), "auto", add_user=add_user)


def own_layer(found: ExaminedImage, folder: Path) -> dict[str, tarfile.TarInfo]:
    layout = Layout(folder)
    layer, _ = write_layer(layout, found, {})
    with tarfile.open(layout.path(layer.digest)) as archive:
        found_in_it = {member.name: member for member in archive}
        assert len(found_in_it) == len(archive.getmembers()), "engines refuse a path that is twice"
        return found_in_it
