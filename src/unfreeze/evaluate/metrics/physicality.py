"""Which frames could be a protein at all: the coarse filter that BioEmu puts before its benchmarks.

Chains must hold together and residues must not lie in each other; the thresholds are wide on purpose. Whether frames
are sound to the standard of a structure is :mod:`unfreeze.evaluate.validity`.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, Metric, NotMeasurableError
from unfreeze.evaluate.metrics.walking import block_weights, stretches
from unfreeze.evaluate.samples import BlockMeans
from unfreeze.structure.complex import Complex

__all__ = [
    "CHAIN_SHARE",
    "CLASH_FREE_SHARE",
    "PEPTIDE_SHARE",
    "PHYSICAL_SHARE",
    "clashing_frames",
    "consecutive_pairs",
    "physical_frames",
]

MAX_CA_NM = 0.45
MAX_CN_NM = 0.2
CLASH_NM = 0.1
CLASH_SEPARATION = 2
"""Residues of one chain that are further apart in the table than this can clash, as in the original, which looks for
clashes with :func:`mdtraj.compute_contacts` and has no neighbours there; residues of two chains always can."""

_TREE_POINTS = 200_000


def consecutive_pairs(molecule: Complex, first: str, second: str, limit_nm: float) -> NDArray[np.int64]:
    """Atoms `first` of a residue and `second` of the next of its chain that the structure has within a distance.

    Where the structure itself has a longer one its chain is broken, and no frame is blamed for it.

    Returns
    -------
    int64 [n_pairs, 2]
    """
    ends, starts = molecule.atom_of_residue(first), molecule.atom_of_residue(second)
    protein = molecule.residue_kind == "protein"
    joined = (np.diff(molecule.chain_index) == 0) & protein[:-1] & protein[1:] & (ends[:-1] >= 0) & (starts[1:] >= 0)
    residue = np.flatnonzero(joined)
    pairs = np.stack([ends[residue], starts[residue + 1]], axis=1)
    gap = molecule.coordinates_nm[pairs[:, 0]] - molecule.coordinates_nm[pairs[:, 1]]
    return pairs[np.linalg.norm(gap, axis=1) < limit_nm]


def clashing_frames(molecule: Complex, frames_nm: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Whether two polymer atoms of different residues are within 0.1 nm: [n_frames] of [n_frames, n_atoms, 3]."""
    chosen = np.flatnonzero(np.isin(molecule.residue_kind, ["protein", "nucleic"])[molecule.residue_index])
    clash = np.zeros(len(frames_nm), dtype=bool)
    if len(chosen) < 2:
        return clash
    residue, chain = molecule.residue_index[chosen], molecule.atom_chain_index[chosen]
    step = max(1, _TREE_POINTS // len(chosen))
    for begin in range(0, len(frames_nm), step):
        points = np.asarray(frames_nm[begin : begin + step, chosen], dtype=np.float64)
        n_frames, n_atoms = points.shape[:2]
        # one tree for several frames, which lie side by side along x
        low, high = points[..., 0].min(axis=1), points[..., 0].max(axis=1)
        points[..., 0] += (np.concatenate([[0.0], np.cumsum(high - low + 1.0)[:-1]]) - low)[:, None]
        for frames, pairs in _close_pairs(points, n_frames, n_atoms):
            one, other = pairs[:, 0] % n_atoms, pairs[:, 1] % n_atoms
            apart = (np.abs(residue[one] - residue[other]) > CLASH_SEPARATION) | (chain[one] != chain[other])
            clash[begin + frames[apart]] = True
    return clash


def physical_frames(side: Side) -> NDArray[np.bool_]:
    """Which criteria the frames of a side meet.

    Returns
    -------
    bool [n_frames, 3]
        All consecutive Cα within 0.45 nm; all peptide C–N within 0.2 nm; no atoms of two residues within 0.1 nm.
        Criteria that cannot be looked at (C–N of a Cα trace) are met.
    """
    molecule = side.molecule
    links = [consecutive_pairs(molecule, "CA", "CA", MAX_CA_NM), consecutive_pairs(molecule, "C", "N", MAX_CN_NM)]
    met = np.ones((side.n_frames, 3), dtype=bool)
    begin = 0
    for _, _, frames in stretches(side):
        rows = slice(begin, begin + len(frames))
        for column, (pairs, limit) in enumerate(zip(links, (MAX_CA_NM, MAX_CN_NM), strict=True)):
            gap = frames[:, pairs[:, 0]] - frames[:, pairs[:, 1]]
            met[rows, column] = (np.linalg.norm(gap, axis=-1) < limit).all(axis=1)
        met[rows, 2] = ~clashing_frames(molecule, frames)
        begin += len(frames)
    return met


def _close_pairs(
    points: NDArray[np.float64], n_frames: int, n_atoms: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Frame and points of close pairs; a collapsed frame has n² of them, so frames are then taken one by one."""
    tree = KDTree(points.reshape(-1, 3), balanced_tree=False, compact_nodes=False)
    if n_frames == 1 or tree.count_neighbors(tree, CLASH_NM) < 20 * n_atoms * n_frames:
        pairs = tree.query_pairs(CLASH_NM, output_type="ndarray").reshape(-1, 2)
        return [(pairs[:, 0] // n_atoms, pairs)]
    found = []
    for frame in range(n_frames):
        for _, pairs in _close_pairs(points[[frame]], 1, n_atoms):
            found.append((np.full(len(pairs), frame), pairs))
    return found


def _share(ensemble: Side, reference: Side, *, column: int | None) -> Measurement:
    if column == 1 and len(consecutive_pairs(ensemble.molecule, "C", "N", MAX_CN_NM)) == 0:
        raise NotMeasurableError("no peptide bonds are in both")
    if column in (0, None) and len(consecutive_pairs(ensemble.molecule, "CA", "CA", MAX_CA_NM)) == 0:
        raise NotMeasurableError("no consecutive CA are in both")

    def means(side: Side) -> BlockMeans:
        met = side.once(physical_frames)
        passes = met.all(axis=1) if column is None else met[:, column]
        sums = np.bincount(side.block, side.weights * passes).astype(np.float64)
        return BlockMeans(block_weights(side), (sums,))

    def own(found: tuple[NDArray[np.floating], ...]) -> float:
        return min(float(found[0]), 1.0)  # of rounded sums of weights

    return Measurement(means(ensemble), means(reference), lambda e, _: own(e), own=own)


def _metric(name: str, title: str, column: int | None) -> Metric:
    return Metric(name, title, partial(_share, column=column), better="higher", perfect=1.0, bounds=(0.0, 1.0),
                  group="physicality")  # fmt: skip


PHYSICAL_SHARE = _metric("physical_share", "Physical frames", None)
CHAIN_SHARE = _metric("physical_ca_share", "Frames with consecutive CA within 4.5 Å", 0)
PEPTIDE_SHARE = _metric("physical_cn_share", "Frames with peptide C–N within 2 Å", 1)
CLASH_FREE_SHARE = _metric("physical_clash_share", "Frames without residues in each other", 2)
