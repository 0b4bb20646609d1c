"""Protocol `mdgen`: torsions and kinetics of peptides as MDGen scores them.

After Jing, Stärk, Jaakkola & Berger 2024 (arXiv 2409.17808) and their analysis scripts: Jensen–Shannon distances over
histograms of torsions, of slow coordinates and of metastable states, and decorrelation times. As there, atoms keep
their names (a flip of a ring counts) and the fit of the slow coordinates sees the reference alone.

Where this differs from the scripts: any number of replicas and chains; clusters that the Markov model does not connect
are a state of their own; decorrelation times, which the scripts plot, are one number; transition path sampling and the
dynamics of designs are not scored. Means over targets are reported, as in the paper.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import partial

from unfreeze.evaluate.floor import floor_pair
from unfreeze.evaluate.frames import AlignedPair, Frames
from unfreeze.evaluate.matching import align_pair
from unfreeze.evaluate.measure import measure_all
from unfreeze.evaluate.metric import Metric
from unfreeze.evaluate.metrics.autocorrelations import LONGEST_SHARE, log_decorrelation_error
from unfreeze.evaluate.metrics.markov_states import MarkovSettings, state_occupancy_jsd
from unfreeze.evaluate.metrics.slow_coordinates import TicaSettings, lag_note
from unfreeze.evaluate.metrics.time_correlations import slow_histogram_jsd
from unfreeze.evaluate.metrics.torsions import BACKBONE, JSD_BOUNDS, torsion_jsd
from unfreeze.evaluate.protocol import Options, Outcome, Protocol
from unfreeze.evaluate.protocols.averages import mean_over_targets
from unfreeze.evaluate.protocols.standard import measure_pair

__all__ = ["MDGEN"]

N_BINS = 100
SIDE_CHAIN = ("chi1", "chi2", "chi3", "chi4", "chi5")
TICA = TicaSettings(
    names=BACKBONE + SIDE_CHAIN, fold=False, lag_ps=100.0, max_features=1000, n_bins=N_BINS, n_bins_2d=50, reach="both"
)
MARKOV = MarkovSettings(TICA, n_clusters=100, n_states=10, max_iterations=100, seed=137)


def _torsions(name: str, title: str, names: tuple[str, ...]) -> Metric:
    measure = partial(torsion_jsd, names=names, n_bins=N_BINS, fold=False, counted=BACKBONE + SIDE_CHAIN)
    return Metric(name, f"{title}, Jensen–Shannon distance", measure, better="lower", perfect=0.0, bounds=JSD_BOUNDS,
                  group="torsions")  # fmt: skip


def _slow(name: str, title: str, n_dims: int) -> Metric:
    measure = partial(slow_histogram_jsd, settings=TICA, n_dims=n_dims)
    return Metric(name, f"{title}, Jensen–Shannon distance", measure, better="lower", perfect=0.0, bounds=JSD_BOUNDS,
                  group="kinetics")  # fmt: skip


def _decorrelation(name: str, title: str, names: tuple[str, ...]) -> Metric:
    measure = partial(log_decorrelation_error, names=names, fold=False)
    return Metric(name, f"{title}, decorrelation time, mean error of log10", measure, better="lower", perfect=0.0,
                  bounds=(0.0, float("inf")), group="kinetics")  # fmt: skip


DISTRIBUTIONS = (
    _torsions("mdgen_backbone_jsd", "Backbone torsions", BACKBONE),
    _torsions("mdgen_sidechain_jsd", "Side-chain torsions", SIDE_CHAIN),
    _torsions("mdgen_torsion_jsd", "All torsions", BACKBONE + SIDE_CHAIN),
    _slow("mdgen_tica_jsd", "Slowest coordinate (TICA)", 1),
    _slow("mdgen_tica_2d_jsd", "Two slowest coordinates (TICA)", 2),
    Metric("mdgen_states_jsd", "Metastable states, Jensen–Shannon distance",
           partial(state_occupancy_jsd, settings=MARKOV), better="lower", perfect=0.0, bounds=JSD_BOUNDS,
           group="kinetics"),
)  # fmt: skip
TIMES = (
    _decorrelation("mdgen_backbone_decorrelation", "Backbone torsions", BACKBONE),
    _decorrelation("mdgen_sidechain_decorrelation", "Side-chain torsions", SIDE_CHAIN),
)


def _run(ensemble: Frames, reference: Frames, options: Options) -> Outcome:
    pair, matching = align_pair(reference, ensemble, relabel=False)
    note = lag_note(pair.reference, TICA.lag_ps)
    notes = (*matching.notes, note) if note else matching.notes
    outcome = measure_pair(DISTRIBUTIONS, pair, options, matching=matching.to_dict(), notes=notes)
    # frames of the usual floor are drawn one by one and have no clock; whole halves keep theirs
    halves = floor_pair(AlignedPair(pair.reference, pair.reference), options.seed) if options.floor else None
    times = measure_all(TIMES, pair, options, floor=halves)
    return Outcome({**outcome.estimates, **times}, outcome.matching, outcome.arrays, outcome.notes)


MDGEN = Protocol(
    name="mdgen",
    version="1",
    title="Torsions and kinetics, after MDGen",
    metrics=(*DISTRIBUTIONS, *TIMES),
    aggregates=tuple(mean_over_targets(metric) for metric in (*DISTRIBUTIONS, *TIMES)),
    run=_run,
    settings={
        "torsion_bins": N_BINS,
        "torsions": list(BACKBONE + SIDE_CHAIN),
        "logarithm": "natural",
        "atoms_relabelled": False,
        "markov": asdict(MARKOV) | {"tica": asdict(TICA) | {"names": list(TICA.names)}},
        "decorrelation_level": "1/e",
        "longest_lag_share": LONGEST_SHARE,
    },
)
