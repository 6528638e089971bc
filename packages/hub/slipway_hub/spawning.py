"""Spawners: pods on a cluster, processes on a laptop."""

import shutil
from pathlib import Path
from typing import Any

from jupyterhub.spawner import SimpleLocalProcessSpawner
from traitlets import Unicode

from slipway_hub import kubespawner_config
from slipway_hub.settings import HubSettings, LocalSpawning, ProfileSettings


class LocalSpawner(SimpleLocalProcessSpawner):  # type: ignore[misc]
    """Servers as processes of the user who ran `slipway up`, each with a home of its own."""

    skel = Unicode("", config=True, help="Copied into a home that does not exist yet.")

    async def start(self) -> Any:
        seed_home(Path(self.skel), Path(self.home_dir))
        return await super().start()


def seed_home(skel: Path, home: Path) -> None:
    """Copy the image's files into a home that does not exist yet; leave any other alone."""
    if home.exists():
        return
    home.parent.mkdir(parents=True, exist_ok=True)
    partial = home.with_name(f".{home.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(skel, partial)
    partial.chmod(0o700)
    partial.rename(home)


def configure(c: Any, settings: HubSettings) -> None:
    c.Spawner.http_timeout = 90
    if isinstance(settings.spawning, LocalSpawning):
        _local(c, settings.spawning)
    else:
        kubespawner_config.configure(c, settings.spawning)


def apply_profile(settings: HubSettings, spawner: Any, profile: ProfileSettings) -> None:
    """Set on a spawner what the profile says, and nothing that an earlier profile said."""
    if isinstance(settings.spawning, LocalSpawning):
        local = settings.spawning
        spawner.default_url = profile.default_url
        spawner.environment = {
            **profile.environment,
            "JUPYTER_CONFIG_PATH": f"{local.config}/{profile.image}",
            "PATH": local.path,
        }
        if profile.image in local.python_path:
            spawner.environment["PYTHONPATH"] = local.python_path[profile.image]
    else:
        kubespawner_config.apply_profile(settings.spawning, spawner, profile)
    reports = {"JUPYTERHUB_ACTIVITY_INTERVAL": str(settings.culling.report_every)}
    spawner.environment = {**reports, **spawner.environment}
    _let_extra_config_win(settings, spawner)


def _let_extra_config_win(settings: HubSettings, spawner: Any) -> None:
    """Over what a profile has just set, too: added to lists and dictionaries, else in its place."""
    sections = {cls.__name__ for cls in type(spawner).__mro__}
    for section in sections & settings.extra_config.keys():
        for trait, value in settings.extra_config[section].items():
            now = getattr(spawner, trait, None)
            if isinstance(now, dict) and isinstance(value, dict):
                value = {**now, **value}
            elif isinstance(now, list) and isinstance(value, list):
                value = [*now, *(item for item in value if item not in now)]
            setattr(spawner, trait, value)


def _local(c: Any, local: LocalSpawning) -> None:
    c.JupyterHub.spawner_class = LocalSpawner
    c.LocalSpawner.skel = local.skel
    c.SimpleLocalProcessSpawner.home_dir_template = f"{local.homes}/{{username}}"
    c.Spawner.cmd = list(local.command)
    c.Spawner.ip = "127.0.0.1"
    c.ConfigurableHTTPProxy.command = list(local.proxy_command)
    # Seconds for a server to end by itself before it is made to.
    c.LocalProcessSpawner.interrupt_timeout = 2
    c.LocalProcessSpawner.term_timeout = 1
    c.LocalProcessSpawner.kill_timeout = 1
