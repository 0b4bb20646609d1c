"""Interface RMSD and ligand RMSD of every frame against the reference structure, as in CAPRI.

Interface RMSD (iRMSD): backbone of the residues of both chains with a heavy atom less than 1.0 nm from the other
chain, superposed on itself. Ligand RMSD (LRMSD): backbone of the smaller chain after superposing the larger one
(Méndez et al. 2003, Proteins 52, 51). One value an interface; a complex with several counts each the same.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, Metric
from unfreeze.evaluate.metrics.interface_distances import MeanWasserstein
from unfreeze.evaluate.metrics.interface_residues import interfaces_of, require_backbone, require_side_chains
from unfreeze.evaluate.samples import FrameValues
from unfreeze.structure.geometry import kabsch_rotations

__all__ = [
    "IRMSD_W1",
    "LRMSD_W1",
    "carried_rmsd_nm",
    "fitted_rmsd_nm",
    "interface_rmsd_A",
    "ligand_rmsd_A",
]

_FLOATS_A_STEP = 1_000_000


def fitted_rmsd_nm(
    frames_nm: NDArray[np.floating], target_nm: NDArray[np.floating], atoms: NDArray[np.int64]
) -> NDArray[np.float64]:
    """RMSD of some atoms of every frame after their own best superposition.

    n · RMSD² = Σ|x|² + Σ|y|² − 2(σ₁ + σ₂ ± σ₃), x and y centred, σ the singular values of their covariance
    (Kabsch 1978, Acta Cryst. A34, 827).

    Parameters
    ----------
    frames_nm
        [n_frames, n_atoms, 3], nm.
    target_nm
        [n_atoms, 3], nm.
    atoms
        Atoms that are superposed and measured.

    Returns
    -------
    float64 [n_frames]
        nm.
    """
    goal = np.asarray(target_nm, dtype=np.float64)[atoms]
    goal = goal - goal.mean(axis=0)
    found = np.empty(len(frames_nm))
    for chosen in _steps(len(frames_nm), len(goal)):
        points = np.asarray(frames_nm[chosen][:, atoms], dtype=np.float64)
        points = points - points.mean(axis=1, keepdims=True)
        covariance = np.matmul(goal.T[None], points)
        singular = np.linalg.svd(covariance, compute_uv=False)
        overlap = singular[:, 0] + singular[:, 1] + np.sign(np.linalg.det(covariance)) * singular[:, 2]
        squares = np.einsum("fik,fik->f", points, points) + (goal**2).sum() - 2.0 * overlap
        found[chosen] = np.sqrt(np.maximum(squares, 0.0) / len(goal))
    return found


def carried_rmsd_nm(
    frames_nm: NDArray[np.floating],
    target_nm: NDArray[np.floating],
    fitted: NDArray[np.int64],
    carried: NDArray[np.int64],
) -> NDArray[np.float64]:
    """RMSD of some atoms of every frame after superposing others.

    Parameters
    ----------
    frames_nm
        [n_frames, n_atoms, 3], nm.
    target_nm
        [n_atoms, 3], nm.
    fitted, carried
        Atoms that decide the superposition, and those measured.

    Returns
    -------
    float64 [n_frames]
        nm.
    """
    goal = np.asarray(target_nm, dtype=np.float64)
    centre = goal[fitted].mean(axis=0)
    found = np.empty(len(frames_nm))
    for chosen in _steps(len(frames_nm), len(fitted) + len(carried)):
        frames = frames_nm[chosen]
        anchor = np.asarray(frames[:, fitted], dtype=np.float64)
        origin = anchor.mean(axis=1, keepdims=True)
        turn = kabsch_rotations(np.matmul((goal[fitted] - centre).T[None], anchor - origin))
        moved = np.matmul(frames[:, carried] - origin, turn.transpose(0, 2, 1)) + centre
        found[chosen] = np.sqrt(((moved - goal[carried]) ** 2).sum(axis=-1).mean(axis=-1))
    return found


def interface_rmsd_A(side: Side) -> FrameValues:
    """Interface RMSD of every frame and interface: [n_frames, n_interfaces], Å."""
    reference = side.molecule.coordinates_nm
    columns = [10.0 * fitted_rmsd_nm(side.frames_nm, reference, item.near) for item in interfaces_of(side).items]
    return FrameValues(np.stack(columns, axis=1), side.weights, side.block)


def ligand_rmsd_A(side: Side) -> FrameValues:
    """Ligand RMSD of every frame and interface: [n_frames, n_interfaces], Å."""
    reference = side.molecule.coordinates_nm
    columns = [
        10.0 * carried_rmsd_nm(side.frames_nm, reference, item.receptor, item.ligand)
        for item in interfaces_of(side).items
    ]
    return FrameValues(np.stack(columns, axis=1), side.weights, side.block)


def _steps(n_frames: int, n_atoms: int) -> list[slice]:
    """Frames taken at a time, so that the copies stay small."""
    step = max(1, _FLOATS_A_STEP // (3 * n_atoms))
    return [slice(begin, begin + step) for begin in range(0, n_frames, step)]


def _wasserstein(
    feature: Callable[[Side], FrameValues], needs_side_chains: bool
) -> Callable[[Side, Side], Measurement]:
    def measure(ensemble: Side, reference: Side) -> Measurement:
        interfaces_of(reference)
        require_backbone(reference.molecule)
        if needs_side_chains:
            require_side_chains(reference.molecule)
        ours, theirs = ensemble.once(feature), reference.once(feature)
        return Measurement(ours, theirs, MeanWasserstein(ours.values, theirs.values))

    return measure


# Which residues are near an interface is told by all heavy atoms, so that iRMSD needs side chains and LRMSD does not.
IRMSD_W1 = Metric(
    "irmsd_w1_A", "Interface RMSD, Wasserstein distance", _wasserstein(interface_rmsd_A, True), unit="Å",
    better="lower", perfect=0.0, bounds=(0.0, float("inf")), group="interface",
)  # fmt: skip
LRMSD_W1 = Metric(
    "lrmsd_w1_A", "Ligand RMSD, Wasserstein distance", _wasserstein(ligand_rmsd_A, False), unit="Å",
    better="lower", perfect=0.0, bounds=(0.0, float("inf")), group="interface",
)  # fmt: skip
