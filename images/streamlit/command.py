#!/opt/jupyter/python/bin/python3
"""`streamlit` or `tensorboard`, by the name it is called: the user's Python with /opt/streamlit.

What the user has installed is found first, so that their script can import it.
"""

import sys
from importlib.metadata import entry_points
from pathlib import Path

# Streamlit takes itself for a developer's copy in a folder of another name.
PACKAGES = "/opt/streamlit/site-packages"

if __name__ == "__main__":
    sys.path[0:1] = []  # this file's folder
    sys.path.append(PACKAGES)
    name = Path(sys.argv[0]).name
    sys.exit(entry_points(group="console_scripts", name=name)[name].load()())
