"""Starts and stops the emulated AWS, in a Python environment of its own."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from slipway.files import new_folder
from slipway.steps import Say, poll
from slipway.toolchain import kubectl
from slipway.toolchain.node import lock_digest

HERE = Path(__file__).parent
LOCK = HERE / "requirements.txt"
START_SECONDS = 60
STOP_SECONDS = 5
SETTINGS = {
    "BIND_HOST": "127.0.0.1",
    "MINISTACK_HOST": "127.0.0.1",
    "LAMBDA_EXECUTOR": "local",
    "IOT_MTLS_ENABLED": "0",
    "SFTP_ENABLED": "0",
}
"""Of ministack, as environment variables."""


class EmulatorError(Exception):
    """It cannot be installed or does not start; the message holds the end of what it printed."""


def install(tools: Path, say: Say) -> Path:
    """The Python that has ministack, installed once per content of the lock.

    Raises EmulatorError.
    """
    target = tools / f"ministack-{lock_digest(LOCK)}"
    if not target.is_dir():
        say("the AWS emulator, once")
        # An environment does not survive being moved: its Python is only asked for its packages.
        with new_folder(target) as work:
            _run(sys.executable, "-m", "venv", str(work))
            pip = [str(work / "bin/python"), "-m", "pip", "install", "-q"]
            _run(*pip, "--disable-pip-version-check", "--require-hashes", "-r", str(LOCK))
    return target / "bin/python"


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise EmulatorError("\n".join((done.stdout + done.stderr).strip().splitlines()[-8:]))


def write_commands(folder: Path) -> None:
    """`kubectl`, the genuine one, and `aws_login.py` as `aws`, for the kubectl provider."""
    folder.mkdir(parents=True, exist_ok=True)
    aws = folder / "aws"
    aws.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{HERE / "aws_login.py"}" "$@"\n')
    aws.chmod(0o755)
    try:
        (folder / "kubectl").symlink_to(kubectl.program())
    except kubectl.KubectlError as error:
        raise EmulatorError(str(error)) from None


@contextmanager
def emulated_aws(
    python: Path, environment: Mapping[str, str], port: int, log: Path
) -> Iterator[None]:
    """A running emulator. Everything it starts is of its process group, and ends with it.

    Raises EmulatorError.
    """
    own = {"GATEWAY_PORT": str(port), "SLIPWAY_PARENT": str(os.getpid())}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(python), str(HERE / "emulated_aws.py")],
            env={**environment, **SETTINGS, **own},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        poll(lambda: _answers(port) or process.poll() is not None, bool, START_SECONDS, 0.1)
        if process.poll() is not None or not _answers(port):
            last = "\n".join(log.read_text().splitlines()[-8:])
            raise EmulatorError(f"the AWS emulator does not start:\n{last}")
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answers(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/_ministack/health", timeout=2, trust_env=False)
    except httpx.HTTPError:
        return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
