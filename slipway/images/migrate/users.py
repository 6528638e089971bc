"""Who an image runs as, and who it becomes: in a hub every server runs as uid and gid 1000."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from slipway.facts import USER_ID

NAME = "jovyan"
"""What uid 1000 is called where the image has no name to give."""


@dataclass(frozen=True)
class Account:
    """A line of /etc/passwd."""

    name: str
    uid: int
    gid: int
    comment: str = ""
    home: str = "/"
    shell: str = "/bin/sh"

    def __str__(self) -> str:
        fields = (self.name, "x", self.uid, self.gid, self.comment, self.home, self.shell)
        return ":".join(map(str, fields))


def accounts(passwd: str) -> list[Account]:
    """The accounts in /etc/passwd; lines that are none are left out."""
    known = []
    for line in passwd.splitlines():
        fields = line.split(":")
        if len(fields) == 7 and fields[2].isascii() and fields[2].isdecimal():
            name, _, uid, gid, comment, home, shell = fields
            known.append(
                Account(name, int(uid[:10]), _number(gid), comment, home or "/", shell or "/bin/sh")
            )
    return known


def groups(group: str) -> dict[str, int]:
    lines = (line.split(":") for line in group.splitlines())
    return {fields[0]: _number(fields[2]) for fields in lines if len(fields) >= 3}


def image_user(user: str, known: Sequence[Account], named: Mapping[str, int]) -> Account | None:
    """Whom the configuration's `User` means: `name`, `uid`, either with `:group`; "" is root.

    None for a name that /etc/passwd does not have. A number without an entry has the home /.
    """
    name, _, group = user.partition(":")
    name = name or "0"
    account = next((a for a in known if name in (a.name, str(a.uid))), None)
    if account is None:
        if not name.isdecimal():
            return None
        account = Account("", int(name[:10]), 0)
    if group:
        account = replace(account, gid=named.get(group, _number(group)))
    return account


def with_user(passwd: str, group: str, account: Account) -> tuple[str, str]:
    """Both files with `account`, uid and gid 1000, before all others, as the first one counts."""
    name, names, group_lines = account.name, groups(group), group.splitlines()
    others = [line for line in passwd.splitlines() if not line.startswith(f"{name}:")]
    if USER_ID not in names.values():
        group_name = f"{name}-{USER_ID}" if name in names else name
        group_lines.append(f"{group_name}:x:{USER_ID}:")
    return "\n".join([str(account), *others, ""]), "\n".join([*group_lines, ""])


def _number(text: str) -> int:
    return int(text[:10]) if text.isascii() and text.isdecimal() else 0
