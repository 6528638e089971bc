"""Copy this Debian's Python to a prefix of its own, as the interpreter that users have.

usage: interpreter.py PREFIX
"""

import shutil
import sys
import sysconfig
from pathlib import Path

NOT_FOR_SERVERS = shutil.ignore_patterns(
    "__pycache__", "EXTERNALLY-MANAGED", "sitecustomize.py", "config-*", "test", "_test*", "xx*",
    "_xx*", "_tkinter*", "tkinter", "turtledemo", "turtle.py", "idlelib", "ensurepip", "lib2to3",
    "_dbm.*", "pydoc_data",
)  # fmt: skip
TLS = Path(__file__).with_name("tls.py")


def copy(prefix: Path) -> None:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    commands = prefix / "bin"
    commands.mkdir(parents=True)
    shutil.copy(Path(sys.base_prefix, "bin", version).resolve(), commands / version)
    for name in ("python", "python3"):
        (commands / name).symlink_to(version)
    library = prefix / "lib" / version
    shutil.copytree(sysconfig.get_path("stdlib"), library, ignore=NOT_FOR_SERVERS)
    with (library / "ssl.py").open("a") as module:
        module.write(TLS.read_text())


if __name__ == "__main__":
    copy(Path(sys.argv[1]))
