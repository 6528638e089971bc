"""code-server without a compiler.

The published package expects its post-install script to compile native modules. Each of its
three parts ships a shrinkwrap, and what VS Code needs in the browser (terminal, search, file
watching) comes prebuilt, so the parts are installed without scripts and joined here.
"""

import json
import shutil
from pathlib import Path

from slipway import files
from slipway.files import new_folder
from slipway.toolchain import Progress
from slipway.toolchain.node import lock_digest, node, npm, run_node

_LINKS = {
    "bin/remote-cli/code-server": "code-linux.sh",
    "bin/helpers/browser.sh": "browser-linux.sh",
}


def version(lock_folder: Path) -> str:
    """The code-server version that `lock_folder/package.json` asks for."""
    package = json.loads((lock_folder / "package.json").read_text())
    return str(package["dependencies"]["code-server"])


def install_folder(lock_folder: Path, tools: Path) -> Path:
    """Where code-server for this lock is, or will be, installed."""
    digest = lock_digest(lock_folder / "package-lock.json")
    return tools / f"code-server-{version(lock_folder)}-{digest}"


def install(lock_folder: Path, tools: Path, progress: Progress) -> Path:
    """Install code-server once and return the folder that holds the `code-server` command.

    `lock_folder` is `images/code-server`; `tools` is where tools are kept. A killed installation
    leaves nothing half done. Raises NpmError.
    """
    target = install_folder(lock_folder, tools)
    if not target.is_dir():
        with new_folder(target) as work:
            _install_into(work, lock_folder, progress)
    _write_command(target / "bin")
    return target / "bin"


def _install_into(work: Path, lock_folder: Path, progress: Progress) -> None:
    progress(f"code-server {version(lock_folder)} (1 of 3): the server")
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(lock_folder / name, work)
    npm("ci", "--ignore-scripts", cwd=work)

    vscode = work / "node_modules/code-server/lib/vscode"
    progress("code-server (2 of 3): VS Code")
    npm("install", "--omit=dev", "--ignore-scripts", cwd=vscode)
    for link, target in _LINKS.items():
        (vscode / link).unlink(missing_ok=True)
        (vscode / link).symlink_to(target)

    progress("code-server (3 of 3): its built-in extensions")
    npm("install", "--omit=dev", "--ignore-scripts", cwd=vscode / "extensions")
    run_node("./postinstall.mjs", cwd=vscode / "extensions")


def _write_command(folder: Path) -> None:
    """The `code-server` command. Written at every start: the Node it names moves with the venv."""
    folder.mkdir(exist_ok=True)
    files.write(
        folder / "code-server",
        "#!/bin/sh\n"
        'here=$(cd "$(dirname "$0")" && pwd)\n'
        f'exec "{node()}" "$here/../node_modules/code-server/out/node/entry.js" "$@"\n',
        mode=0o755,
    )
