"""Metastable states of the reference, and how an ensemble is distributed over them.

As in MDGen (Jing et al. 2024, arXiv 2409.17808): k-means on slow coordinates, a Markov model between the clusters, and
PCCA+ (Röblitz & Weber 2013, Adv. Data Anal. Classif. 7, 147) to gather them into a few states. Needs deeptime.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, NotMeasurableError
from unfreeze.evaluate.metrics.slow_coordinates import (
    SlowCoordinates,
    TicaSettings,
    deeptime_module,
    fit_slow_coordinates,
    replica_spans,
)
from unfreeze.evaluate.metrics.torsions import js_distances
from unfreeze.evaluate.metrics.walking import block_weights, evenly_spaced
from unfreeze.evaluate.samples import BlockMeans

__all__ = ["MarkovSettings", "MetastableStates", "fit_metastable_states", "state_occupancy_jsd"]

_FRAMES_PER_CLUSTER = 10
_MOST_CLUSTERED_FRAMES = 20_000


@dataclass(frozen=True)
class MarkovSettings:
    """What decides the states.

    Attributes
    ----------
    tica
        Of the slow coordinates; its lag is that of the Markov model too.
    n_clusters, n_states
        Clusters, and states that they are gathered into.
    max_iterations, seed
        Of k-means.
    """

    tica: TicaSettings
    n_clusters: int = 100
    n_states: int = 10
    max_iterations: int = 100
    seed: int = 137


@dataclass(frozen=True, eq=False)
class MetastableStates:
    """States fitted on a reference.

    Attributes
    ----------
    slow
        The slow coordinates.
    clusters
        deeptime's clustering of them.
    state_of_cluster : int64 [n_clusters]
        State of every cluster; one more than the last for clusters that the Markov model does not connect.
    n_states
        Number of states, the one of unconnected clusters included.
    """

    slow: SlowCoordinates
    clusters: Any
    state_of_cluster: NDArray[np.int64]
    n_states: int

    def assign(self, side: Side) -> NDArray[np.int64]:
        """State of every frame: [n_frames]."""
        return self.state_of_cluster[_clusters_of(self.slow, self.clusters, side)]


def fit_metastable_states(reference: Side, settings: MarkovSettings) -> MetastableStates:
    """Cluster the slow coordinates of the reference and gather the clusters into metastable states.

    Differences from the original: clusters outside the largest connected set make a state of their own (the original
    leaves the target out), and centres are found on at most 20,000 evenly spaced frames.

    Raises
    ------
    NotMeasurableError
        As for the slow coordinates; also if there are too few frames or connected clusters.
    """
    slow = reference.once(fit_slow_coordinates, settings.tica)
    needed = _FRAMES_PER_CLUSTER * settings.n_clusters
    if reference.n_frames < needed:
        raise NotMeasurableError(
            f"the reference has {reference.n_frames} frames, fewer than {needed} for Markov states"
        )
    clustering, msm_module = (deeptime_module(name) for name in ("clustering", "markov.msm"))
    counting = deeptime_module("markov")
    points = slow.project(reference)[:, : slow.n_kinetic]
    chosen = evenly_spaced(len(points), _MOST_CLUSTERED_FRAMES)
    kmeans = clustering.KMeans(
        settings.n_clusters, max_iter=settings.max_iterations, fixed_seed=settings.seed, n_jobs=1
    ).fit_fetch(np.ascontiguousarray(points[chosen]))
    discrete = _clusters_of(slow, kmeans, reference)
    pieces = [discrete[span] for span in replica_spans(reference) if span.stop - span.start > slow.lag_frames]
    counts = counting.TransitionCountEstimator(
        lagtime=slow.lag_frames, count_mode="sliding", n_states=settings.n_clusters
    ).fit_fetch(pieces)
    connected = counts.submodel_largest()
    if connected.n_states <= settings.n_states:
        raise NotMeasurableError(
            f"the Markov model of the reference connects {connected.n_states} clusters, too few for "
            f"{settings.n_states} states"
        )
    try:
        model = msm_module.MaximumLikelihoodMSM(reversible=True).fit_fetch(connected)
        assignments = model.pcca(settings.n_states).assignments
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as problem:
        raise NotMeasurableError(f"the reference has no {settings.n_states} metastable states: {problem}") from problem
    state = np.full(settings.n_clusters, settings.n_states, dtype=np.int64)
    state[np.asarray(connected.state_symbols)] = assignments
    return MetastableStates(slow, kmeans, state, settings.n_states + 1)


def state_occupancy_jsd(ensemble: Side, reference: Side, *, settings: MarkovSettings) -> Measurement:
    """Jensen–Shannon distance between the shares of frames in each metastable state of the reference.

    Raises
    ------
    NotMeasurableError
        As :func:`fit_metastable_states`.
    """
    states = reference.once(fit_metastable_states, settings)

    def occupancy(side: Side) -> BlockMeans:
        n_blocks = int(side.block[-1]) + 1
        place = side.block * states.n_states + states.assign(side)
        sums = np.bincount(place, side.weights, minlength=n_blocks * states.n_states).astype(np.float64)
        return BlockMeans(block_weights(side), (sums.reshape(n_blocks, states.n_states),))

    return Measurement(occupancy(ensemble), occupancy(reference), lambda e, r: float(js_distances(e[0], r[0])))


def _clusters_of(slow: SlowCoordinates, clusters: Any, side: Side) -> NDArray[np.int64]:
    points = np.ascontiguousarray(slow.project(side)[:, : slow.n_kinetic])
    return np.asarray(clusters.transform(points), dtype=np.int64)
