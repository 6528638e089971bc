"""Users of `slipway smoke`, and the service that acts on them alone.

Nobody logs in as one of these users, except on a laptop, where one password is for all.
"""

import unicodedata

from slipway_hub.settings import HubSettings

SERVICE = "smoke"
USER = "slipway-smoke"
"""Exists while a smoke run is under way. The other users of the run try to reach its server."""

RESERVED = f"Names that begin with {USER} are for smoke runs."
"""What whoever wants such a name is told."""

RUNNING = "slipway-running"
"""Below /hub/: what this hub runs, for the service."""


def is_reserved(name: str) -> bool:
    """Whether a name begins like those of the users of smoke runs, however it is written."""
    return unicodedata.normalize("NFKC", name).casefold().startswith(USER)


def user(profile: str) -> str:
    """The user who tries a profile."""
    return f"{USER}-{profile}"


def users(settings: HubSettings) -> list[str]:
    return [USER, *(user(profile.slug) for profile in settings.profiles)]


def scopes(settings: HubSettings) -> list[str]:
    """To make, use and remove its own users, and to ask what runs. Nothing about anybody else."""
    needed = ("admin:users", "servers", "access:servers", "tokens")
    return ["read:hub", *(f"{scope}!user={name}" for name in users(settings) for scope in needed)]
