"""One part of a candidate into its trajectory: from the first commit to the last, resumed where it was ended."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.importing.checks.clock import Clock, read_clock
from unfreeze.corpus.importing.checks.frames import FrameWatch
from unfreeze.corpus.importing.checksums import FileChecksums, file_names, file_states
from unfreeze.corpus.importing.pipeline import run_pipeline
from unfreeze.corpus.importing.report import PartResult
from unfreeze.corpus.importing.source import Candidate, FrameBlock, FrameStream, Part
from unfreeze.corpus.importing.trial import Trial
from unfreeze.corpus.schema import TrajectoryRecord
from unfreeze.corpus.store import Corpus, EntryWriter, TrajectoryWriter
from unfreeze.corpus.store.lock import BusyError, lock_entry
from unfreeze.errors import InputError

if TYPE_CHECKING:
    from unfreeze.corpus.importing.driver import ImportSettings

__all__ = ["ExistingPart", "Plan", "existing_part", "import_part"]

_BLOCK_BYTES = 2**20  # stays in a cache while it goes from thread to thread


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be done with a part.

    Attributes
    ----------
    entry, trajectory
        Names in the corpus.
    part, trial, candidate
        Whence, and what a first look settled.
    notes
        Remarks so far.
    """

    entry: str
    trajectory: str
    part: Part
    trial: Trial
    candidate: Candidate
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExistingPart:
    """A trajectory that is in the corpus already.

    Attributes
    ----------
    is_done
        Whether it is complete and from the same source.
    reason
        Words for the report.
    """

    entry: str
    name: str
    is_done: bool
    n_frames: int
    reason: str = ""


def existing_part(
    corpus: Corpus, part: Part, wanted: str, settings: ImportSettings, *, dry_run: bool = False
) -> ExistingPart | None:
    """What an earlier import made of a part; None if nothing.

    Raises
    ------
    InputError
        If the source or the settings are others than at that import.
    """
    number = 2
    names = [wanted, f"{wanted}-{part.source.dataset}"]
    while f"{wanted[:94]}-{number}" in corpus:  # names of others of this name with other atoms
        names.append(f"{wanted[:94]}-{number}")
        number += 1
    for identifier in names:
        if identifier not in corpus:
            continue
        for record in corpus.entry(identifier).manifest.trajectories:
            is_same = (record.source.dataset, record.source.identifier) == (part.source.dataset, part.source.identifier)
            named = record.name == part.name or record.name.startswith(f"{part.name}-")
            if not (is_same and named):
                continue
            changed = _changes(record, part, settings)
            if changed and settings.replace:
                if not dry_run:
                    with corpus.edit_entry(identifier) as writer:
                        writer.drop_trajectory(record.name)
                return ExistingPart(identifier, record.name, False, 0)
            if changed:
                state = "is in the corpus" if record.is_complete else "was begun"
                raise InputError(
                    f"{identifier}/{record.name}: {state} already, and {changed}. What is there was left as it is; "
                    "import with --replace to take it anew."
                )
            return ExistingPart(
                identifier, record.name, record.is_complete, record.n_frames, "it is in the corpus already"
            )
    return None


def _changes(record: TrajectoryRecord, part: Part, settings: ImportSettings) -> str:
    """How source or settings differ from those of an earlier import; empty if they do not."""
    if record.conditions != part.conditions:
        return "its conditions are others now"
    made = record.quality.get("import")
    if not isinstance(made, dict):
        return ""
    for name, value in _settings_of(settings).items():
        if made.get(name) != value:
            return f"it was taken with {name.replace('_', ' ')} {made.get(name)}, not {value}"
    before, now = made.get("files", {}), file_states(part.paths, with_dates=not part.is_container)
    if before == now:
        return ""
    if set(before) != set(now):
        return "it was taken from other files: " + ", ".join(sorted(set(before) ^ set(now))[:4])
    unlike = [name for name in now if before[name].get("bytes") != now[name]["bytes"]]
    if part.is_container:
        return ""
    if not unlike and record.is_complete:
        sums = record.source.files
        if any(value.startswith("data") for value in sums.values()):
            return ""
        found = FileChecksums(part.paths).result()
        unlike = [name for name in now if sums.get(name) != found[name]]
    elif not unlike:
        unlike = [name for name in now if before[name] != now[name]]
    return f"its source has changed since: {', '.join(unlike[:4])}" if unlike else ""


def _settings_of(settings: ImportSettings) -> dict[str, Any]:
    return {"stride": settings.stride, "atoms": settings.atoms, "keep_forces": settings.keep_forces}


def import_part(
    corpus: Corpus,
    stream: FrameStream,
    plan: Plan,
    settings: ImportSettings,
    *,
    on_progress: Callable[[int], None],
    should_stop: Callable[[], bool],
) -> PartResult:
    """Read, look at, mend and write all frames of a part.

    Raises
    ------
    InputError
        If a frame cannot be taken; what was written of the trajectory is removed.
    """
    part, trial, candidate = plan.part, plan.trial, plan.candidate
    is_new = plan.entry not in corpus
    made = {"files": file_states(part.paths, with_dates=not part.is_container), **_settings_of(settings)}
    record = TrajectoryRecord(
        name=plan.trajectory,
        conditions=part.conditions,
        source=part.source,
        time_step_ps=trial.clock.step_ps,
        start_ps=trial.clock.start_ps,
        is_complete=False,
        mended=trial.mended,
        quality={"import": made},
    )
    if is_new:
        entry = corpus.new_entry(plan.entry, trial.complex, title=candidate.title, notes=_entry_notes(plan))
    else:
        entry = corpus.edit_entry(plan.entry)
    try:
        with entry as writer:
            trajectory = writer.begin_trajectory(record)
            try:
                result = _Transfer(stream, plan, settings, writer, trajectory, made, on_progress, should_stop).run()
            except InputError:
                writer.drop_trajectory(plan.trajectory)
                raise
    except BusyError:  # what is there is another's
        raise
    except InputError:
        if is_new:
            _remove_empty(corpus, plan.entry)
        raise
    return result


def _entry_notes(plan: Plan) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*plan.candidate.notes, *plan.trial.complex.source.notes)))


def _remove_empty(corpus: Corpus, identifier: str) -> None:
    """Remove an entry that this import made and of which nothing is left."""
    folder = corpus.path / "entries" / identifier
    with suppress(BusyError), lock_entry(folder):
        corpus.refresh()
        if identifier in corpus and corpus.entry(identifier).manifest.trajectories:
            return
        if identifier in corpus and corpus.entry(identifier).labels:
            return
        with suppress(OSError):
            (folder / "manifest.json").unlink(missing_ok=True)
            shutil.rmtree(folder)
    corpus.refresh()


class _Transfer:
    """Frames of one part, on their way."""

    def __init__(
        self,
        stream: FrameStream,
        plan: Plan,
        settings: ImportSettings,
        writer: EntryWriter,
        trajectory: TrajectoryWriter,
        made: dict[str, Any],
        on_progress: Callable[[int], None],
        should_stop: Callable[[], bool],
    ) -> None:
        self._stream, self._plan, self._settings = stream, plan, settings
        self._writer, self._trajectory, self._made = writer, trajectory, made
        self._on_progress, self._should_stop = on_progress, should_stop
        self._n_before = trajectory.n_frames
        self._name = f"{plan.candidate.identifier}/{plan.part.name}"
        trial, part = plan.trial, plan.part
        self._watch = FrameWatch(
            trial.expected,
            self._name,
            is_dynamics=part.conditions.kind == "md",
            factor=trial.factor,
            box_factor=trial.box_factor,
            first_frame=self._n_before * settings.stride,
            stride=settings.stride,
        )
        hashes_data = part.is_container or settings.stride > 1
        self._data = hashlib.sha256() if hashes_data else None
        self._times: list[NDArray[np.float64]] = []

    def run(self) -> PartResult:
        plan, part = self._plan, self._plan.part
        sums = FileChecksums(() if self._data is not None else part.paths)
        first = self._n_before * self._settings.stride
        try:
            is_whole = run_pipeline(
                self._blocks(first), self._look, lambda columns: self._trajectory.append(**columns), self._should_stop
            )
            if not is_whole:
                self._trajectory.commit()
                return PartResult(
                    plan.entry, plan.trajectory, "stopped",
                    "it was stopped; the same import goes on from here", n_frames=self._trajectory.n_frames,
                )  # fmt: skip
            files = sums.result() if self._data is None else self._data_checksums()
        finally:
            sums.cancel()
        return self._finish(files)

    def _blocks(self, first: int) -> Iterator[FrameBlock]:
        if self._stream.n_frames is not None and first >= self._stream.n_frames:
            return
        yield from self._stream.blocks(first, self._settings.stride, most_bytes=_BLOCK_BYTES)

    def _look(self, block: FrameBlock) -> dict[str, Any]:
        trial = self._plan.trial
        frames = block.coordinates_nm
        if frames.ndim != 3 or frames.shape[1:] != (self._stream.complex.n_atoms, 3):
            raise InputError(
                f"{self._name}: a block of frames has the shape {frames.shape}; the topology has "
                f"{self._stream.complex.n_atoms} atoms."
            )
        if self._data is not None:
            self._data.update(np.ascontiguousarray(frames).data.cast("B"))
        if trial.rows is not None:
            frames = frames[:, trial.rows]
        frames, box = self._watch.look_at(frames, block.box_nm)
        if block.times_ps is not None:
            self._times.append(block.times_ps)
        columns: dict[str, Any] = {"coordinates_nm": frames}
        for name in trial.columns:
            columns[_ARGUMENT.get(name, name)] = self._column(name, block, box)
        self._on_progress(self._n_before + self._watch.n_frames)
        return columns

    def _column(self, name: str, block: FrameBlock, box: NDArray[np.float32] | None) -> NDArray[Any]:
        trial = self._plan.trial
        value: NDArray[Any] | None
        if name == "box":
            value = box
        elif name == "forces":
            value = block.forces_kJ_mol_nm
            if value is not None and trial.rows is not None:
                value = value[:, trial.rows]
        elif name == "times":
            value = None if block.times_ps is None else block.times_ps * trial.clock.factor
        else:
            value = {"energies": block.energies_kJ_mol, "weights": block.weights}[name]
        if value is None or not np.isfinite(value).all():
            frame = self._n_before + self._watch.n_frames - len(block.coordinates_nm)
            what = "are missing" if value is None else "have numbers that are not finite"
            raise InputError(
                f"{self._name}: {name} {what} after frame {frame:,}; every frame has the same columns. Leave these "
                "frames out, or write the file again."
            )
        return value

    def _data_checksums(self) -> dict[str, str]:
        assert self._data is not None
        begin = f"data[{self._n_before}:]" if self._n_before else "data"
        return {name: f"{begin}:{self._data.hexdigest()}" for name in file_names(self._plan.part.paths)}

    def _final_clock(self) -> Clock:
        """The clock by all times, which a stream may have known only now.

        Raises
        ------
        InputError
            If it is another than at first sight.
        """
        trial, part, stride = self._plan.trial, self._plan.part, self._settings.stride
        known = getattr(self._stream, "times_ps", None) is not None
        if (
            part.ignores_clock
            or known
            or not self._times
            or self._n_before
            or part.conditions.kind != "md"
            or trial.clock.is_uneven
        ):
            return trial.clock
        times = np.concatenate(self._times)
        documented = None if part.time_step_ps is None else part.time_step_ps * stride
        clock = read_clock(times, None, documented, self._name)
        if clock.is_uneven:
            raise InputError(
                f"{self._name}: the first times are evenly spaced and later ones are not. {' '.join(clock.notes)} "
                "Import its parts one by one."
            )
        if clock.step_ps is None or trial.clock.step_ps is None:
            return trial.clock
        return clock if clock.mended else trial.clock

    def _finish(self, files: dict[str, str]) -> PartResult:
        plan, part, trial = self._plan, self._plan.part, self._plan.trial
        quality, mended, notes = self._watch.close()
        if self._n_before + self._watch.n_frames == 0:
            raise InputError(f"{self._name}: there are no frames.")
        self._refuse_copy(files)
        clock = self._final_clock()
        mended = tuple(dict.fromkeys((*trial.mended, *clock.mended, *mended)))
        copied = self._same_coordinates()
        if copied:
            quality["copy_of"] = copied
            notes = (*notes, f"The frames are those of the trajectory {copied}: a copy is no further sampling.")
        notes = tuple(dict.fromkeys((*plan.notes, *trial.notes, *notes)))
        if self._n_before:
            quality["frames_before_resumption"] = self._n_before
        terms = getattr(self._stream, "energy_terms", None)
        extra: dict[str, Any] = {"energy_terms": list(terms)} if terms and "energies" in trial.columns else {}
        if clock.restarts:
            extra["restarts"] = [-(-frame // self._settings.stride) for frame in clock.restarts]
        record = self._trajectory.finish(
            time_step_ps=clock.step_ps,
            start_ps=clock.start_ps,
            mended=mended,
            quality={**quality, **extra, "notes": list(notes), "import": self._made},
            source=part.source.model_copy(update={"files": {**part.source.files, **files}}),
        )
        return PartResult(
            plan.entry,
            plan.trajectory,
            "mended" if mended else "taken",
            n_frames=record.n_frames,
            n_atoms=trial.complex.n_atoms,
            n_bytes=record.n_frames * trial.frame_bytes,
            mended=mended,
            notes=notes,
            quality=quality,
        )

    def _same_coordinates(self) -> str:
        """Name of a trajectory of the entry with the same frames, which came in another format or with other times."""
        self._trajectory.commit()
        mine = _sums_of_coordinates(self._trajectory.record)
        for other in self._writer.manifest.trajectories:
            if other.name != self._plan.trajectory and mine and mine == _sums_of_coordinates(other):
                return other.name
        return ""

    def _refuse_copy(self, files: dict[str, str]) -> None:
        """Refuse a trajectory that is another of the entry under a new name."""
        if self._plan.part.conditions.kind != "md":
            return
        mine = {value for name, value in files.items() if not name.lower().endswith(_TOPOLOGY_LIKE)}
        for other in self._writer.manifest.trajectories:
            if other.name == self._plan.trajectory or not mine:
                continue
            theirs = {value for name, value in other.source.files.items() if not name.lower().endswith(_TOPOLOGY_LIKE)}
            if mine == theirs:
                raise InputError(
                    f"{self._name}: the frames are those of the trajectory {other.name} that is there already, byte "
                    "for byte. A copy is no further sampling; leave it out."
                )


def _sums_of_coordinates(record: TrajectoryRecord) -> tuple[str, ...]:
    return tuple(shard.columns["coordinates"][1] for shard in record.shards)


_ARGUMENT = {"box": "box_nm", "times": "times_ps"}
_TOPOLOGY_LIKE = (".pdb", ".cif", ".gro", ".psf", ".prmtop", ".parm7", ".json", ".yaml", ".pdb.gz", ".cif.gz")
