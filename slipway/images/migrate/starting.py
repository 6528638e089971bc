"""How an image starts its editor: the options in its entry point, command or start scripts."""

import itertools
import re
import shlex
from collections.abc import Iterator, Mapping

from slipway.images.migrate.inside import Inside

_SERVICES = re.compile(r".*/(s6-rc\.d|services\.d)/[^/]+/run")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?[-=]([^{}]*))?\}|(\w+))")
_LONGEST_SCRIPT = 2**16
_LONGEST_WORD = 2**12
_MOST_SCRIPTS = 200
_SHELLS = ("sh", "bash", "dash", "ash", "zsh")
_NOT_STARTING = {
    "which", "[", "[[", "test", "command", "type", "echo", "chown", "chmod", "ln", "rm",
}  # fmt: skip
_ENDS = {"&&", "||", ";", "|", "&", ">", ">>", "2>&1", "fi", "done"}


def options_of(inside: Inside, command: str) -> list[str]:
    """The words after `command` where the image starts it; none when it is not found to."""
    given = [*inside.words("Entrypoint"), *inside.words("Cmd")]
    for number, word in enumerate(given):
        if _starts(inside, word, command):
            return given[number + 1 :]
    if len(given) >= 3 and given[0].rpartition("/")[2] in _SHELLS and given[1] in ("-c", "-lc"):
        return _in_script(inside, given[2], command, given[3:]) or []
    for path, arguments in itertools.islice(_scripts(inside, given), _MOST_SCRIPTS):
        options = _in_script(inside, inside.files.text(path) or "", command, arguments)
        if options is not None:
            return options
    return []


def _scripts(inside: Inside, given: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Paths of what may be a shell script that runs at the start, with its arguments."""
    for number, word in enumerate(given):
        if "/" in word:
            yield inside.absolute(word), given[number + 1 :]
    for path, _ in inside.files.under("/etc"):
        if _SERVICES.fullmatch(f"/etc/{path}"):
            yield f"/etc/{path}", []


def _in_script(inside: Inside, script: str, command: str, arguments: list[str]) -> list[str] | None:
    """The words after `command` in a shell script; None when it does not run it.

    Nothing is run: variables of the image and defaults (`${A:-b}`) are filled in, and a word with
    anything else in it is left out.
    """
    for line in script[:_LONGEST_SCRIPT].replace("\\\n", " ").splitlines():
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue
        at = next((n for n, word in enumerate(words) if _starts(inside, word, command)), None)
        if at is None or _NOT_STARTING & set(words[:at]):
            continue
        options: list[str] = []
        for word in itertools.takewhile(lambda word: word not in _ENDS, words[at + 1 :]):
            if word in ("$@", "$*"):
                options += arguments
            elif (filled := _filled(word, inside.environment)) is not None:
                options.append(filled)
        return options
    return None


def _filled(word: str, variables: Mapping[str, str]) -> str | None:
    for _ in range(word.count("$") + 1):
        match = _VARIABLE.search(word)
        if not match:
            break
        name = match[1] or match[3]
        value = variables.get(name, match[2])
        if value is None or len(word) + len(value) > _LONGEST_WORD:
            return None
        word = word[: match.start()] + value + word[match.end() :]
    return None if "$" in word or "`" in word else word


def _starts(inside: Inside, word: str, command: str) -> bool:
    """Whether a word is the program, and not for example its folder of settings."""
    return word == command or (
        word.rpartition("/")[2] == command and inside.is_program(inside.absolute(word))
    )
