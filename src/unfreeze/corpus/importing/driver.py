"""`run_import`: candidates of an importer into a corpus, each part checked, mended or refused, and all of it reported.

What was committed stays: a second run of the same import goes on where the first was ended, by whatever. A part that is
refused does not stop the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from unfreeze.corpus.importing.checks.conditions import settled_conditions
from unfreeze.corpus.importing.parts import Plan, existing_part, import_part
from unfreeze.corpus.importing.report import ImportProgress, ImportReport, PartResult
from unfreeze.corpus.importing.source import Candidate, Part
from unfreeze.corpus.importing.trial import same_atoms, try_part
from unfreeze.corpus.schema import Conditions, Source
from unfreeze.corpus.store import Corpus, safe_identifier
from unfreeze.corpus.store.sealed import write_sealed
from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex

__all__ = ["ImportSettings", "run_import"]


@dataclass(frozen=True)
class ImportSettings:
    """What an import was asked for.

    Attributes
    ----------
    atoms
        ``heavy``, or ``all`` to keep hydrogens where the source has them.
    keep_forces
        Whether forces are taken where there are any.
    stride
        Every which frame is taken.
    replace
        Whether a trajectory that is there from a source that has changed since is taken anew.
    given
        Conditions that the user knows; they fill gaps of what the source says and contradict nothing.
    """

    atoms: str = "heavy"
    keep_forces: bool = True
    stride: int = 1
    replace: bool = False
    given: Conditions | None = None

    def __post_init__(self) -> None:
        if self.atoms not in ("heavy", "all"):
            raise InputError(f"atoms {self.atoms!r}: expected 'heavy' or 'all'")
        if self.stride < 1:
            raise InputError(f"stride {self.stride}: expected 1 or more")


def run_import(
    corpus: Corpus,
    candidates: Iterable[Candidate],
    *,
    dry_run: bool = False,
    atoms: str = "heavy",
    keep_forces: bool = True,
    stride: int = 1,
    replace: bool = False,
    given: Conditions | None = None,
    importer: str = "",
    on_progress: Callable[[ImportProgress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> ImportReport:
    """Take what can be taken of some candidates into a corpus.

    Parameters
    ----------
    corpus
        Where to.
    candidates
        From an importer; looked at one after the other, never all in memory.
    dry_run
        Open every part and look at frames from its begin, middle and end, but write nothing.
    atoms, keep_forces, stride, replace, given
        As in :class:`ImportSettings`.
    importer
        Its name, for the report.
    on_progress
        Called now and then.
    should_stop
        Asked between blocks; True ends the import at once, with all that was read committed.

    Returns
    -------
    ImportReport
        Also written to ``imports/`` in the corpus, unless nothing is written.

    Raises
    ------
    InputError
        If the settings are not possible, or the candidates cannot even be listed.
    """
    settings = ImportSettings(atoms=atoms, keep_forces=keep_forces, stride=stride, replace=replace, given=given)
    driver = _Driver(corpus, settings, dry_run, importer, on_progress, should_stop or (lambda: False))
    return driver.run(candidates)


class _Driver:
    def __init__(
        self,
        corpus: Corpus,
        settings: ImportSettings,
        dry_run: bool,
        importer: str,
        on_progress: Callable[[ImportProgress], None] | None,
        should_stop: Callable[[], bool],
    ) -> None:
        self._corpus = corpus
        self._settings = settings
        self._on_progress = on_progress
        self._should_stop = should_stop
        given = settings.given
        self._report = ImportReport(
            importer=importer,
            is_dry_run=dry_run,
            started=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            settings={
                "atoms": settings.atoms,
                "keep_forces": settings.keep_forces,
                "stride": settings.stride,
                "replace": settings.replace,
                "given": None if given is None else given.model_dump(exclude_none=True),
            },
        )
        self._planned: dict[str, Complex] = {}  # of a dry run

    def run(self, candidates: Iterable[Candidate]) -> ImportReport:
        begin = time.monotonic()
        try:
            for candidate in candidates:
                if self._should_stop():
                    self._report.was_stopped = True
                    break
                for result in self._take(candidate):
                    self._report.results.append(result)
                if self._report.was_stopped:
                    break
        finally:
            self._report.seconds = round(time.monotonic() - begin, 3)
            if not self._report.is_dry_run:
                self._write_report()
        return self._report

    def _take(self, candidate: Candidate) -> Iterator[PartResult]:
        wanted = safe_identifier(candidate.identifier)
        if candidate.refusal is not None:
            yield PartResult(wanted, "", "refused", candidate.refusal)
            return
        if not candidate.parts:
            yield from self._take_labels(candidate, wanted)
            return
        names: set[str] = set()
        entry: str | None = None  # the first part of a candidate decides which entry the others go to
        for part in candidate.parts:
            if self._should_stop():
                self._report.was_stopped = True
                return
            if part.name in names:
                yield PartResult(wanted, part.name, "refused", f"{wanted}: two parts are called {part.name!r}.")
                continue
            names.add(part.name)
            result = self._take_part(candidate, part, entry or wanted, is_bound=entry is not None)
            if result.status != "refused":
                entry = result.entry
            yield result
            if result.status == "stopped":
                self._report.was_stopped = True
                return
        if entry is not None and candidate.labels and not self._report.is_dry_run:
            with self._corpus.edit_entry(entry) as writer:
                writer.add_labels(candidate.labels)

    def _take_labels(self, candidate: Candidate, wanted: str) -> Iterator[PartResult]:
        """Labels of an entry that is there already."""
        if not candidate.labels:
            yield PartResult(wanted, "", "refused", f"{wanted}: there is nothing to take.")
        elif wanted not in self._corpus:
            yield PartResult(
                wanted, "", "refused",
                f"{wanted}: labels of an entry that is not in the corpus. Import its structure first.",
            )  # fmt: skip
        else:
            if not self._report.is_dry_run:
                with self._corpus.edit_entry(wanted) as writer:
                    writer.add_labels(candidate.labels)
            yield PartResult(wanted, "", "taken", notes=(f"{len(candidate.labels)} labels",))

    def _take_part(self, candidate: Candidate, part: Part, wanted: str, *, is_bound: bool) -> PartResult:
        name = f"{candidate.identifier}/{part.name}"
        try:
            if part.refusal is not None:
                raise InputError(part.refusal)
            conditions, notes = settled_conditions(part.conditions, self._settings.given, name)
            part = _with(part, conditions)
            there = existing_part(self._corpus, part, wanted, self._settings, dry_run=self._report.is_dry_run)
            if there is not None and there.is_done:
                return PartResult(there.entry, there.name, "skipped", there.reason, n_frames=there.n_frames)
            return self._import(candidate, part, there.entry if there else wanted, is_bound or there is not None, notes)
        except InputError as error:
            return PartResult(wanted, part.name, "refused", str(error))
        except (OSError, MemoryError) as error:
            words = getattr(error, "strerror", None) or str(error) or type(error).__name__
            return PartResult(wanted, part.name, "refused", f"{name}: cannot be read or written ({words}).")

    def _import(
        self, candidate: Candidate, part: Part, wanted: str, is_bound: bool, notes: tuple[str, ...]
    ) -> PartResult:
        name = f"{candidate.identifier}/{part.name}"
        settings = self._settings
        with part.open() as stream:
            trial = try_part(
                part, stream, name, atoms=settings.atoms, stride=settings.stride, keep_forces=settings.keep_forces
            )
            entry = self._entry_for(wanted, trial.complex, part, name, is_bound=is_bound)
            plan = Plan(
                entry=entry,
                trajectory=self._trajectory_name(entry, part),
                part=part,
                trial=trial,
                candidate=candidate,
                notes=notes,
            )
            if self._report.is_dry_run:
                self._planned.setdefault(entry, trial.complex)
                return _planned_result(plan)
            return import_part(
                self._corpus, stream, plan, settings,
                on_progress=self._progress(plan), should_stop=self._should_stop,
            )  # fmt: skip

    def _entry_for(self, wanted: str, complex: Complex, part: Part, name: str, *, is_bound: bool) -> str:
        """The entry of these atoms: the one of this name, or another where that is of other atoms."""
        corpus = self._corpus
        tried = [wanted] if is_bound else [wanted, safe_identifier(f"{wanted}-{part.source.dataset}")]
        unlike = ""
        for identifier in tried:
            there = self._complex_of(identifier)
            if there is None:
                if corpus.free_identifier(identifier) == identifier:
                    return identifier
                continue  # differs from another in upper and lower case
            unlike = same_atoms(there, complex)
            if not unlike:
                return identifier
        if is_bound:
            raise InputError(
                f"{name}: the atoms are not those of the entry {wanted} ({unlike}); trajectories of one entry have the "
                "same atoms in the same order. Import it under another name."
            )
        number = 2
        while True:
            identifier = f"{safe_identifier(wanted)[:94]}-{number}"
            there = self._complex_of(identifier)
            if there is None and corpus.free_identifier(identifier) == identifier:
                return identifier
            if there is not None and not same_atoms(there, complex):
                return identifier
            number += 1

    def _complex_of(self, identifier: str) -> Complex | None:
        if identifier in self._planned:
            return self._planned[identifier]
        return self._corpus.entry(identifier).complex if identifier in self._corpus else None

    def _trajectory_name(self, entry: str, part: Part) -> str:
        """The name of the part, with the set where another set has one of that name."""
        if entry not in self._corpus:
            return part.name
        taken = {record.name: record for record in self._corpus.entry(entry).manifest.trajectories}
        name = part.name
        if name in taken and taken[name].source.dataset != part.source.dataset:
            name = f"{part.name}-{part.source.dataset}"
        number = 2
        while name in taken and not _is_of(taken[name].source, part):
            name, number = f"{part.name}-{number}", number + 1
        return name

    def _progress(self, plan: Plan) -> Callable[[int], None]:
        def told(n_done: int) -> None:
            if self._on_progress is not None:
                n_parts = len(self._report.results)
                self._on_progress(ImportProgress(plan.entry, plan.trajectory, n_done, plan.trial.n_frames, n_parts))

        return told

    def _write_report(self) -> None:
        report = self._report
        folder = self._corpus.path / "imports"
        stamp = report.started.replace(":", "").replace("-", "")
        stem = f"{stamp}-{safe_identifier(report.importer or 'import')}"
        names = [stem, *(f"{stem}-{number}" for number in range(2, 1000))]
        with suppress(OSError):
            folder.mkdir(exist_ok=True)
            path = next((folder / f"{name}.json" for name in names if not (folder / f"{name}.json").exists()), None)
            if path is not None:
                report.path = f"imports/{path.name}"
                write_sealed(path, "import", report.as_dict())


def _is_of(source: Source, part: Part) -> bool:
    return (source.dataset, source.identifier) == (part.source.dataset, part.source.identifier)


def _with(part: Part, conditions: Conditions) -> Part:
    return part if conditions == part.conditions else replace(part, conditions=conditions)


def _planned_result(plan: Plan) -> PartResult:
    trial = plan.trial
    n_bytes = None if trial.n_frames is None else trial.n_frames * trial.frame_bytes
    return PartResult(
        plan.entry, plan.trajectory, "mended" if trial.mended else "taken",
        n_frames=trial.n_frames, n_atoms=trial.complex.n_atoms, n_bytes=n_bytes,
        mended=trial.mended, notes=(*plan.notes, *trial.notes),
    )  # fmt: skip
