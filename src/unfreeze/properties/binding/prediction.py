"""Absolute affinity of two partners from one structure: ΔG = RT ln Kd with its error."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from unfreeze.errors import InputError
from unfreeze.model.motion_model import MotionModel
from unfreeze.model.weights import load_model
from unfreeze.properties.binding.features import BindingFeatures, binding_features
from unfreeze.properties.binding.interface import CONTACT_NM
from unfreeze.properties.binding.model_file import BindingModel, load_binding_model
from unfreeze.properties.binding.partners import PartnerPair
from unfreeze.properties.binding.thermodynamics import at_temperature, heat_capacity
from unfreeze.structure.complex import Complex

__all__ = ["NO_BINDING", "predict_delta_g"]

NO_BINDING = (0.0, math.inf)
"""ΔG and error where nothing can be said: no binding is assumed and anything is possible."""

_FEWEST_CONTACTS = 3
_COLDEST_K, _HOTTEST_K = 273.0, 373.0


def predict_delta_g(
    molecule: Complex,
    partners: tuple[str, str],
    *,
    temperature_K: float = 298.15,
    motion: MotionModel | None = None,
    model: BindingModel | None = None,
) -> tuple[float, float, str]:
    """Free energy of binding of two partners.

    Parameters
    ----------
    molecule
        The complex, bound.
    partners
        Chains of either partner: ``("HL", "A")``, or names separated by commas.
    temperature_K
        Temperature, K; see `properties.binding.thermodynamics` for what it does.
    motion
        The motion model, if the affinity model asks for dynamics; the shipped one when None.
    model
        The affinity model; the shipped one when None.

    Returns
    -------
    delta_g_kJ_mol
        RT ln Kd for a standard state of 1 M: negative binds; 0 where the partners do not touch.
    error_kJ_mol
        Standard deviation of the error, calibrated on complexes held out; infinite where the partners do not touch.
    outside
        A sentence if this is outside what the model knows, else empty.

    Raises
    ------
    InputError
        If a chain is not in the complex or in both partners, or the temperature is not one of liquid water.
    """
    if not _COLDEST_K <= temperature_K <= _HOTTEST_K:
        raise InputError(
            f"temperature {temperature_K:g} K: expected {_COLDEST_K:g} to {_HOTTEST_K:g} K, for binding is predicted "
            f"in liquid water; choose one of these"
        )
    pair = PartnerPair.of(molecule, partners)
    for text, size in zip(partners, pair.size, strict=True):
        if size == 0:
            return *NO_BINDING, f"Partner {text} has no protein, and only proteins were learned from."
    if len(pair.residue_pairs(CONTACT_NM)) < _FEWEST_CONTACTS:
        return (
            *NO_BINDING,
            f"The partners {partners[0]} and {partners[1]} do not touch, so there is nothing to predict.",
        )
    model = model or _shipped()
    if model.uses_dynamics and motion is None:
        motion = load_model()
    features = binding_features(pair, model.potential, motion if model.uses_dynamics else None)
    values = features.all()
    row = np.array([[values[name] for name in model.names]])
    mean, spread = model.surrogate.predict(row)
    capacity = heat_capacity(2.0 * features.static["buried_apolar_nm2"], 2.0 * features.static["buried_polar_nm2"])
    value, error = at_temperature(float(mean[0]), float(spread[0]) * model.error_scale, temperature_K, capacity)
    return value, error, _outside(model, pair, features, row)


@lru_cache(maxsize=1)
def _shipped() -> BindingModel:
    return load_binding_model()


def _outside(model: BindingModel, pair: PartnerPair, features: BindingFeatures, row: np.ndarray) -> str:
    """What of the complex is unlike all that was trained on; empty for nothing."""
    found = []
    contacts = float(np.exp(features.static["log_contacts"]))
    small, large = min(pair.size), max(pair.size)
    low, high = model.limits["residues"]
    if small < low or large > high:
        found.append(f"partners of {small} and {large} residues (trained on {low:.0f} to {high:.0f})")
    for name, value, unit in (
        ("buried_nm2", features.static["buried_nm2"], " nm² buried"),
        ("contacts", contacts, " pairs of residues in contact"),
    ):
        low, high = model.limits[name]
        if not low <= value <= high:
            found.append(f"{value:.3g}{unit} (trained on {low:.3g} to {high:.3g})")
    squares = ((model.points - model.standard.apply(row)) ** 2).mean(axis=1)
    if math.sqrt(float(squares.min())) > model.limits["distance"][1]:
        found.append("an interface unlike any that was trained on")
    unknown = int((pair.kind < 0).sum())
    if unknown > 0.1 * len(pair.kind):
        found.append(f"{unknown} residues that are none of the 20 amino acids")
    return f"Outside what the affinity model knows: {'; '.join(found)}." if found else ""
