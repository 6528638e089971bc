"""code-server, wherever an image has it: coder's own, linuxserver's, or somebody's under /opt."""

import itertools
import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, ClassVar, Self

from slipway.images.migrate.editors import options as cli
from slipway.images.migrate.editors.base import SHOWN, Editor, Report, Seed
from slipway.images.migrate.inside import Inside
from slipway.images.migrate.starting import options_of
from slipway.untrusted import parse_json

COMMAND = "code-server"
CONFIG = "/opt/jupyter/etc/slipway/code-server.yaml"
"""The image's configuration without what the hub takes over, where the original cannot be used."""
_FOLDERS = ("user-data-dir", "extensions-dir")
_DATA = ".local/share/code-server"
_SCRIPTED = re.compile(r"(/[\w.@+-]+){2,}")
_MOST_SCRIPTED = 50
"""Paths in a script that are looked at."""


@dataclass
class CodeServerEditor(Editor):
    inside: Inside
    home: str
    given: dict[str, cli.Value]
    """The options of its command line."""
    configured: dict[str, Any] = field(default_factory=dict)
    """Those of its `config.yaml`."""
    arguments: list[str] = field(default_factory=list)
    folder: str | None = None

    kind: ClassVar[str] = "code-server"
    title: ClassVar[str] = "VS Code"
    app_name: ClassVar[str] = "code"

    @classmethod
    def detect(cls, inside: Inside) -> str | None:
        if path := inside.on_path(COMMAND):
            return path
        # VS Code itself has a command of that name, for its terminals only.
        others = [p for p in inside.programs(COMMAND) if "remote-cli" not in p]
        return min(others, key=lambda path: (path.count("/"), path), default=None)

    @classmethod
    def traces(cls) -> tuple[str, ...]:
        return (".config/code-server", _DATA, "data/User")

    @classmethod
    def read(cls, inside: Inside, program: str, home: str) -> Self:
        given, opened = cli.parse(options_of(inside, COMMAND))
        editor = cls(program, _version(inside, program), Report(), inside, home, given)
        editor._read_configuration()
        editor._read_folders()
        editor._read_opened(opened)
        editor.report.secrets(
            inside.set_variables("PASSWORD", "HASHED_PASSWORD", "GITHUB_TOKEN", "SUDO_PASSWORD"),
            [name for name in cli.SECRETS if name in editor.configured],
        )
        return editor

    def app(self) -> dict[str, Any]:
        app = super().app()
        if self.inside.on_path(COMMAND) != self.program:
            app["program"] = self.program
        if self.arguments:
            app["arguments"] = self.arguments
        if self.folder:
            app["folder"] = self.folder
        return app

    def _read_configuration(self) -> None:
        """`config.yaml` and the command line: what is kept, what the hub takes over."""
        default = posixpath.join(self._xdg("XDG_CONFIG_HOME", ".config"), "code-server/config.yaml")
        implied = self.inside.environment.get("CODE_SERVER_CONFIG") or default
        named = self.given.pop("config", None)
        path = self.inside.absolute(str(named) if named else implied)
        text = self.inside.files.text(path)
        if text is not None:
            self.report.files.append(path)
            self.configured = cli.parse_file(text) or {}
            if not self.configured:
                self._warn(f"{path} holds no options that code-server would understand")
        elif named:
            self._warn(f"{path}, which the image names as its configuration, is not in it")
        self._sort(self.configured, path)
        self._sort(self.given, "its command line")
        usable = self._in_home(path) or self.inside.is_open(path)
        # `--cert` cannot be taken back on the command line: see `parse` in its cli.ts.
        has_certificate = self.configured.get("cert") not in (None, False, "false")
        if text is not None and (not usable or has_certificate):
            self._replace_configuration(path)
        elif text is not None and named:
            self.arguments.append(f"--config={path}")
        dropped = (*cli.TAKEN_OVER, *cli.SECRETS, *cli.OURS, *_FOLDERS)
        kept = {name: value for name, value in self.given.items() if name not in dropped}
        for name in cli.PATHS:
            if name in kept:
                kept[name] = self.inside.absolute(str(kept[name]))
        self.arguments += cli.words(kept)

    def _read_folders(self) -> None:
        """Settings and extensions: a new home gets those that are outside it."""
        default = posixpath.join(self._xdg("XDG_DATA_HOME", ".local/share"), "code-server")
        data = self._chosen("user-data-dir", default)
        extensions = self._chosen("extensions-dir", posixpath.join(data, "extensions"))
        new_data = self._moved(data, _DATA)
        if new_data != default:
            self.arguments.append(f"--user-data-dir={new_data}")
        if extensions.startswith(f"{data}/"):
            new_extensions = new_data + extensions.removeprefix(data)
        else:
            new_extensions = self._moved(extensions, f"{_DATA}/extensions")
        if new_extensions != posixpath.join(new_data, "extensions"):
            self.arguments.append(f"--extensions-dir={new_extensions}")
        self._tell_folder("settings", posixpath.join(data, "User/settings.json"))
        self._tell_folder("extensions", extensions)

    def _read_opened(self, words: list[str]) -> None:
        """The folder that users see first: the command line's, or the working directory."""
        given = self.inside.absolute(words[-1]) if words else self.inside.working_directory
        if given == "/" and not words:
            return
        if given == self.home:
            self.report.honoured.append(f"opens the home {self.home}")
        elif self._in_home(given):
            self.folder = posixpath.relpath(given, self.home)
            self.report.honoured.append(f"opens {given}")
        elif self.inside.files.find(given):
            self.folder = given
            self.report.honoured.append(f"opens {given}")
            self._warn(f"{given} is not in the home: what users write there is not kept")
        else:
            self._warn(
                f"{given}, where the image would start, is not in it: the home opens instead"
            )

    def _sort(self, options: Mapping[str, Any], where: str) -> None:
        for name, value in options.items():
            if name in cli.TAKEN_OVER:
                shown = "" if name in cli.SECRETS else f" ({_as_yaml(value)})"
                reason = cli.TAKEN_OVER[name]
                self.report.taken_over.append(f"{name}{shown} of {where}: {reason}")
            elif name not in cli.SECRETS:
                self.report.honoured.append(f"{name} ({_as_yaml(value)}) of {where}")

    def _replace_configuration(self, path: str) -> None:
        hidden = (*cli.TAKEN_OVER, *cli.SECRETS)
        kept = {name: value for name, value in self.configured.items() if name not in hidden}
        self.files[CONFIG] = json.dumps(kept, indent=2, sort_keys=True).encode() + b"\n"
        self.arguments.append(f"--config={CONFIG}")
        self._warn(f"{path} is replaced by {CONFIG}, which has its options that still apply")

    def _chosen(self, name: str, default: str) -> str:
        value = self.given.get(name) or self.configured.get(name)
        return self.inside.absolute(value) if isinstance(value, str) else default

    def _moved(self, folder: str, target: str) -> str:
        """Where `folder` is for users: in their home, for they could not write elsewhere."""
        if self._in_home(folder):
            return folder
        if self.inside.files.find(posixpath.join(self.home, target)):
            target += "-of-image"
        place = posixpath.join(self.home, target)
        if self.inside.files.find(folder):
            self.seeds.append(Seed(folder, target))
            self.report.honoured.append(f"{folder} moves to {place}, where users can write")
        return place

    def _tell_folder(self, what: str, path: str) -> None:
        node = self.inside.files.find(path)
        if node and node.is_file:
            self.report.files.append(path)
        if count := sum(n.is_folder for n in self.inside.files.children(path).values()):
            self.report.honoured.append(f"{count} {what} of {path}")

    def _in_home(self, path: str) -> bool:
        return path == self.home or path.startswith(f"{self.home}/")

    def _xdg(self, variable: str, default: str) -> str:
        return self.inside.environment.get(variable) or posixpath.join(self.home, default)

    def _warn(self, text: str) -> None:
        self.report.warnings.append(text)


def _as_yaml(value: Any) -> str:
    """As it is written in YAML, as far as a line holds it."""
    if isinstance(value, bool):
        return str(value).lower()
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _version(inside: Inside, program: str) -> str | None:
    """From the package.json above the program, or above what a script at its place starts."""
    for path in (inside.files.resolve(program) or program, *_scripted(inside, program)):
        for folder in PurePosixPath(path).parents[:-1]:
            try:
                package = parse_json(inside.files.text(f"{folder}/package.json") or "null")
            except ValueError:
                continue
            if isinstance(package, dict) and package.get("name") == COMMAND:
                return str(package.get("version"))
    return None


def _scripted(inside: Inside, program: str) -> Iterator[str]:
    node = inside.files.find(program)
    text = inside.files.text(program) if node and node.content and node.content.size < 65536 else ""
    found = (match[0] for match in _SCRIPTED.finditer(text or ""))
    return itertools.islice(found, _MOST_SCRIPTED)
