"""Which secrets an environment has: the files that hub and proxy read, and where AWS keeps them."""

from charts import names
from slipway.model import Environment

COOKIE_SECRET = "cookie_secret"  # noqa: S105 - a file's name
OF_LOGIN = {
    "shared-password": ("user_password", "admin_password"),
    "native": (),
}
"""What kinds of login need. All others have a client secret from their identity provider."""


def secret_files(environment: Environment) -> tuple[str, ...]:
    of_login = OF_LOGIN.get(environment.spec.auth.kind, ("oauth_client_secret",))
    return (names.PROXY_TOKEN, COOKIE_SECRET, *of_login)


def secret_ids(environment: Environment) -> dict[str, str]:
    """The name in Secrets Manager of each file's content."""
    return {name: f"slipway/{environment.name}/{name}" for name in secret_files(environment)}
