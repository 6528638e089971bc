"""What `slipway diff` says of a change of an environment's `auth`."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from slipway.model.auth import AnyAuth
from slipway.release.diff.access import access_changes

LOSES = "with all sessions, tokens and running servers; files stay"
UNLESS = f"unless something else lets them in, {LOSES}"
OPEN = {"allow_all": True, "open_to_everyone": True}


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    adapter: Any = TypeAdapter(AnyAuth)
    was, now = (adapter.validate_python(said) for said in (old, new))
    found = list(access_changes(was, now))
    assert {change.subject for change in found} <= {"access"}
    return [f"{change.verb}: {change.text}" for change in found]


def password(**said: Any) -> dict[str, Any]:
    return {"kind": "shared-password", **said}


def github(**said: Any) -> dict[str, Any]:
    return {"kind": "github", "client_id": "x", **said}


def google(**said: Any) -> dict[str, Any]:
    return {"kind": "google", "client_id": "x", **said}


def test_no_change_is_none():
    assert (
        changes(password(allowed_users=("ada", "eve")), password(allowed_users=("eve", "ada")))
        == []
    )


def test_who_is_taken_out_and_who_comes_in_is_named():
    old = password(allowed_users=("ada", "eve"))
    assert changes(old, password(allowed_users=("ada", "bob"))) == [
        f"removed: eve loses access, {LOSES}",
        "added: bob gets access",
    ]


def test_who_is_no_admin_any_more_is_named():
    old = password(allowed_users=("ada",), admin_users=("eve", "kim"))
    assert changes(old, password(allowed_users=("ada", "eve"), admin_users=("ada",))) == [
        f"removed: kim loses access, {LOSES}",
        "removed: eve loses the rights of an admin",
        "removed: kim loses the rights of an admin",
        "added: ada gets the rights of an admin",
    ]


def test_nobody_loses_what_everybody_has():
    old = password(allowed_users=("eve",))
    assert changes(old, password(allow_all=True)) == [
        "added: everybody whom the login knows gets access"
    ]
    assert changes(password(allow_all=True), old) == [
        f"removed: everybody whom the login knows loses access, {UNLESS}"
    ]
    assert changes(password(allow_all=True), password(allow_all=True, allowed_users=("ada",))) == []


def test_groups_and_organisations_are_named():
    teams = {"team_groups": True}
    old = github(allowed_organizations=("acme",), **teams, admin_groups=("acme:ops",))
    new = github(allowed_users=("ada",), **teams, allowed_groups=("acme:ops",))
    assert changes(old, new) == [
        f"removed: members of the organisation acme lose access, {UNLESS}",
        "removed: members of the group acme:ops lose the rights of an admin",
        "added: ada gets access",
    ]


def test_a_name_whose_group_may_be_let_in_is_said_to_lose_access_unless():
    old = github(allowed_users=("eve",), allowed_organizations=("acme",))
    assert changes(old, github(allowed_organizations=("acme",))) == [
        f"removed: eve loses access, {UNLESS}"
    ]


def test_a_domain_keeps_out_those_too_whom_the_file_names():
    named = google(allowed_users=("ada",))
    assert changes(named, google(allowed_users=("ada",), hosted_domains=("b.org",))) == [
        f"removed: members of other domains than b.org lose access, {LOSES}",
        "added: members of b.org get access",
    ]
    assert changes(google(**OPEN), google(hosted_domains=("b.org",)))[:2] == [
        f"removed: everybody whom the login knows loses access, {UNLESS}",
        f"removed: members of other domains than b.org lose access, {LOSES}",
    ]


def test_another_login_is_a_new_login_for_everybody():
    found = changes(password(allowed_users=("ada",)), github(allowed_users=("ada",)))
    assert found == [
        "changed: everybody has to log in again; whether a name is the same person's is not checked"
    ]


@pytest.mark.parametrize("kind", ["oidc", "cognito"])
def test_groups_of_every_provider_are_named(kind: str):
    where = {f"{name}_url": "https://id.example" for name in ("authorize", "token", "userdata")}
    own: dict[str, Any] = {
        "oidc": {**where, "groups_claim": "groups"},
        "cognito": {"pool_domain": "https://id.example"},
    }[kind]
    said = {"kind": kind, "client_id": "x", **own}
    old, new = ({**said, "allowed_groups": names} for names in (("a", "b"), ("b",)))
    assert changes(old, new) == [f"removed: members of the group a lose access, {UNLESS}"]
