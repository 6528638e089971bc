"""A stand-in for RStudio Server's .deb: the stand-in for `rserver` at the real package's place."""

import subprocess
from pathlib import Path

STAND_IN = Path(__file__).with_name("rserver_stand_in.py")
CONTROL = """\
Package: rstudio-server
Version: 0.0.0+stand-in
Architecture: all
Maintainer: Slipway's tests
Depends: psmisc
Description: stand-in for RStudio Server, for tests only
"""
# The real one starts its service here. It must not run.
POSTINST = "#!/bin/sh\ntouch /var/lib/rstudio-server-was-started\n"


def make(folder: Path) -> Path:
    """Make `rserver-stand-in.deb` in `folder`, which must exist; return its path."""
    tree = folder / "rserver-stand-in"
    program = tree / "usr/lib/rstudio-server/bin/rserver"
    program.parent.mkdir(parents=True)
    program.write_text("#!/opt/jupyter/python/bin/python3\n" + STAND_IN.read_text())
    program.chmod(0o755)
    control = tree / "DEBIAN"
    control.mkdir()
    (control / "control").write_text(CONTROL)
    (control / "postinst").write_text(POSTINST)
    (control / "postinst").chmod(0o755)
    deb = folder / "rserver-stand-in.deb"
    command = ["dpkg-deb", "--root-owner-group", "--build", str(tree), str(deb)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return deb
