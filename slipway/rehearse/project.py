"""The copy of a project that a rehearsal works on, in a git repository of its own."""

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ruamel.yaml.comments import CommentedMap

from slipway import facts, files
from slipway.installation import INSTALLATION
from slipway.model import Environment
from slipway.model.edit import edited
from slipway.release.code_check import REQUIREMENTS
from slipway.release.pin import Pin
from slipway.steps import StepError
from slipway.toolchain import git

CODE = ("slipway", "stacks", "charts", "packages", "images", "app.py", "cdk.json", REQUIREMENTS)
"""Of Slipway: a release's commit holds the code that renders it."""
FILES = ("app.py", "cdk.json", facts.CATALOG_FILE, facts.PLATFORM_FILE)
"""Of the project, which may have an app and images of its own."""
IGNORED = f"{facts.STATE_FOLDER}/\ncdk.out/\n__pycache__/\n"


class ProjectCopy:
    """What a deploy and a release read of the project at `root`, with these environments of it.

    It has no release yet: those of the project itself are its own. `variables` are for git.
    """

    def __init__(
        self,
        root: Path,
        folder: Path,
        environments: Iterable[Environment],
        variables: Mapping[str, str],
    ) -> None:
        self.folder = folder
        nobodys = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        self._variables = {**variables, **nobodys}
        folder.mkdir(parents=True)
        self.signing_key = folder.with_name("signing.pem")
        """The rehearsal's own. Environments that take signed releases trust it, and no other."""
        public_key = _make_key(self.signing_key)
        for name in CODE:
            self._take(INSTALLATION, name)
        images = [f"images/{image.name}" for image in (root / "images").glob("*")]
        for name in (*FILES, *images):
            self._take(root, name)
        for environment in environments:
            self._take(root, facts.environment_file(environment.name))
            if logo := environment.spec.logo:
                self._take(root, logo)
            for name in environment.spec.signed_by:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(public_key)
            pin = Pin.read(folder, environment.name)
            if pin.release != facts.WORKING_TREE:
                pin.set({"release": facts.WORKING_TREE})
        (folder / ".gitignore").write_text(IGNORED)
        self._git("init", "-q")
        self._git("config", "user.name", "rehearsal")
        self._git("config", "user.email", "rehearsal@localhost")
        self.commit("What is rehearsed")

    def _take(self, root: Path, name: str) -> None:
        source, target = root / name, self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, target)

    @property
    def variables(self) -> dict[str, str]:
        """Variables that have the copy's own Slipway run."""
        packages = (".", *(f"packages/{name}" for name in ("hub", "notebook", "datapath")))
        return {"PYTHONPATH": os.pathsep.join(str(self.folder / name) for name in packages)}

    def commit(self, why: str, *, tag: str | None = None) -> None:
        """Everything that changed. Raises StepError."""
        self._git("add", "--all")
        self._git("commit", "-q", "--allow-empty", "-m", why)
        if tag:
            self._git("tag", tag)

    def pin(self, environment: str, version: str) -> None:
        """Let an environment run a release, and commit that. Raises PinError, StepError."""
        Pin.read(self.folder, environment).set({"release": version})
        self.commit(f"{environment} runs {version}")

    def pinned(self, environment: str) -> str:
        return Pin.read(self.folder, environment).release

    def retitle(self, title: str) -> None:
        """Change what users see: the title of the first profile. Committed."""
        file = self.folder / facts.CATALOG_FILE

        def change(catalog: CommentedMap) -> None:
            next(iter(catalog["profiles"].values()))["title"] = title

        file.write_bytes(edited(file.read_bytes(), change))
        self.commit(f"The first profile is called {title}")

    def replace(self, environment: str, old: str, new: str) -> None:
        file = self.folder / facts.environment_file(environment)
        file.write_text(file.read_text().replace(old, new))
        self.commit(f"{environment}: {new}")

    def _git(self, *arguments: str) -> None:
        try:
            git.run(self.folder, *arguments, variables=self._variables)
        except git.GitError as error:
            raise StepError(str(error)) from None


def _make_key(file: Path) -> bytes:
    """Write a new private key into `file`. Returns its public key, in PEM."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption())
    files.write(file, private, mode=0o600)
    return key.public_key().public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)
