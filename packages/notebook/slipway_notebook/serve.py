"""The Jupyter server of a hub's user: `jupyterhub-singleuser`, without a search for yarn."""

import sys


def main() -> None:
    forget_yarn()
    from jupyterhub.singleuser import main as singleuser

    sys.argv[0] = "jupyterhub-singleuser"
    singleuser()


def forget_yarn() -> None:
    """Keep JupyterLab from running yarn at each start.

    Where there is a Node, as beside VS Code, JupyterLab asks yarn for the registry that it would
    build extensions from: half a second, before Jupyter listens, for builds that no hub makes. It
    has no setting for that (docs/decisions/0025-packages.md).
    """
    try:
        from jupyterlab import commands
    except ImportError:
        return  # an image without JupyterLab
    commands._yarn_config = lambda _: {"yarn config": {}, "npm config": {}}


if __name__ == "__main__":
    main()
