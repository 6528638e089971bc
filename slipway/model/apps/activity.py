"""What of an app's traffic is work, and what its page does by itself."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from slipway.model.base import Model, Text, refuse

TO_JUPYTER = (
    r"^/lab/api/workspaces/",
    r"^/git/(.*/)?(status|branch|tags|remote/fetch)$",  # jupyterlab-git
)
"""What an open JupyterLab sends by itself to its server every few seconds, and not by GET."""


def _expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise refuse(
            f"{pattern!r} is not a regular expression ({error})", r"write for example ^/ping$"
        ) from error
    return pattern


Expression = Annotated[Text, AfterValidator(_expression), Field(examples=["^/ping$"])]


class Activity(Model):
    """What keeps a user's server from being culled. What is left out is as the kind has it."""

    requests: Literal["work", "heartbeat"] | None = None
    """Whether requests to the app are work."""
    heartbeats: tuple[Expression, ...] = ()
    """Regular expressions of paths inside the app whose requests are not, beside the kind's own."""
    websocket: Literal["work", "input", "vscode", "heartbeat"] | None = None
    """`work` counts every message, `input` those that the browser sends, `vscode` those of a VS
    Code while its user is there, `heartbeat` none. Pings never count."""
    keepalive_bytes: int | None = Field(default=None, ge=0, le=65536)
    """Messages from the browser of up to this length, as they are sent (compressed, mostly), are
    keep-alives and never count."""

    def over(self, other: "Activity") -> "Activity":
        """This one, and where it says nothing, `other`."""
        own = self.model_dump(exclude_none=True)
        heartbeats = (*other.heartbeats, *self.heartbeats)
        return Activity(**{**other.model_dump(), **own, "heartbeats": heartbeats})

    def as_settings(self) -> dict[str, Any]:
        """For `DataPath.activity`; empty when everything is work."""
        return self.model_dump(exclude_none=True, exclude_defaults=True, mode="json")
