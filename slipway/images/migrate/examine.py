"""What `slipway migrate` finds in an image, and whether it can be migrated."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from slipway.facts import JUPYTER_FOLDER, USER_ID
from slipway.images.migrate.editors import Editor, find_editor
from slipway.images.migrate.inside import Inside
from slipway.images.migrate.system import System, system
from slipway.images.migrate.users import NAME, Account, entry_of, image_user, with_user
from slipway.images.oci.descriptors import ImageError
from slipway.model.catalog import HOME, HomePath

_SAMPLE = 3
"""How many examples of closed files a warning names."""


@dataclass(frozen=True)
class ExaminedImage:
    """An image that can be migrated."""

    inside: Inside
    system: System
    user: Account
    """Whom the image runs as."""
    image_home: str
    """Where the editor's settings are in the image."""
    home: str
    """Where the user's volume will be."""
    editor: Editor
    accounts: tuple[bytes, bytes] | None
    """/etc/passwd and /etc/group with uid 1000 in them, if they are to be added."""

    def as_json(self) -> dict[str, Any]:
        report = self.editor.report
        return {
            **asdict(self.system),
            "user": {"name": self.user.name, "uid": self.user.uid, "gid": self.user.gid},
            "home": self.home,
            "editor": {
                "kind": self.editor.kind,
                "program": self.editor.program,
                "version": self.editor.version,
            },
            "configuration": report.files,
            "honoured": report.honoured,
            "taken_over": report.taken_over,
            "warnings": report.warnings,
        }


def examine(inside: Inside, wanted: str, *, add_user: bool) -> ExaminedImage:
    """Look into an image. Raises ImageError with the reason when it cannot be migrated."""
    made_of = system(inside)
    _refuse(inside, made_of)
    kind, program = find_editor(inside, wanted)
    user = _user(inside)
    image_home = _image_home(inside, kind, user)
    home = _home(image_home)
    known = entry_of(USER_ID, inside.accounts)
    if add_user:
        known = _own_account(user, home)
    elif kind.needs_account and known is None:
        raise ImageError(
            f"{kind.title} only runs for users whom /etc/passwd knows; servers run as uid "
            f"{USER_ID}, which it does not; say --add-user to add it"
        )
    if kind.needs_account and known and not add_user and known.home != image_home:
        # RStudio asks /etc/passwd, not HOME.
        image_home, home = known.home, _home(known.home)
    editor = kind.read(inside, program, image_home)
    found = ExaminedImage(
        inside, made_of, user, image_home, home, editor, _accounts(inside, user, home, add_user)
    )
    _tell(found, known)
    return found


def _refuse(inside: Inside, made_of: System) -> None:
    platform = inside.image.platform
    if platform.os != "linux":
        raise ImageError(f"the image is for {platform}; Slipway's servers run on Linux")
    if inside.files.find(JUPYTER_FOLDER):
        raise ImageError(
            f"the image has {JUPYTER_FOLDER} already; migrate the one it was made from, or name it "
            "in the catalog as it is"
        )
    if made_of.shell is None:
        raise ImageError(
            "the image has no /bin/sh: terminals, and what keeps it on the nodes, need one; build "
            "it on a base with a shell"
        )


def _user(inside: Inside) -> Account:
    configured = str(inside.image.settings.get("User") or "")
    user = image_user(configured, inside.accounts, inside.groups)
    if user is None:
        raise ImageError(
            f"the image runs as {configured!r}, whom its /etc/passwd does not know; it would not "
            "start either"
        )
    return user


def _image_home(inside: Inside, kind: type[Editor], user: Account) -> str:
    """The home with traces of the editor, or else the one the image's user would have."""
    named = inside.environment.get("DEFAULT_USER", "")
    people = sorted(inside.accounts, key=lambda a: (a.name != named, a.uid != USER_ID, a.uid))
    own = inside.environment.get("HOME") or user.home
    homes = [own, *(a.home for a in people if a.uid >= USER_ID and a.uid < 65534)]
    if kind.needs_account and user.uid == 0:
        homes = homes[1:] + homes[:1]
    used = (h for h in homes if any(inside.files.find(f"{h}/{t}") for t in kind.traces()))
    return next(used, homes[0])


def _home(image_home: str) -> str:
    try:
        return str(TypeAdapter(HomePath).validate_python(image_home))
    except ValidationError:
        return HOME


def _own_account(user: Account, home: str) -> Account:
    name = user.name if user.name not in ("", "root") else NAME
    shell = user.shell if not user.shell.endswith(("nologin", "false")) else "/bin/sh"
    return replace(user, name=name, uid=USER_ID, gid=USER_ID, home=home, shell=shell)


def _accounts(
    inside: Inside, user: Account, home: str, add_user: bool
) -> tuple[bytes, bytes] | None:
    if not add_user:
        return None
    files = (inside.files.text("/etc/passwd") or "", inside.files.text("/etc/group") or "")
    passwd, group = with_user(*files, _own_account(user, home))
    return passwd.encode(), group.encode()


def _tell(found: ExaminedImage, known: Account | None) -> None:
    """What becomes of the image's user, in the editor's report."""
    warnings = found.editor.report.warnings
    who = found.user.name or str(found.user.uid)
    if found.image_home != found.home:
        warnings.append(
            f"{found.image_home} cannot be a volume: the home is {found.home}, and begins with "
            f"what is in {found.image_home}"
        )
    if found.user.uid != USER_ID:
        warnings.append(
            f"the image runs as {who} ({found.user.uid}), users' servers as uid {USER_ID}"
        )
    if known is None:
        warnings.append(
            f'/etc/passwd has no uid {USER_ID}: terminals say "I have no name!", which ssh and '
            "some programs do not accept; --add-user adds it"
        )
    closed = [] if found.user.uid == USER_ID else list(_closed(found))
    if closed:
        some = ", ".join(closed[:_SAMPLE])
        warnings.append(
            f"{len(closed)} files and folders outside the home are open to {who} only: {some}"
        )
    if not _usable(found):
        raise ImageError(
            f"{found.editor.program} cannot be read by uid {USER_ID}, as which users' servers run; "
            "chmod a+rX its folder, and save the image again"
        )


def _closed(found: ExaminedImage) -> list[str]:
    """What the image's own user can read and uid 1000 cannot. Of root nothing is expected."""
    if found.user.uid == 0:
        return []
    home = found.image_home.strip("/")
    return [
        f"/{path}"
        for path, node in found.inside.files.under("/")
        if node.uid == found.user.uid
        and not node.is_link
        and not f"{path}/".startswith(f"{home}/")
        and not node.readable_by(USER_ID, USER_ID)
    ]


def _usable(found: ExaminedImage) -> bool:
    """A program in the home is the user's own, after the first start."""
    program = found.inside.files.resolve(found.editor.program) or found.editor.program
    in_home = program.startswith(f"{found.image_home}/")
    return in_home or found.inside.open_to(program, USER_ID, USER_ID)


def lines(found: ExaminedImage) -> Mapping[str, str]:
    """For people: what was found, by what it is."""
    described, editor = found.system, found.editor
    version = f" {editor.version}" if editor.version else ""
    user = f"{found.user.name or '(no name)'} ({found.user.uid}:{found.user.gid})"
    return {
        "System": f"{described.name}, {described.platform}, {described.libc}",
        "User": f"{user}, home {found.image_home}",
        "Editor": f"{editor.title}{version} at {editor.program}",
        "Settings": ", ".join(editor.report.files) or "none",
        "Ports": ", ".join(described.ports) or "none",
        "Python": ", ".join(described.pythons) or "none",
    }
