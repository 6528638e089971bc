from collections.abc import Mapping
from typing import ClassVar, Literal

from slipway.model.apps.activity import Activity
from slipway.model.apps.base import App, Requirement, ServerProcess, literal
from slipway.model.base import Text


class TensorBoard(App):
    """TensorBoard (https://www.tensorflow.org/tensorboard)."""

    kind: Literal["tensorboard"]
    logs: Text = "logs"
    """The folder with event files, relative to the home."""

    default_title: ClassVar[str] = "TensorBoard"
    packages: ClassVar[Mapping[str, str]] = {"tensorboard": "TensorBoard"}
    opens_websocket: ClassVar[bool] = False
    # An open page asks for new data every 30 seconds.
    usual_activity: ClassVar[Activity] = Activity(heartbeats=(r"^/data/", r"^/experiment/"))

    def server_process(self, name: str) -> ServerProcess:
        return ServerProcess(
            command=(
                "tensorboard",
                f"--logdir={literal(self.logs)}",
                "--host=127.0.0.1",
                "--port={port}",
                # It writes absolute links, so it must know its prefix and see it in requests.
                f"--path_prefix={{base_url}}{name}",
            ),
            absolute_url=True,
            requires=Requirement("tensorboard", "pip install tensorboard"),
        )
