"""Root file systems to stand on, made of Debian's packages: there is no registry to ask.

What is called a stand-in has the property that its name says, and is not that distribution.
"""

import os
import subprocess
from pathlib import Path

from tests.support.containers import podman

# As Debian's own slim images.
SLIM = ("doc/*", "man/*", "info/*", "locale/*", "lintian/*")


def debian(release: str, folder: Path) -> str:
    """A slim Debian; return its reference."""
    archive = folder / f"{release}.tar"
    dropped = [f"--dpkgopt=path-exclude=/usr/share/{what}" for what in SLIM]
    clean = 'rm -rf "$1"/etc/hostname "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/*'
    _run(
        "mmdebstrap", "--quiet", "--variant=minbase", *dropped,
        f"--customize-hook={clean}", '--customize-hook=: > "$1"/etc/resolv.conf',
        release, str(archive), SOURCE_DATE_EPOCH="0",
    )  # fmt: skip
    return _imported(archive, f"localhost/debian:{release}-slim")


def busybox(folder: Path, *packages: str) -> str:
    """A stand-in for a system without Debian's C library: busybox and nothing else.

    With `musl` among `packages` it has another C library, as Alpine has.
    """
    root = folder / "root"
    for name in ("bin", "etc", "tmp", "dev", "proc", "sys"):
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    for package in ("busybox-static", *packages):
        _run("apt-get", "-q", "download", package, cwd=folder)
        (file,) = folder.glob(f"{package}_*.deb")
        _run("dpkg-deb", "--fsys-tarfile", str(file), into=folder / "package.tar")
        _run("tar", "xf", str(folder / "package.tar"), "-C", str(root), "--keep-directory-symlink")
    program = next(
        path for path in root.rglob("busybox") if path.is_file() and path.parent.name == "bin"
    )
    for name in ("sh", "ls", "cat", "grep", "id", "env"):
        (root / "bin" / name).unlink(missing_ok=True)
        (root / "bin" / name).symlink_to("/" + str(program.relative_to(root)))
    (root / "etc/passwd").write_text(
        "root:x:0:0::/:/bin/sh\nsomebody:x:1000:1000::/home/jovyan:/bin/sh\n"
    )
    archive = folder / "root.tar"
    _run("tar", "cf", str(archive), "-C", str(root), ".")
    return _imported(archive, f"localhost/stand-in/{'-'.join(('busybox', *packages))}")


def _imported(archive: Path, reference: str) -> str:
    podman("import", "--quiet", str(archive), reference)
    return reference


def _run(
    *command: str, cwd: Path | None = None, into: Path | None = None, **variables: str
) -> None:

    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **variables}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    if into:
        into.write_bytes(done.stdout)
