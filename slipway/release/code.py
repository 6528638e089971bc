"""The code that renders a release, and that it is still the same.

In the digest is what decides which objects and resources come out: charts, stacks, the model they
read, the hub's settings, the CDK app with its feature flags, and the versions of the libraries
that write the templates. Not in it: what only builds images (they are pinned by digest), what
acts on what is deployed (smoke tests, promotion, teardown), the command line and the tests.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from slipway.facts import WORKING_TREE
from slipway.installation import INSTALLATION
from slipway.model import Environment, InvalidProject, Problem, Release
from slipway.model.problems import listed
from slipway.toolchain import git

FOLDERS = ("charts", "stacks", "slipway/model")
FILES = (
    "slipway/settings/hub.py",
    "packages/hub/slipway_hub/settings.py",
    "packages/hub/slipway_hub/smoke.py",
    "packages/hub/slipway_hub/start_times.py",
)
APP = ("app.py", "cdk.json")
"""A project may have its own."""
LOCK = "requirements.txt"
LIBRARIES = (
    "aws-cdk-lib",
    "aws-cdk-lambda-layer-kubectl-v36",
    "cdk8s",
    "cdk8s-plus-33",
    "constructs",
)
RESTORED = ("charts", "stacks", "slipway", "packages", *APP, LOCK)
"""More than what is in the digest: parts of two versions need not fit together."""
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s\\;]+)", re.MULTILINE)


def code_digest(root: Path, installation: Path = INSTALLATION) -> str:
    """The digest of the code that renders the project at `root`; that of another Slipway where
    `installation` is."""
    digest = hashlib.sha256()
    for name, content in _parts(root, installation):
        digest.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return f"sha256:{digest.hexdigest()}"


def _parts(root: Path, installation: Path) -> Iterator[tuple[str, bytes]]:
    for name in files(installation):
        yield name, _lines(installation / name)
    for name in APP:
        folder = root if (root / name).is_file() else installation
        yield name, _lines(folder / name)
    pinned = dict(_PINNED.findall(_lines(installation / LOCK).decode()))
    for library in LIBRARIES:
        yield library, pinned.get(library, "").encode()


def files(installation: Path = INSTALLATION) -> list[str]:
    """Of Slipway itself, relative to its folder."""
    found = [
        file.relative_to(installation).as_posix()
        for folder in FOLDERS
        for suffix in ("py", "svg")
        for file in (installation / folder).rglob(f"*.{suffix}")
    ]
    return sorted((*found, *FILES))


def _lines(file: Path) -> bytes:
    """As git has it, on a system with other ends of lines too. Another commit may lack a file."""
    return file.read_bytes().replace(b"\r\n", b"\n") if file.is_file() else b""


def check_code(root: Path, environment: Environment, *, allow_drift: bool = False) -> str | None:
    """Refuse to render a release with other code than it was frozen with.

    Returns a warning where that is allowed. Raises InvalidProject with the way back.
    """
    release = environment.release
    if release is None or code_digest(root) == release.code:
        return None
    file = f"environments/{environment.name}.yaml"
    protected = environment.spec.protected
    if allow_drift and not protected:
        return (
            f"{file}: release {release.version} is rendered by other code than it was frozen "
            "with, as you allowed: what comes out is not what was tested"
        )
    message = f"{release.version} was frozen with other code than this"
    if allow_drift:
        message += f", and {environment.name} is protected: drift is never allowed here"
    raise InvalidProject([Problem(file, 1, 1, "release", message, _way_back(root, release))])


def _way_back(root: Path, release: Release) -> str:
    """All of Slipway's code and nothing else: environments, keys and releases stay those at hand,
    which somebody reviewed. And only to what they reviewed before."""
    if not git.is_ancestor(root, release.commit):
        return (
            f"and its commit {release.commit[:12]} is not in the history of what is checked out: "
            "fetch all of it, or freeze a new version from here"
        )
    return (
        f"go back to it with `git restore --source={release.commit[:12]} -- {' '.join(RESTORED)}` "
        "and `make setup`, or freeze a new version from here"
    )


def restore(root: Path, release: Release) -> None:
    """Bring back the code a release was frozen with, into the folder that holds both it and us.

    Raises GitError where that would lose something, or bring what nobody reviewed.
    """
    if not (root / "slipway").is_dir():
        raise git.GitError(
            f"Slipway is not part of {root}: install the one that {release.version} was frozen with"
        )
    if not git.is_ancestor(root, release.commit):
        raise git.GitError(f"{release.commit[:12]}: {_way_back(root, release)}")
    lost = [name for name in git.changed(root) if name.startswith(RESTORED)]
    if lost:
        raise git.GitError(f"not committed, and would be lost: {listed(lost)}")
    git.run(root, "restore", f"--source={release.commit}", "--", *RESTORED)


def renderable(
    root: Path, environments: Iterable[Environment], *, allow_drift: bool = False
) -> tuple[list[Environment], list[str]]:
    """Those that may be rendered by this code, and what to tell about all.

    Where other code was allowed, what comes out is not tagged as the release. One that may not is
    left out among several. Raises InvalidProject if none is left.
    """
    kept: list[Environment] = []
    told: list[str] = []
    refused: list[InvalidProject] = []
    for environment in environments:
        try:
            warning = check_code(root, environment, allow_drift=allow_drift)
        except InvalidProject as error:
            refused.append(error)
        else:
            kept.append(replace(environment, as_frozen=warning is None))
            told += filter(None, [warning, notice(environment)])
    if refused and not kept:
        raise InvalidProject([problem for error in refused for problem in error.problems])
    return kept, [*told, *(f"left out: {error}" for error in refused)]


def moving_images(environment: Environment) -> list[str]:
    """What a cluster would pull by a tag, which may mean something else tomorrow."""
    images = ("hub", "proxy", *environment.catalog.images)
    return [r for r in map(environment.image_reference, images) if "@" not in r]


def notice(environment: Environment) -> str | None:
    """What somebody should know before an environment on AWS is rendered from the catalog."""
    if environment.release or not environment.spec.on_aws:
        return None
    moving = moving_images(environment)
    if not moving:
        return None
    return (
        f"{environment.name} follows the catalog: {len(moving)} images are pulled by tags that "
        f"move ({WORKING_TREE}); `slipway release` pins them"
    )
