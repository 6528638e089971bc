"""What `slipway migrate` finds in an image, and whether it can be migrated."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from slipway.facts import JUPYTER_FOLDER, USER_ID
from slipway.images.migrate.editors import Editor, find_editor
from slipway.images.migrate.inside import Inside
from slipway.images.migrate.system import System, system
from slipway.images.migrate.users import NAME, Account, image_user, with_user
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
            "user": {name: getattr(self.user, name) for name in ("name", "uid", "gid")},
            "home": self.home,
            "editor": {name: getattr(self.editor, name) for name in ("kind", "program", "version")},
            "configuration": report.files,
            "honoured": report.honoured,
            "taken_over": report.taken_over,
            "warnings": report.warnings,
        }


def examine(inside: Inside, wanted: str, *, add_user: bool) -> ExaminedImage:
    """Look into an image. Raises ImageError with the reason when it cannot be migrated."""
    _refuse(inside)
    kind, program = find_editor(inside, wanted)
    if not program.isprintable():
        raise ImageError(
            f"the editor's path, {program!r}, has characters that no catalog shows; rename it, and "
            "save the image again"
        )
    user = _user(inside)
    image_home = _image_home(inside, kind, user)
    known = next((account for account in inside.accounts if account.uid == USER_ID), None)
    if kind.needs_account and not add_user:
        if known is None:
            raise ImageError(
                f"{kind.title} only runs for users whom /etc/passwd knows; servers run as uid "
                f"{USER_ID}, which it does not; say --add-user to add it"
            )
        image_home = known.home  # RStudio asks /etc/passwd, not HOME
    home = _home(image_home)
    editor = kind.read(inside, program, image_home)
    accounts = _accounts(inside, user, home) if add_user else None
    image = ExaminedImage(inside, system(inside), user, image_home, home, editor, accounts)
    editor.report.warnings += _warnings(image, has_account=add_user or known is not None)
    if not _usable(image):
        raise ImageError(
            f"{program} cannot be read by uid {USER_ID}, as which users' servers run; chmod a+rX "
            "its folder, and save the image again"
        )
    return image


def _refuse(inside: Inside) -> None:
    platform = inside.image.platform
    if platform.os != "linux":
        raise ImageError(f"the image is for {platform}; Slipway's servers run on Linux")
    if inside.files.find(JUPYTER_FOLDER):
        raise ImageError(
            f"the image has {JUPYTER_FOLDER} already; migrate the one it was made from, or name it "
            "in the catalog as it is"
        )
    if not inside.is_program("/bin/sh"):
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


def _accounts(inside: Inside, user: Account, home: str) -> tuple[bytes, bytes]:
    """/etc/passwd and /etc/group with the image's user as uid 1000."""
    name = user.name if user.name not in ("", "root") else NAME
    shell = user.shell if not user.shell.endswith(("nologin", "false")) else "/bin/sh"
    account = replace(user, name=name, uid=USER_ID, gid=USER_ID, home=home, shell=shell)
    files = (inside.files.text("/etc/passwd") or "", inside.files.text("/etc/group") or "")
    passwd, group = with_user(*files, account)
    return passwd.encode(), group.encode()


def _warnings(image: ExaminedImage, *, has_account: bool) -> Iterator[str]:
    """What becomes of the image's user. `has_account`: /etc/passwd has uid 1000."""
    who = image.user.name or str(image.user.uid)
    if image.image_home != image.home:
        yield (
            f"{image.image_home} cannot be a volume: the home is {image.home}, and begins with "
            f"what is in {image.image_home}"
        )
    if image.user.uid != USER_ID:
        yield f"the image runs as {who} ({image.user.uid}), users' servers as uid {USER_ID}"
    if not has_account:
        yield (
            f'/etc/passwd has no uid {USER_ID}: terminals say "I have no name!", which ssh and '
            "some programs do not accept; --add-user adds it"
        )
    # Of root nothing is expected.
    if image.user.uid not in (0, USER_ID) and (closed := _closed(image)):
        some = ", ".join(closed[:_SAMPLE])
        yield f"{len(closed)} files and folders outside the home are open to {who} only: {some}"


def _closed(image: ExaminedImage) -> list[str]:
    """What the image's own user can read and uid 1000 cannot."""
    home = image.image_home.strip("/")
    return [
        f"/{path}"
        for path, node in image.inside.files.under("/")
        if node.uid == image.user.uid
        and not node.is_link
        and not f"{path}/".startswith(f"{home}/")
        and not node.readable_by(USER_ID)
    ]


def _usable(image: ExaminedImage) -> bool:
    """A program in the home is the user's own, after the first start."""
    program = image.inside.files.resolve(image.editor.program) or image.editor.program
    return program.startswith(f"{image.image_home}/") or image.inside.is_open(program)
