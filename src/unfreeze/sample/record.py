"""The record of an ensemble: what was sampled, how, with what, and what a person should know before trusting it."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from unfreeze import __version__
from unfreeze.model.elasticity import MAX_SOFTNESS
from unfreeze.model.features import FEATURES_VERSION
from unfreeze.physics.springs import SpringConstants
from unfreeze.physics.timescale import REFERENCE_TIME_NS, TIME_EXPONENT, stiffness_scale
from unfreeze.sample.learned import HARMONIC, LearnedMotion
from unfreeze.sample.sampler import HarmonicSampler
from unfreeze.structure.ensemble import ENSEMBLE_SCHEMA

__all__ = ["make_record"]

_MUCH_CONTEXT = 0.25  # share of the blocks that the model predicts nothing of
_NEAR_K, _NEAR = 15.0, 3.0  # so near to what was trained on (K; factor of time) nobody need be warned
_MUCH_LONGER = 1.5  # times the longest chain of the training
_FAR_NM = 0.4  # of the average from the input
_POOR_MATCH = 0.15  # error of log RMSF


def make_record(
    sampler: HarmonicSampler,
    learned: LearnedMotion | None,
    *,
    temperature_K: float,
    timescale_ns: float,
    seed: int,
    constants: SpringConstants,
    checks: dict[str, Any],
    notes: list[str],
) -> dict[str, Any]:
    """What ``ensemble.json`` says, but for the files.

    Parameters
    ----------
    sampler
        What drew the frames.
    learned
        What the model made of the complex; None for the untrained springs.
    temperature_K, timescale_ns, seed, constants
        As for :func:`unfreeze.sample.generate.sample_ensemble`.
    checks
        Validity and counts of draws.
    notes
        Sentences that go before the other warnings.
    """
    molecule = sampler.molecule
    warnings = [*notes, *_centre_notes(sampler), *_warnings(sampler, temperature_K, checks)]
    if learned is None:
        warnings += _untrained_warnings(timescale_ns)
    else:
        warnings += _learned_warnings(learned, temperature_K, timescale_ns)
    return {
        "schema": ENSEMBLE_SCHEMA,
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "unfreeze_version": __version__,
        "versions": {"python": platform.python_version(), **_versions("numpy", "scipy", "gemmi", "mdtraj")},
        "input": {
            **asdict(molecule.source),
            "chains": [str(name) for name in molecule.chain_name],
            "n_residues": molecule.n_residues,
            "n_atoms": molecule.n_atoms,
        },
        "conditions": {
            "temperature_K": float(temperature_K),
            "timescale_ns": float(timescale_ns),
            "force_field": None,
            "solvent": "implicit in the springs",
        },
        "model": _model(sampler, learned, timescale_ns, constants),
        "centre": _centre(sampler),
        "seed": int(seed),
        "checks": checks,
        "warnings": warnings,
    }


def _model(
    sampler: HarmonicSampler, learned: LearnedMotion | None, timescale_ns: float, constants: SpringConstants
) -> dict[str, Any]:
    sizes = {
        "n_blocks": sampler.blocks.n_blocks,
        "n_springs": len(sampler.springs.atoms),
        "n_bridge_springs": sampler.springs.n_bridge,
    }
    law = {"time_exponent": TIME_EXPONENT, "reference_time_ns": REFERENCE_TIME_NS}
    if learned is None:
        scale = {"stiffness_scale": stiffness_scale(timescale_ns)}
        return {"name": HARMONIC, "kind": HARMONIC, "parameters": {**asdict(constants), **scale, **law, **sizes}}
    model, softness = learned.model, learned.matched.softness
    name = model.card.get("name")
    return {
        "name": str(name) if name else (model.file.name if model.file else "motion model"),
        "kind": "motion",
        "version": model.card.get("version"),
        "weights": {
            "name": model.file.name if model.file else None,
            "sha256": model.file.sha256 if model.file else None,
            "features_version": FEATURES_VERSION,
            "n_members": len(model.members),
        },
        "matching": {
            "rms_log_error": round(learned.matched.rms_log_error, 4),
            "softness_lowest": round(float(softness.min()), 3),
            "softness_highest": round(float(softness.max()), 3),
            "n_blocks_predicted": int(learned.is_protein.sum()),
            "n_blocks_at_limit": int((np.abs(softness) >= MAX_SOFTNESS).sum()),
        },
        "parameters": {**asdict(constants), **law, **sizes},
    }


def _centre(sampler: HarmonicSampler) -> dict[str, Any] | None:
    """What the ensemble has its middle at; None for the input."""
    centre = sampler.centre
    if centre is None:
        return None
    return {
        "name": centre.average.name,
        "n_frames": centre.average.n_frames,
        "rmsd_from_input_nm": round(centre.rmsd_nm, 4),
    }


def _centre_notes(sampler: HarmonicSampler) -> list[str]:
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


def _versions(*names: str) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a package put on the path by hand has no metadata
            found[name] = "unknown"
    return found


def _warnings(sampler: HarmonicSampler, temperature_K: float, checks: dict[str, Any]) -> list[str]:
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


def _untrained_warnings(timescale_ns: float) -> list[str]:
    if 0.1 <= timescale_ns <= 10_000.0:
        return []
    return [
        f"{timescale_ns:g} ns is outside 0.1 ns to 10 µs, the range in which the amplitude was calibrated or "
        "is close to it."
    ]


def _learned_warnings(learned: LearnedMotion, temperature_K: float, timescale_ns: float) -> list[str]:
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


def _range(limits: Any) -> tuple[float, float]:
    if isinstance(limits, (list, tuple)) and len(limits) == 2 and all(type(x) in (int, float) for x in limits):
        return float(limits[0]), float(limits[1])
    return -np.inf, np.inf
