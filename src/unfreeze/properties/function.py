"""What an enzyme catalyses, from its sequence: numbers of the Enzyme Commission of one to four places.

Three witnesses are put together: the nearest chain of known function by local alignment, likeness to all of them at
once, and the network. Each gives a chance of every term.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.properties.effects import ClassPrediction
from unfreeze.properties.modalities.function import consistent, level
from unfreeze.properties.protein.calibration import probabilities_of
from unfreeze.properties.protein.letters import checked_sequence
from unfreeze.properties.protein.model import ProteinModel
from unfreeze.properties.protein.neighbours import LONGEST_ALIGNED, SIGNIFICANT, neighbour_scores
from unfreeze.properties.protein.outside import outside
from unfreeze.properties.protein.profile import profile_vectors
from unfreeze.properties.protein.weights import load_protein_model
from unfreeze.structure.complex import Complex

__all__ = ["combined", "predict_function"]

_ENZYMES_ONLY = (
    "The model was trained on enzymes only: it says which reaction an enzyme would catalyse, not whether the protein "
    "is an enzyme."
)
_SHARPNESS = 8
_LEAST_COLUMNS = 40  # residues: chains of the Protein Data Bank share tags of some twenty
_NO_STRUCTURE = "Function is predicted from the sequence alone; the structure was not used."


def combined(
    network: NDArray[np.float64],
    profile: NDArray[np.float64],
    neighbour: NDArray[np.float64],
    share: float | NDArray[np.float64],
) -> NDArray[np.float64]:
    """Chance of every term by three witnesses.

    The likelier of what the neighbour says and of what the others say, of whom either may be right and who are not
    asked where the neighbour is all but certain: (1 − trust⁸) [1 − (1 − profile)(1 − share · network)].

    Parameters
    ----------
    network, profile, neighbour : [..., n_terms]
        Chances by each alone; trust is the largest of the neighbour's.
    share
        How much of the network's counts, 0 to 1.
    """
    trust = neighbour.max(-1, keepdims=True)
    others = 1.0 - (1.0 - profile) * (1.0 - share * network)
    return np.maximum(neighbour, (1.0 - trust**_SHARPNESS) * others)


def predict_function(
    sequence: str, molecule: Complex | None = None, *, model: ProteinModel | None = None
) -> ClassPrediction:
    """Predict what an enzyme catalyses.

    Parameters
    ----------
    sequence
        One letter a residue.
    molecule
        Its structure, if there is one. It is not used so far, which the notes say.
    model
        Weights; those of the package when None.

    Returns
    -------
    ClassPrediction
        Classes are numbers of one to four places, such as ``2.7.7``; a number is chosen only with all that it is
        part of.

    Raises
    ------
    InputError
        If the sequence is empty or has other signs than letters, or there are no weights.
    """
    letters = checked_sequence(sequence)
    used = load_protein_model() if model is None else model
    reference, terms = used.reference, used.profile.terms
    scores = reference.scores(letters)
    near = reference.nearest(letters, scores)
    lengths = np.array([min(len(letters), LONGEST_ALIGNED)])
    profile = used.profile.predict(profile_vectors(scores[None], lengths, reference.lengths))[0]
    logits = used.logits([letters], "function")[0] / used.function.temperature
    column = {term: number for number, term in enumerate(terms)}
    network = np.zeros(len(terms))
    network[[column[term] for term in used.terms]] = probabilities_of(logits)
    neighbour = neighbour_scores(near, len(letters), terms, used.confidence)
    chance = consistent(combined(network, profile, neighbour, used.network_share)[None], terms)[0]
    thresholds = np.array(used.function.thresholds)
    order = np.lexsort((np.array([level(term) for term in terms]), -chance))
    chosen = tuple(terms[row] for row in order if chance[row] >= thresholds[row])
    notes = [_ENZYMES_ONLY]
    reason = outside(letters, used.limits)
    if near is not None and near.expected <= SIGNIFICANT and near.columns >= _LEAST_COLUMNS:
        notes.append(
            f"The nearest enzyme of known function is {near.identifier} ({near.identity:.0%} identical over "
            f"{near.columns} residues, {near.expected:.0e} such chains expected by chance)."
        )
    else:
        notes.append("No enzyme of known function is clearly alike: what is said is a guess, and often wrong.")
    if not chosen:
        notes.append("No number reaches its threshold.")
    if molecule is not None:
        notes.append(_NO_STRUCTURE)
    return ClassPrediction(
        task="function",
        probabilities=dict(zip(terms, chance.tolist(), strict=True)),
        chosen=chosen,
        threshold=dict(zip(terms, thresholds.tolist(), strict=True)),
        outside=f"Outside what the model of function knows: {reason}." if reason else "",
        notes=tuple(notes),
    )
