"""What an app kind knows: its process, launcher entry, default URL, readiness, activity, probe."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import Field

from slipway.model.apps.activity import Activity
from slipway.model.base import Model, Text200


@dataclass(frozen=True)
class Requirement:
    """A command an app cannot do without, and how a user gets it where it is missing."""

    command: str
    remedy: str
    places: tuple[str, ...] = ()
    """Absolute paths where it may stand although it is not on PATH."""


@dataclass(frozen=True)
class ServerProcess:
    """How an app is started and reached, in jupyter-server-proxy's terms.

    `command` may hold `{port}`, `{unix_socket}` and `{base_url}`. An empty command means that the
    user starts the app. Sources:
    https://jupyter-server-proxy.readthedocs.io/en/latest/server-process.html
    """

    command: tuple[str, ...] = ()
    unix_socket: bool = False
    port: int = 0
    absolute_url: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    requires: Requirement | None = None
    explains_only: bool = False
    """Stands for an app that a plug-in starts: say what is missing, never run the command."""
    ready_path: str | None = None
    """Answered with 404 until the app has its pages; None where it listens only then."""
    needs_file: str | None = None
    """A file, relative to the home, without which the app cannot start."""


@dataclass(frozen=True)
class WebsocketProbe:
    """A conversation over an app's websocket, by which `slipway smoke` sees that the app works."""

    path: str
    """Below the app's own path: `websocket/`, `?token=1`."""
    send: bytes | str
    """The only message to the app."""
    result: Callable[[Sequence[bytes]], str | None]
    """From all messages of the app so far: what they show, or None to wait for the next one.
    Raises ValueError that says what is wrong with the app."""
    subprotocol: str | None = None


def literal(text: str) -> str:
    """`text` as a part of a command that jupyter-server-proxy formats: its braces doubled."""
    return text.replace("{", "{{").replace("}", "}}")


class App(Model):
    """A web application inside a user's server.

    A kind is a subclass whose `kind` is one literal, in a file of this folder, with its icon at
    `icons/KIND.svg`.
    """

    kind: str
    title: Text200 | None = None
    """What the launcher and the hub call it."""
    launcher: bool = True
    """Whether it has a tile in JupyterLab's launcher and an entry in Notebook's New menu."""
    start_timeout: int = Field(default=30, ge=1, le=600)
    """Seconds until the app must answer after it was started."""
    activity: Activity = Activity()
    """What counts as work and keeps the server from being culled, where the kind has it wrong."""
    trusted_with_credentials: bool = False
    """Whether it is sent the user's JupyterHub cookies and tokens, with which it can act as them:
    for an app that asks the hub who its user is."""

    default_title: ClassVar[str]

    packages: ClassVar[Mapping[str, str]] = {}
    """Packages whose versions matter to users of the app: the name in the bill of materials of an
    image, and what people call it."""

    lacked_by_laptops: ClassVar[bool] = False
    """Whether a laptop may do without its program: Slipway does not install it there."""

    usual_activity: ClassVar[Activity] = Activity()
    """What counts as work unless `activity` says otherwise."""

    is_jupyter: ClassVar[bool] = False
    """Whether the user's Jupyter server is the app."""

    fixed_name: ClassVar[str | None] = None
    """The only name the app may have, where its program insists on one."""

    @property
    def label(self) -> str:
        return self.title or self.default_title

    def url_path(self, name: str) -> str:
        """Where the app answers below a user's server: `/code/`."""
        return f"/{name}/"

    def server_process(self, name: str) -> ServerProcess | None:
        """The process behind `url_path`, or None when Jupyter itself or a plug-in serves it."""
        return None

    opens_websocket: ClassVar[bool] = True
    """Whether its pages open a websocket."""

    @property
    def websocket_path(self) -> str | None:
        """A path inside the app that takes a websocket, where one is known."""
        return None

    def websocket_probe(self) -> WebsocketProbe | None:
        """What `slipway smoke` says to it; None leaves it at a ping of `websocket_path`."""
        return None

    @property
    def requirement(self) -> Requirement | None:
        process = self.server_process("app")
        return process.requires if process else None
