"""One account of an identity provider, one user, one home: JupyterHub's real authenticators."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from slipway_hub import auth
from slipway_hub.accounts import one_user_per_account
from slipway_hub.kubernetes_names import label, object_name
from slipway_hub.settings import HubSettings
from tornado.web import HTTPError
from traitlets.config import Config
from traitlets.utils.importstring import import_item

from slipway.model.auth import AnyAuth
from slipway.settings.hub import kubernetes_settings
from tests.charts.conftest import environment_on_cluster

_OAUTH = {"client_id": "hub", "allow_all": True}
_URLS = {f"{name}_url": "https://id.example.org/x" for name in ("authorize", "token", "userdata")}
KINDS: dict[str, dict[str, Any]] = {
    "oidc": {**_OAUTH, **_URLS},
    "cognito": {**_OAUTH, "pool_domain": "https://acme.example.org"},
    "github": _OAUTH,
    "google": _OAUTH,
    "shared-password": {"allow_all": True},
}


async def _token(handler: Any, _: Any) -> dict[str, Any]:
    """In a provider's place: its answer to the code that a browser brings."""
    token = dict.fromkeys(("access_token", "token_type", "id_token", "scope"), "")
    return {**token, "claims": handler.claims}


async def _claims_of(token: dict[str, Any]) -> dict[str, Any]:
    return dict(token["claims"])


class Hub:
    """Logins, and what the hub's database keeps of them."""

    def __init__(self, folder: Path, kind: str, **said: Any) -> None:
        for name in ("oauth_client_secret", "user_password", "admin_password"):
            (folder / name).write_text("s" * 32)
        model: Any = TypeAdapter(AnyAuth).validate_python({"kind": kind, **KINDS[kind], **said})
        environment = environment_on_cluster("kube", auth=model)
        written = kubernetes_settings(environment).model_copy(update={"secrets": str(folder)})
        given = HubSettings.model_validate(written.model_dump())
        config = Config()
        auth.configure(config, given)
        authenticator = import_item(auth.LOGINS[kind].authenticator)
        self.login = one_user_per_account(authenticator, given)(config=config)
        self.login.build_access_tokens_request_params = lambda *_: {}
        self.login.get_token_info, self.login.token_to_user = _token, _claims_of
        self.kind: str = kind
        self.users: dict[str, Any] = {}

    def add(self, name: str, info: dict[str, Any] | None = None) -> None:
        self.users[name] = SimpleNamespace(name=name, orm_user=SimpleNamespace(user_info=info))

    async def authenticate(self, claims: dict[str, Any]) -> dict[str, Any] | None:
        """What JupyterHub asks, with a provider that has these claims to tell."""
        handler = SimpleNamespace(find_user=self.users.get, claims=claims)
        data = None
        if self.kind == "shared-password":
            data = {"username": claims["name"], "password": "s" * 32}
        model: dict[str, Any] | None = await self.login.get_authenticated_user(handler, data)
        return model

    def log_in(self, **claims: Any) -> str:
        """The user's name. Raises HTTPError with what the page says."""
        model = asyncio.run(self.authenticate(claims))
        assert model
        self.add(model["name"], model["user_info"])
        return str(model["name"])

    def refuses(self, **claims: Any) -> str:
        """What the page says."""
        with pytest.raises(HTTPError) as refused:
            asyncio.run(self.authenticate(claims))
        assert refused.value.status_code == 403
        return str(refused.value.get_message())


@pytest.fixture
def oidc(tmp_path: Path) -> Hub:
    return Hub(tmp_path, "oidc")


def claims(kind: str, account: str, name: Any) -> dict[str, Any]:
    """What a provider of this kind says of an account."""
    return {
        "oidc": {"sub": account, "preferred_username": name},
        "cognito": {"sub": account, "cognito:username": name},
        "github": {"id": account, "login": name, "email": ""},
        "google": {"id": account, "email": name, "verified_email": True},
        "shared-password": {"name": name},
    }[kind]


PROVIDERS = [kind for kind in KINDS if kind != "shared-password"]


@pytest.mark.parametrize("kind", PROVIDERS)
def test_a_user_belongs_to_the_account_that_first_logged_in(tmp_path: Path, kind: str):
    hub = Hub(tmp_path, kind)
    assert hub.log_in(**claims(kind, "1", "ada@x.org")) == "ada@x.org"
    assert hub.log_in(**claims(kind, "1", "ada@x.org")) == "ada@x.org"
    assert "belongs to another account" in hub.refuses(**claims(kind, "2", "ada@x.org"))
    # Also after a restart of the hub.
    hub.login._accounts.clear()
    assert "belongs to another account" in hub.refuses(**claims(kind, "2", "ada@x.org"))
    assert hub.log_in(**claims(kind, "2", "bob@x.org")) == "bob@x.org"


@pytest.mark.parametrize("kind", ["github", "google"])
def test_a_provider_that_ignores_case_may_write_names_as_it_likes(tmp_path: Path, kind: str):
    hub = Hub(tmp_path, kind)
    assert hub.log_in(**claims(kind, "1", "Ada@x.org")) == "ada@x.org"
    assert "another account" in hub.refuses(**claims(kind, "2", "ADA@x.org"))


@pytest.mark.parametrize("kind", ["oidc", "cognito"])
def test_capitals_are_refused_unless_the_provider_ignores_case(tmp_path: Path, kind: str):
    assert "capital letters" in Hub(tmp_path, kind).refuses(**claims(kind, "1", "Ada"))
    assert Hub(tmp_path, kind, ignore_case=True).log_in(**claims(kind, "1", "Ada")) == "ada"


AMBIGUOUS = {
    "kelvin sign": "\u212aate",
    "cyrillic": "\u0430da",
    "full width": "\uff41da",
    "composed": "zo\u00eb",
    "decomposed": "zoe\u0308",
    "dotted I": "\u0130da",
    "long s": "\u017fam",
    "zero width": "ada\u200b",
    "soft hyphen": "a\u00adda",
    "right to left": "\u202eada",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_names_beyond_ascii_are_refused_and_the_page_says_why(tmp_path: Path, kind: str, name: str):
    hub = Hub(tmp_path, kind)
    email = f"{name}@x.org" if kind == "google" else name
    told = hub.refuses(**claims(kind, "1", email))
    assert "beyond ASCII" in told
    assert told.isascii()


@pytest.mark.parametrize("name", [None, "", 7, True, ["ada"], {"a": 1}])
def test_a_claim_that_is_no_text_is_refused(oidc: Hub, name: Any):
    assert "name" in oidc.refuses(sub="1", preferred_username=name)


@pytest.mark.parametrize("name", [" ada", "ada\n", "a/b", "auth0|1", "..", "-ada", "a" * 101])
def test_a_name_that_cannot_be_a_users_is_refused_with_the_reason(oidc: Hub, name: str):
    assert "letters, digits and" in oidc.refuses(sub="1", preferred_username=name)


@pytest.mark.parametrize("subject", [None, "", True, ["1"], {}])
def test_a_provider_that_does_not_say_which_account_it_is_lets_nobody_in(oidc: Hub, subject: Any):
    assert "sends no sub" in oidc.refuses(sub=subject, preferred_username="ada")


@pytest.mark.parametrize("verified", [{}, {"email_verified": False}, {"email_verified": "no"}])
def test_an_address_that_nobody_has_verified_is_no_name(tmp_path: Path, verified: dict[str, Any]):
    hub = Hub(tmp_path, "oidc", username_claim="email")
    assert "verified" in hub.refuses(sub="1", email="ada@x.org", **verified)
    assert hub.log_in(sub="1", email="ada@x.org", email_verified=True) == "ada@x.org"


RESERVED = ["slipway-smoke", "slipway-smoke-vscode", "slipway-smoke-x", "slipway-smoker"]


@pytest.mark.parametrize("kind", ["oidc", "github", "cognito", "shared-password"])
@pytest.mark.parametrize("name", RESERVED)
def test_no_login_leads_to_a_name_like_those_of_smoke_runs(tmp_path: Path, kind: str, name: str):
    hub = Hub(tmp_path, kind)
    for exists in (False, True):
        if exists:
            hub.add(name)
        with pytest.raises((HTTPError, AssertionError)):
            hub.log_in(**claims(kind, "1", name))


def test_of_two_first_logins_at_once_one_is_refused(oidc: Hub):
    async def both() -> list[Any]:
        logins = (oidc.authenticate({"sub": s, "preferred_username": "ada"}) for s in "12")
        return await asyncio.gather(*logins, return_exceptions=True)

    assert len([found for found in asyncio.run(both()) if isinstance(found, HTTPError)]) == 1


def test_a_deleted_user_may_be_somebody_elses(oidc: Hub):
    name = oidc.log_in(sub="1", preferred_username="ada")
    oidc.login.delete_user(oidc.users.pop(name))
    assert oidc.log_in(sub="2", preferred_username="ada") == "ada"


def test_a_user_without_an_account_gets_one_at_the_next_login(oidc: Hub):
    oidc.add("ada", {"name": "Ada"})
    oidc.log_in(sub="1", preferred_username="ada")
    info = oidc.users["ada"].orm_user.user_info
    assert info["account"]["subject"] == "1"
    oidc.refuses(sub="2", preferred_username="ada")


def test_another_provider_in_the_file_means_its_accounts(tmp_path: Path):
    hub = Hub(tmp_path, "oidc")
    hub.log_in(sub="1", preferred_username="ada")
    other = Hub(tmp_path, "oidc", authorize_url="https://new.example.org/x")
    other.users = hub.users
    assert other.log_in(sub="a", preferred_username="ada") == "ada"
    assert "another account" in other.refuses(sub="b", preferred_username="ada")


_names = st.one_of(
    st.text("aAkK\u212a\u0131\u0130\u017f\u00df\u0430.@+-_0\u200b\u0301 ", min_size=1, max_size=6),
    st.text(max_size=20),
)


@pytest.fixture(scope="module")
def hubs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Hub]:
    folder = tmp_path_factory.mktemp("secrets")
    made = {kind: Hub(folder, kind) for kind in KINDS}
    made["oidc, ignoring case"] = Hub(folder, "oidc", ignore_case=True)

    def fresh(which: str) -> Hub:
        made[which].users.clear()
        made[which].login._accounts.clear()
        return made[which]

    return fresh


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None)
@given(
    which=st.sampled_from([*KINDS, "oidc, ignoring case"]),
    logins=st.lists(st.tuples(st.sampled_from("123"), _names), min_size=1, max_size=6),
)
def test_no_two_accounts_share_a_home_a_pod_a_claim_or_a_label(
    hubs: Callable[[str], Hub], which: str, logins: list[tuple[str, str]]
):
    hub, owners = hubs(which), {}
    for account, name in logins:
        try:
            user = hub.log_in(**claims(hub.kind, account, name))
        except HTTPError:
            continue
        # Whoever has the one password is whom they say, in capitals or not.
        owner = name.lower() if hub.kind == "shared-password" else account
        for what in (f"homes/{user}", object_name(user), f"label {label(user)}"):
            assert owners.setdefault(what.casefold(), owner) == owner
