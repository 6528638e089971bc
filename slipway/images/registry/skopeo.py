"""skopeo, the program that reads, copies and stores images: finding it, running it, its errors.

It keeps digests, checks all that it moves against them, skips blobs that the target has and mounts
those of other repositories of its registry. https://github.com/containers/skopeo
"""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from slipway.images.oci.descriptors import (
    ImageError,
    ImageNotFoundError,
    Platform,
    RegistryError,
)
from slipway.images.programs import follow
from slipway.images.registry.reference import Reference
from slipway.untrusted import parse_json

OLDEST = (1, 9)
TIMEOUT = 180
"""Seconds for everything but a copy; skopeo itself asks a busy registry again for a minute."""
_POLICIES = (Path.home() / ".config/containers/policy.json", Path("/etc/containers/policy.json"))
_UPLOADED = re.compile(r"Upload of layer (sha256:[0-9a-f]{64}) complete")
_FATAL = re.compile(r'level=fatal msg=("(?:[^"\\]|\\.)*"|\S+)')

_ABSENT = re.compile(r"(manifest|name|repository) unknown|\b404\b|not found|does not exist", re.I)
_REFUSED = re.compile(r"unauthori[sz]ed|authentication required|denied|forbidden|\b40[13]\b", re.I)
_AWAY = re.compile(
    r"connection re(fused|set)|no such host|timeout|\bEOF\b|unreachable|too many requests"
    r"|\b5\d\d\b",
    re.I,
)
_MAY_PASS = re.compile(r"\b50[0234]\b|blob unknown")
"""Errors that may be gone when a registry is asked again, such as those of two who push the same
image at once. skopeo itself asks again after others alone."""
ATTEMPTS = 3
_OTHER_DIGEST = re.compile(r"Digest did not match, expected (\S+), got (\S+)")


def program() -> str:
    """The path of skopeo. Raises RegistryError that says how to get it."""
    if path := shutil.which("skopeo"):
        return path
    raise RegistryError(
        "skopeo is missing, which reads and copies images: `apt install skopeo`, `dnf install "
        "skopeo` or `brew install skopeo`"
    )


def version() -> str:
    """What skopeo says of itself. Raises RegistryError when it is missing or too old."""
    said = _run(["--version"]).stdout.decode().strip()
    numbers = re.search(r"(\d+)\.(\d+)", said)
    if numbers and (int(numbers[1]), int(numbers[2])) < OLDEST:
        raise RegistryError(f"{said} is too old: install {OLDEST[0]}.{OLDEST[1]} or newer")
    return said


def run(arguments: Sequence[str], reference: Reference) -> bytes:
    """What skopeo prints about an image. Raises ImageError."""
    for attempt in range(ATTEMPTS):
        time.sleep(attempt)
        done = _run(arguments, reference)
        if done.returncode == 0:
            return done.stdout
        stderr = done.stderr.decode(errors="replace")
        if not _MAY_PASS.search(explanation(stderr)):
            break
    raise registry_error(stderr, reference)


def copy(
    source: str,
    target: str,
    options: Sequence[str] = (),
    uploaded: Callable[[str], None] = lambda digest: None,
    *,
    platform: Platform | None = None,
    preserve: bool = True,
) -> str | None:
    """Copy an image between places such as `docker://…`, `oci:FOLDER` or `dir:FOLDER`.

    `uploaded` gets the digest of each blob that was sent to a registry, when it is there.
    `platform` chooses from an index. With `preserve` nothing of the image changes, or the copy
    fails. Returns None, or what went wrong in skopeo's words.
    """
    # What was sent is only said in its log of everything.
    command = [program(), "--debug", *_policy()]
    if platform:
        command += [f"--override-os={platform.os}", f"--override-arch={platform.architecture}"]
        command += [f"--override-variant={platform.variant}"] if platform.variant else []
    command += ["copy", "--quiet", "--retry-times=3", *(["--preserve-digests"] if preserve else [])]
    command += [*options, source, target]
    problem: str | None = None
    for attempt in range(ATTEMPTS):
        time.sleep(attempt)
        problem = _copy(command, uploaded)
        if not problem or not _MAY_PASS.search(problem):
            break
    return problem


def _copy(command: list[str], uploaded: Callable[[str], None]) -> str | None:
    errors: list[str] = []

    def log(line: str) -> None:
        if match := _UPLOADED.search(line):
            uploaded(match[1])
        elif "level=debug" not in line:
            errors.append(line)

    return explanation("\n".join(errors)) if follow(command, log) != 0 else None


def explanation(stderr: str) -> str:
    """The last error that skopeo has printed."""
    if messages := _FATAL.findall(stderr):
        try:
            text = parse_json(messages[-1])
        except ValueError:
            text = messages[-1].strip('"')
        # Without what it did when it failed, and without tokens in addresses.
        return re.sub(r'^Error parsing image name "[^"]*": |\?[^"\s]*(?=")', "", str(text))
    return stderr.strip() or "skopeo failed and said nothing"


def registry_error(stderr: str, reference: Reference) -> ImageError:
    """What a registry's refusal means. `stderr` may be an `explanation`."""
    said = explanation(stderr)
    if match := _OTHER_DIGEST.search(said):
        return ImageError(f"{reference}: {match[1]} arrived as {match[2]}; get the image again")
    if _ABSENT.search(said):
        return ImageNotFoundError(f"{reference} is not there: the registry answers {said}")
    if _REFUSED.search(said):
        return RegistryError(
            f"{reference}: the registry refuses ({said}); log in with `docker login "
            f"{reference.host}`, or ask for the permission"
        )
    if _AWAY.search(said):
        return RegistryError(f"{reference.host} does not answer: {said}")
    return RegistryError(f"{reference}: {said}")


def copy_error(said: str, source: Reference, target: Reference) -> ImageError:
    """What went wrong between two registries, told of the one it went wrong with."""
    writing = re.search(r"writing|uploading|uploads|destination", said)
    is_targets = writing and not _OTHER_DIGEST.search(said)
    return registry_error(said, target if is_targets else source)


def _run(
    arguments: Sequence[str], reference: Reference | None = None
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            [program(), *_policy(), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        where = reference.host if reference else "skopeo"
        raise RegistryError(f"{where} does not answer within {TIMEOUT} s") from None


def _policy() -> list[str]:
    """skopeo wants a policy of which images to accept; without a file for it, all are."""
    return [] if any(file.exists() for file in _POLICIES) else ["--insecure-policy"]
