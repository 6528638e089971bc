"""The commands that make, compare, check out and sign releases."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slipway import cli
from slipway.facts import HUB_STACK, WORKING_TREE, release_file, signature_file
from slipway.model import Project, Release, load
from slipway.steps import StepError

if TYPE_CHECKING:
    from slipway.aws.account import AwsAccount
    from slipway.release.diff.compare import Diff
    from slipway.release.signing import FileKey, KmsKey

SigningKey = Annotated[
    str | None,
    typer.Option(
        "--key",
        help="A private key in PEM, or the ARN of a key in AWS KMS. Default: SLIPWAY_SIGNING_KEY.",
    ),
]


@cli.command(epilog="Example: slipway release 1.2.0 --from dev")
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
    project: cli.ProjectFolder = None,
    as_json: cli.Json = False,
) -> None:
    """Freeze the catalog, every image by digest and all versions into releases/VERSION.yaml."""
    from slipway.release import freeze, releases

    loaded = load(cli.project_root(project))
    if problem := releases.version_problem(version, releases.existing(loaded.root)):
        raise cli.bad_input(problem)
    source = source or freeze.default_source(loaded)
    if source is None:
        raise cli.bad_input("say --from ENV: the environment in whose registry the images are")
    environment = loaded.environment(source)
    if not environment.spec.has_cluster:
        raise cli.bad_input(f"{source} is local: it has no registry, say another --from")
    signer = _signer(key)
    try:
        frozen = releases.write(loaded.root, freeze.freeze(loaded, version, environment))
    except freeze.CannotFreeze as error:
        raise cli.fail(error) from None
    except FileExistsError:
        raise cli.bad_input(f"{release_file(version)} exists: choose a new version") from None
    except OSError as error:
        raise cli.fail(cli.disk_message(error)) from None
    signed = signer is not None and _sign(loaded.root, frozen, signer)
    name = release_file(version)
    fields = frozen.model_dump(mode="json", include={"commit", "digest", "images", "platform"})
    files = f"{name} {signature_file(version)}" if signed else name
    cli.print_result(
        as_json,
        {"version": version, "file": name, "signed": signed, **fields},
        f"{name}: {len(frozen.images)} images, {frozen.digest}{', signed' if signed else ''}\n"
        f"Next: git add {files} && git commit -m 'Release {version}' && git tag v{version}",
    )


@cli.command(epilog="Example: slipway diff prod --to 1.2.0, or slipway diff dev --from origin/main")
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
    project: cli.ProjectFolder = None,
    as_json: cli.Json = False,
) -> None:
    """What would change: for users, in Kubernetes, in CloudFormation. Needs no AWS."""
    from slipway.release.diff.text import to_markdown, to_terminal

    if markdown and as_json:
        raise cli.bad_input("--markdown and --json: choose one")
    loaded = load(cli.project_root(project), environment)
    if on_aws and not loaded.specs[environment].on_aws:
        raise cli.bad_input(f"{environment} is not on AWS: leave --aws out")
    changes = _compare(loaded, environment, before, after, on_aws=on_aws)
    if as_json:
        cli.print_json(changes.as_json())
    elif markdown:
        cli.print_text(to_markdown(changes))
    else:
        to_terminal(changes, cli.PrintableConsole(highlight=False))


def _compare(
    project: Project, name: str, before: str | None, after: str | None, *, on_aws: bool
) -> "Diff":
    from slipway.release.diff.compare import compare
    from slipway.release.diff.inputs import inputs
    from slipway.release.diff.rendered import CannotRender

    try:
        account = None
        if on_aws:
            from slipway.aws.account import AwsAccount

            account = AwsAccount(project.environment(name))
            before = before or _deployed(project, account) or project.specs[name].release
        with inputs(project, name, before, after) as (old, new):
            return compare(project, name, old, new, account)
    except CannotRender as error:
        raise cli.fail(f"{before} cannot be rendered by its own code: {error}") from None
    except StepError as error:
        raise cli.fail(error) from None
    except Exception as error:
        # Only --aws imports botocore, which takes long.
        if not type(error).__module__.startswith("botocore."):
            raise
        raise cli.fail(f"AWS: {error}") from None


def _deployed(project: Project, account: "AwsAccount") -> str | None:
    """The release that runs, if it is one of the project's."""
    from slipway.aws.cloudformation import describe
    from slipway.release.promotion.deployed import release_of
    from slipway.release.releases import existing

    account.check()
    stack = describe(account, HUB_STACK)
    version = release_of(stack) if stack else None
    return version if version in (*existing(project.root), WORKING_TREE) else None


@cli.command(epilog="Example: slipway checkout prod")
def checkout(
    environment: Annotated[str, typer.Argument(help="One that is to be deployed.")],
    project: cli.ProjectFolder = None,
    as_json: cli.Json = False,
) -> None:
    """Check out and set up the commit of the release that an environment pins, to deploy it."""
    from slipway.release.checkout import check_out
    from slipway.toolchain.git import GitError

    loaded = load(cli.project_root(project), environment)
    with cli.errors_as_messages(GitError):
        made = check_out(loaded, environment, cli.tell)
    state = (
        f"{environment}: {made.release} ({made.commit[:12]}) is in {made.folder}"
        if made.commit
        else f"{environment} follows the catalog: it is deployed from here"
    )
    folder = shlex.quote(str(made.folder))
    cli.print_result(as_json, made.as_json(), f"{state}\nNext: cd {folder} && {made.deploy}")


@cli.command(epilog="Example: slipway sign 1.2.0 --key release.key")
def sign(
    version: Annotated[str, typer.Argument(help="A release that is there.")],
    key: SigningKey = None,
    project: cli.ProjectFolder = None,
    as_json: cli.Json = False,
) -> None:
    """Add a signature to releases/VERSION.sig."""
    from slipway.release import releases

    root, signer = cli.project_root(project), _signer(key)
    if signer is None:
        raise cli.bad_input("say --key FILE or an ARN of AWS KMS, or set SLIPWAY_SIGNING_KEY")
    new = _sign(root, releases.read(root, version), signer)
    name = signature_file(version)
    fields = {"version": version, "file": name, "new": new}
    text = f"{name}: {'signed' if new else 'was signed by this key before'}"
    cli.print_result(as_json, fields, text)


def _signer(key: str | None) -> "FileKey | KmsKey | None":
    """The key to sign with, if there is one: looked at before anything is written."""
    from slipway.model.signature import KeyProblem
    from slipway.release import signing

    chosen = key or os.environ.get(signing.KEY)
    try:
        return signing.signer(chosen) if chosen else None
    except KeyProblem as problem:
        raise cli.bad_input(problem) from None


def _sign(root: Path, made: Release, signer: "FileKey | KmsKey") -> bool:
    from slipway.model.signature import KeyProblem
    from slipway.release import signing

    try:
        return signing.sign(root, made, signer)
    except KeyProblem as problem:
        name = release_file(made.version)
        raise cli.fail(f"{name} is there, but not signed: {problem}") from None
