"""Which secrets an environment has: the files that hub and proxy read, and where AWS keeps them."""

from slipway_hub.smoke import TOKEN

from slipway import facts
from slipway.model import Environment

COOKIE_SECRET = "cookie_secret"  # noqa: S105 - a file's name
SMOKE_TOKEN = TOKEN
PROMETHEUS_TOKEN = "prometheus_token"  # noqa: S105 - a file's name
OAUTH_CLIENT_SECRET = "oauth_client_secret"  # noqa: S105 - a file's name
OF_LOGIN = {
    "shared-password": ("user_password", "admin_password"),
    "native": (),
}
"""What kinds of login need. All others have a client secret from their identity provider."""


def secret_files(environment: Environment) -> tuple[str, ...]:
    spec = environment.cluster_spec
    of_login = OF_LOGIN.get(spec.auth.kind, (OAUTH_CLIENT_SECRET,))
    of_monitoring = (PROMETHEUS_TOKEN,) if spec.monitoring_namespace else ()
    return (facts.PROXY_TOKEN, COOKIE_SECRET, SMOKE_TOKEN, *of_login, *of_monitoring)


def secret_ids(environment: Environment) -> dict[str, str]:
    """The name in Secrets Manager of each file's content."""
    return {name: f"slipway/{environment.name}/{name}" for name in secret_files(environment)}
