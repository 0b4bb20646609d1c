"""The arithmetic of the AlphaFlow evaluation, number for number, faults included.

Jing, Berger & Jaakkola 2024 (arXiv 2402.04845), scripts ``analyze_ensembles.py`` and ``print_analysis.py``. What they
do is kept even where it is wrong (atoms matched by the first name found, draws that depend on the number of frames,
a matrix square root that may fail), because the published tables were made so; protocol ``unfreeze`` mends it. Only
time and memory differ: nothing here is quadratic in the frames of the reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mdtraj
import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from unfreeze.errors import InputError
from unfreeze.evaluate.frames import Frames
from unfreeze.structure.complex import Complex
from unfreeze.structure.observables.shrake_rupley import atom_areas_nm2, carried_areas_nm2, mdtraj_radii_nm

__all__ = ["SETTINGS", "Selected", "numbers", "select"]

SETTINGS: dict[str, Any] = {
    "seed": 137,
    "n_exposure_frames": 1000,
    "contact_nm": 0.8,
    "contact_probability": 0.9,
    "transient_probability": 0.1,
    "probe_nm": 0.28,
    "sphere_points": 960,
    "exposed_nm2": 0.02,
    "exposure_probability": 0.1,
}
_FRAMES_PER_BLOCK = 256
_BACKBONE = ("CA", "C", "N", "O", "OXT")


@dataclass(frozen=True, eq=False)
class Selected:
    """Frames of the shared heavy atoms that the numbers need, superposed as the original does.

    Attributes
    ----------
    structure
        Shared heavy atoms of the reference structure.
    alpha : int64 [n_alpha]
        Its Cα.
    structure_alpha_nm : float32 [n_alpha, 3]
        Cα of the structure.
    ensemble_nm, exposure_nm : float32 [n_frames, n_atoms, 3]
        The ensemble, and the distinct reference frames among the 1,000 drawn (RAND1K).
    exposure_order : int64 [1000]
        Which of these each draw gave.
    ensemble_alpha_nm, first_alpha_nm, second_alpha_nm, reference_alpha_nm : float32 [n_frames, n_alpha, 3]
        Cα of the ensemble, of RAND1, of RAND2 and of all reference frames, superposed once more.
    ensemble_rmsf_A, reference_rmsf_A : float64 [n_atoms]
        RMSF of heavy atoms about each ensemble's own mean, Å.
    """

    structure: Complex
    alpha: NDArray[np.int64]
    structure_alpha_nm: NDArray[np.float32]
    ensemble_nm: NDArray[np.float32]
    exposure_nm: NDArray[np.float32]
    exposure_order: NDArray[np.int64]
    ensemble_alpha_nm: NDArray[np.float32]
    first_alpha_nm: NDArray[np.float32]
    second_alpha_nm: NDArray[np.float32]
    reference_alpha_nm: NDArray[np.float32]
    ensemble_rmsf_A: NDArray[np.float64]
    reference_rmsf_A: NDArray[np.float64]


def select(ensemble: Frames, reference: Frames) -> Selected:
    """Match, draw and superpose (steps 1–3 and 5 of the protocol).

    Raises
    ------
    InputError
        If fewer than three Cα are shared.
    """
    in_reference, in_ensemble = _first_matches(reference.molecule, ensemble.molecule)
    structure = reference.molecule.take_atoms(in_reference)
    alpha = np.flatnonzero(structure.atom_name == "CA")
    if len(alpha) < 3:
        raise InputError(
            f"{ensemble.name}: {len(alpha)} CA atoms have the residue name and number of {reference.name}; the "
            "alphaflow protocol matches by these and needs three. Protocol unfreeze matches by sequence."
        )
    draw = np.random.RandomState(SETTINGS["seed"])
    n_reference, n_ensemble = reference.n_frames, ensemble.n_frames
    first, second, thousand = (
        draw.randint(0, n_reference, size) for size in (n_ensemble, n_ensemble, SETTINGS["n_exposure_frames"])
    )
    distinct, order = np.unique(thousand, return_inverse=True)
    ensemble_nm, ensemble_alpha, ensemble_rmsf = _superposed(
        ensemble, in_ensemble, structure, alpha, np.arange(n_ensemble)
    )
    exposure_nm, reference_alpha, reference_rmsf = _superposed(reference, in_reference, structure, alpha, distinct)
    return Selected(
        structure=structure,
        alpha=alpha,
        structure_alpha_nm=structure.coordinates_nm[alpha].astype(np.float32),
        ensemble_nm=ensemble_nm,
        exposure_nm=exposure_nm,
        exposure_order=order,
        ensemble_alpha_nm=ensemble_alpha,
        first_alpha_nm=reference_alpha[first],
        second_alpha_nm=reference_alpha[second],
        reference_alpha_nm=reference_alpha,
        ensemble_rmsf_A=ensemble_rmsf,
        reference_rmsf_A=reference_rmsf,
    )


def numbers(chosen: Selected) -> dict[str, float]:
    """Every number that the original writes for a target, under its own names; lengths in Å, NaN where it has NaN."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            **_pairwise(chosen),
            **_gaussians(chosen),
            **_fluctuations(chosen),
            **_components(chosen),
            **_contacts(chosen),
            **_exposure(chosen),
        }


def _first_matches(reference: Complex, ensemble: Complex) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Atoms of the same residue name, number and atom name; of several, the first in the file is taken every time."""
    names = [_names(molecule) for molecule in (reference, ensemble)]
    found = [{name: row for row, name in reversed(list(enumerate(side)))} for side in names]
    shared = [name for name in names[0] if name in found[1]]
    # the same atom twice, where chains repeat names, is what the original does; a Complex cannot hold it
    rows = {found[0][name]: found[1][name] for name in shared}
    order = sorted(rows)
    return np.array(order, dtype=np.int64), np.array([rows[row] for row in order], dtype=np.int64)


def _names(molecule: Complex) -> list[tuple[str, int, str]]:
    residue = molecule.residue_index
    return list(
        zip(
            molecule.residue_parent_name[residue].tolist(),
            molecule.residue_number[residue].tolist(),
            molecule.atom_name.tolist(),
            strict=True,
        )
    )


def _superposed(
    frames: Frames, atoms: NDArray[np.int64], structure: Complex, alpha: NDArray[np.int64], kept: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
    """Chosen frames whole, Cα of all frames (superposed again), and the RMSF of all frames in Å, block by block."""
    goal = structure.coordinates_nm.astype(np.float32)
    whole = np.empty((len(kept), len(atoms), 3), dtype=np.float32)
    traces = np.empty((frames.n_frames, len(alpha), 3), dtype=np.float32)
    total, squares = np.zeros(goal.shape), np.zeros(goal.shape)
    for start in range(0, frames.n_frames, _FRAMES_PER_BLOCK):
        block = slice(start, start + _FRAMES_PER_BLOCK)
        moved = _superpose(frames.coordinates_nm[block][:, atoms], goal)
        here = (kept >= start) & (kept < start + _FRAMES_PER_BLOCK)
        whole[here] = moved[kept[here] - start]
        traces[block] = _superpose(moved[:, alpha], goal[alpha])
        shifts = moved.astype(np.float64) - goal
        total += shifts.sum(axis=0)
        squares += np.einsum("fik,fik->ik", shifts, shifts)
    variance = (squares - total**2 / frames.n_frames).sum(axis=1) / frames.n_frames
    return whole, traces, 10.0 * np.sqrt(np.maximum(variance, 0.0))


def _superpose(frames_nm: NDArray[np.float32], goal_nm: NDArray[np.float32]) -> NDArray[np.float32]:
    """As MDTraj superposes, to the last bit: points on spheres do not turn with the molecule, and exposure sees it."""
    moved = mdtraj.Trajectory(np.array(frames_nm, order="C"), topology=None)
    moved.superpose(mdtraj.Trajectory(goal_nm, topology=None))
    return np.asarray(moved.xyz)


def _pairwise(chosen: Selected) -> dict[str, float]:
    """Mean RMSD over all pairs, an ensemble with itself including its zero diagonal."""

    def mean(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
        return float(10.0 * cdist(_flat(one), _flat(other)).mean() / np.sqrt(one.shape[1]))

    return {
        "md_pairwise": mean(chosen.first_alpha_nm, chosen.second_alpha_nm),
        "af_pairwise": mean(chosen.ensemble_alpha_nm, chosen.ensemble_alpha_nm),
    }


def _gaussians(chosen: Selected) -> dict[str, float]:
    mean_md, covariance_md = _moments(chosen.exposure_nm, np.bincount(chosen.exposure_order))
    mean, covariance = _moments(chosen.ensemble_nm, np.ones(len(chosen.ensemble_nm), dtype=np.int64))
    translation = float(10.0 * np.sqrt(((mean_md - mean) ** 2).sum(axis=1).mean()))
    try:
        root = _square_root(covariance_md @ covariance)
        variance = np.trace(covariance_md + covariance - 2.0 * root, axis1=1, axis2=2)
    except np.linalg.LinAlgError:  # the original then keeps the MD term, and says nothing
        variance = np.trace(covariance_md, axis1=1, axis2=2)
    return {"emd_mean": translation, "emd_var": float(10.0 * np.real(np.mean(variance)) ** 0.5)}


def _moments(
    frames_nm: NDArray[np.float32], copies: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and biased covariance of every atom: [n_atoms, 3], [n_atoms, 3, 3]."""
    share = copies / copies.sum()
    mean = np.tensordot(share, frames_nm.astype(np.float64), axes=1)
    deviations = frames_nm - mean
    columns = deviations.transpose(1, 2, 0)
    return mean, (columns * share) @ deviations.transpose(1, 0, 2)


def _square_root(matrices: NDArray[np.float64]) -> NDArray[Any]:
    values, vectors = np.linalg.eig(matrices)
    return (vectors * np.sqrt(values[:, None])) @ np.linalg.inv(vectors)


def _fluctuations(chosen: Selected) -> dict[str, float]:
    pair = chosen.reference_rmsf_A, chosen.ensemble_rmsf_A
    return {f"rmsf_{name}": value for name, value in _correlations(*pair).items()}


def _correlations(one: NDArray[np.float64], other: NDArray[np.float64]) -> dict[str, float]:
    """Correlation coefficients by name; NaN where a side is constant."""
    if not np.ptp(one) or not np.ptp(other):
        return dict.fromkeys(("pearson", "spearman", "kendall"), float("nan"))
    measures = {"pearson": stats.pearsonr, "spearman": stats.spearmanr, "kendall": stats.kendalltau}
    return {name: float(np.asarray(how(one, other))[0]) for name, how in measures.items()}


def _components(chosen: Selected) -> dict[str, float]:
    """Principal components, and Wasserstein distances in the first two, in Å over the root of the number of Cα."""
    reference, axes = _axes(chosen.reference_alpha_nm)
    own_axes = _axes(chosen.ensemble_alpha_nm)[1]
    found = {"cosine_sim": abs(float(axes[0] @ own_axes[0])) if axes[0].any() and own_axes[0].any() else np.nan}
    joint, joint_axes = _axes(np.concatenate([chosen.first_alpha_nm, chosen.ensemble_alpha_nm]))
    scale = 10.0 / np.sqrt(len(chosen.alpha))
    for key, centre, two in (("ref", reference, axes), ("joint", joint, joint_axes)):
        first, second, ensemble, seed = (
            scale * (_flat(frames) - centre) @ two.T
            for frames in (
                chosen.first_alpha_nm,
                chosen.second_alpha_nm,
                chosen.ensemble_alpha_nm,
                chosen.structure_alpha_nm[None],
            )
        )
        spread = {name: _rms(points - points.mean(axis=0)) for name, points in (("ref", first), ("af", ensemble))}
        shift = _rms((first.mean(axis=0) - ensemble.mean(axis=0))[None])
        distance = _w2(first, ensemble)
        found |= {
            f"{key}emd": distance,
            f"{key}emd_tr": shift,
            f"{key}emd_int": _w2(first - first.mean(axis=0), ensemble - ensemble.mean(axis=0)),
        }
        found |= {
            f"EMD,{key}|{name}": value
            for name, value in {
                "ref|ref mean": spread["ref"],
                "ref|ref2": _w2(first, second),
                "ref mean|ref2 mean": _rms((first.mean(axis=0) - second.mean(axis=0))[None]),
                "ref|af": distance,
                "ref mean|af mean": shift,
                "ref|seed": _rms(first - seed),
                "ref mean|seed": _rms(first.mean(axis=0) - seed),
                "af|seed": _rms(ensemble - seed),
                "af|af mean": spread["af"],
                "af mean|seed": _rms(ensemble.mean(axis=0) - seed),
            }.items()
        }
    return found


def _axes(frames_nm: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean [3n] and first two principal axes [2, 3n], from the smaller of the two Gram matrices."""
    rows = frames_nm.reshape(len(frames_nm), -1)
    mean = rows.mean(axis=0, dtype=np.float64)
    size = rows.shape[1]
    if len(rows) < size:
        deviations = rows - mean
        vectors = np.linalg.eigh(deviations @ deviations.T)[1][:, ::-1]
        axes = vectors[:, :2].T @ deviations
    else:
        covariance = np.zeros((size, size))
        for start in range(0, len(rows), 4096):
            deviations = rows[start : start + 4096] - mean
            covariance += deviations.T @ deviations
        axes = np.linalg.eigh(covariance)[1][:, ::-1][:, :2].T
    lengths = np.linalg.norm(axes, axis=1, keepdims=True)
    # directions in which nothing moves are rounding noise: all frames then project onto nought
    moving = lengths > 1e-6 * np.sqrt(size)
    return mean, np.where(moving, axes / np.where(moving, lengths, 1.0), 0.0)


def _w2(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Wasserstein-2 distance of two equally large point sets, by exact assignment."""
    squared = cdist(one, other, "sqeuclidean")
    rows, columns = linear_sum_assignment(squared)
    return float(np.sqrt(squared[rows, columns].mean()))


def _rms(points: NDArray[np.float64]) -> float:
    return float(np.sqrt((points**2).sum(axis=-1).mean()))


def _contacts(chosen: Selected) -> dict[str, float]:
    limit = SETTINGS["contact_nm"]
    native = cdist(chosen.structure_alpha_nm, chosen.structure_alpha_nm) < limit
    md, ensemble = (_contact_shares(frames, limit) for frames in (chosen.first_alpha_nm, chosen.ensemble_alpha_nm))
    weak = [native & (shares < SETTINGS["contact_probability"]) for shares in (md, ensemble)]
    transient = [~native & (shares > SETTINGS["transient_probability"]) for shares in (md, ensemble)]
    return {"weak_contacts_iou": _jaccard(*weak), "transient_contacts_iou": _jaccard(*transient)}


def _contact_shares(frames_nm: NDArray[np.float32], limit_nm: float) -> NDArray[np.float64]:
    counts = np.zeros((frames_nm.shape[1],) * 2)
    for frame in frames_nm:
        counts += cdist(frame, frame) < limit_nm
    return counts / len(frames_nm)


def _exposure(chosen: Selected) -> dict[str, float]:
    structure = chosen.structure
    side_chain = ~np.isin(structure.atom_name, _BACKBONE)
    radii = mdtraj_radii_nm(structure.element)
    in_residue = structure.residue_index[side_chain][:, None] == np.arange(structure.n_residues)

    def exposed(frames_nm: NDArray[np.float32], order: NDArray[np.int64] | None = None) -> NDArray[np.bool_]:
        spheres: dict[str, Any] = {"probe_nm": SETTINGS["probe_nm"], "n_points": SETTINGS["sphere_points"]}
        areas = atom_areas_nm2(frames_nm, radii, measured=side_chain, **spheres)
        # MDTraj adds to each frame what the frame before it left; the original's numbers have that in them
        areas = carried_areas_nm2(areas, radii[side_chain], order=order, **spheres)
        return areas @ in_residue.astype(np.float32) > SETTINGS["exposed_nm2"]

    native = exposed(structure.coordinates_nm[None].astype(np.float32))[0]
    md = exposed(chosen.exposure_nm, chosen.exposure_order)
    ensemble = exposed(chosen.ensemble_nm)
    opened = [~native & (side.mean(axis=0) > SETTINGS["exposure_probability"]) for side in (md, ensemble)]
    information = [_mutual_information(side).ravel() for side in (md, ensemble)]
    return {
        "num_sasa": float(opened[0].sum()),
        "sasa_iou": _jaccard(*opened),
        **{f"exposon_mi_{name}": value for name, value in _correlations(*information).items()},
    }


def _mutual_information(exposed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mutual information of binary exposure, natural logarithm, zero diagonal: [n_residues, n_residues].

    Residues that never change share no information but for rounding, and the rank correlations see the rounding: the
    order of operations is the original's.
    """
    states = [1.0 - exposed, exposed.astype(np.float64)]
    joint = np.stack([np.stack([one.T @ other / len(exposed) for other in states], -1) for one in states], -2)
    share = exposed.mean(axis=0)
    alone = np.stack([1.0 - share, share], -1)
    terms = joint * np.log(joint / (alone[:, None, :, None] * alone[None, :, None, :]))
    information = np.nansum(terms, axis=(-1, -2))
    np.fill_diagonal(information, 0.0)
    return information


def _jaccard(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    union = (one | other).sum()
    return float((one & other).sum() / union) if union else float("nan")


def _flat(frames_nm: NDArray[np.float32]) -> NDArray[np.float64]:
    return frames_nm.reshape(len(frames_nm), -1).astype(np.float64)
