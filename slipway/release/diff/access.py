"""Who loses and who gains access to a hub, and who is an admin, when an environment's `auth`
changes. What losing it takes: docs/decisions/0029-taking-access-away.md."""

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from slipway.facts import HUB_SETTINGS_FILE, environment_file
from slipway.model import InvalidProject
from slipway.model.auth import AnyAuth
from slipway.model.document import parse
from slipway.model.problems import listed
from slipway.release.diff.changes import Objects, UserChange, Verb
from slipway.toolchain import git

SUBJECT = "access"
EVERYBODY = "everybody whom the login knows"
LOST = "with all sessions, tokens and running servers; files stay"
UNLESS = "unless something else lets them in"


def access_changes(old: AnyAuth, new: AnyAuth) -> Iterator[UserChange]:
    """What is lost before what is gained; of access before of admins' rights."""
    was, now = _let_in(old), _let_in(new)
    if EVERYBODY not in now:
        for who in sorted(was - now):
            unless = f", {UNLESS}" if who not in _named(old) or now - _named(new) else ""
            yield _change("removed", who, "lose", f"access{unless}, {LOST}")
    yield from _kept_out(old, new)
    admins, admins_now = _admins(old), _admins(new)
    for who in sorted(admins - admins_now):
        yield _change("removed", who, "lose", "the rights of an admin")
    if EVERYBODY not in was:
        for who in sorted(now - was):
            yield _change("added", who, "get", "access")
    for who in sorted(admins_now - admins):
        yield _change("added", who, "get", "the rights of an admin")
    if old.kind != new.kind:
        text = "everybody has to log in again; whether a name is the same person's is not checked"
        yield UserChange("changed", SUBJECT, text)


def _named(auth: AnyAuth) -> set[str]:
    return {*auth.allowed_users, *auth.admin_users}


def _let_in(auth: AnyAuth) -> set[str]:
    """By name, and in words for those whom the file does not name."""
    domains = _listed(auth, "hosted_domains")
    groups = {*_listed(auth, "allowed_groups"), *_listed(auth, "admin_groups")}
    organizations = _listed(auth, "allowed_organizations")
    return {
        *_named(auth),
        *(_members(group) for group in groups),
        *(f"members of the organisation {name}" for name in organizations),
        *(f"members of {domain}" for domain in domains),
        *([EVERYBODY] if auth.allow_all and not domains else []),
    }


def _admins(auth: AnyAuth) -> set[str]:
    return {*auth.admin_users, *(_members(group) for group in _listed(auth, "admin_groups"))}


def _members(group: str) -> str:
    return f"members of the group {group}"


def _kept_out(old: AnyAuth, new: AnyAuth) -> Iterator[UserChange]:
    """A domain keeps out all others, those too whom the file names."""
    domains = _listed(new, "hosted_domains")
    if domains and not _listed(old, "hosted_domains"):
        who = f"members of other domains than {listed(domains)}"
        yield _change("removed", who, "lose", f"access, {LOST}")


def _listed(auth: AnyAuth, field: str) -> tuple[str, ...]:
    """A field that not every kind of login has."""
    return tuple(getattr(auth, field, ()))


def _change(verb: Verb, who: str, does: str, what: str) -> UserChange:
    several = who.startswith("members ")
    return UserChange(verb, SUBJECT, f"{who} {does if several else f'{does}s'} {what}")


def at_last_commit(root: Path, environment: str) -> AnyAuth | None:
    """What the last commit's file says; None if there is none that can be read."""
    file = environment_file(environment)
    try:
        return _read(git.run_bytes(root, "show", f"HEAD:./{file}"), file)
    except git.GitError:
        return None


def in_hub_settings(objects: Objects) -> AnyAuth | None:
    """What the settings of a deployed hub say; None if there is none, or not in words of today."""
    for (_, kind, _), item in objects.items():
        if kind == "ConfigMap" and HUB_SETTINGS_FILE in (item.get("data") or {}):
            auth = json.loads(item["data"][HUB_SETTINGS_FILE]).get("auth")
            return _read(json.dumps({"auth": auth}).encode(), HUB_SETTINGS_FILE)
    return None


def _read(text: bytes, name: str) -> AnyAuth | None:
    """From YAML, which JSON is, too."""
    adapter: TypeAdapter[AnyAuth] = TypeAdapter(AnyAuth)
    try:
        return adapter.validate_python(parse(text, name).data["auth"])
    except (InvalidProject, ValidationError, LookupError, TypeError):
        return None
