"""The commands that make releases."""

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slipway.cli.app import Json, ProjectFolder, app, bad_input, fail, print_json, project_root
from slipway.facts import release_file, signature_file
from slipway.model import Release, load

if TYPE_CHECKING:
    from slipway.release.signing import FileKey, KmsKey

SigningKey = Annotated[
    str | None,
    typer.Option(
        "--key",
        help="A private key in PEM, or the ARN of a key in AWS KMS. Default: SLIPWAY_SIGNING_KEY.",
    ),
]


@app.command(epilog="Example: slipway release 1.2.0 --from dev")
def release(
    version: Annotated[str, typer.Argument(help="A new version, higher than those there are.")],
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="The environment in whose registry the images are; left out, the one whose "
            "images are promoted.",
        ),
    ] = None,
    key: SigningKey = None,
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Freeze the catalog, every image by digest and all versions into releases/VERSION.yaml."""
    from slipway.release import freeze, releases

    found = load(project_root(project))
    if problem := releases.version_problem(version, releases.existing(found.root)):
        raise bad_input(problem)
    name = source or freeze.default_source(found)
    if name is None:
        raise bad_input("say --from ENV: the environment in whose registry the images are")
    environment = found.environment(name)
    if not environment.spec.has_cluster:
        raise bad_input(f"{name} is local: it has no registry, say another --from")
    signer = _signer(key)
    try:
        made = releases.write(found.root, freeze.freeze(found, version, environment))
    except freeze.CannotFreeze as error:
        raise fail(error) from None
    except FileExistsError:
        raise bad_input(f"{release_file(version)} exists: choose a new version") from None
    except OSError as error:
        raise fail(f"{error.filename or 'the disk'}: {error.strerror}") from None
    signed = signer is not None and _sign(found.root, made, signer)
    name = release_file(version)
    if as_json:
        print_json({"version": version, "file": name, "signed": signed, **_fields(made)})
        return
    files = f"{name} {signature_file(version)}" if signed else name
    print(f"{name}: {len(made.images)} images, {made.digest}{', signed' if signed else ''}")
    print(f"Next: git add {files} && git commit -m 'Release {version}' && git tag v{version}")


@app.command(epilog="Example: slipway diff prod --to 1.2.0, or slipway diff dev --from origin/main")
def diff(
    environment: Annotated[str, typer.Argument(help="What would change in this one.")],
    before: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="WHAT",
            help="A version, working-tree, or a commit whose files are compared with these. Left "
            "out: the release it pins; if it follows the catalog, the newest release, or the last "
            "commit where there is none.",
        ),
    ] = None,
    after: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="WHAT",
            help="A version or working-tree. Left out: with --from, what the environment pins now; "
            "else the newest release, or the catalog if that is pinned or it follows the catalog.",
        ),
    ] = None,
    on_aws: Annotated[
        bool, typer.Option("--aws", help="Compare CloudFormation with what is deployed.")
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="For a pull request.")] = False,
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """What would change: for users, in Kubernetes, in CloudFormation. Needs no AWS."""
    from slipway.cli.diff import show

    if markdown and as_json:
        raise bad_input("--markdown and --json: choose one")
    found = load(project_root(project), environment)
    show(found, environment, before, after, on_aws=on_aws, markdown=markdown, as_json=as_json)


@app.command(epilog="Example: slipway checkout prod")
def checkout(
    environment: Annotated[str, typer.Argument(help="One that is to be deployed.")],
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Check out and set up the commit of the release that an environment pins, to deploy it."""
    from slipway.release.checkout import check_out
    from slipway.steps import StepError
    from slipway.toolchain.git import GitError

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    found = load(project_root(project), environment)
    try:
        made = check_out(found, environment, say)
    except (GitError, StepError) as error:
        raise fail(error) from None
    except OSError as error:
        raise fail(f"{error.filename or 'the disk'}: {error.strerror}") from None
    if as_json:
        print_json(made.as_json())
        return
    if made.commit:
        print(f"{environment}: {made.release} ({made.commit[:12]}) is in {made.folder}")
    else:
        print(f"{environment} follows the catalog: it is deployed from here")
    print(f"Next: cd {shlex.quote(str(made.folder))} && {made.deploy}")


@app.command(epilog="Example: slipway sign 1.2.0 --key release.key")
def sign(
    version: Annotated[str, typer.Argument(help="A release that is there.")],
    key: SigningKey = None,
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Add a signature to releases/VERSION.sig."""
    from slipway.release import releases

    root, signer = project_root(project), _signer(key)
    if signer is None:
        raise bad_input("say --key FILE or an ARN of AWS KMS, or set SLIPWAY_SIGNING_KEY")
    new = _sign(root, releases.read(root, version), signer)
    name = signature_file(version)
    if as_json:
        print_json({"version": version, "file": name, "new": new})
    else:
        print(f"{name}: {'signed' if new else 'was signed by this key before'}")


def _signer(key: str | None) -> "FileKey | KmsKey | None":
    """The key to sign with, if there is one: looked at before anything is written."""
    from slipway.model.signature import KeyProblem
    from slipway.release import signing

    chosen = key or os.environ.get(signing.KEY)
    try:
        return signing.signer(chosen) if chosen else None
    except KeyProblem as problem:
        raise bad_input(problem) from None


def _sign(root: Path, made: Release, signer: "FileKey | KmsKey") -> bool:
    from slipway.model.signature import KeyProblem
    from slipway.release import signing

    try:
        return signing.sign(root, made, signer)
    except KeyProblem as problem:
        name = release_file(made.version)
        raise fail(f"{name} is there, but not signed: {problem}") from None


def _fields(made: Release) -> dict[str, Any]:
    return made.model_dump(mode="json", include={"commit", "digest", "images", "platform"})
