"""RStudio Server. It reads its own configuration: here is only listed what that will mean."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from slipway.facts import USER_ID
from slipway.images.migrate.editors.base import Editor, Report
from slipway.images.migrate.inside import Inside
from slipway.images.oci.descriptors import ImageError
from slipway.model.apps.rstudio import RStudio

_PROGRAM = RStudio(kind="rstudio").requirement
_PREFERENCES = "rstudio-prefs.json"
_HUB = "the hub authenticates"
_SOCKET = "it listens on a unix socket of the user's server"
_PER_USER = "each user's server has its own"
TAKEN_OVER = {
    "www-port": _SOCKET,
    "www-address": _SOCKET,
    "www-socket": _SOCKET,
    "www-root-path": "the hub decides where it answers",
    "www-frame-origin": "only the hub's own pages may show it",
    "www-verify-user-agent": "every browser may open it",
    "server-user": "it runs as the user",
    "server-data-dir": _PER_USER,
    "database-config-file": _PER_USER,
    "secure-cookie-key-file": _PER_USER,
}
"""What jupyter-rsession-proxy says on rserver's command line, which wins over rserver.conf."""
_TAKEN_OVER_KINDS = {"auth-": _HUB, "admin-": _HUB, "ssl-": "TLS ends before the user's server"}
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
        if found := inside.on_path(_PROGRAM.command):
            return found
        if found := next((p for p in _PROGRAM.places if inside.is_program(p)), None):
            return found
        if found := next(inside.programs(_PROGRAM.command), None):
            places = ", ".join(_PROGRAM.places)
            raise ImageError(
                f"rserver is at {found}, where jupyter-rsession-proxy does not look for it; link "
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
        for name in ("PASSWORD", "RSTUDIO_PASSWORD"):
            if inside.environment.get(name):
                report.taken_over.append(f"{name} of the environment: {_HUB}")
                report.warnings.append(
                    f"{name} is a secret that everybody who has the image can read, before and "
                    "after: change it wherever else it is used"
                )
        return cls(program, version, report)

    def app(self) -> Mapping[str, Any]:
        return {"kind": self.kind}


def _settings(inside: Inside, path: str, report: Report) -> dict[str, str]:
    text = inside.files.text(path)
    if text is None:
        return {}
    report.files.append(path)
    found = dict(_pairs(text))
    for name, value in found.items():
        if reason := _taken_over(name):
            report.taken_over.append(f"{name} ({value}) of {path}: {reason}")
        else:
            report.honoured.append(f"{name} ({value}) of {path}")
    if not inside.open_to(path, USER_ID, USER_ID):
        report.warnings.append(
            f"{path} cannot be read by uid {USER_ID}, as which servers run: chmod a+r it, and save "
            "the image again"
        )
    return found


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not name.lstrip().startswith("#"):
            yield name.strip(), value.strip()


def _taken_over(name: str) -> str | None:
    kinds = (why for start, why in _TAKEN_OVER_KINDS.items() if name.startswith(start))
    return TAKEN_OVER.get(name) or next(kinds, None)


def _r(inside: Inside, chosen: str | None, report: Report) -> str | None:
    """The version of R that RStudio will run; a warning for what is missing."""
    program = chosen or inside.on_path("R")
    if program is None or not inside.is_program(program):
        missing = f"{chosen}, which rsession-which-r names, is" if chosen else "R is"
        report.warnings.append(f"{missing} not in the image: RStudio will not start without it")
        return None
    above = posixpath.dirname(posixpath.dirname(inside.files.resolve(program) or program))
    for home in (above, *(f"{above}/{lib}/R" for lib in ("lib", "lib64"))):
        if found := _VERSION.search(inside.files.text(f"{home}/library/base/DESCRIPTION") or ""):
            report.honoured.append(f"R {found[1]} at {program}")
            return f"R {found[1]}"
    report.honoured.append(f"R at {program}")
    return None
