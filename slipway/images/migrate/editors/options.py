"""code-server's options, as its own command line and `config.yaml` have them.

Source: `src/node/cli.ts` of code-server 4.139.1. A key of `config.yaml` is an option without its
dashes; the command line wins over it; of an option that is given twice, the last counts.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from slipway.model import InvalidProject
from slipway.model.document import parse as parse_yaml

Value = str | bool | list[str]

_FLAGS = (
    "disable-telemetry", "disable-update-check", "disable-file-downloads", "disable-file-uploads",
    "disable-workspace-trust", "disable-getting-started-override", "disable-proxy", "help", "json",
    "open", "list-extensions", "force", "version", "ignore-last-opened", "new-window",
    "reuse-window", "verbose", "skip-auth-preflight",
)  # fmt: skip
"""Options without a value."""
_SHORT = {"e": "ignore-last-opened", "n": "new-window", "r": "reuse-window", "vvv": "verbose",
          "h": "help", "v": "version", "an": "app-name", "w": "welcome-text"}  # fmt: skip
_LISTS = ("enable", "enable-proposed-api", "proxy-domain", "trusted-origins",
          "link-protection-trusted-domains", "vscode-option")  # fmt: skip
PATHS = ("user-data-dir", "extensions-dir", "builtin-extensions-dir", "i18n")
SECRETS = ("password", "hashed-password", "github-auth")
_TAKEN_OVER_BECAUSE = {
    "the hub authenticates": ("auth", "password", "hashed-password"),
    "it listens on a unix socket that only its user can open": (
        "bind-addr", "host", "port", "socket", "socket-mode", "socket-fd",
    ),
    "TLS ends at the hub's load balancer or Ingress": ("cert", "cert-key", "cert-host"),
    "users open it from the hub": ("open",),
    "the hub ends idle servers": ("idle-timeout-seconds",),
    "each server has its own": ("session-socket",),
}  # fmt: skip
TAKEN_OVER = {name: why for why, names in _TAKEN_OVER_BECAUSE.items() for name in names}
"""Options that do not apply behind a hub, and why."""
OURS = ("disable-telemetry", "disable-update-check", "disable-workspace-trust")
_NOT_A_SERVER = ("help", "version", "list-extensions", "install-extension", "uninstall-extension",
                 "force", "json", "new-window", "reuse-window", "locate-extension")  # fmt: skip


def parse(words: Iterable[str]) -> tuple[dict[str, Value], list[str]]:
    """Options and what else stands on a command line: the folder to open comes last."""
    options: dict[str, Value] = {}
    others: list[str] = []
    pending = list(words)
    while pending:
        word = pending.pop(0)
        if word == "--":
            return options, others + pending
        if not word.startswith("-"):
            others.append(word)
            continue
        name, given, value = word.lstrip("-").partition("=")
        name = name if word.startswith("--") else _SHORT.get(name, name)
        if name in _FLAGS:
            options[name] = True
        elif given or (pending and not pending[0].startswith("-")):
            _set(options, name, value if given else pending.pop(0))
        else:
            options[name] = True
    return {n: v for n, v in options.items() if n not in _NOT_A_SERVER}, others


def _set(options: dict[str, Value], name: str, value: str) -> None:
    earlier = options.get(name)
    if name in _LISTS:
        options[name] = [*(earlier if isinstance(earlier, list) else []), value]
    else:
        options[name] = value


def parse_file(text: str) -> dict[str, Any] | None:
    """The options in a `config.yaml`; None when it holds none, is none, or is too large."""
    try:
        value = parse_yaml(text.encode(), "config.yaml").data
    except InvalidProject:
        return None
    return value if isinstance(value, dict) else None


def words(options: Mapping[str, Value]) -> list[str]:
    """Options as words of a command line."""
    return [
        f"--{name}" if item is True else f"--{name}={item}"
        for name, value in options.items()
        for item in (value if isinstance(value, list) else [value])
    ]
