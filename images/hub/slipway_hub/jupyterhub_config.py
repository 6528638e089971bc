"""JupyterHub's configuration file. What it says comes from the settings file alone."""

from slipway_hub import auth, culler, hub, profiles, routes, spawning
from slipway_hub.settings import from_environment

c = get_config()  # type: ignore[name-defined]  # noqa: F821  (given by traitlets)
settings = from_environment()

hub.configure(c, settings)
auth.configure(c, settings)
spawning.configure(c, settings)
profiles.configure(c, settings)
routes.configure(c, settings)
culler.configure(c, settings)
