"""One draw read from the corpus: the reference, frames, conditions and labels of an entry or of a crop of it.

What belongs to an entry and not to a draw is read once and kept, within bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.labels import Label
from unfreeze.corpus.loader.crops import Crop, crop_core, crop_residues
from unfreeze.corpus.loader.draws import Draws
from unfreeze.corpus.loader.entry_arrays import EntryArrays, entry_arrays
from unfreeze.corpus.loader.sized_cache import SizedCache
from unfreeze.corpus.schema import Conditions
from unfreeze.corpus.store import Corpus, DamagedCorpusError, Entry, TrajectoryView
from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex
from unfreeze.structure.geometry import kabsch_rotations

__all__ = ["COLUMNS", "Features", "Sample", "SampleReader"]

COLUMNS = ("forces", "box", "energies")
"""What can be read for every frame beside coordinates and weights."""

Features: TypeAlias = Callable[[Complex], Mapping[str, NDArray[Any]]]
"""Arrays of a complex that a model needs, by name. The beginning of the name says what they are of.

``atom_…`` [n_atoms, ...] and ``residue_…`` [n_residues, ...] are cut with a crop; ``atom_pairs_…`` and
``residue_pairs_…`` [n, 2] hold rows, of which pairs stay that are in the crop, renumbered; ``entry_…`` stays as it is.
"""

_PREFIXES = ("atom_pairs_", "residue_pairs_", "atom_", "residue_", "entry_")
_MANIFEST_BYTES, _SHARD_BYTES = 8_192, 4_096  # what a record and a shard weigh in memory, about
_FEWEST_FOR_SUPERPOSITION = 3


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
class _Cut:
    """An entry or a crop of it; attributes as in :class:`Sample`. `anchors` are atoms to centre and turn frames by."""

    residues: NDArray[np.int64]
    atoms: NDArray[np.int64]
    core: NDArray[np.bool_]
    atom_residue: NDArray[np.int64]
    residue_atom: NDArray[np.int64]
    residue_chain: NDArray[np.int64]
    anchors: NDArray[np.int64]
    links: NDArray[np.int64]
    reference_nm: NDArray[np.float32]
    features: Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class _Opened:
    """An entry, without its complex; `whole` is None where it is too large to be taken so."""

    entry: Entry
    arrays: EntryArrays
    features: Mapping[str, NDArray[Any]]
    whole: _Cut | None
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
            cut = _cut(opened.arrays, opened.features, crop_residues(opened.arrays, self._crop, word))
        stored = view.frame(int(rows[0]))[None] if len(rows) == 1 else view.frames(rows)
        frames = centred(np.ascontiguousarray(stored, dtype=np.float32), cut.atoms, cut.anchors)
        columns = {}
        there = opened.columns_of(view)
        for name in self._columns:
            if name in there:
                values = _column(view, name, rows)
                columns[name] = values[:, cut.atoms] if name == "forces" else values
        if self._superpose and len(cut.anchors) >= _FEWEST_FOR_SUPERPOSITION:
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
        features = {} if self._features is None else _checked(self._features(complex), complex, identifier)
        entry.__dict__.pop("complex", None)  # far larger than its arrays
        arrays = entry_arrays(complex, self._crop.margin_nm if self._crop else Crop.margin_nm)
        is_cut = self._crop is not None and self._crop.n_residues < arrays.n_residues
        whole = None if is_cut else _cut(arrays, features, np.arange(arrays.n_residues))
        return _Opened(entry, arrays, features, whole)


def _cut(arrays: EntryArrays, features: Mapping[str, NDArray[Any]], residues: NDArray[np.int64]) -> _Cut:
    """What a crop holds, apart from frames."""
    from unfreeze.corpus.loader.sample_kernels import centred, cut_pairs, expand_residues

    atoms, atom_residue, residue_atom, residue_chain = expand_residues(
        residues, arrays.residue_start, arrays.residue_atom, arrays.residue_chain
    )
    anchors = residue_atom[residue_atom >= 0]
    if len(anchors) < _FEWEST_FOR_SUPERPOSITION:
        anchors = np.arange(len(atoms))
    return _Cut(
        residues=residues,
        atoms=atoms,
        core=crop_core(arrays, residues),
        atom_residue=atom_residue,
        residue_atom=residue_atom,
        residue_chain=residue_chain,
        anchors=anchors,
        links=cut_pairs(arrays.links, atoms, arrays.n_atoms)[0],
        reference_nm=centred(arrays.reference_nm[None], atoms, anchors)[0],
        features=_cut_features(features, arrays, residues, atoms) if features else {},
    )


def _superpose(cut: _Cut, frames: NDArray[np.float32], forces: NDArray[np.float32] | None) -> None:
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


def _checked(made: Mapping[str, NDArray[Any]], molecule: Complex, identifier: str) -> dict[str, NDArray[Any]]:
    """Features as plain arrays, of the lengths that their names promise."""
    features = {}
    for name, value in made.items():
        value = np.asarray(value)
        prefix = next((prefix for prefix in _PREFIXES if name.startswith(prefix)), None)
        if prefix is None:
            raise ValueError(f"features: {name!r} begins with none of {', '.join(_PREFIXES)}")
        length = {"atom_": molecule.n_atoms, "residue_": molecule.n_residues}.get(prefix)
        if length is not None and (value.ndim == 0 or len(value) != length):
            raise ValueError(
                f"features: {name!r} of {identifier} has the shape {value.shape}, expected [{length}, ...]"
            )
        if "_pairs_" in prefix and (value.ndim != 2 or value.shape[1] != 2 or value.dtype.kind not in "iu"):
            raise ValueError(
                f"features: {name!r} of {identifier} is {value.dtype} {value.shape}, expected integers [n, 2]"
            )
        features[name] = value
    return features


def _cut_features(
    features: Mapping[str, NDArray[Any]],
    arrays: EntryArrays,
    residues: NDArray[np.int64],
    atoms: NDArray[np.int64],
) -> dict[str, NDArray[Any]]:
    from unfreeze.corpus.loader.sample_kernels import cut_pairs

    cut = {}
    for name, value in features.items():
        if name.startswith("atom_pairs_"):
            cut[name] = cut_pairs(value.astype(np.int64), atoms, arrays.n_atoms)[0]
        elif name.startswith("residue_pairs_"):
            cut[name] = cut_pairs(value.astype(np.int64), residues, arrays.n_residues)[0]
        elif name.startswith("atom_"):
            cut[name] = value[atoms]
        elif name.startswith("residue_"):
            cut[name] = value[residues]
        else:
            cut[name] = value
    return cut
