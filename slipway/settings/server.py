"""From an image's apps to the configuration of its Jupyter server.

One `jupyter_server_config.json` per image, the same in the image and on a laptop. It is the main
file and not one in `jupyter_server_config.d/`, because Jupyter Server reads nothing but the list
of extensions from there.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway import facts, files
from slipway.model.apps import App, ServerProcess, literal
from slipway.model.apps.activity import TO_JUPYTER

FILE = "jupyter_server_config.json"

# jupyter-server-proxy shows a blank icon for any other category in JupyterLab 4.
_LAUNCHER_CATEGORY = "Notebook"


@dataclass(frozen=True)
class UserImagePaths:
    """Where an image, or a laptop, keeps what the configuration names."""

    python: str
    """The interpreter that holds `slipway_notebook`."""
    icons: str


IN_IMAGE = UserImagePaths(
    python=f"{facts.JUPYTER_FOLDER}/bin/python", icons=f"{facts.JUPYTER_FOLDER}/share/slipway/icons"
)


def server_config(
    apps: dict[str, App], paths: UserImagePaths, missing: Collection[str] = ()
) -> dict[str, Any]:
    """The configuration of the Jupyter server of an image with these apps.

    `missing` are apps whose jupyter-server-proxy plug-in is left out because their program is not
    installed: they keep their tile, and opening it says what to install.
    """
    servers, ready_paths = {}, {}
    for name, app in apps.items():
        process = app.server_process(name)
        if process is None and name in missing and app.requirement:
            process = ServerProcess(
                (app.requirement.command,), requires=app.requirement, explains_only=True
            )
        if process:
            servers[name] = _server(name, app, process, paths)
            if process.ready_path:
                ready_paths[name] = process.ready_path
    return {
        # slipway_datapath loads the other with its own handlers. Where that fails there are no
        # apps, rather than apps that are handed the hub's credentials.
        "ServerApp": {
            "jpserver_extensions": {"jupyter_server_proxy": False, "slipway_datapath": True},
            # JupyterHub passes this on for its own cookies alone.
            "tornado_settings": {"xsrf_cookie_kwargs": {"samesite": "Lax"}},
        },
        "ServerProxy": {"servers": servers},
        "DataPath": _data_path(apps) | {"ready_paths": ready_paths},
        # A hub's users cannot act on either, and both call out.
        "LabApp": {
            "news_url": None,
            "check_for_updates_class": "jupyterlab.handlers.announcements.NeverCheckForUpdate",
        },
    }


def write_server_config(folder: Path, config: dict[str, Any]) -> None:
    """Write the configuration into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    files.write(folder / FILE, json.dumps(config, indent=2) + "\n")


def _data_path(apps: dict[str, App]) -> dict[str, Any]:
    """`c.DataPath`: what counts as activity, and which apps get the user's credentials."""
    own, activity = set(TO_JUPYTER), {}
    for name, app in apps.items():
        rule = app.activity.over(app.usual_activity)
        if app.is_jupyter:
            own.update(rule.heartbeats)
        elif settings := rule.as_settings():
            activity[name] = settings
    return {
        "activity": activity,
        "heartbeats": sorted(own),
        "trusted_with_credentials": [n for n, app in apps.items() if app.trusted_with_credentials],
    }


def _server(name: str, app: App, process: ServerProcess, paths: UserImagePaths) -> dict[str, Any]:
    server: dict[str, Any] = {
        "command": _command(app, process, paths),
        "timeout": app.start_timeout,
        "absolute_url": process.absolute_url,
        "environment": dict(process.environment),
        "new_browser_tab": True,
        "launcher_entry": {
            "enabled": app.launcher,
            "title": app.label,
            "path_info": app.url_path(name).lstrip("/"),
            "icon_path": f"{paths.icons}/{app.kind}.svg",
            "category": _LAUNCHER_CATEGORY,
        },
    }
    if process.unix_socket:
        server["unix_socket"] = True
    if process.port:
        server["port"] = process.port
    return server


def _command(app: App, process: ServerProcess, paths: UserImagePaths) -> list[str]:
    """The app's command behind `slipway_notebook.launch`, which explains what is missing."""
    if not process.command:
        return []
    listen = "--socket={unix_socket}" if process.unix_socket else "--port={port}"
    launch = [
        literal(paths.python),
        "-m",
        "slipway_notebook.launch",
        listen,
        f"--title={literal(app.label)}",
    ]
    if process.requires:
        launch.append(f"--remedy={literal(process.requires.remedy)}")
    if process.needs_file:
        launch.append(f"--needs-file={literal(process.needs_file)}")
    if process.explains_only:
        launch.append("--restart")
    return [*launch, "--", *process.command]
