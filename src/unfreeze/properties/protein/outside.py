"""Which sequences are outside what the model knows, said in a sentence."""

from __future__ import annotations

import numpy as np

from unfreeze.properties.protein.letters import AMINO_ACIDS
from unfreeze.properties.protein.model import Limits

__all__ = ["distance", "limits_of", "outside"]

_MOST_UNKNOWN = 0.05  # of all letters
_LEAST_SPREAD = 0.004
_TYPICAL = 300  # residues: shares of shorter chains scatter more by chance


def distance(sequence: str, limits: Limits) -> float:
    """How far the composition of a sequence is from natural proteins: root mean square, in their standard deviations.

    Shares of a short chain scatter by chance, so that the distance is scaled down by √(length / 300) below 300.

    Parameters
    ----------
    sequence
        One letter a residue.
    limits
        Of the model.
    """
    shares = np.array([sequence.count(letter) for letter in AMINO_ACIDS]) / max(len(sequence), 1)
    deviation = (shares - limits.composition) / np.maximum(limits.spread, _LEAST_SPREAD)
    return float(np.sqrt((deviation**2).mean() * min(1.0, len(sequence) / _TYPICAL)))


def limits_of(sequences: list[str]) -> Limits:
    """Limits from the sequences that a model was trained on."""
    shares = np.array([[one.count(letter) / len(one) for letter in AMINO_ACIDS] for one in sequences])
    shortest = int(np.quantile([len(one) for one in sequences], 0.001))
    composition, spread = shares.mean(0), shares.std(0)
    limits = Limits(shortest, 0.0, tuple(composition.tolist()), tuple(spread.tolist()))
    far = float(np.quantile([distance(one, limits) for one in sequences], 0.999))
    return Limits(shortest, far, limits.composition, limits.spread)


def outside(sequence: str, limits: Limits) -> str:
    """Why a sequence is outside what the model knows; empty if it is not.

    Parameters
    ----------
    sequence
        One letter a residue, checked.
    limits
        Of the model.
    """
    n = len(sequence)
    unknown = sum(letter not in AMINO_ACIDS for letter in sequence)
    if n < limits.shortest:
        return f"it has {n} residues, and almost no protein the model has seen has less than {limits.shortest}"
    if unknown > _MOST_UNKNOWN * n:
        return f"{unknown} of its {n} letters are none of the twenty amino acids"
    if distance(sequence, limits) > limits.farthest:
        return "its composition is that of hardly any natural protein the model has seen"
    return ""
