"""Protocol `bound-from-unbound`: how near an ensemble of the unbound partners comes to the bound form.

The reference is one structure, the bound form. The ensemble was sampled from the unbound partners superposed on the
complex, and the structure in its topology file is that input. In the column of the baseline stands aimless motion
about the same input, with as many frames and as large (:mod:`unfreeze.evaluate.aimless`): the best of many frames is
near to anything.
"""

from __future__ import annotations

import numpy as np

from unfreeze.errors import InputError
from unfreeze.evaluate.frames import Frames
from unfreeze.evaluate.matching import align_pair
from unfreeze.evaluate.metric import NotMeasurableError
from unfreeze.evaluate.metrics.interface_recovery import (
    InputNearness,
    partner_fnat,
    partner_irmsd_A,
    partners,
    recovery_metrics,
)
from unfreeze.evaluate.metrics.interface_residues import BACKBONE_REACH_NM, CONTACT_NM
from unfreeze.evaluate.protocol import Aggregate, Options, Outcome, Protocol
from unfreeze.evaluate.protocols.from_input import input_note, input_side, measure_against_aimless
from unfreeze.evaluate.protocols.standard import rounded

__all__ = ["BOUND_FROM_UNBOUND"]

_MAX_SERIES = 2_000


def _run(ensemble: Frames, reference: Frames, options: Options) -> Outcome:
    """Score one ensemble of unbound partners against the bound form."""
    if len(set(partners(reference.molecule))) < 2:
        raise InputError(
            f"{reference.name}: one chain: there is no interface. The protocol 'bound-from-unbound' needs the bound "
            "form of a complex"
        )
    reference = _structure_only(reference)
    pair, matching = align_pair(reference, ensemble)
    start = input_side(pair, ensemble, matching.ensemble_atoms)
    notes = [*matching.notes, input_note(ensemble)]
    try:
        nearness = InputNearness.of(start)
    except NotMeasurableError as refusal:
        raise InputError(f"{ensemble.name} against {reference.name}: {refusal}") from None
    estimates, said = measure_against_aimless(recovery_metrics(nearness), pair, start, options)
    arrays = {"irmsd_ensemble_A": rounded(pair.ensemble.once(partner_irmsd_A).values[:_MAX_SERIES]),
              "irmsd_input_A": rounded([nearness.irmsd_A])}  # fmt: skip
    if estimates["fnat_best"].value is not None:
        arrays["fnat_ensemble"] = rounded(pair.ensemble.once(partner_fnat).values[:_MAX_SERIES])
    return Outcome(estimates, matching.to_dict(), arrays, (*notes, *said))


def _structure_only(reference: Frames) -> Frames:
    """The reference structure as the only frame."""
    return Frames(reference.molecule, reference.molecule.coordinates_nm[None].astype(np.float32), name=reference.name,
                  files=reference.files, notes=reference.notes)  # fmt: skip


_METRICS = recovery_metrics(InputNearness())

BOUND_FROM_UNBOUND = Protocol(
    name="bound-from-unbound",
    version="1",
    title="Bound from unbound: how near the frames come to the bound interface, against the input",
    metrics=_METRICS,
    aggregates=(
        *(Aggregate.median(metric) for metric in _METRICS),
        Aggregate.share_above(
            next(m for m in _METRICS if m.name == "irmsd_gain_best_A"), 0.0, "share_improved",
            "Share of complexes whose best frame is nearer to the bound form than the input",
        ),
    ),
    run=_run,
    settings={
        "interface_backbone_nm": BACKBONE_REACH_NM,
        "interface_contact_nm": CONTACT_NM,
        "percentile": 5,
        "partners": "chains named PARTNER_chain belong to one partner; else every chain is a partner",
        "baseline": "CA elastic network of the input, 1.5 nm, as many frames and as far from the input as the ensemble",
    },
    reference_is_structure=True,
)  # fmt: skip
