"""What a person should know before trusting an ensemble, in sentences: faults of the input, guesses, extrapolations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.sample.learned import LearnedMotion
from unfreeze.sample.sampler import HarmonicSampler
from unfreeze.structure.complex import Complex

__all__ = ["centre_caveats", "input_caveats", "learned_caveats", "untrained_caveats"]

_MUCH_CONTEXT = 0.25  # share of the blocks that the model predicts nothing of
_NEAR_K, _NEAR = 15.0, 3.0  # so near to what was trained on (K; factor of time) nobody need be warned
_MANY_BARE = 0.25  # share of the residues without a side chain
_SMALL_PROTEIN = 12  # residues; of what is shorter little keeps one shape in water
_MUCH_LONGER = 1.5  # times the longest chain of the training
_FAR_NM = 0.4  # of the average from the input
_POOR_MATCH = 0.15  # error of log RMSF


def centre_caveats(sampler: HarmonicSampler) -> list[str]:
    """Of an ensemble about the average of another."""
    centre = sampler.centre
    if centre is None:
        return []
    n_frames = centre.average.n_frames
    middle = "the one structure" if n_frames == 1 else f"the average of {n_frames:,} frames"
    text = (
        f"Frames are drawn about {middle} of {centre.average.name}, which is "
        f"{centre.rmsd_nm:.2f} nm (root mean square) from the input"
    )
    far = "; springs are those of the input, which may hold other parts together than the average does"
    return [text + (far if centre.rmsd_nm > _FAR_NM else "") + "."]


def input_caveats(sampler: HarmonicSampler, temperature_K: float, checks: dict[str, Any]) -> list[str]:
    """Of the input and of what the checks of frames found."""
    said = []
    source = sampler.molecule.source
    if source.missing_residues:
        named = ", ".join(source.missing_residues[:6]) + (" …" if len(source.missing_residues) > 6 else "")
        said.append(
            f"{len(source.missing_residues)} residues are absent from the input ({named}); chain ends at a gap "
            "move as if they were free."
        )
    if source.missing_atoms:
        named = "; ".join(source.missing_atoms[:4]) + (" …" if len(source.missing_atoms) > 4 else "")
        said.append(f"{len(source.missing_atoms)} residues lack heavy atoms ({named}).")
    if sampler.springs.n_bridge:
        said.append(
            "Some parts of the input touch nothing else and are held by a few weak springs; how they move against "
            "the rest is a guess."
        )
    if checks["n_frames_still"]:
        said.append(
            f"{checks['n_frames_still']} frames are the input itself and do not move: every draw failed the checks, "
            "probably because of a fault in the input; repair it, or do not take these frames for motion."
        )
    damped = checks["n_frames_damped"] - checks["n_frames_still"]
    if damped:
        said.append(
            f"{damped} frames were drawn with smaller displacements because whole ones failed the "
            "checks repeatedly; their motion is too small."
        )
    if not 250.0 <= temperature_K <= 400.0:
        said.append(f"{temperature_K:g} K is outside 250 to 400 K; a harmonic model does not unfold or freeze.")
    return said


def untrained_caveats(timescale_ns: float) -> list[str]:
    """Of the untrained springs."""
    if 0.1 <= timescale_ns <= 10_000.0:
        return []
    return [
        f"{timescale_ns:g} ns is outside 0.1 ns to 10 µs, the range in which the amplitude was calibrated or "
        "is close to it."
    ]


def learned_caveats(learned: LearnedMotion, temperature_K: float, timescale_ns: float) -> list[str]:
    """Of the trained model: what it has not been trained on, and where its springs do not give what it predicted."""
    said = []
    limits = learned.model.card.get("limits")
    limits = limits if isinstance(limits, Mapping) else {}
    for key, value, unit in (("temperature_K", temperature_K, "K"), ("timescale_ns", timescale_ns, "ns")):
        low, high = _range(limits.get(key))
        slack_low, slack_high = (low - _NEAR_K, high + _NEAR_K) if unit == "K" else (low / _NEAR, high * _NEAR)
        if not slack_low <= value <= slack_high:
            said.append(
                f"{value:g} {unit} is outside {low:g} to {high:g} {unit}, what the model was trained on; "
                "the amplitudes are an extrapolation."
            )
    molecule = learned.base.molecule
    lengths = np.bincount(molecule.chain_index[molecule.residue_kind == "protein"], minlength=molecule.n_chains)
    longest = limits.get("longest_chain")
    if isinstance(longest, (int, float)) and lengths.max() > _MUCH_LONGER * longest:
        name = molecule.chain_name[int(lengths.argmax())]
        said.append(
            f"Chain {name} has {lengths.max():,} residues, the longest that the model was trained on {longest:,g}; "
            "motion of whole domains may be wrong."
        )
    protein = molecule.residue_kind == "protein"
    n_protein, n_bare = int(protein.sum()), int((protein & _without_side_chain(molecule)).sum())
    if n_bare > _MANY_BARE * n_protein:
        said.append(
            f"{n_bare:,} of {n_protein:,} residues have no side chain, and the model has learned from whole ones: "
            "predicted amplitudes are too large, for a backbone alone about twice; build the side chains first "
            "(unfreeze prepare)."
        )
    if n_protein < _SMALL_PROTEIN:
        said.append(
            f"The input has {n_protein} residues of protein; peptides so short do not keep one shape, and motion "
            "about the input is not what they do (unfreeze simulate)."
        )
    n_context = int((~learned.is_protein).sum())
    if n_context > _MUCH_CONTEXT * len(learned.is_protein):
        said.append(
            f"{n_context:,} of {len(learned.is_protein):,} rigid parts are not protein; the model has learned "
            "nothing of their motion, and they follow what they touch."
        )
    if learned.matched.rms_log_error > _POOR_MATCH:
        said.append(
            f"The springs reach the predicted amplitudes within {100 * learned.matched.rms_log_error:.0f} % only; "
            "fluctuations.csv has both."
        )
    return said


def _without_side_chain(molecule: Complex) -> NDArray[np.bool_]:
    """Whether a residue that has Cβ in nature has none here: [n_residues]."""
    return (molecule.atom_of_residue("CB") < 0) & (molecule.residue_parent_name != "GLY")


def _range(limits: Any) -> tuple[float, float]:
    if isinstance(limits, (list, tuple)) and len(limits) == 2 and all(type(x) in (int, float) for x in limits):
        return float(limits[0]), float(limits[1])
    return -np.inf, np.inf
