"""Protocol `conformations`: given one state of a molecule, does the ensemble reach the other.

The ensemble's input, the structure in its topology file, is one state; the reference is the other, one structure or
several. In the column of the baseline stands aimless motion about the same input, with as many frames and as large
(:mod:`unfreeze.evaluate.aimless`).
"""

from __future__ import annotations

import numpy as np

from unfreeze.errors import InputError
from unfreeze.evaluate.frames import Frames
from unfreeze.evaluate.matching import align_pair
from unfreeze.evaluate.metric import NotMeasurableError
from unfreeze.evaluate.metrics.transitions import (
    HIT_SHARE,
    REACHED_NM,
    StartState,
    goal_rmsd_A,
    progress,
    start_rmsd_A,
    transition_metrics,
)
from unfreeze.evaluate.protocol import Aggregate, Options, Outcome, Protocol
from unfreeze.evaluate.protocols.from_input import input_note, input_side, measure_against_aimless
from unfreeze.evaluate.protocols.standard import rounded

__all__ = ["CONFORMATIONS"]

_MAX_SERIES = 2_000


def _run(ensemble: Frames, reference: Frames, options: Options) -> Outcome:
    """Score one ensemble of one state against the other."""
    pair, matching = align_pair(reference, ensemble)
    start_side = input_side(pair, ensemble, matching.ensemble_atoms)
    try:
        start = StartState.of(start_side, pair.reference)
        way = pair.ensemble.once(progress, start)
    except NotMeasurableError as refusal:
        raise InputError(f"{ensemble.name} against {reference.name}: {refusal}") from None
    estimates, notes = measure_against_aimless(transition_metrics(start), pair, start_side, options)
    if start.rmsd_A <= 10.0 * REACHED_NM:
        notes.append(
            f"The two states are {start.rmsd_A:.1f} Å apart, so that both are within 3 Å of the input already: read "
            "the way and the distances, not the shares."
        )
    arrays = {
        "rmsd_to_other_A": rounded(pair.ensemble.once(goal_rmsd_A, pair.reference).values[:_MAX_SERIES]),
        "rmsd_to_input_A": rounded(pair.ensemble.once(start_rmsd_A, start).values[:_MAX_SERIES]),
        "progress": rounded(way.values[:_MAX_SERIES]),
    }
    return Outcome(estimates, matching.to_dict(), arrays, (*matching.notes, input_note(ensemble), *notes))


_METRICS = transition_metrics(StartState(np.empty((0, 3))))  # of no input, for the names

CONFORMATIONS = Protocol(
    name="conformations",
    version="1",
    title="Conformations: from one state, how far towards the other",
    metrics=_METRICS,
    aggregates=tuple(Aggregate.median(metric) for metric in _METRICS),
    run=_run,
    settings={
        "reached_nm": REACHED_NM,
        "covered_share": HIT_SHARE,
        "rmsd": "representative atoms, every frame superposed on the state",
        "progress": "projection on the difference of the states, superposed on the reference structure",
        "baseline": "CA elastic network of the input, 1.5 nm, as many frames and as far from the input as the ensemble",
    },
    reference_is_structure=True,
)
