"""One draw read from the corpus: the reference, frames, conditions and labels of an entry or of a crop of it.

What belongs to an entry and not to a draw is read once and kept, within bounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.labels import Label
from unfreeze.corpus.loader.crops import Crop, crop_residues
from unfreeze.corpus.loader.cuts import FEWEST_ANCHORS, Cut, cut_entry
from unfreeze.corpus.loader.draws import Draws
from unfreeze.corpus.loader.entry_arrays import EntryArrays, entry_arrays
from unfreeze.corpus.loader.features import Features, checked_features
from unfreeze.corpus.loader.sized_cache import SizedCache
from unfreeze.corpus.schema import Conditions
from unfreeze.corpus.store import Corpus, DamagedCorpusError, Entry, TrajectoryView
from unfreeze.errors import InputError
from unfreeze.structure.geometry import kabsch_rotations

__all__ = ["COLUMNS", "Sample", "SampleReader"]

COLUMNS = ("forces", "box", "energies")
"""What can be read for every frame beside coordinates and weights."""

_MANIFEST_BYTES, _SHARD_BYTES = 8_192, 4_096  # what a record and a shard weigh in memory, about


@dataclass(frozen=True, eq=False)
class Sample:
    """What one draw gives.

    Attributes
    ----------
    draw
        Number of the draw.
    identifier, trajectory
        Entry and trajectory.
    conditions, dataset, licence
        Of the trajectory.
    labels
        Of the entry.
    residues : int64 [n_residues]
        Rows of the entry's table of residues that are in the crop; all of them without one.
    atoms : int64 [n_atoms]
        Rows of the entry's table of atoms.
    core : bool [n_residues]
        Whether all neighbours of a residue are there (:mod:`unfreeze.corpus.loader.crops`).
    atom_residue, residue_atom, residue_chain : int64 [n_atoms], [n_residues], [n_residues]
        Residue of every atom, atom that stands for every residue (-1 for none) and chain of every residue, numbered
        within the sample.
    links : int64 [n_links, 2]
        Bonds between residues, as pairs of atoms of the sample.
    arrays
        The whole entry.
    features
        What a :data:`Features` made, cut to the crop.
    reference_nm : float32 [n_atoms, 3]
        Of the topology, about the centre of its CA, P and C1' (or of all atoms, where there are fewer than three).
    frames_nm : float32 [n_frames, n_atoms, 3]
        Every frame about the same centre, and turned on the reference if that was asked for.
    rows : int64 [n_frames]
        Numbers of the frames in the trajectory.
    times_ps : float64 [n_frames]
        NaN without a clock.
    window_ps
        Time from which the frames were taken; NaN without a clock.
    weights : float64 [n_frames]
        Of the frames in their trajectory; 1 where there are none.
    columns
        ``forces`` float32 [n_frames, n_atoms, 3] kJ/mol/nm, turned with the frames; ``box`` float32 [n_frames, 3, 3]
        nm; ``energies`` float64 [n_frames, n_terms] kJ/mol: those asked for that the trajectory has.
    """

    draw: int
    identifier: str
    trajectory: str
    conditions: Conditions
    dataset: str
    licence: str
    labels: tuple[Label, ...]
    residues: NDArray[np.int64]
    atoms: NDArray[np.int64]
    core: NDArray[np.bool_]
    atom_residue: NDArray[np.int64]
    residue_atom: NDArray[np.int64]
    residue_chain: NDArray[np.int64]
    links: NDArray[np.int64]
    arrays: EntryArrays
    features: Mapping[str, NDArray[Any]]
    reference_nm: NDArray[np.float32]
    frames_nm: NDArray[np.float32]
    rows: NDArray[np.int64]
    times_ps: NDArray[np.float64]
    window_ps: float
    weights: NDArray[np.float64]
    columns: Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class _Opened:
    """An entry, without its complex; `whole` is None where it is too large to be taken so."""

    entry: Entry
    arrays: EntryArrays
    features: Mapping[str, NDArray[Any]]
    whole: Cut | None
    _columns: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def columns_of(self, view: TrajectoryView) -> tuple[str, ...]:
        """Names of the columns of a trajectory."""
        if view.name not in self._columns:
            self._columns[view.name] = view.columns
        return self._columns[view.name]

    @property
    def nbytes(self) -> int:
        records = self.entry.manifest.trajectories
        shards = sum(len(record.shards) for record in records)
        held = _MANIFEST_BYTES * (1 + len(records)) + _SHARD_BYTES * shards
        # times of all frames are kept by views once they were asked for
        times = 16 * self.entry.manifest.n_frames
        return self.arrays.nbytes + self._whole_bytes + held + times + sum(f.nbytes for f in self.features.values())

    @property
    def _whole_bytes(self) -> int:
        return 0 if self.whole is None else sum(v.nbytes for v in vars(self.whole).values() if hasattr(v, "nbytes"))


class SampleReader:
    """Reads draws.

    Parameters
    ----------
    corpus
        Where from.
    draws
        The sequence of draws.
    crop
        How large entries are cut; None for not at all.
    superpose
        Whether frames are turned on the reference, by CA, P and C1'.
    columns
        Those of :data:`COLUMNS` that are wanted.
    features
        Arrays to make of every complex.
    cache_bytes
        Memory for topologies and manifests.

    Raises
    ------
    InputError
        If a column is not known.
    """

    def __init__(
        self,
        corpus: Corpus,
        draws: Draws,
        crop: Crop | None,
        *,
        superpose: bool = False,
        columns: Sequence[str] = (),
        features: Features | None = None,
        cache_bytes: int = 2**30,
    ) -> None:
        unknown = [name for name in columns if name not in COLUMNS]
        if unknown:
            raise InputError(f"there is no column {unknown[0]!r} to read; choose among {', '.join(COLUMNS)}.")
        self._corpus = corpus
        self._draws = draws
        self._crop = crop
        self._superpose = superpose
        self._columns = tuple(columns)
        self._features = features
        self._opened: SizedCache[_Opened] = SizedCache(self._open, cache_bytes)

    @property
    def cache_bytes(self) -> int:
        """Memory that the cache uses now."""
        return self._opened.nbytes

    def read(self, draw: int, trajectory: int, word: int) -> Sample:
        """Read a draw.

        Parameters
        ----------
        draw, trajectory, word
            Number of the draw, row of the table, and number that places the crop, from :meth:`Draws.places`.

        Raises
        ------
        InputError
            If the entry is damaged, or has fewer frames than when the sequence was made.
        """
        table = self._draws.table
        identifier = table.identifiers[int(table.entry[trajectory])]
        try:
            return self._read(identifier, draw, trajectory, word)
        except DamagedCorpusError:
            # a repair, or a cache of files that made room, may have changed what is where since the entry was opened
            self._opened.drop(identifier)
            return self._read(identifier, draw, trajectory, word)

    def _read(self, identifier: str, draw: int, trajectory: int, word: int) -> Sample:
        from unfreeze.corpus.loader.sample_kernels import centred

        table = self._draws.table
        opened = self._opened.get(identifier)
        view = opened.entry.trajectory(table.names[trajectory])
        if view.n_frames < table.n_frames[trajectory]:
            raise InputError(
                f"{identifier}/{view.name}: {view.n_frames} frames, where there were {table.n_frames[trajectory]} when "
                "the loader was made. Frames were lost in a repair: make the loader again."
            )
        rows, window_ps = self._draws.rows(draw, trajectory, view.times_ps)
        cut = opened.whole
        if cut is None:
            cut = cut_entry(opened.arrays, opened.features, crop_residues(opened.arrays, self._crop, word))
        stored = view.frame(int(rows[0]))[None] if len(rows) == 1 else view.frames(rows)
        frames = centred(np.ascontiguousarray(stored, dtype=np.float32), cut.atoms, cut.anchors)
        columns = {}
        there = opened.columns_of(view)
        for name in self._columns:
            if name in there:
                values = _column(view, name, rows)
                columns[name] = values[:, cut.atoms] if name == "forces" else values
        if self._superpose and len(cut.anchors) >= FEWEST_ANCHORS:
            _superpose(cut, frames, columns.get("forces"))
        times = view.times_ps
        return Sample(
            draw=draw,
            identifier=identifier,
            trajectory=view.name,
            conditions=view.record.conditions,
            dataset=view.record.source.dataset,
            licence=view.record.source.licence,
            labels=opened.entry.labels,
            residues=cut.residues,
            atoms=cut.atoms,
            core=cut.core,
            atom_residue=cut.atom_residue,
            residue_atom=cut.residue_atom,
            residue_chain=cut.residue_chain,
            links=cut.links,
            arrays=opened.arrays,
            features=cut.features,
            reference_nm=cut.reference_nm,
            frames_nm=frames,
            rows=rows,
            times_ps=np.full(len(rows), np.nan) if times is None else times[rows],
            window_ps=window_ps,
            weights=_column(view, "weights", rows) if "weights" in there else np.ones(len(rows)),
            columns=columns,
        )

    def _open(self, identifier: str) -> _Opened:
        entry = self._corpus.entry(identifier)
        complex = entry.complex
        features = {} if self._features is None else checked_features(self._features(complex), complex, identifier)
        entry.__dict__.pop("complex", None)  # far larger than its arrays
        arrays = entry_arrays(complex, self._crop.margin_nm if self._crop else Crop.margin_nm)
        is_cut = self._crop is not None and self._crop.n_residues < arrays.n_residues
        whole = None if is_cut else cut_entry(arrays, features, np.arange(arrays.n_residues))
        return _Opened(entry, arrays, features, whole)


def _superpose(cut: Cut, frames: NDArray[np.float32], forces: NDArray[np.float32] | None) -> None:
    """Turn frames, and forces with them, on the reference, in place."""
    from unfreeze.corpus.loader.sample_kernels import covariances, turn

    rotations = kabsch_rotations(covariances(cut.reference_nm, frames, cut.anchors))
    turn(frames, rotations)
    if forces is not None:
        turn(forces, rotations)


def _column(view: TrajectoryView, name: str, rows: NDArray[np.int64]) -> NDArray[Any]:
    read = view.column(name)
    assert read is not None
    return read(rows)
