"""Running gh, GitHub's command line, with the login that it has."""

import json
import subprocess
from pathlib import Path
from typing import Any


class GhError(Exception):
    """What gh said, or that it is missing."""


def run(folder: Path, *arguments: str, stdin: str = "") -> str:
    """gh's standard output, stripped. Raises GhError."""
    try:
        done = subprocess.run(
            ["gh", *arguments],
            cwd=folder,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    except FileNotFoundError:
        raise GhError("gh is missing: install it with your package manager") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GhError(f"gh {arguments[0]}: {error}") from error
    if done.returncode != 0:
        raise GhError(f"gh {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def api(path: str) -> Any:
    """What GitHub's REST API answers to a GET: https://docs.github.com/en/rest. Raises GhError."""
    text = run(Path.cwd(), "api", path, "--hostname", "github.com")
    try:
        return json.loads(text)
    except ValueError as error:
        raise GhError(f"gh api: {path} answers no JSON: {error}") from None
