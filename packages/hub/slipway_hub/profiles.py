"""Profiles: who may launch what, the form to choose, and what a choice does to a spawner.

A choice arrives from the form, from a link (`opt-profile=slug`) and from the REST API alike.
It is checked in `apply`, which JupyterHub calls for all three.
"""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader
from tornado.web import HTTPError

from slipway_hub import smoke
from slipway_hub.settings import HubSettings, ProfileSettings
from slipway_hub.spawning import apply_profile

OPTION = "profile"
NONE_OPEN = "No profile is open to you: ask an administrator for a group."

# Of the module, not of Profiles: traitlets copies configuration, and templates cannot be copied.
_TEMPLATES = Environment(loader=PackageLoader("slipway_hub"), autoescape=True)


class Profiles:
    def __init__(self, settings: HubSettings) -> None:
        self._settings = settings

    def allowed(self, user: Any) -> list[ProfileSettings]:
        """The profiles a user may launch, in the catalog's order."""
        if user.name in smoke.users(self._settings):
            return list(self._settings.profiles)
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
            raise HTTPError(403, NONE_OPEN)
        start = self.starting(spawner.user, spawner.user_options.get(OPTION)) or allowed[0]
        return _TEMPLATES.get_template("profiles.html").render(profiles=allowed, start=start.slug)

    @staticmethod
    def options(form: Mapping[str, list[str]]) -> dict[str, str]:
        """User options from a form or a query: only the profile counts."""
        values = form.get(OPTION) or []
        return {OPTION: values[0]} if values else {}

    def apply(self, spawner: Any, options: Mapping[str, Any]) -> None:
        """Make a spawner start the chosen profile. Raises HTTPError 400 or 403."""
        # Forget a choice that is refused, which JupyterHub has stored for the next start already.
        spawner.user_options = spawner.orm_spawner.user_options = {}
        chosen = self.choose(spawner.user, options.get(OPTION))
        if spawner.name not in ("", server := self._settings.server(chosen.slug)):
            raise HTTPError(400, f"The profile {chosen.slug} starts as {server}.")
        # Remember what runs, so that a route can tell and the next start is the same.
        spawner.user_options = spawner.orm_spawner.user_options = {OPTION: chosen.slug}
        apply_profile(self._settings, spawner, chosen)

    def choose(self, user: Any, slug: Any) -> ProfileSettings:
        """The profile of that name, or the one to start without. Raises HTTPError 400 or 403."""
        allowed = {profile.slug: profile for profile in self.allowed(user)}
        if not allowed:
            raise HTTPError(403, NONE_OPEN)
        known = ", ".join(allowed)
        if slug is None:
            if start := self.starting(user, None):
                return start
            raise HTTPError(400, f"Choose a profile. Open to you: {known}.")
        if isinstance(slug, str) and slug in allowed:
            return allowed[slug]
        if isinstance(slug, str) and self._settings.profile(slug):
            raise HTTPError(403, f"The profile {slug} is not open to you. Open to you: {known}.")
        raise HTTPError(400, f"There is no such profile. Open to you: {known}.")


def configure(c: Any, settings: HubSettings) -> None:
    profiles = Profiles(settings)
    if len(settings.profiles) > 1:
        c.Spawner.options_form = profiles.form
    c.Spawner.options_from_form = profiles.options
    c.Spawner.apply_user_options = profiles.apply
    c.JupyterHub.allow_named_servers = True
