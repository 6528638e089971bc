"""buildah, podman and skopeo with a storage of their own, and images as strangers have them."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slipway.toolchain.node import node
from tests.support import rserver_stand_in
from tests.support.local import ROOT

_STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{folder}/graph"
runroot = "{folder}/run"
"""
_ENGINE = """\
[containers]
netns = "host"
default_ulimits = ["nofile=16384:16384", "nproc=16384:16384"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


class Containers:
    """`environment` is what a command needs to work on this storage."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        given = ("CONTAINERS_STORAGE_CONF", "CONTAINERS_CONF")
        if not all(name in os.environ for name in given):
            (folder / "storage.conf").write_text(_STORAGE.format(folder=folder))
            (folder / "containers.conf").write_text(_ENGINE)
        self.environment = {
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            **{name: os.environ[name] for name in given if name in os.environ},
        }
        self.folder = folder

    def run(self, *command: str, check: bool = True) -> str:
        done = subprocess.run(
            command, env=os.environ | self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0 or not check, f"{' '.join(command)}:\n{done.stderr[-3000:]}"
        return done.stdout.strip()

    def base(self) -> str:
        """A small Debian, made once."""
        file = self.folder / "base.tar"
        if not self.run("podman", "images", "-q", "localhost/slipway-test-base"):
            if not file.exists():
                self.run("mmdebstrap", "--variant=minbase", "trixie", str(file))
            self.run("podman", "import", "-q", str(file), "localhost/slipway-test-base")
        return "localhost/slipway-test-base"

    def build(self, name: str, context: Path) -> str:
        self.run(
            "buildah", "build", "-q", "--layers", "--isolation=chroot", "--format=docker",
            "-t", f"localhost/{name}", str(context),
        )  # fmt: skip
        return f"localhost/{name}"

    def configuration(self, source: str) -> dict[str, Any]:
        config: Mapping[str, Any] = json.loads(self.run("skopeo", "inspect", "--config", source))
        return dict(config.get("config") or {})


SETTINGS = {"workbench.colorTheme": "Monokai", "window.title": "the old team's VS Code"}
PASSWORD = "correct-horse-battery"

_CODE_SERVER = f"""\
FROM {{base}}
RUN groupadd -g 1234 dev && useradd -u 1234 -g 1234 -m -s /bin/bash dev
COPY code-server /opt/vs
COPY --chown=1234:1234 home /home/dev
RUN chmod 600 /home/dev/.netrc && ln -s /etc/passwd /home/dev/.outside
ENV TEAM=data PASSWORD={PASSWORD}
EXPOSE 9000
USER dev
WORKDIR /home/dev/work
ENTRYPOINT ["/opt/vs/bin/code-server"]
CMD ["--app-name", "Old Team"]
"""


def code_server(containers: Containers, folder: Path) -> str:
    """VS Code as somebody has set it up: under /opt, for a user of their own, with settings."""
    (installed,) = (ROOT / ".slipway/tools").glob("code-server-*")
    program = folder / "code-server"
    shutil.copytree(installed / "node_modules", program / "node_modules", symlinks=True)
    shutil.copy(node(), program / "node")
    (program / "bin").mkdir()
    script = program / "bin/code-server"
    entry = "/opt/vs/node_modules/code-server/out/node/entry.js"
    script.write_text(f'#!/bin/sh\nexec /opt/vs/node {entry} "$@"\n')
    script.chmod(0o755)
    extension = {
        "name": "hello",
        "publisher": "acme",
        "version": "1.0.0",
        "engines": {"vscode": "*"},
    }
    data = ".local/share/code-server"
    for path, text in {
        ".config/code-server/config.yaml": "bind-addr: 0.0.0.0:9000\nauth: password\n"
        f"password: {PASSWORD}\ndisable-file-downloads: true\n",
        f"{data}/User/settings.json": json.dumps(SETTINGS),
        f"{data}/extensions/acme.hello-1.0.0/package.json": json.dumps(extension),
        ".bashrc": "export TEAM_SHELL=yes\n",
        ".netrc": "machine example.org\n",
        "work/hello.py": "print('hello')\n",
    }.items():
        file = folder / "home" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (folder / "Dockerfile").write_text(_CODE_SERVER.format(base=containers.base()))
    return containers.build("old-vscode", folder)


_RSTUDIO = """\
FROM {base}
RUN apt-get update && apt-get install -y --no-install-recommends python3
RUN useradd -u 1000 -m -s /bin/bash analyst
COPY rserver.py /usr/lib/rstudio-server/stand_in.py
COPY --chmod=755 rserver /usr/lib/rstudio-server/bin/rserver
COPY --chmod=755 rserver /opt/R/4.4.1/bin/R
COPY conf /etc/rstudio
RUN mkdir -p /home/analyst/R/library/ours && chown -R 1000:1000 /home/analyst
EXPOSE 8787
CMD ["/usr/lib/rstudio-server/bin/rserver", "--server-daemonize=0"]
"""


def rstudio(containers: Containers, folder: Path) -> str:
    """RStudio as somebody has set it up, but for rserver itself, for which stands a stand-in."""
    (folder / "conf").mkdir(parents=True)
    (folder / "conf/rserver.conf").write_text(
        "www-port=8787\nrsession-which-r=/opt/R/4.4.1/bin/R\n"
    )
    (folder / "conf/rsession.conf").write_text("session-default-working-dir=~/work\n")
    shutil.copy(rserver_stand_in.__file__, folder / "rserver.py")
    (folder / "rserver").write_text(
        '#!/bin/sh\nexec /usr/bin/python3 /usr/lib/rstudio-server/stand_in.py "$@"\n'
    )
    (folder / "Dockerfile").write_text(_RSTUDIO.format(base=containers.base()))
    return containers.build("old-rstudio", folder)
