"""Who may log in, and how."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from slipway_hub import smoke

from slipway import facts
from slipway.model.base import Model, Text, refuse, text

HttpsUrl = Annotated[
    str, Field(pattern=r"^https://[^\s/]+\S*$", examples=["https://id.example.org"])
]


USER_NAME = r"[a-z0-9_][a-z0-9_.@+-]{0,99}"
"""A name becomes a folder and part of Kubernetes names, and some logins let users choose it."""

UserName = Annotated[
    str, *text(USER_NAME, "a user name of lower-case letters, digits and _.@+-", "ada")
]


LETS_IN = (
    *("allowed_users", "admin_users", "allowed_groups", "admin_groups"),
    *("allowed_organizations", "hosted_domains"),
)
"""Fields that let somebody in, of the logins that have them."""


class Auth(Model):
    """What every kind of login shares. Nobody is let in unless something here says so."""

    secret_files: ClassVar[tuple[str, ...]] = ()
    """Secrets that the hub reads for it, by the names of their files."""
    for_one_person: ClassVar[bool] = False
    """Whether it keeps nobody apart, so that only one trusted user may have it."""

    allow_all: bool = False
    """Let in everybody whom the login knows."""
    open_to_everyone: bool = False
    """The explicit word that `allow_all` needs where the whole internet can reach the hub."""
    allowed_users: tuple[UserName, ...] = ()
    admin_users: tuple[UserName, ...] = ()

    @model_validator(mode="after")
    def _somebody_is_allowed(self) -> Self:
        if not (self.allow_all or any(getattr(self, field, ()) for field in LETS_IN)):
            raise refuse(
                "nobody may log in",
                "name allowed_users (or groups, where the login has them), or say allow_all: true",
            )
        return self

    @model_validator(mode="after")
    def _no_name_of_smoke_runs(self) -> Self:
        for field in ("allowed_users", "admin_users"):
            for name in filter(smoke.is_reserved, getattr(self, field)):
                raise refuse(
                    f"{name} begins like the users of smoke runs, whom no login leads to",
                    "leave it out",
                    at=field,
                )
        return self


class SharedPassword(Auth):
    """Any user name with one password: for a laptop and one trusted user."""

    secret_files: ClassVar[tuple[str, ...]] = (facts.USER_PASSWORD, facts.ADMIN_PASSWORD)
    for_one_person: ClassVar[bool] = True

    kind: Literal["shared-password"]


class OAuth(Auth):
    """Accounts of an identity provider. The client secret is filled in after the deploy, never
    written here."""

    secret_files: ClassVar[tuple[str, ...]] = (facts.OAUTH_CLIENT_SECRET,)


class NamesWithCase(OAuth):
    """A provider of which Slipway does not know whether it tells `Ada` from `ada`."""

    ignore_case: bool = False
    """Whether the provider takes `Ada` and `ada` for one account's name. If not, names with capital
    letters are refused: here they would be those in small ones."""


class GitHub(OAuth):
    """GitHub accounts."""

    kind: Literal["github"]
    client_id: Text
    allowed_organizations: tuple[Text, ...] = ()
    """Organisations (`acme`) or teams (`acme:data`) whose members may log in."""
    team_groups: bool = False
    """Make a user's teams (`acme:data`) their groups, for profiles, admins and logins."""
    allowed_groups: tuple[Text, ...] = ()
    admin_groups: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _groups_are_teams(self) -> Self:
        if (self.allowed_groups or self.admin_groups) and not self.team_groups:
            raise refuse(
                "groups are named, but teams are not read from GitHub", "add team_groups: true"
            )
        return self


class Google(OAuth):
    """Google accounts."""

    kind: Literal["google"]
    client_id: Text
    hosted_domains: tuple[Text, ...] = ()
    """Google Workspace domains whose members may log in."""


class Cognito(NamesWithCase):
    """An Amazon Cognito user pool. Its groups are the users' groups."""

    kind: Literal["cognito"]
    client_id: Text
    pool_domain: HttpsUrl
    """The user pool's domain: `https://acme.auth.eu-central-1.amazoncognito.com`."""
    allowed_groups: tuple[Text, ...] = ()
    admin_groups: tuple[Text, ...] = ()


class Oidc(NamesWithCase):
    """Any OpenID Connect provider."""

    kind: Literal["oidc"]
    client_id: Text
    authorize_url: HttpsUrl
    token_url: HttpsUrl
    userdata_url: HttpsUrl
    username_claim: Text = "preferred_username"
    """The claim that users' names are taken from; users must not be able to change it."""
    groups_claim: Text | None = None
    """The claim that lists a user's groups."""
    allowed_groups: tuple[Text, ...] = ()
    admin_groups: tuple[Text, ...] = ()
    scopes: tuple[Text, ...] = ("openid", "profile", "email")

    @model_validator(mode="after")
    def _groups_have_a_claim(self) -> Self:
        if (self.allowed_groups or self.admin_groups) and not self.groups_claim:
            raise refuse("groups are named but no claim that lists them", "add groups_claim: …")
        return self


def _not_native(said: Any) -> Any:
    if isinstance(said, dict) and said.get("kind") == "native":
        raise refuse(
            "there is no login kind 'native' any more",
            "use oidc with an identity provider of your own (Keycloak, Dex), or cognito, github "
            "or google; docs/decisions/0028-no-native-login.md says why",
            at="kind",
        )
    return said


AnyAuth = Annotated[
    SharedPassword | GitHub | Google | Cognito | Oidc,
    Field(discriminator="kind"),
    BeforeValidator(_not_native),
]
