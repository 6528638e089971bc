import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from slipway.model.apps.base import App, Requirement, ServerProcess
from slipway.model.base import Text, VariableName, refuse, text

_PLACEHOLDERS = {"port", "unix_socket", "base_url"}


def _placeholders(part: str) -> str:
    """jupyter-server-proxy formats each argument: any other brace would fail at the first visit."""
    rest = part.replace("{{", "").replace("}}", "")
    names = re.findall(r"\{([^{}]*)\}", rest)
    stray = re.sub(r"\{[^{}]*\}", "", rest)
    unknown = [name for name in names if name not in _PLACEHOLDERS]
    if unknown or "{" in stray or "}" in stray:
        wrong = f"{{{unknown[0]}}}" if unknown else "a single brace"
        raise refuse(
            f"{part!r} holds {wrong}",
            "use {port}, {unix_socket} or {base_url}, and {{ }} for plain braces",
        )
    return part


Argument = Annotated[str, AfterValidator(_placeholders)]


class Command(App):
    """Any program that listens on the port or unix socket it is given."""

    kind: Literal["command"]
    command: tuple[Argument, ...] = Field(
        min_length=1, examples=[["my-tool", "--port={port}", "--host=127.0.0.1"]]
    )
    """The program and its arguments; `{port}`, `{unix_socket}` and `{base_url}` are filled in."""
    absolute_url: bool = False
    """Whether the program expects the whole path (`{base_url}my-tool/…`) in its requests."""
    environment: dict[VariableName, Argument] = Field(default_factory=dict)
    """Variables for the program. Not for secrets: users can read them."""
    ready_path: Annotated[str, *text(r"/[^\s?#]*", "a path inside the app", "/healthz")] | None = (
        None
    )
    """For a program that listens before it has its pages: a path that it answers with 404 until
    then, and with anything else afterwards. Left out, any answer means that it is ready."""
    websocket: Annotated[str, *text(r"/[^\s?#]*", "a path inside the app", "/ws")] | None = None
    """A websocket of the app, for `slipway smoke` to open. Left out, it tries `/`."""
    remedy: Text | None = None
    """How a user gets the program where it is missing."""

    default_title: ClassVar[str] = "Application"

    @model_validator(mode="after")
    def _listens_somewhere(self) -> Self:
        joined = " ".join((*self.command, *self.environment.values()))
        if "{port}" not in joined and "{unix_socket}" not in joined:
            raise refuse(
                "the command is not told where to listen",
                "pass it {port} or {unix_socket}; for a fixed port use kind: port",
            )
        return self

    @property
    def websocket_path(self) -> str | None:
        return self.websocket

    def server_process(self, name: str) -> ServerProcess:
        environment: Any = self.environment
        return ServerProcess(
            command=self.command,
            unix_socket=any("{unix_socket}" in part for part in self.command),
            absolute_url=self.absolute_url,
            environment=environment,
            ready_path=self.ready_path,
            requires=Requirement(
                self.command[0], self.remedy or "install it in the image or in your home"
            ),
        )
