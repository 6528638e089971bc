"""Build what changed: parents first, several at a time."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from pathlib import Path

from slipway.images.build import sbom
from slipway.images.build.builders import Builder, BuildError
from slipway.images.build.context import BuildRequest
from slipway.images.build.recipes import Recipe
from slipway.images.build.record import BuildRecord, BuildRecords
from slipway.images.oci.descriptors import Descriptor, ImageError, Platform
from slipway.images.oci.layout import Layout

RECORDS = ".slipway/builds"
"""Below a project: a record and a log per image."""
SBOMS = "sbom"
"""Below that, the bills of materials."""

Report = Callable[[str, str], None]
"""Called with an image's name and what happens to it now."""


@dataclass(frozen=True)
class Options:
    """What `slipway build --help` says of each; `epoch` and `ca` are a BuildRequest's."""

    platforms: tuple[Platform, ...]
    cached: bool
    renew: bool
    jobs: int
    sboms: bool
    epoch: int
    ca: Path | None


@dataclass
class Outcome:
    records: dict[str, BuildRecord] = field(default_factory=dict)
    built: set[str] = field(default_factory=set)
    """Those that were not there already."""
    failures: dict[str, str] = field(default_factory=dict)


class Build:
    """One run over some recipes, whose parents are among them."""

    def __init__(
        self,
        root: Path,
        recipes: Mapping[str, Recipe],
        builder: Builder,
        store: Layout,
        options: Options,
        report: Report,
    ) -> None:
        self._recipes, self._builder, self._store = recipes, builder, store
        self._options, self._report = options, report
        self._folder = root / RECORDS
        self._records = BuildRecords(self._folder)
        self._outcome = Outcome()
        self._bases: dict[str, str] = {}
        self._lock = threading.Lock()

    def run(self) -> Outcome:
        """Build everything. An image that fails takes those that are built on it with it."""
        order = TopologicalSorter({name: recipe.parents for name, recipe in self._recipes.items()})
        order.prepare()
        running: dict[Future[BuildRecord], str] = {}
        with ThreadPoolExecutor(self._options.jobs) as pool:
            try:
                while order.is_active():
                    for name in order.get_ready():
                        running[pool.submit(self._build_if_changed, self._recipes[name])] = name
                    for done in wait(running, return_when=FIRST_COMPLETED).done:
                        name = running.pop(done)
                        self._settle(name, done)
                        order.done(name)
            except BaseException:
                self._builder.stop()
                raise
        return self._outcome

    def _settle(self, name: str, done: Future[BuildRecord]) -> None:
        try:
            self._outcome.records[name] = done.result()
        except (BuildError, ImageError, OSError) as error:
            self._outcome.failures[name] = str(error)
            self._report(name, "failed")
        else:
            self._report(name, "built" if name in self._outcome.built else "unchanged")

    def _build_if_changed(self, recipe: Recipe) -> BuildRecord:
        self._check(recipe)
        options, records = self._options, self._outcome.records
        request = BuildRequest(
            recipe=recipe,
            base=self._base(recipe.base) if recipe.base else None,
            parents={parent: records[parent].descriptor for parent in recipe.parents},
            platforms=options.platforms,
            epoch=options.epoch,
            cached=options.cached,
            ca=options.ca,
        )
        with request.assembled() as context:
            tag, record = request.tag(context), self._records.read(recipe.name)
            if options.cached and record and record.tag == tag and self._is_stored(record):
                return self._with_sboms(record)
            image = self._run_builder(request, context)
        self._outcome.built.add(recipe.name)
        builder = self._builder.version
        return self._with_sboms(self._records.add(self._store, request, image, tag, builder))

    def _check(self, recipe: Recipe) -> None:
        """Raises BuildError for an image that cannot be built."""
        for parent in recipe.parents:
            if parent in self._outcome.failures:
                raise BuildError(f"it is built on {parent}, which failed")
        if missing := recipe.missing_arguments:
            raise BuildError(
                f"{recipe.folder.name}/Dockerfile needs {', '.join(missing)}: say it in "
                f"catalog.yaml as images.{recipe.name}.arguments, or as --arg {missing[0]}=…"
            )

    def _base(self, reference: str) -> str:
        """The outside image by digest, asked for once in a run."""
        with self._lock:
            if reference not in self._bases:
                self._report(reference, "looking for it")
                platform, renew = self._options.platforms[0], self._options.renew
                self._bases[reference] = self._builder.base(reference, platform, renew=renew)
            return self._bases[reference]

    def _is_stored(self, record: BuildRecord) -> bool:
        try:
            return all(map(self._store.has, self._store.walk(record.descriptor)))
        except ImageError:
            return False  # something was deleted: build it again

    def _run_builder(self, request: BuildRequest, context: Path) -> Descriptor:
        name = request.recipe.name
        log = self._folder / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w") as file:

            def line(text: str) -> None:
                print(text, file=file, flush=True)
                self._report(name, text)

            try:
                return self._builder.build(request, context, line)
            except BuildError as error:
                raise BuildError(f"{error}\nThe whole log: {log}") from None

    def _with_sboms(self, record: BuildRecord) -> BuildRecord:
        if not self._options.sboms or record.sboms:
            return record
        self._report(record.name, "reading what is in it")
        names = sbom.write(self._store, record.descriptor, self._folder / SBOMS)
        record = replace(record, sboms=names)
        self._records.write(record)
        return record
