"""`Batch`: several samples in flat arrays, one after another, with the offsets at which each begins.

Nothing is padded, so that complexes of any sizes go together and graph networks take a batch as one large graph;
:mod:`unfreeze.corpus.loader.dense` gives the dense form. Rows point within the batch, not within the entry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.labels import BFactorLabel, Label
from unfreeze.corpus.loader.samples import Sample
from unfreeze.corpus.schema import Conditions

if TYPE_CHECKING:
    from unfreeze.corpus.loader.tensors import TensorBatch

__all__ = ["Batch", "Place", "SampleInfo", "collate"]


@dataclass(frozen=True)
class Place:
    """Where the sequence of batches goes on: window of draws, and batch within it."""

    window: int = 0
    batch: int = 0


@dataclass(frozen=True)
class SampleInfo:
    """What is not numbers about a sample; attributes as in :class:`~unfreeze.corpus.loader.samples.Sample`."""

    draw: int
    identifier: str
    trajectory: str
    conditions: Conditions
    dataset: str
    licence: str
    labels: tuple[Label, ...]


@dataclass(frozen=True, eq=False)
class Batch:
    """Samples one after another: S samples of K frames, R residues and A atoms in all.

    Attributes
    ----------
    samples
        Names, conditions and labels of every sample.
    place
        Where the sequence goes on after this batch, over all ranks: what a checkpoint keeps.
    atom_offsets, residue_offsets : int64 [S + 1]
        First atom and first residue of every sample and, last, the number of all.
    reference_nm : float32 [A, 3]
        Structure that the topology has.
    frames_nm : float32 [K, A, 3]
        Frames of the trajectory.
    atom_name, atom_element : int16, uint8 [A]
        Numbers as in :mod:`unfreeze.corpus.loader.vocabulary`.
    atom_b_factor_A2 : float32 [A]
        NaN where a label does not say that they are isotropic displacements.
    atom_residue : int64 [A]
        Row of the residue.
    atom_row, residue_row : int32 [A], int32 [R]
        Rows in the tables of the entry.
    residue_name, residue_kind : int16, int8 [R]
        Numbers as in :mod:`unfreeze.corpus.loader.vocabulary`.
    residue_chain : int64 [R]
        Counts the chains of the batch: the same only for residues of the same chain of the same sample.
    residue_sample : int64 [R]
        Row of the sample.
    residue_atom : int64 [R]
        CA, P or C1' of the residue; -1 where there is none.
    residue_core : bool [R]
        Whether all neighbours of the residue are in the batch.
    residue_at_interface : bool [R]
        Whether the reference has it in contact with another chain or a free ligand, in the crop or not.
    links : int64 [n_links, 2]
        Covalent bonds between residues, as pairs of atoms.
    rows : int64 [K, S]
        Numbers of the frames in their trajectories.
    times_ps : float64 [K, S]
        Times of the frames; NaN without a clock.
    frame_weights : float64 [K, S]
        Weights of the frames in their trajectories.
    window_ps : float64 [S]
        Time over which the frames are spread; NaN without a clock.
    temperature_K, pressure_bar, ionic_strength_M, pH : float32 [S]
        Conditions; NaN for what is not known.
    forces_kJ_mol_nm : float32 [K, A, 3], or None
        NaN for samples that have none; None if not asked for.
    box_nm : float32 [K, S, 3, 3], or None
        Likewise.
    energies_kJ_mol : float64 [K, S], or None
        Potential energies, likewise.
    features
        What was made of the complexes, put together as its name says.
    """

    samples: tuple[SampleInfo, ...]
    place: Place
    atom_offsets: NDArray[np.int64]
    residue_offsets: NDArray[np.int64]
    reference_nm: NDArray[np.float32]
    frames_nm: NDArray[np.float32]
    atom_name: NDArray[np.int16]
    atom_element: NDArray[np.uint8]
    atom_b_factor_A2: NDArray[np.float32]
    atom_residue: NDArray[np.int64]
    atom_row: NDArray[np.int32]
    residue_row: NDArray[np.int32]
    residue_name: NDArray[np.int16]
    residue_kind: NDArray[np.int8]
    residue_chain: NDArray[np.int64]
    residue_sample: NDArray[np.int64]
    residue_atom: NDArray[np.int64]
    residue_core: NDArray[np.bool_]
    residue_at_interface: NDArray[np.bool_]
    links: NDArray[np.int64]
    rows: NDArray[np.int64]
    times_ps: NDArray[np.float64]
    frame_weights: NDArray[np.float64]
    window_ps: NDArray[np.float64]
    temperature_K: NDArray[np.float32]
    pressure_bar: NDArray[np.float32]
    ionic_strength_M: NDArray[np.float32]
    pH: NDArray[np.float32]
    forces_kJ_mol_nm: NDArray[np.float32] | None
    box_nm: NDArray[np.float32] | None
    energies_kJ_mol: NDArray[np.float64] | None
    features: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.samples)

    @property
    def n_frames(self) -> int:
        """Frames of all samples."""
        return self.rows.size

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays by name, features among them."""
        own = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: value for name, value in own.items() if isinstance(value, np.ndarray)} | dict(self.features)

    def to_torch(self) -> TensorBatch:
        """The same as torch tensors, float64 as float32; needs torch."""
        from unfreeze.corpus.loader.tensors import TensorBatch

        return TensorBatch.of(self)


def collate(samples: Sequence[Sample], place: Place, columns: Sequence[str] = ()) -> Batch:
    """Put samples together.

    Parameters
    ----------
    samples
        At least one; all of the same number of frames.
    place
        Where the sequence goes on.
    columns
        Those of :data:`~unfreeze.corpus.loader.samples.COLUMNS` that were asked for.
    """
    atom_offsets = _offsets([len(s.atoms) for s in samples])
    residue_offsets = _offsets([len(s.residues) for s in samples])
    whole = [len(s.residues) == s.arrays.n_residues for s in samples]

    def of_atoms(name: str) -> NDArray[Any]:
        parts = (getattr(s.arrays, name) for s in samples)
        return np.concatenate([p if w else p[s.atoms] for p, w, s in zip(parts, whole, samples, strict=True)])

    def of_residues(name: str) -> NDArray[Any]:
        parts = (getattr(s.arrays, name) for s in samples)
        return np.concatenate([p if w else p[s.residues] for p, w, s in zip(parts, whole, samples, strict=True)])

    def of_samples(name: str) -> NDArray[np.float32]:
        values = (getattr(s.conditions, name) for s in samples)
        return np.array([np.nan if value is None else value for value in values], dtype=np.float32)

    atom_start, residue_start = atom_offsets[:-1].tolist(), residue_offsets[:-1].tolist()
    chain_start = _offsets([int(s.residue_chain[-1]) + 1 for s in samples]).tolist()
    anchors = [np.where(s.residue_atom >= 0, s.residue_atom + a, -1) for s, a in zip(samples, atom_start, strict=True)]
    return Batch(
        samples=tuple(
            SampleInfo(s.draw, s.identifier, s.trajectory, s.conditions, s.dataset, s.licence, s.labels)
            for s in samples
        ),
        place=place,
        atom_offsets=atom_offsets,
        residue_offsets=residue_offsets,
        reference_nm=np.concatenate([s.reference_nm for s in samples]),
        frames_nm=np.concatenate([s.frames_nm for s in samples], axis=1),
        atom_name=of_atoms("atom_name"),
        atom_element=of_atoms("atom_element"),
        atom_b_factor_A2=np.concatenate([_b_factors(s) for s in samples]),
        atom_residue=np.concatenate([s.atom_residue + r for s, r in zip(samples, residue_start, strict=True)]),
        atom_row=np.concatenate([s.atoms for s in samples]).astype(np.int32),
        residue_row=np.concatenate([s.residues for s in samples]).astype(np.int32),
        residue_name=of_residues("residue_name"),
        residue_kind=of_residues("residue_kind"),
        residue_chain=np.concatenate([s.residue_chain + c for s, c in zip(samples, chain_start[:-1], strict=True)]),
        residue_sample=np.repeat(np.arange(len(samples)), np.diff(residue_offsets)),
        residue_atom=np.concatenate(anchors),
        residue_core=np.concatenate([s.core for s in samples]),
        residue_at_interface=of_residues("residue_partner") >= 0,
        links=np.concatenate([s.links + a for s, a in zip(samples, atom_start, strict=True)]),
        rows=np.stack([s.rows for s in samples], axis=1),
        times_ps=np.stack([s.times_ps for s in samples], axis=1),
        frame_weights=np.stack([s.weights for s in samples], axis=1),
        window_ps=np.array([s.window_ps for s in samples]),
        temperature_K=of_samples("temperature_K"),
        pressure_bar=of_samples("pressure_bar"),
        ionic_strength_M=of_samples("ionic_strength_M"),
        pH=of_samples("pH"),
        forces_kJ_mol_nm=_forces(samples) if "forces" in columns else None,
        box_nm=_boxes(samples) if "box" in columns else None,
        energies_kJ_mol=_energies(samples) if "energies" in columns else None,
        features=_features(samples, atom_offsets, residue_offsets),
    )


def _offsets(counts: Sequence[int]) -> NDArray[np.int64]:
    return np.cumsum([0, *counts], dtype=np.int64)


def _b_factors(sample: Sample) -> NDArray[np.float32]:
    known = any(isinstance(label, BFactorLabel) and label.meaning == "isotropic" for label in sample.labels)
    return sample.arrays.atom_b_factor_A2[sample.atoms] if known else np.full(len(sample.atoms), np.nan, np.float32)


def _forces(samples: Sequence[Sample]) -> NDArray[np.float32]:
    parts = [s.columns.get("forces", np.full(s.frames_nm.shape, np.nan, np.float32)) for s in samples]
    return np.concatenate(parts, axis=1)


def _boxes(samples: Sequence[Sample]) -> NDArray[np.float32]:
    parts = [s.columns.get("box", np.full((len(s.rows), 3, 3), np.nan, np.float32)) for s in samples]
    return np.stack(parts, axis=1)


def _energies(samples: Sequence[Sample]) -> NDArray[np.float64]:
    parts = [s.columns["energies"][:, 0] if "energies" in s.columns else np.full(len(s.rows), np.nan) for s in samples]
    return np.stack(parts, axis=1)


def _features(
    samples: Sequence[Sample], atom_offsets: NDArray[np.int64], residue_offsets: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    result = {}
    for name in samples[0].features:
        parts = [s.features[name] for s in samples]
        if name.startswith("entry_"):
            result[name] = np.stack(parts)
            continue
        if "_pairs_" in name:
            offsets = atom_offsets if name.startswith("atom_") else residue_offsets
            parts = [part + first for part, first in zip(parts, offsets[:-1], strict=True)]
        result[name] = np.concatenate(parts)
    return result
