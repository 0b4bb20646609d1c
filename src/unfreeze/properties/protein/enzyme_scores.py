"""From held-out logits of functions and alignments to what is shipped, and the scores that are told of it.

Whatever is fitted here (temperature, confidence in neighbours, the network's share) is scored with values that were
fitted on the other folds; what is shipped is fitted on all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.properties.class_scores import bootstrap_interval, expected_calibration_error, f_max, term_counts
from unfreeze.properties.function import combined
from unfreeze.properties.modalities.function import FunctionRow, consistent, encode_terms, level
from unfreeze.properties.protein.calibration import fit_logistic, fit_temperature, probabilities_of
from unfreeze.properties.protein.model import Calibration
from unfreeze.properties.protein.neighbours import SIGNIFICANT, Neighbour, neighbour_features, neighbour_scores
from unfreeze.properties.protein.profile import Profile, fit_profile, profile_vectors

__all__ = ["EnzymeScores", "confidence_of", "score_enzymes"]

_LEVELS = (1, 2, 3, 4)
_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_N_BOOTSTRAP = 200


@dataclass(frozen=True)
class EnzymeScores:
    """What is fitted on all enzymes, and scores that were fitted fold by fold.

    Attributes
    ----------
    calibration
        To ship.
    confidence
        In terms of a neighbour, by their number of places (:func:`confidence_of`).
    network_share, profile
        To ship: how much the network counts, and terms by likeness to all enzymes.
    scores
        For the card and the table.
    """

    calibration: Calibration
    confidence: Mapping[int, NDArray[np.float64]]
    network_share: float
    profile: Profile
    scores: Mapping[str, Any]


def confidence_of(
    rows: Sequence[FunctionRow], nearest: Sequence[Neighbour | None], chosen: NDArray[np.bool_]
) -> dict[int, NDArray[np.float64]]:
    """What terms of a neighbour are worth, by their number of places, fitted on some of the chains.

    Parameters
    ----------
    rows
        All chains.
    nearest
        Of every chain the nearest other one, however alike.
    chosen : bool [n_rows]
        Chains to fit on.
    """
    features: dict[int, list[NDArray[np.float64]]] = {places: [] for places in _LEVELS}
    right: dict[int, list[bool]] = {places: [] for places in _LEVELS}
    for number in np.flatnonzero(chosen).tolist():
        row, near = rows[number], nearest[number]
        if near is None:
            continue
        for term in near.terms:
            features[level(term)].append(neighbour_features(near, len(row.sequence)))
            right[level(term)].append(term in row.terms)
    return {
        places: fit_logistic(np.stack(features[places]), np.array(right[places])) if features[places] else np.zeros(4)
        for places in _LEVELS
    }


def score_enzymes(
    rows: Sequence[FunctionRow],
    folds: NDArray[np.int64],
    logits: NDArray[np.float32],
    terms: Sequence[str],
    alignments: NDArray[np.int64],
    across: Sequence[Neighbour | None],
    nearest: Sequence[Neighbour | None],
    *,
    n_bootstrap: int = _N_BOOTSTRAP,
) -> EnzymeScores:
    """Fmax of network, neighbour and both.

    Parameters
    ----------
    rows
        All chains.
    folds : [n_rows]
        By cluster.
    logits : [n_rows, n_terms]
        Of the network that did not see the fold of the row.
    terms
        That the network knows.
    alignments : [n_rows, n_rows]
        Local scores of all chains with all.
    across
        Of every chain the nearest of other folds.
    nearest
        Of every chain the nearest other one, which may be in its fold.
    n_bootstrap
        Samples of the intervals.
    """
    every = tuple(sorted(set().union(*(row.terms for row in rows))))
    truth = encode_terms([row.terms for row in rows], every)
    known = np.array([every.index(term) for term in terms])
    known_truth = truth[:, known]
    network = np.zeros(truth.shape)
    far, near, profile = np.zeros(truth.shape), np.zeros(truth.shape), np.zeros(truth.shape)
    share_of, lengths = np.zeros(len(rows)), np.array([len(row.sequence) for row in rows])
    for fold in np.unique(folds):
        here = folds == fold
        temperature = fit_temperature(known_truth[~here], logits[~here])
        network[np.ix_(here, known)] = probabilities_of(logits[here], temperature)
        known_vectors = profile_vectors(alignments[np.ix_(~here, ~here)], lengths[~here], lengths[~here])
        vectors = profile_vectors(alignments[np.ix_(here, ~here)], lengths[here], lengths[~here])
        profile[here] = fit_profile(known_vectors, truth[~here], every).predict(vectors)
        confidence = confidence_of(rows, nearest, ~here)
        for number in np.flatnonzero(here).tolist():
            size = len(rows[number].sequence)
            far[number] = neighbour_scores(across[number], size, every, confidence)
            near[number] = neighbour_scores(nearest[number], size, every, confidence)
    for fold in np.unique(folds):
        here = folds == fold
        share_of[here] = _best_share(truth[~here], network[~here], profile[~here], far[~here])
    both_far = consistent(combined(network, profile, far, share_of[:, None]), every)
    both_near = consistent(combined(network, profile, near, share_of[:, None]), every)
    network, profile = consistent(network, every), consistent(profile, every)
    levels = np.array([level(term) for term in every])
    alone = {"network": network, "profile": profile}
    everyone = {"all": np.ones(len(rows), dtype=bool)}
    tables = {
        "over folds of clusters": _table(
            truth, levels, {**alone, "neighbour": far, "all": both_far},
            {**everyone, **_bins(across), **_notes(rows)}, n_bootstrap,
        ),
        "neighbour of any likeness": _table(
            truth, levels, {**alone, "neighbour": near, "all": both_near}, {**everyone, **_bins(nearest)}, n_bootstrap
        ),
    }  # fmt: skip
    temperature = fit_temperature(known_truth, logits)
    share = _best_share(truth, network, profile, far)
    threshold = f_max(truth, both_near)[1]
    scores = {
        "n": len(rows),
        "n_terms": len(every),
        "n_terms_of_network": len(terms),
        "tables": tables,
        "temperature": round(temperature, 4),
        "network_share": share,
        "calibration_error_before": round(expected_calibration_error(known_truth, probabilities_of(logits)), 4),
        "calibration_error_after": round(expected_calibration_error(known_truth, network[:, known]), 4),
        "calibration_error_of_all": round(expected_calibration_error(truth, both_far), 4),
    }
    calibration = Calibration(temperature, (threshold,) * len(every))
    shipped = fit_profile(profile_vectors(alignments, lengths, lengths), truth, every)
    confidence = confidence_of(rows, nearest, np.ones(len(rows), dtype=bool))
    return EnzymeScores(calibration, confidence, share, shipped, scores)


def _best_share(
    truth: NDArray[np.bool_],
    network: NDArray[np.float64],
    profile: NDArray[np.float64],
    neighbour: NDArray[np.float64],
) -> float:
    values = [f_max(truth, combined(network, profile, neighbour, share), n_thresholds=50)[0] for share in _SHARES]
    return _SHARES[int(np.argmax(values))]


def _bins(nearest: Sequence[Neighbour | None]) -> dict[str, NDArray[np.bool_]]:
    """Chains by how alike the neighbour is; one that chance explains counts as below 30 %."""
    limits = ((0.0, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 1.01))
    names = ("below 30 %", "30 to 50 %", "50 to 70 %", "70 % and above")
    identity = np.array([one.identity if one is not None and one.expected <= SIGNIFICANT else 0.0 for one in nearest])
    found = {name: (identity >= low) & (identity < high) for name, (low, high) in zip(names, limits, strict=True)}
    none = np.array([one is None or one.expected > SIGNIFICANT for one in nearest])
    return {"no neighbour": none, **{name: chosen for name, chosen in found.items() if chosen.sum() >= 20}}


def _notes(rows: Sequence[FunctionRow]) -> dict[str, NDArray[np.bool_]]:
    """Chains by what the source says of their likeness to its own training part."""
    notes = sorted({row.note for row in rows if row.note})
    return {note: np.array([row.note == note for row in rows]) for note in notes}


def _table(
    truth: NDArray[np.bool_],
    levels: NDArray[np.int64],
    methods: Mapping[str, NDArray[np.float64]],
    bins: Mapping[str, NDArray[np.bool_]],
    n_bootstrap: int,
) -> dict[str, Any]:
    thresholds = np.arange(1, 101) / 100
    counts = {method: term_counts(truth, scores, thresholds) for method, scores in methods.items()}
    by_places = {
        (method, k): term_counts(truth[:, levels == k], scores[:, levels == k], thresholds)
        for method, scores in methods.items()
        for k in _LEVELS
    }
    found: dict[str, Any] = {}
    for name, chosen in bins.items():
        members = np.flatnonzero(chosen)
        if not len(members):
            continue
        random = np.random.default_rng(0)
        drawn = [random.choice(members, len(members)) for _ in range(n_bootstrap)]
        values = {method: np.array([one.f_max(rows)[0] for rows in drawn]) for method, one in counts.items()}
        table: dict[str, Any] = {"n": len(members)}
        for method, one in counts.items():
            table[method] = {
                "f_max": round(one.f_max(members)[0], 3),
                "interval": [round(limit, 3) for limit in bootstrap_interval(values[method])],
                "by_places": [round(by_places[method, k].f_max(members)[0], 3) for k in _LEVELS],
            }
        gain = bootstrap_interval(values["all"] - values["neighbour"])
        table["all_less_neighbour"] = [round(limit, 3) for limit in gain]
        found[name] = table
    return found
