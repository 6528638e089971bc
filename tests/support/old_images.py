"""Images with an editor as strangers have them, who never heard of Slipway."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from slipway.toolchain.node import node
from tests.support import rserver_stand_in
from tests.support.local import ROOT


def run(*command: str) -> str:
    """What a command prints. Raises AssertionError with its errors."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stderr[-3000:]}"
    return done.stdout.strip()


def configuration(source: str) -> dict[str, Any]:
    """How a container of the image is run, as skopeo tells it."""
    config: dict[str, Any] = json.loads(run("skopeo", "inspect", "--config", source))
    return dict(config.get("config") or {})


def _build(name: str, context: Path) -> str:
    reference = f"localhost/{name}"
    build = ("buildah", "build", "-q", "--layers", "--isolation=chroot", "--format=docker")
    run(*build, "-t", reference, str(context))
    return reference


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


def code_server(base: str, folder: Path) -> str:
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
    (folder / "Dockerfile").write_text(_CODE_SERVER.format(base=base))
    return _build("old-vscode", folder)


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


def rstudio(base: str, folder: Path) -> str:
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
    (folder / "Dockerfile").write_text(_RSTUDIO.format(base=base))
    return _build("old-rstudio", folder)
