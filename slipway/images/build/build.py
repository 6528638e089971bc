"""Build what changed: parents first, several at a time."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from pathlib import Path
from tempfile import TemporaryDirectory

from slipway.facts import WORKING_TREE
from slipway.images.build import sbom
from slipway.images.build.builders import Builder, BuildError, Job
from slipway.images.build.context import assemble, content_tag, facts
from slipway.images.build.recipes import BASE, Recipe, argument_of
from slipway.images.build.record import BuildRecord, BuildRecords, layers
from slipway.images.oci.descriptors import Descriptor, ImageError, Platform, platform_here
from slipway.images.oci.layout import Layout

RECORDS = ".slipway/builds"
"""Below a project: a record and a log per image."""
SBOMS = "sbom"
"""Below that, the bills of materials."""

Report = Callable[[str, str], None]
"""Called with an image's name and what happens to it now."""


@dataclass(frozen=True)
class Options:
    platforms: tuple[Platform, ...] = field(default_factory=lambda: (platform_here(),))
    cached: bool = True
    renew: bool = False
    """Look whether the tags of outside images have moved."""
    jobs: int = 2
    sboms: bool = True
    epoch: int = 0
    """The time of everything in the images, in seconds since 1970."""
    ca: Path | None = None


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
        self._one_at_a_time = threading.Lock()

    def run(self) -> Outcome:
        """Build everything. An image that fails takes those that are built on it with it."""
        order = TopologicalSorter({name: recipe.parents for name, recipe in self._recipes.items()})
        order.prepare()
        running: dict[Future[BuildRecord], str] = {}
        with ThreadPoolExecutor(self._options.jobs) as pool:
            try:
                while order.is_active():
                    for name in order.get_ready():
                        running[pool.submit(self._one, self._recipes[name])] = name
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

    def _one(self, recipe: Recipe) -> BuildRecord:
        for parent in recipe.parents:
            if parent in self._outcome.failures:
                raise BuildError(f"it is built on {parent}, which failed")
        if missing := recipe.missing_arguments:
            raise BuildError(
                f"{recipe.folder.name}/Dockerfile needs {', '.join(missing)}: say it in "
                f"catalog.yaml as images.{recipe.name}.arguments, or as --arg {missing[0]}=…"
            )
        parents = {parent: self._outcome.records[parent] for parent in recipe.parents}
        base = self._base(recipe.base) if recipe.base else None
        with TemporaryDirectory(prefix="slipway-build-") as folder:
            job = self._job(recipe, base, parents, Path(folder, "context"))
            digests = {parent: record.digest for parent, record in parents.items()}
            platforms = map(str, self._options.platforms)
            what = facts(job.arguments, digests, platforms, job.epoch)
            tag, before = content_tag(job.context, what), self._records.read(recipe.name)
            if self._options.cached and before and before.tag == tag and self._has(before):
                return self._with_sboms(before)
            image = self._build(job)
        self._outcome.built.add(recipe.name)
        for name in (tag, WORKING_TREE):
            self._store.tag(f"{recipe.name}:{name}", image)
        record = BuildRecord(
            name=recipe.name,
            tag=tag,
            digest=image.digest,
            media_type=image.media_type,
            size=image.size,
            builder=self._builder.version,
            base=base,
            parents=digests,
            arguments=recipe.arguments,
            platforms=layers(self._store, image),
        )
        self._records.write(record)
        return self._with_sboms(record)

    def _job(
        self, recipe: Recipe, base: str | None, parents: Mapping[str, BuildRecord], context: Path
    ) -> Job:
        assemble(recipe, context)
        return Job(
            name=recipe.name,
            context=context,
            arguments={**recipe.arguments} | ({BASE: base} if base else {}),
            parents={argument_of(parent): record.descriptor for parent, record in parents.items()},
            platforms=self._options.platforms,
            epoch=self._options.epoch,
            cached=self._options.cached,
            ca=self._options.ca,
        )

    def _base(self, reference: str) -> str:
        """The outside image by digest, asked for once in a run."""
        with self._one_at_a_time:
            if reference not in self._bases:
                self._report(reference, "looking for it")
                platform, renew = self._options.platforms[0], self._options.renew
                self._bases[reference] = self._builder.base(reference, platform, renew=renew)
            return self._bases[reference]

    def _has(self, record: BuildRecord) -> bool:
        try:
            return all(map(self._store.has, self._store.walk(record.descriptor)))
        except ImageError:
            return False  # something was deleted: build it again

    def _build(self, job: Job) -> Descriptor:
        log = self._folder / f"{job.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w") as file:

            def line(text: str) -> None:
                print(text, file=file, flush=True)
                self._report(job.name, text)

            try:
                return self._builder.build(job, line)
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
