"""The user's own Python as a kernel, with ipykernel borrowed from the server's packages.

Those come last: what the user installs is found first, and never changes the server.
"""

import os
import site
import sys
from contextlib import suppress

# This file's folder, where nothing is to be imported from.
prefix = os.path.normpath(sys.path.pop(0) + "/../../../..")

# Python leaves the folder out when it does not exist yet, and then a first
# `%pip install` would be found by the next kernel only.
user_site = site.getusersitepackages()
if site.ENABLE_USER_SITE and user_site not in sys.path:
    with suppress(OSError):
        os.makedirs(user_site, exist_ok=True)  # noqa: PTH103
    after = [place for place in sys.path if place.endswith("-packages")]
    sys.path.insert(sys.path.index(after[0]) if after else len(sys.path), user_site)

version = sys.version_info
sys.path.append(f"{prefix}/lib/python{version.major}.{version.minor}/site-packages")

if __name__ == "__main__":
    from ipykernel import kernelapp

    kernelapp.launch_new_instance()
