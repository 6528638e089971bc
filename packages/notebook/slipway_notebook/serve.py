"""The Jupyter server of a hub's user: `jupyterhub-singleuser`, started sooner."""

import sys

from slipway_notebook import quick


def main() -> None:
    quick.import_jupyter()
    sys.argv[0] = "jupyterhub-singleuser"
    from jupyterhub.singleuser import main as singleuser

    singleuser()


if __name__ == "__main__":
    main()
