"""Profiles: who may launch what, the form to choose, and what a choice does to a spawner.

A choice arrives from the form, from a link (`opt-profile=slug`) and from the REST API alike.
It is checked in `apply`, which JupyterHub calls for all three.
"""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader
from tornado.web import HTTPError

from slipway_hub.settings import HubSettings, ProfileSettings
from slipway_hub.spawning import apply_profile

OPTION = "profile"

# Of the module, not of Profiles: traitlets copies configuration, and templates cannot be copied.
_TEMPLATES = Environment(loader=PackageLoader("slipway_hub"), autoescape=True)


class Profiles:
    def __init__(self, settings: HubSettings) -> None:
        self._settings = settings

    def allowed(self, user: Any) -> list[ProfileSettings]:
        """The profiles a user may launch, in the catalog's order."""
        groups = {group.name for group in user.groups}
        return [p for p in self._settings.profiles if not p.groups or groups & set(p.groups)]

    def starting(self, user: Any, last: str | None) -> ProfileSettings | None:
        """What to start without asking: what ran last, or the default; None to let them choose."""
        allowed = {profile.slug: profile for profile in self.allowed(user)}
        if last in allowed:
            return allowed[last]
        if len(allowed) == 1:
            return next(iter(allowed.values()))
        return allowed.get(self._settings.default_profile or "")

    def form(self, spawner: Any) -> str:
        allowed = self.allowed(spawner.user)
        if not allowed:
            raise HTTPError(403, "No profile is open to you: ask an administrator for a group.")
        start = self.starting(spawner.user, spawner.user_options.get(OPTION)) or allowed[0]
        return _TEMPLATES.get_template("profiles.html").render(profiles=allowed, start=start.slug)

    @staticmethod
    def options(form: Mapping[str, list[str]]) -> dict[str, str]:
        """User options from a form or a query: only the profile counts."""
        values = form.get(OPTION) or []
        return {OPTION: values[0]} if values else {}

    def apply(self, spawner: Any, options: Mapping[str, Any]) -> None:
        """Make a spawner start the chosen profile. Raises HTTPError 400 or 403."""
        allowed = {profile.slug: profile for profile in self.allowed(spawner.user)}
        slug = options.get(OPTION)
        if slug is None:
            chosen = self.starting(spawner.user, None)
            if chosen is None:
                known = ", ".join(allowed) or "none"
                raise HTTPError(400, f"Choose a profile. Open to you: {known}.")
        elif isinstance(slug, str) and slug in allowed:
            chosen = allowed[slug]
        elif isinstance(slug, str) and self._settings.profile(slug):
            raise HTTPError(403, f"The profile {slug} is not open to you.")
        else:
            raise HTTPError(400, f"There is no such profile. Open to you: {', '.join(allowed)}.")
        # Remember what runs, so that a route can tell and the next start is the same.
        spawner.user_options = spawner.orm_spawner.user_options = {OPTION: chosen.slug}
        apply_profile(self._settings, spawner, chosen)


def configure(c: Any, settings: HubSettings) -> None:
    profiles = Profiles(settings)
    if len(settings.profiles) > 1:
        c.Spawner.options_form = profiles.form
    c.Spawner.options_from_form = profiles.options
    c.Spawner.apply_user_options = profiles.apply
    c.JupyterHub.allow_named_servers = True
    # One per profile: a route starts its profile beside whatever else is running.
    c.JupyterHub.named_server_limit_per_user = len(settings.profiles)
