"""How an image starts its editor: the options in its entry point, command or start scripts."""

import re
import shlex
from collections.abc import Iterator, Mapping

from slipway.images.migrate.inside import Inside

_SERVICES = re.compile(r".*/(s6-rc\.d|services\.d)/[^/]+/run")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?[-=]([^{}]*))?\}|(\w+))")
_SHELLS = ("sh", "bash", "dash", "ash", "zsh")
_NOT_STARTING = {
    "which",
    "[",
    "[[",
    "test",
    "command",
    "type",
    "echo",
    "chown",
    "chmod",
    "ln",
    "rm",
}
_ENDS = {"&&", "||", ";", "|", "&", ">", ">>", "2>&1", "fi", "done"}


def options_of(inside: Inside, command: str) -> list[str]:
    """The words after `command` where the image starts it; none when it is not found to."""
    given = [*inside.words("Entrypoint"), *inside.words("Cmd")]
    for number, word in enumerate(given):
        if _starts(inside, word, command):
            return given[number + 1 :]
    if len(given) >= 3 and given[0].rpartition("/")[2] in _SHELLS and given[1] in ("-c", "-lc"):
        return _in_script(inside, given[2], command, given[3:]) or []
    for number, word in enumerate(given):
        script = inside.files.text(inside.absolute(word)) if "/" in word else None
        found = _in_script(inside, script or "", command, given[number + 1 :])
        if found is not None:
            return found
    for script in _services(inside):
        found = _in_script(inside, script, command, [])
        if found is not None:
            return found
    return []


def _services(inside: Inside) -> Iterator[str]:
    for path, _ in inside.files.under("/etc"):
        if _SERVICES.fullmatch(f"/etc/{path}"):
            yield inside.files.text(f"/etc/{path}") or ""


def _in_script(inside: Inside, script: str, command: str, arguments: list[str]) -> list[str] | None:
    """The words after `command` in a shell script; None when it does not run it.

    Nothing is run: variables of the image and defaults (`${A:-b}`) are filled in, and a word with
    anything else in it is left out.
    """
    for line in script.replace("\\\n", " ").splitlines():
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue
        at = next((n for n, word in enumerate(words) if _starts(inside, word, command)), None)
        if at is None or _NOT_STARTING & set(words[:at]):
            continue
        found: list[str] = []
        for word in words[at + 1 :]:
            if word in _ENDS:
                break
            if word in ("$@", "$*"):
                found += arguments
            elif (filled := _filled(word, inside.environment)) is not None:
                found.append(filled)
        return found
    return None


def _filled(word: str, variables: Mapping[str, str]) -> str | None:
    for _ in range(word.count("$") + 1):
        match = _VARIABLE.search(word)
        if not match:
            break
        name = match[1] or match[3]
        value = variables.get(name, match[2])
        if value is None:
            return None
        word = word[: match.start()] + value + word[match.end() :]
    return None if "$" in word or "`" in word else word


def _starts(inside: Inside, word: str, command: str) -> bool:
    """Whether a word is the program, and not for example its folder of settings."""
    return word == command or (
        word.rpartition("/")[2] == command and inside.is_program(inside.absolute(word))
    )
