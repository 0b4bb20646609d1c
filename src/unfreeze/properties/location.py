"""Where in a cell a protein is found, from its sequence: ten labels of which several may hold."""

from __future__ import annotations

import numpy as np

from unfreeze.properties.effects import ClassPrediction
from unfreeze.properties.modalities.location import LOCATIONS
from unfreeze.properties.protein.calibration import probabilities_of
from unfreeze.properties.protein.letters import checked_sequence
from unfreeze.properties.protein.model import ProteinModel
from unfreeze.properties.protein.outside import outside
from unfreeze.properties.protein.weights import load_protein_model
from unfreeze.structure.complex import Complex

__all__ = ["predict_location"]

_NOTES = (
    "The model knows proteins of eukaryotes; what it says of bacteria and archaea means nothing.",
    "It was trained on whole chains: signals at the ends are not seen in a fragment, or in a chain with a tag.",
)
_NO_STRUCTURE = "Location is predicted from the sequence alone; the structure was not used."


def predict_location(
    sequence: str, molecule: Complex | None = None, *, model: ProteinModel | None = None
) -> ClassPrediction:
    """Predict where a protein is found.

    Parameters
    ----------
    sequence
        One letter a residue, of the whole chain as it is translated.
    molecule
        Its structure, if there is one. It is not used so far, which the notes say.
    model
        Weights; those of the package when None.

    Raises
    ------
    InputError
        If the sequence is empty or has other signs than letters, or there are no weights.

    Notes
    -----
    Where no class reaches its threshold, the one nearest to it is chosen: every protein is somewhere.
    """
    letters = checked_sequence(sequence)
    used = load_protein_model() if model is None else model
    probabilities = probabilities_of(used.logits([letters], "location")[0], used.location.temperature)
    thresholds = np.array(used.location.thresholds)
    order = np.argsort(-probabilities, kind="stable")
    chosen = [LOCATIONS[row] for row in order if probabilities[row] >= thresholds[row]]
    notes: list[str] = [*_NOTES]
    if not chosen:
        chosen = [LOCATIONS[int((probabilities - thresholds).argmax())]]
        notes.insert(0, f"No location reaches its threshold; {chosen[0]} comes nearest.")
    if molecule is not None:
        notes.append(_NO_STRUCTURE)
    reason = outside(letters, used.limits)
    return ClassPrediction(
        task="location",
        probabilities=dict(zip(LOCATIONS, probabilities.tolist(), strict=True)),
        chosen=tuple(chosen),
        threshold=dict(zip(LOCATIONS, thresholds.tolist(), strict=True)),
        outside=f"Outside what the model of location knows: {reason}." if reason else "",
        notes=tuple(notes),
    )
