"""The record of an ensemble: what was sampled, how, with what, and what a person should know before trusting it."""

from __future__ import annotations

import platform
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
from unfreeze.sample.caveats import centre_caveats, input_caveats, learned_caveats, untrained_caveats
from unfreeze.sample.learned import HARMONIC, LearnedMotion
from unfreeze.sample.sampler import HarmonicSampler
from unfreeze.structure.ensemble import ENSEMBLE_SCHEMA

__all__ = ["make_record"]


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
    warnings = [*notes, *centre_caveats(sampler), *input_caveats(sampler, temperature_K, checks)]
    if learned is None:
        warnings += untrained_caveats(timescale_ns)
    else:
        warnings += learned_caveats(learned, temperature_K, timescale_ns)
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


def _versions(*names: str) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a package put on the path by hand has no metadata
            found[name] = "unknown"
    return found
