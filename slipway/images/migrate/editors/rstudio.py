"""RStudio Server. It reads its own configuration: here is only listed what that will mean."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import ClassVar, Self

from slipway.facts import USER_ID
from slipway.images.migrate.editors.base import SHOWN, Editor, Report
from slipway.images.migrate.inside import Inside
from slipway.images.oci.descriptors import ImageError
from slipway.model.apps.rstudio import RStudio

_PROGRAM = RStudio(kind="rstudio").requirement
_PREFERENCES = "rstudio-prefs.json"
_TAKEN_OVER_BECAUSE = {
    "it listens on a unix socket of the user's server": ("www-port", "www-address", "www-socket"),
    "the hub decides where it answers": ("www-root-path",),
    "only the hub's own pages may show it": ("www-frame-origin",),
    "every browser may open it": ("www-verify-user-agent",),
    "it runs as the user": ("server-user",),
    "each user's server has its own": (
        "server-data-dir", "database-config-file", "secure-cookie-key-file",
    ),
    "the hub authenticates": ("auth-*", "admin-*"),
    "TLS ends before the user's server": ("ssl-*",),
}  # fmt: skip
"""Of rserver.conf, what jupyter-rsession-proxy says on the command line, which wins, and what does
not apply behind a hub."""
_VERSION = re.compile(r"^Version:\s*(\S+)", re.MULTILINE)


@dataclass
class RStudioEditor(Editor):
    kind: ClassVar[str] = "rstudio"
    title: ClassVar[str] = "RStudio"
    app_name: ClassVar[str] = "rstudio"
    needs_account: ClassVar[bool] = True

    @classmethod
    def detect(cls, inside: Inside) -> str | None:
        """Raises ImageError when it is where jupyter-rsession-proxy does not look."""
        installed = filter(inside.is_program, _PROGRAM.places)
        if program := inside.on_path(_PROGRAM.command) or next(installed, None):
            return program
        if program := next(inside.programs(_PROGRAM.command), None):
            places = ", ".join(_PROGRAM.places)
            raise ImageError(
                f"rserver is at {program}, where jupyter-rsession-proxy does not look for it; link "
                f"it to a folder on PATH or one of {places}, and save the image again"
            )
        return None

    @classmethod
    def traces(cls) -> tuple[str, ...]:
        return (".config/rstudio", ".local/share/rstudio", ".rstudio")

    @classmethod
    def read(cls, inside: Inside, program: str, home: str) -> Self:
        report = Report()
        folder = inside.environment.get("RSTUDIO_CONFIG_DIR") or "/etc/rstudio"
        server = _settings(inside, f"{folder}/rserver.conf", report)
        _settings(inside, f"{folder}/rsession.conf", report)
        for place in (folder, posixpath.join(home, ".config/rstudio")):
            if inside.files.find(path := f"{place}/{_PREFERENCES}"):
                report.files.append(path)
        version = _r(inside, server.get("rsession-which-r"), report)
        report.secrets(inside.set_variables("PASSWORD", "RSTUDIO_PASSWORD"))
        return cls(program, version, report)


def _settings(inside: Inside, path: str, report: Report) -> dict[str, str]:
    text = inside.files.text(path)
    if text is None:
        return {}
    report.files.append(path)
    settings = dict(_pairs(text))
    for name, value in settings.items():
        if reason := _taken_over(name):
            report.taken_over.append(f"{name} ({value[:SHOWN]}) of {path}: {reason}")
        else:
            report.honoured.append(f"{name} ({value[:SHOWN]}) of {path}")
    if not inside.is_open(path):
        report.warnings.append(
            f"{path} cannot be read by uid {USER_ID}, as which servers run: chmod a+r it, and save "
            "the image again"
        )
    return settings


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not name.lstrip().startswith("#"):
            yield name.strip(), value.strip()


def _taken_over(name: str) -> str | None:
    for why, patterns in _TAKEN_OVER_BECAUSE.items():
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            return why
    return None


def _r(inside: Inside, chosen: str | None, report: Report) -> str | None:
    """The version of R that RStudio will run; a warning for what is missing."""
    program = chosen or inside.on_path("R")
    if program is None or not inside.is_program(program):
        missing = f"{chosen}, which rsession-which-r names, is" if chosen else "R is"
        report.warnings.append(f"{missing} not in the image: RStudio will not start without it")
        return None
    above = posixpath.dirname(posixpath.dirname(inside.files.resolve(program) or program))
    for home in (above, *(f"{above}/{lib}/R" for lib in ("lib", "lib64"))):
        if version := _VERSION.search(inside.files.text(f"{home}/library/base/DESCRIPTION") or ""):
            report.honoured.append(f"R {version[1]} at {program}")
            return f"R {version[1]}"
    report.honoured.append(f"R at {program}")
    return None
