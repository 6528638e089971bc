from collections.abc import Mapping
from typing import ClassVar, Literal

from slipway.model.apps.activity import Activity
from slipway.model.apps.base import App, Requirement


class RStudio(App):
    """RStudio Server through jupyter-rsession-proxy, whose entry point starts it.

    The app must be called `rstudio`: jupyter-rsession-proxy writes that path into its links.
    """

    kind: Literal["rstudio"]

    default_title: ClassVar[str] = "RStudio"
    packages: ClassVar[Mapping[str, str]] = {"rstudio-server": "RStudio"}
    lacked_by_laptops: ClassVar[bool] = True
    opens_websocket: ClassVar[bool] = False
    usual_activity: ClassVar[Activity] = Activity(
        # An open page always has one of these requests under way.
        heartbeats=(r"^/events/get_events$", r"^/rpc/get_events$"),
        websocket="input",
    )
    fixed_name: ClassVar[str] = "rstudio"

    @property
    def requirement(self) -> Requirement:
        return Requirement(
            "rserver",
            "install RStudio Server from https://posit.co/download/rstudio-server/",
            places=("/usr/lib/rstudio-server/bin/rserver", "/usr/lib/rstudio/bin/rserver"),
        )
