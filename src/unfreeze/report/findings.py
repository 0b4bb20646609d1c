"""The numbers of a report: everything that a page shows, computed once, in the units in which it is shown (Å).

No HTML here, and no choice of words; see :mod:`unfreeze.report.words` for those.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.complex import Complex
from unfreeze.structure.ensemble import Ensemble
from unfreeze.structure.geometry import superpose, superpose_on_mean
from unfreeze.structure.observables.interfaces import Interface, find_interfaces
from unfreeze.structure.observables.motion import (
    PrincipalComponents,
    dccm,
    frame_rmsd_nm,
    principal_components,
    rmsf_nm,
)

__all__ = ["MAX_MATRIX", "Findings", "analyse", "matrix_groups"]

MAX_MATRIX = 600
_FEWEST_TO_SUPERPOSE = 3


@dataclass(frozen=True, eq=False)
class Findings:
    """What an ensemble says, ready to be shown.

    Attributes
    ----------
    trace : int64 [n_representatives]
        Residues that have a representative atom (CA, P or C1').
    rmsf_a : float64 [n_representatives]
        Their RMSF, Å.
    residue_rmsf_a : float64 [n_residues]
        RMSF of every residue, ligand and ion (centroids where there is no representative atom), Å.
    rmsd_a : float64 [n_frames]
        RMSD of representative atoms of every frame from the input, best superposition, Å.
    groups : int64 [n_representatives]
        Row of `correlations` that a residue belongs to.
    correlations : float64 [n_groups, n_groups]
        Cross-correlations, averaged over groups of consecutive residues of a chain in large complexes.
    components
        Principal components of the representative atoms; None with fewer than two frames or no motion.
    input_projection : float64 [2]
        The input on the first two components, nm.
    interfaces
        Interfaces, the largest first.
    """

    trace: NDArray[np.int64]
    rmsf_a: NDArray[np.float64]
    residue_rmsf_a: NDArray[np.float64]
    rmsd_a: NDArray[np.float64]
    groups: NDArray[np.int64]
    correlations: NDArray[np.float64]
    components: PrincipalComponents | None
    input_projection: NDArray[np.float64]
    interfaces: list[Interface]


def analyse(ensemble: Ensemble) -> Findings:
    """Compute all findings of an ensemble; weights are respected throughout."""
    molecule, weights = ensemble.complex, ensemble.weights
    atoms = molecule.representative_atoms()
    trace = molecule.residue_index[atoms]
    points, reference = _residue_points(molecule, ensemble.coordinates_nm, trace, atoms)
    can_superpose = len(trace) >= _FEWEST_TO_SUPERPOSE
    moved = superpose_on_mean(points, trace) if can_superpose else points
    residue_rmsf_a = 10.0 * rmsf_nm(moved, weights)
    frames = moved[:, trace]
    groups = matrix_groups(molecule.chain_index[trace])
    correlations = np.empty((0, 0))
    if len(trace):
        # the full matrix has an exact diagonal of one; that of groups is a block mean
        correlations = dccm(frames, weights, groups=None if groups[-1] + 1 == len(groups) else groups)
    components, projection = None, np.zeros(2)
    if ensemble.n_frames > 1 and can_superpose and residue_rmsf_a.max() > 0.0:
        components = principal_components(frames, 2, weights)
        placed = superpose(reference[None, trace], components.mean_nm)[0]
        projection = components.project(placed)
    rmsd = np.zeros(ensemble.n_frames)
    if can_superpose:
        rmsd = 10.0 * frame_rmsd_nm(points[:, trace], reference[trace], superposed=False)
    return Findings(
        trace=trace,
        rmsf_a=residue_rmsf_a[trace],
        residue_rmsf_a=residue_rmsf_a,
        rmsd_a=rmsd,
        groups=groups,
        correlations=correlations,
        components=components,
        input_projection=projection,
        interfaces=find_interfaces(molecule, ensemble.coordinates_nm, weights),
    )


def matrix_groups(chain: NDArray[np.int64], most: int = MAX_MATRIX) -> NDArray[np.int64]:
    """Groups of consecutive residues of one chain, so few that a matrix of them can be shown.

    Parameters
    ----------
    chain
        [n_residues] chain of every residue, non-decreasing.
    most
        Groups aimed at; every chain has at least one.

    Returns
    -------
    int64 [n_residues]
        0 … n_groups − 1.
    """
    if len(chain) == 0:
        return np.empty(0, dtype=np.int64)
    _, start = np.unique(chain, return_index=True)
    place = np.arange(len(chain)) - np.repeat(start, np.diff([*start, len(chain)]))
    size = max(1, int(np.ceil(len(chain) / most)))
    new = (place % size) == 0
    return np.cumsum(new) - 1


def _residue_points(
    molecule: Complex, coordinates_nm: NDArray[np.floating], trace: NDArray[np.int64], atoms: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One point a residue, its representative atom or its centroid: frames [F, n_residues, 3] and the input."""
    start = molecule.residue_start[:-1]
    size = np.diff(molecule.residue_start)[:, None]
    points = np.add.reduceat(coordinates_nm, start, axis=1, dtype=np.float64) / size
    reference = np.add.reduceat(molecule.coordinates_nm, start, axis=0) / size
    points[:, trace] = coordinates_nm[:, atoms]
    reference[trace] = molecule.coordinates_nm[atoms]
    return points, reference
