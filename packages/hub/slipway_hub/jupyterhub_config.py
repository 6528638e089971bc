"""JupyterHub's configuration file. What it says comes from the settings file alone."""

from slipway_hub import auth, hub, pages, profiles, revocation, routes, services, spawning
from slipway_hub.settings import from_environment

c = get_config()  # type: ignore[name-defined]  # noqa: F821  (given by traitlets)
settings = from_environment()

hub.configure(c, settings)
auth.configure(c, settings)
revocation.configure(c, settings)
spawning.configure(c, settings)
profiles.configure(c, settings)
routes.configure(c, settings)
pages.configure(c, settings)
services.configure(c, settings)

# What no setting foresees, by class and trait: it wins.
for section, traits in settings.extra_config.items():
    c[section].update(traits)
