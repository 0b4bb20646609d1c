"""`SiteColumns`: what is known of some residues, as the arrays that the trunk reads, whichever modalities there are.

A site is a residue in one surrounding. The same residue in a complex and in the free partner is two sites. Rows of a
modality that is not there are zero and marked so; nothing is made up for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from unfreeze.model.motion_model import MotionModel
from unfreeze.properties.modalities import dynamics, language, sequence, structure
from unfreeze.structure.complex import Complex
from unfreeze.structure.similarity.sequences import chain_sequences

__all__ = ["FEATURES_VERSION", "SiteColumns", "columns_of_sequence", "columns_of_structure", "joined", "no_language"]

FEATURES_VERSION = 1
"""Stored weights name the version of the columns that they were trained on."""


@dataclass(frozen=True, eq=False)
class SiteColumns:
    """Columns of sites.

    Attributes
    ----------
    kind : int64 [n_sites]
        What stands there, in the order of `sequence.LETTERS` (20 for any other). The trunk does not see it.
    window, ends : int8 [n_sites, 20], float32 [n_sites, 6]
        Modality sequence (:func:`unfreeze.properties.modalities.sequence.windows`).
    nodes, pairs, present : float [n_sites, …]
        Modality structure (:class:`unfreeze.properties.modalities.structure.Surroundings`).
    motion_nodes, motion_pairs : float [n_sites, …]
        Modality dynamics (:class:`unfreeze.properties.modalities.dynamics.Motion`).
    has_structure, has_motion : bool [n_sites]
    language, has_language : float16 [n_sites, n_numbers], bool [n_sites]
        Modality language; no numbers where there is no such model.
    """

    kind: NDArray[np.int64]
    window: NDArray[np.int8]
    ends: NDArray[np.float32]
    nodes: NDArray[np.floating]
    pairs: NDArray[np.floating]
    present: NDArray[np.bool_]
    motion_nodes: NDArray[np.floating]
    motion_pairs: NDArray[np.floating]
    has_structure: NDArray[np.bool_]
    has_motion: NDArray[np.bool_]
    language: NDArray[np.float16]
    has_language: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.kind)

    def take(self, rows: NDArray[np.integer]) -> SiteColumns:
        """Some of the sites, in the order given."""
        return SiteColumns(**{one.name: getattr(self, one.name)[rows] for one in fields(self)})

    def with_language(self, vectors: NDArray[np.float16]) -> SiteColumns:
        """The same sites with embeddings [n_sites, n_numbers]."""
        return replace(self, language=vectors, has_language=np.ones(len(self), dtype=bool))


def columns_of_structure(
    molecule: Complex,
    sites: NDArray[np.int64],
    *,
    with_motion: bool,
    model: MotionModel | None = None,
    reader: language.Reader | None = None,
) -> SiteColumns:
    """Columns of residues of a complex.

    Parameters
    ----------
    molecule
        The complex; all of it is surroundings.
    sites : int64 [n_sites]
        Rows of the residue table, of :func:`unfreeze.properties.modalities.structure.protein_sites`.
    with_motion
        Whether to run the motion model, which is what takes time (0.5 to 1 s for 300 residues).
    model
        The motion model; the shipped one when None.
    reader
        A language model, where the modality language is wanted.
    """
    kind = np.full(molecule.n_residues, 20, dtype=np.int64)
    window = np.zeros((molecule.n_residues, sequence.N_WINDOW), dtype=np.int8)
    ends = np.zeros((molecule.n_residues, sequence.N_ENDS), dtype=np.float32)
    for chain in chain_sequences(molecule):
        kinds = sequence.kinds_of(chain.letters)
        kind[chain.residues] = kinds
        window[chain.residues], ends[chain.residues] = sequence.windows(kinds)
    found = structure.surroundings(molecule, sites)
    n = len(sites)
    if with_motion:
        moving = dynamics.motion(molecule, sites, found.neighbours, model)
        motion_nodes, motion_pairs = moving.nodes, moving.pairs
    else:
        motion_nodes, motion_pairs = _no_motion(n)
    columns = SiteColumns(
        kind=kind[sites],
        window=window[sites],
        ends=ends[sites],
        nodes=found.nodes,
        pairs=found.pairs,
        present=found.neighbours >= 0,
        motion_nodes=motion_nodes,
        motion_pairs=motion_pairs,
        has_structure=np.ones(n, dtype=bool),
        has_motion=np.full(n, with_motion),
        **no_language(n),
    )
    if reader is None:
        return columns
    return columns.with_language(language.site_vectors(reader, language.chain_places(molecule, sites)))


def columns_of_sequence(
    letters: str, positions: NDArray[np.int64], reader: language.Reader | None = None
) -> SiteColumns:
    """Columns of residues of which only the sequence is known.

    Parameters
    ----------
    letters
        The chain, one letter a residue.
    positions : int64 [n_sites]
        From 0.
    reader
        A language model, where the modality language is wanted.
    """
    kinds = sequence.kinds_of(letters)
    window, ends = sequence.windows(kinds)
    n = len(positions)
    motion_nodes, motion_pairs = _no_motion(n)
    columns = SiteColumns(
        kind=kinds[positions],
        window=window[positions],
        ends=ends[positions],
        nodes=np.zeros((n, structure.N_NODE), dtype=np.float32),
        pairs=np.zeros((n, structure.N_NEIGHBOURS, structure.N_PAIR), dtype=np.float32),
        present=np.zeros((n, structure.N_NEIGHBOURS), dtype=bool),
        motion_nodes=motion_nodes,
        motion_pairs=motion_pairs,
        has_structure=np.zeros(n, dtype=bool),
        has_motion=np.zeros(n, dtype=bool),
        **no_language(n),
    )
    return columns if reader is None else columns.with_language(reader.residues([letters])[0][positions])


def no_language(n: int) -> dict[str, NDArray]:
    """Columns of the modality language where there is none."""
    return {"language": np.zeros((n, 0), dtype=np.float16), "has_language": np.zeros(n, dtype=bool)}


def joined(parts: Sequence[SiteColumns]) -> SiteColumns:
    """Sites of several calls as one table, in order."""
    return SiteColumns(
        **{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(SiteColumns)}
    )


def _no_motion(n: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return (
        np.zeros((n, dynamics.N_MOTION_NODE), dtype=np.float32),
        np.zeros((n, structure.N_NEIGHBOURS, dynamics.N_MOTION_PAIR), dtype=np.float32),
    )
