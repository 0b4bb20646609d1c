"""Protocol `bioemu`: folding free energy and coverage of conformations, as the benchmarks of BioEmu define them.

After Lewis et al. 2025 (Science, adv9817) and bioemu-benchmarks. Frames that could be no protein are left out first,
of the ensemble and of the floor's half alike; the reference is taken as it is, and so is the baseline, whose rigid
residues come apart by construction (its share of physical frames says how often). A reference of a few structures
gives coverage; one of frames from a simulation gives the free energy too.

Not here: local unfolding, cryptic pockets (both need lists of residues for every target) and the projections of the
``md_emulation`` benchmark, whose place `tica_2d_jsd` of protocol `unfreeze` takes.
"""

from __future__ import annotations

import numpy as np

from unfreeze.evaluate.frames import AlignedPair, Frames
from unfreeze.evaluate.matching import align_pair
from unfreeze.evaluate.measure import measure_all
from unfreeze.evaluate.metric import Estimate
from unfreeze.evaluate.metrics import coverage, native_contacts, physicality
from unfreeze.evaluate.protocol import Aggregate, Options, Outcome, Protocol
from unfreeze.evaluate.protocols.averages import mean_over_targets
from unfreeze.evaluate.protocols.standard import floor_and_baseline

__all__ = ["BIOEMU"]

PHYSICALITY = (
    physicality.PHYSICAL_SHARE,
    physicality.CHAIN_SHARE,
    physicality.PEPTIDE_SHARE,
    physicality.CLASH_FREE_SHARE,
)
FOLDING = (
    native_contacts.NATIVE_CONTACTS,
    native_contacts.FOLDED_SHARE,
    native_contacts.FOLDING_FREE_ENERGY,
    native_contacts.FOLDING_FREE_ENERGY_ERROR,
)
COVERAGE = (coverage.COVERAGE, coverage.RECALL_RMSD_A)
NONE_LEFT = "no frame of the ensemble passes the physicality filter"


def _run(ensemble: Frames, reference: Frames, options: Options) -> Outcome:
    pair, matching = align_pair(reference, ensemble)
    notes = list(matching.notes)
    floor, baseline = floor_and_baseline(pair, options, notes)
    estimates = measure_all(PHYSICALITY, pair, options, floor=floor, baseline=baseline)
    kept = _physical(pair)
    n_left_out = pair.ensemble.n_frames - (kept.ensemble.n_frames if kept else 0)
    if n_left_out:
        notes.append(f"{n_left_out} of {pair.ensemble.n_frames} frames do not pass the physicality filter and are "
                     "left out.")  # fmt: skip
    if kept is None:
        estimates |= {metric.name: Estimate(None, reason=NONE_LEFT) for metric in (*FOLDING, *COVERAGE)}
    else:
        estimates |= measure_all((*FOLDING, *COVERAGE), kept, options, floor=_physical(floor), baseline=baseline)
    return Outcome(estimates, matching=matching.to_dict(), notes=tuple(notes))


def _physical(pair: AlignedPair | None) -> AlignedPair | None:
    """The pair with the physical frames of its ensemble; None where there are none, or where there is no pair."""
    if pair is None:
        return None
    passes = pair.ensemble.once(physicality.physical_frames).all(axis=1)
    if passes.all():
        return pair
    chosen = np.flatnonzero(passes & (pair.ensemble.weights > 0.0))
    return AlignedPair(pair.ensemble.take(chosen), pair.reference) if len(chosen) else None


BIOEMU = Protocol(
    name="bioemu",
    version="1",
    title="Folding and coverage of conformations, after BioEmu",
    metrics=(*PHYSICALITY, *FOLDING, *COVERAGE),
    aggregates=(
        mean_over_targets(physicality.PHYSICAL_SHARE),
        mean_over_targets(native_contacts.FOLDING_FREE_ENERGY_ERROR),
        Aggregate.pearson_with_reference(
            native_contacts.FOLDING_FREE_ENERGY, "folding_free_energy_r", "Folding free energy, Pearson r over targets"
        ),
        mean_over_targets(coverage.COVERAGE),
        mean_over_targets(coverage.RECALL_RMSD_A),
    ),
    run=_run,
    settings={
        "physical_max_ca_nm": physicality.MAX_CA_NM,
        "physical_max_cn_nm": physicality.MAX_CN_NM,
        "physical_clash_nm": physicality.CLASH_NM,
        "physical_clash_separation": physicality.CLASH_SEPARATION,
        "contact_cutoff_nm": native_contacts.CUTOFF_NM,
        "contact_separation": native_contacts.SEPARATION,
        "contact_beta_per_nm": native_contacts.BETA_PER_NM,
        "contact_slack": native_contacts.SLACK,
        "folded_midpoint": native_contacts.MIDPOINT,
        "folded_steepness": native_contacts.STEEPNESS,
        "temperature_K": native_contacts.TEMPERATURE_K,
        "coverage_threshold_nm": coverage.THRESHOLD_NM,
        "coverage_least_share": coverage.LEAST_SHARE,
        "coverage_most_states": coverage.MOST_STATES,
    },
)
