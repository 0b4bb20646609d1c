from __future__ import annotations

import sys
from functools import cache

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from unfreeze.evaluate.frames import AlignedPair, Side
from unfreeze.evaluate.measure import measure
from unfreeze.evaluate.metric import NotMeasurableError
from unfreeze.evaluate.metrics.autocorrelations import (
    decorrelation_times,
    lag_times_ps,
    lagged_products,
    log_decorrelation_error,
)
from unfreeze.evaluate.metrics.markov_states import MarkovSettings, fit_metastable_states, state_occupancy_jsd
from unfreeze.evaluate.metrics.slow_coordinates import (
    TicaSettings,
    _basis,
    fit_slow_coordinates,
    lag_in_frames,
    lag_note,
)
from unfreeze.evaluate.metrics.time_correlations import TICA_2D_JSD, TICA_JSD, slow_histogram_jsd
from unfreeze.evaluate.metrics.torsions import BACKBONE, chosen_torsions, walk_torsions
from unfreeze.evaluate.protocol import Options
from unfreeze.structure.geometry import rotation_matrices

HOP = 0.02  # probability of a hop a frame
LARGEST = np.sqrt(np.log(2.0))
FEW = TicaSettings(lag_ps=2.0)


def hopping(n_frames, seed, hop=HOP):
    """A two-state Markov chain: 0 or 1 in every frame; its correlation decays as (1 − 2 hop)^t."""
    rng = np.random.default_rng(seed)
    return (np.cumsum(rng.random(n_frames) < hop) + rng.integers(2)) % 2


def turned(molecule, psi_of_residue, noise=0.02, seed=0):
    """Frames in which ψ of some residues is turned by [n_frames] angles, and every atom shaken a little."""
    n_frames = len(next(iter(psi_of_residue.values())))
    frames = np.repeat(molecule.coordinates_nm[None], n_frames, axis=0)
    for residue, angles in psi_of_residue.items():
        alpha, carbon, oxygen = (molecule.atom_of_residue(name)[residue] for name in ("CA", "C", "O"))
        axis = frames[:, carbon] - frames[:, alpha]
        axis /= np.linalg.norm(axis, axis=-1, keepdims=True)
        moved = np.append(np.flatnonzero(molecule.residue_index > residue), oxygen)
        arms = frames[:, moved] - frames[:, [carbon]]
        turn = rotation_matrices(axis * np.asarray(angles)[:, None])
        frames[:, moved] = frames[:, [carbon]] + np.einsum("fij,faj->fai", turn, arms)
    shake = np.random.default_rng(seed).normal(scale=noise * 0.1, size=frames.shape)
    return (frames + shake).astype(np.float32)


@cache
def _two_state_frames(make_peptide, n_frames, seed, hop=HOP):
    molecule, states = make_peptide(4), hopping(n_frames, seed, hop)
    return molecule, states, turned(molecule, {1: np.pi * states}, seed=seed)


def two_state(make, n_frames=4000, seed=1, hop=HOP, time_step_ps=1.0):
    molecule, states, frames = _two_state_frames(make.peptide, n_frames, seed, hop)
    return Side.of(molecule, frames, time_step_ps=time_step_ps), states


def value(found):
    return found.statistic(found.ensemble.at(), found.reference.at())


def test_the_slowest_coordinate_is_the_hopping_torsion(make):
    side, states = two_state(make)
    slow = fit_slow_coordinates(side, FEW)
    first = slow.project(side)[:, 0]
    assert abs(np.corrcoef(first, states)[0, 1]) > 0.98
    flips = (states[2:] != states[:-2]).mean()
    assert slow.timescales_ps[0] == pytest.approx(-2.0 / np.log(1.0 - 2.0 * flips), rel=0.1)
    assert slow.timescales_ps[1] < 0.1 * slow.timescales_ps[0]


def test_the_slowest_coordinate_survives_the_reduction_of_many_features(make):
    side, states = two_state(make)
    slow = fit_slow_coordinates(side, TicaSettings(lag_ps=2.0, max_features=3))
    assert slow.n_coordinates == 3
    assert abs(np.corrcoef(slow.project(side)[:, 0], states)[0, 1]) > 0.98


def test_principal_components_from_frames_or_from_the_covariance(make):
    longer, _ = two_state(make, 60)
    few = Side.of(longer.molecule, longer.frames_nm[:11], time_step_ps=1.0)
    settings = TicaSettings(lag_ps=1.0)
    for side in (longer, few):  # more frames than features, and fewer
        torsions = chosen_torsions(side.molecule, BACKBONE)
        angles = np.concatenate([part for _, part in walk_torsions(side, torsions)])
        features = np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
        mean, components = _basis(side, settings, 3)
        assert mean == pytest.approx(features.mean(axis=0))
        features -= mean
        assert components.T @ components == pytest.approx(np.eye(3), abs=1e-9)
        explained = ((features @ components) ** 2).sum(axis=0)
        assert explained == pytest.approx(np.linalg.svd(features)[1][:3] ** 2)


def test_identical_is_zero_and_elsewhere_is_the_largest(make):
    reference, _ = two_state(make)
    molecule = reference.molecule
    only_first = Side.of(molecule, turned(molecule, {1: np.zeros(300)}))
    between = Side.of(molecule, turned(molecule, {1: np.full(300, np.pi / 2)}))
    for n_dims in (1, 2):
        distance = lambda side, n=n_dims: value(slow_histogram_jsd(side, reference, settings=FEW, n_dims=n))  # noqa: E731
        assert distance(reference) == 0.0
        assert 0.3 < distance(only_first) < 0.75
        assert distance(between) == pytest.approx(LARGEST, abs=0.02)


@pytest.mark.parametrize("reach", ["both", "reference"])
def test_distances_are_those_of_numpy_and_scipy(make, reach):
    reference, _ = two_state(make)
    ensemble, _ = two_state(make, 500, seed=5)
    settings = TicaSettings(lag_ps=2.0, n_bins=25, n_bins_2d=12, reach=reach)
    slow = reference.once(fit_slow_coordinates, settings)
    one, other = slow.project(ensemble)[:, :2], slow.project(reference)[:, :2]
    spread = np.concatenate([one, other]) if reach == "both" else other
    edges = [np.linspace(spread[:, k].min(), spread[:, k].max(), n + 1) for k, n in ((0, 25), (0, 12), (1, 12))]
    if reach == "reference":
        edges = [np.concatenate([[-np.inf], some, [np.inf]]) for some in edges]
    p, q = (np.histogram(side[:, 0], edges[0])[0] for side in (one, other))
    found = slow_histogram_jsd(ensemble, reference, settings=settings, n_dims=1)
    assert value(found) == pytest.approx(jensenshannon(p, q), abs=5e-3)
    p, q = (np.histogram2d(*side.T, edges[1:])[0].ravel() for side in (one, other))
    found = slow_histogram_jsd(ensemble, reference, settings=settings, n_dims=2)
    assert value(found) == pytest.approx(jensenshannon(p, q), abs=5e-3)


def test_pairs_never_join_two_replicas(make):
    side, _ = two_state(make)
    starts = np.arange(0, side.n_frames, 2)
    apart = Side.of(side.molecule, side.frames_nm, replica_start=starts, time_step_ps=1.0)
    with pytest.raises(NotMeasurableError, match="0 pairs of frames 2 ps apart"):
        fit_slow_coordinates(apart, FEW)
    # one replica in each state: nothing hops, so that no coordinate tells of hopping
    order = np.argsort(two_state(make)[1], kind="stable")
    jump = int((two_state(make)[1] == 0).sum())
    halves = Side.of(side.molecule, side.frames_nm[order], replica_start=np.array([0, jump]), time_step_ps=1.0)
    whole = Side.of(side.molecule, side.frames_nm[order], time_step_ps=1.0)
    assert fit_slow_coordinates(halves, FEW).timescales_ps[0] > 1e4 > 0
    assert fit_slow_coordinates(whole, FEW).timescales_ps[0] < fit_slow_coordinates(halves, FEW).timescales_ps[0]


def test_lags_become_frames(make):
    side = Side.of(make.peptide(3), np.zeros((2, 15, 3)), time_step_ps=10.0)
    assert [lag_in_frames(side, lag) for lag in (100.0, 104.0, 106.0, 1.0)] == [10, 10, 11, 1]
    assert lag_note(side, 100.0) is None
    assert lag_note(side, 1.0) == "The lag is 10 ps, not 1 ps: the reference has a frame every 10 ps."
    assert lag_note(Side.of(side.molecule, side.frames_nm), 1.0) is None


def test_reasons_without_clock_motion_or_deeptime(make, monkeypatch):
    side, _ = two_state(make, 100)
    timeless = Side.of(side.molecule, side.frames_nm)
    for metric in (TICA_JSD, TICA_2D_JSD):
        with pytest.raises(NotMeasurableError, match="the reference has no clock"):
            metric.measure(side, timeless)
    still = Side.of(side.molecule, np.repeat(side.frames_nm[:1], 100, axis=0), time_step_ps=1.0)
    with pytest.raises(NotMeasurableError, match="no torsion of the reference moves"):
        fit_slow_coordinates(still, FEW)
    trace = side.molecule.take_atoms(side.molecule.atom_name == "CA")
    with pytest.raises(NotMeasurableError, match="no such torsions"):
        fit_slow_coordinates(Side.of(trace, np.zeros((100, 4, 3)), time_step_ps=1.0), FEW)
    monkeypatch.setitem(sys.modules, "deeptime.decomposition", None)
    with pytest.raises(NotMeasurableError, match=r"pip install 'unfreeze\[analysis\]'"):
        fit_slow_coordinates(side, FEW)


def test_metrics_have_intervals_and_fit_once(make, monkeypatch):
    side, _ = two_state(make, time_step_ps=500.0)
    pair = AlignedPair(side.take(np.arange(0, 4000, 20)), side)
    calls = []
    monkeypatch.setattr(
        "unfreeze.evaluate.metrics.slow_coordinates.replica_spans", lambda s: calls.append(1) or [slice(0, s.n_frames)]
    )
    estimates = [measure(metric, pair, Options()) for metric in (TICA_JSD, TICA_2D_JSD)]
    assert len(calls) == 1
    for estimate in estimates:
        assert 0.0 <= estimate.low < estimate.value < estimate.high <= LARGEST


def test_states_and_their_shares(make):
    reference, states = two_state(make)
    settings = MarkovSettings(FEW, n_clusters=12, n_states=2)
    found = reference.once(fit_metastable_states, settings)
    assigned = found.assign(reference)
    agree = (assigned == states).mean()
    assert max(agree, 1.0 - agree) > 0.98
    assert value(state_occupancy_jsd(reference, reference, settings=settings)) == 0.0
    ensemble = reference.take(np.flatnonzero(states == 1))
    share = np.bincount(assigned, minlength=3) / reference.n_frames
    only = np.bincount(found.assign(ensemble), minlength=3) / ensemble.n_frames
    distance = value(state_occupancy_jsd(ensemble, reference, settings=settings))
    assert distance == pytest.approx(jensenshannon(share, only), abs=1e-9)


def test_reasons_where_there_are_no_states(make):
    reference, _ = two_state(make, 200)
    with pytest.raises(NotMeasurableError, match="200 frames, fewer than 1000 for Markov states"):
        fit_metastable_states(reference, MarkovSettings(FEW))
    reference, _ = two_state(make)
    with pytest.raises(NotMeasurableError, match="connects"):
        fit_metastable_states(reference, MarkovSettings(FEW, n_clusters=5, n_states=5))


def test_decorrelation_time_of_a_hopping_torsion(make):
    side, _ = two_state(make, 20000)
    lags = lag_times_ps(side, side)
    assert lags[0] == 1.0 and lags[-1] == 2000.0
    means = lagged_products(side, ("psi",), True, tuple(lags.tolist())).at()
    times = decorrelation_times(means, lags)
    assert times[1] == pytest.approx(-1.0 / np.log(1.0 - 2.0 * HOP), rel=0.15)
    assert times[[0, 2]] == pytest.approx(1.0)  # mere shaking is forgotten within a frame


def test_products_are_those_of_plain_sums_and_never_join_replicas(make):
    base, _ = two_state(make, 60)
    weights = np.random.default_rng(0).random(60)
    side = Side.of(base.molecule, base.frames_nm, weights, replica_start=np.array([0, 25]), time_step_ps=2.0)
    from unfreeze.structure.internal_coordinates.torsions import torsions

    psi = torsions(side.molecule, side.frames_nm)[:, 1, 1]
    means = lagged_products(side, ("psi",), True, (2.0, 14.0)).at()
    for place, shift in enumerate((1, 7)):
        pairs = [(s, s + shift) for s in range(60 - shift) if (s < 25) == (s + shift < 25)]
        total = sum(side.weights[s] for s, _ in pairs)
        product = sum(side.weights[s] * np.cos(psi[t] - psi[s]) for s, t in pairs)
        assert means[1][place] == pytest.approx(total)
        assert means[0][place, 1] == pytest.approx(product, abs=1e-5)
    assert means[2][1] == pytest.approx(side.weights @ np.cos(psi), abs=1e-5)


def test_decorrelation_error_is_the_logarithm_of_a_factor(make):
    slow, _ = two_state(make, 20000)
    twice = Side.of(slow.molecule, slow.frames_nm[::2], time_step_ps=2.0)
    assert value(log_decorrelation_error(slow, slow, names=BACKBONE)) == 0.0
    # the same motion with half the frames
    assert value(log_decorrelation_error(twice, slow, names=BACKBONE)) < 0.02
    # a clock that runs ten times as fast: of three ψ only the hopping one is off, the others are as fast as can be
    hasty = Side.of(slow.molecule, slow.frames_nm, time_step_ps=0.1)
    error = value(log_decorrelation_error(hasty, slow, names=("psi",)))
    assert error == pytest.approx(1.0 / 3, rel=0.05)


def test_reasons_where_there_is_no_decorrelation_time(make):
    side, _ = two_state(make, 100)
    timeless = side.take(np.arange(100))
    with pytest.raises(NotMeasurableError, match="the ensemble has no clock"):
        log_decorrelation_error(timeless, side, names=BACKBONE)
    with pytest.raises(NotMeasurableError, match="the reference has no clock"):
        log_decorrelation_error(side, timeless, names=BACKBONE)
    short, _ = two_state(make, 30)
    with pytest.raises(NotMeasurableError, match="too short"):
        log_decorrelation_error(short, side, names=BACKBONE)
