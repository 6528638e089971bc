"""An app's process, as jupyter-server-proxy supervises it, and the last that it has printed."""

import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from simpervisor import SupervisedProcess
from simpervisor.atexitasync import remove_handler

TAIL_BYTES = 8192
TAIL_LINES = 15
CHECK_SECONDS = 0.05
TOKENS = frozenset(("JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN", "JUPYTER_TOKEN"))
"""Variables with which a program can act as the user, at the hub and at the Jupyter server."""
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def without_tokens(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of a program that has no business with the hub."""
    return {name: value for name, value in variables.items() if name not in TOKENS}


class CannotStartError(Exception):
    """An app does not run; the message says why, in a sentence."""


class AppProcess(SupervisedProcess):  # type: ignore[misc]
    """A process that is started again by the next request, not at once and for ever."""

    def __init__(self, name: str, command: list[str], **options: Any) -> None:
        self.command = command
        self.output = Output()
        super().__init__(name, *command, **options)

    async def run_until_ready(self, is_ready: Callable[[], Awaitable[bool]]) -> None:
        """Start and wait until the app answers.

        Raises CannotStartError after `ready_timeout` seconds, and when the app ends with an error.
        """
        await self._start_listening()
        try:
            async with asyncio.timeout(self.ready_timeout):
                while not await is_ready():
                    if self.returncode:
                        # Its last words may still be on their way.
                        await self.output.ended()
                        raise CannotStartError(f"It ended with exit code {self.returncode}.")
                    await asyncio.sleep(CHECK_SECONDS)
        except TimeoutError:
            await self._end()
            raise CannotStartError(
                f"It runs, but has not answered within {self.ready_timeout:g} seconds."
            ) from None

    async def _start_listening(self) -> None:
        write_end = await self.output.open()
        self._proc_kwargs |= {"stdout": write_end, "stderr": write_end}
        try:
            await self.start()
        except OSError as error:
            raise CannotStartError(f"The command cannot be run: {error.strerror}.") from None
        finally:
            os.close(write_end)

    async def _end(self) -> None:
        with suppress(ProcessLookupError):
            await self.kill()

    async def _restart_process_if_needed(self) -> None:
        await self.proc.wait()
        remove_handler(self._handle_signal)
        self.running = False


class Output(asyncio.Protocol):
    """What a process prints: passed on to the server's own log, and its end kept."""

    def __init__(self) -> None:
        self._tail = b""
        self._ended = asyncio.Event()

    async def open(self) -> int:
        """The end of a pipe to write to; the caller closes it."""
        read_end, write_end = os.pipe()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: self, os.fdopen(read_end, "rb", buffering=0)
        )
        return write_end

    def data_received(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-TAIL_BYTES:]
        with suppress(OSError, ValueError):
            sys.stderr.write(data.decode(errors="replace"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended.set()

    async def ended(self) -> None:
        """Wait for the end of it, but not for a grandchild that keeps it open."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), 1)

    def lines(self) -> list[str]:
        """The last lines, without colours."""
        text = _ESCAPES.sub("", self._tail.decode(errors="replace"))
        return [line.rstrip() for line in text.splitlines() if line.strip()][-TAIL_LINES:]
