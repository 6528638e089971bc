"""`slipway build`: progress, the table of layers, and what to push where."""

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.live import Live
from rich.table import Table
from rich.text import Text

from slipway import cli
from slipway.installation import STORE
from slipway.model import Environment, Project, load
from slipway.model.release import built_here

if TYPE_CHECKING:
    from slipway.images.build.build import Options, Outcome
    from slipway.images.build.recipes import Recipe

LINE = 120
"""The most characters of a step that are shown where output is not a terminal's."""
ENDS = {"built": "green", "unchanged": "dim", "failed": "red", "pushed": "green"}

Pushed = Mapping[str, Mapping[str, object]]


@cli.command(epilog="Example: slipway build code-server --push dev")
def build(
    images: Annotated[
        list[str] | None,
        typer.Argument(help="The images to build; left out, all that an environment pulls."),
    ] = None,
    push: Annotated[
        str | None, typer.Option(help="Push to the registry of this environment.")
    ] = None,
    builder: Annotated[
        str | None, typer.Option(help="buildx, buildah or podman; the first that is here.")
    ] = None,
    platform: Annotated[
        str, typer.Option(help="linux/amd64, or several with commas (buildx). Default: this one.")
    ] = "",
    argument: Annotated[
        list[str] | None,
        typer.Option("--arg", help="NAME=VALUE for an ARG of the Dockerfiles, such as BASE."),
    ] = None,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Use what earlier builds left.")
    ] = True,
    renew: Annotated[
        bool, typer.Option("--pull", help="Ask for the newest digests of base images.")
    ] = False,
    sbom: Annotated[
        bool, typer.Option("--sbom/--no-sbom", help="Write a bill of materials per image.")
    ] = True,
    jobs: Annotated[int, typer.Option(help="Images to build at a time; 0: by processors.")] = 0,
    project: cli.ProjectFolder = None,
    as_json: cli.Json = False,
) -> None:
    """Build what changed of the images, and push it."""
    loaded = load(cli.project_root(project))
    target = loaded.environment(push) if push else None
    if target and not target.spec.has_cluster:
        raise cli.bad_input(f"{push} is local: it has no registry")
    try:
        arguments = _arguments(argument or [])
        options = _options(platform, cache=cache, renew=renew, sboms=sbom, jobs=jobs)
    except ValueError as error:
        raise cli.bad_input(error) from None
    if problem := _run(loaded, images or [], builder, arguments, options, target, as_json=as_json):
        raise cli.fail(problem)


def _arguments(given: list[str]) -> dict[str, str]:
    """Raises ValueError with what to write instead."""
    arguments = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError(f"--arg {text!r}: write NAME=VALUE")
        arguments[name] = value
    return arguments


def _options(platforms: str, *, cache: bool, renew: bool, sboms: bool, jobs: int) -> "Options":
    """Raises ValueError with what to write instead."""
    from slipway.images.build.build import Options
    from slipway.images.oci.descriptors import Platform, platform_here

    epoch = os.environ.get("SOURCE_DATE_EPOCH", "0")
    if not epoch.isdecimal():
        raise ValueError(f"SOURCE_DATE_EPOCH is {epoch!r}: it must be seconds since 1970")
    return Options(
        platforms=tuple(map(Platform.parse, filter(None, platforms.split(","))))
        or (platform_here(),),
        cached=cache,
        renew=renew,
        jobs=jobs or max(1, min(4, os.cpu_count() or 1)),
        sboms=sboms,
        epoch=int(epoch),
        ca=_authorities(),
    )


def _authorities() -> Path | None:
    """Certificates that this machine trusts beside the usual ones, if it says where they are.

    A build's downloads need them behind a company's proxy; see `builders.base.CA`.
    """
    named = os.environ.get("SSL_CERT_FILE")
    return Path(named) if named and Path(named).is_file() else None


def _run(
    project: Project,
    images: list[str],
    builder: str | None,
    arguments: Mapping[str, str],
    options: "Options",
    target: Environment | None,
    *,
    as_json: bool,
) -> str | None:
    """Build, and push to the registry of `target`. Returns what failed, if anything.

    Without names, everything that an environment pulls is built, but for what lacks an argument
    that only a person can give: that is said. Raises InvalidProject for names that are no images.
    """
    from slipway.images.build.build import Build
    from slipway.images.build.builders import BuildError, find
    from slipway.images.build.push import push
    from slipway.images.build.recipes import recipes
    from slipway.images.oci.descriptors import ImageError
    from slipway.images.oci.layout import Layout
    from slipway.images.registry import skopeo

    wanted = images or built_here(project.catalog)
    needed = recipes(project.root, project.catalog, wanted, arguments)
    skipped = {} if images or target else _incomplete(needed)
    store = Layout(project.root / STORE)
    try:
        if target:
            skopeo.version()
        with Progress() as progress:
            kept = {name: recipe for name, recipe in needed.items() if name not in skipped}
            work = Build(project.root, kept, find(store, builder), store, options, progress.tell)
            outcome = work.run()
            pushed = {}
            if target and not outcome.failures:
                pushed = push(store, outcome.records, wanted, target, progress.tell)
    except (BuildError, ImageError) as error:
        return str(error)
    except OSError as error:
        return cli.disk_message(error)
    _report(outcome, skipped, pushed, as_json=as_json)
    return "\n\n".join(f"{name}: {why}" for name, why in outcome.failures.items()) or None


def _report(
    outcome: "Outcome", skipped: Mapping[str, str], pushed: Pushed, *, as_json: bool
) -> None:
    if as_json:
        cli.print_json(_fields(outcome, skipped, pushed))
    else:
        cli.PrintableConsole(highlight=False).print(_layer_table(outcome))
    for name, why in skipped.items():
        text = f"{name}: left out, {why} (see images/{name}/Dockerfile)"
        cli.console.print(Text(text, "yellow"), soft_wrap=True)


def _incomplete(needed: "Mapping[str, Recipe]") -> dict[str, str]:
    """Images that nobody asked for by name and that lack an argument, with what they lack."""
    skipped: dict[str, str] = {}
    for name, recipe in needed.items():
        lacking = [*recipe.missing_arguments]
        lacking += [parent for parent in recipe.parents if parent in skipped]
        if lacking:
            skipped[name] = f"needs {', '.join(lacking)}"
    return skipped


class Progress:
    """A line per image that says what happens now; on a pipe, a line for each change."""

    def __init__(self) -> None:
        self._now: dict[str, tuple[str, float]] = {}
        self._began: dict[str, float] = {}
        self._lock = threading.Lock()
        self._live = Live(get_renderable=self._table, console=cli.console, refresh_per_second=4)

    def __enter__(self) -> "Progress":
        if cli.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if cli.console.is_terminal:
            self._live.stop()

    def tell(self, image: str, what: str) -> None:
        text = what.strip()
        with self._lock:
            began = self._began.setdefault(image, time.monotonic())
            self._now[image] = (text, time.monotonic() - began)
        if not cli.console.is_terminal and (text in ENDS or "STEP" in text):
            line = f"{image}: {text}"
            cli.console.print(Text(line if len(line) < LINE else f"{line[:LINE]}…"), soft_wrap=True)

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        with self._lock:
            for image, (text, seconds) in self._now.items():
                if text not in ENDS:
                    seconds = time.monotonic() - self._began[image]
                step = Text(text, style=ENDS.get(text, ""), overflow="ellipsis", no_wrap=True)
                table.add_row(Text(image, style="bold"), Text(f"{seconds:.0f} s", "dim"), step)
        return table


def _fields(outcome: "Outcome", skipped: Mapping[str, str], pushed: Pushed) -> dict[str, Any]:
    from slipway.images.build.build import RECORDS, SBOMS

    images = []
    for name, record in outcome.records.items():
        value: dict[str, Any] = {
            "name": name,
            "tag": record.tag,
            "digest": record.digest,
            "built": name in outcome.built,
            "compressed_bytes": record.compressed_bytes,
            "layers": [asdict(layer) for layer in record.layers],
            "sbom": next((f"{RECORDS}/{SBOMS}/{file}" for file in record.sboms.values()), None),
        }
        if name in pushed:
            value["pushed"] = pushed[name]
        images.append(value)
    return {
        "ok": not outcome.failures,
        "images": images,
        "skipped": [{"name": name, "reason": why} for name, why in skipped.items()],
        "failures": [{"name": name, "message": why} for name, why in outcome.failures.items()],
    }


def _layer_table(outcome: "Outcome") -> Table:
    """Compressed sizes by layer; a layer that another image has, too, is counted once by a node."""
    table = Table("image", "MB", "layer", "made by", box=None, pad_edge=False, header_style="bold")
    for name, record in outcome.records.items():
        table.add_row(Text(name, "bold"), f"{record.compressed_bytes / 1e6:.1f}", "", record.digest)
        for layer in record.layers:
            made_by = Text(layer.made_by, "dim", overflow="ellipsis", no_wrap=True)
            table.add_row("", "", f"{layer.size / 1e6:.2f}", made_by)
    return table
