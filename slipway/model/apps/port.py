from typing import ClassVar, Literal

from pydantic import Field

from slipway.model.apps.base import App, ServerProcess


class Port(App):
    """Something a user starts themselves on a fixed port of their own server."""

    kind: Literal["port"]
    port: int = Field(ge=1024, le=65535, examples=[8080])
    """The port it listens on, at 127.0.0.1."""
    absolute_url: bool = False
    """Whether it expects the whole path in its requests."""

    default_title: ClassVar[str] = "Port"

    @property
    def label(self) -> str:
        return self.title or f"Port {self.port}"

    def server_process(self, name: str) -> ServerProcess:
        return ServerProcess(port=self.port, absolute_url=self.absolute_url)
