"""What every metric of motion, distribution and contacts must do, whatever it measures."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.evaluate.frames import AlignedPair, Side
from unfreeze.evaluate.measure import measure
from unfreeze.evaluate.metric import Metric, NotMeasurableError
from unfreeze.evaluate.metrics import contacts, pair_distances, principal_axes, walking
from unfreeze.evaluate.metrics.contacts import TRANSIENT_CONTACTS_JACCARD, WEAK_CONTACTS_JACCARD
from unfreeze.evaluate.metrics.correlations import DCCM_R
from unfreeze.evaluate.metrics.fluctuations import (
    RMSF_CA_LOG_R,
    RMSF_CA_MAE_A,
    RMSF_CA_MEAN_A,
    RMSF_CA_R,
    RMSF_CA_SPEARMAN,
    RMSF_HEAVY_R,
)
from unfreeze.evaluate.metrics.gaussians import RMWD_A, RMWD_TRANSLATION_A, RMWD_VARIANCE_A
from unfreeze.evaluate.metrics.pair_distances import DISTANCE_SD_R
from unfreeze.evaluate.metrics.pairwise_rmsd import PAIRWISE_RMSD_A
from unfreeze.evaluate.metrics.principal_components import PC1_COSINE, PCA_W2_JOINT_A, PCA_W2_MD_A
from unfreeze.evaluate.metrics.shape import RG_MEAN_A, RG_W1_A
from unfreeze.evaluate.protocol import Options

# functions of means over frames: a weight of two is the same as a frame twice
LINEAR = (
    RMSF_CA_R, RMSF_CA_LOG_R, RMSF_CA_SPEARMAN, RMSF_CA_MAE_A, RMSF_CA_MEAN_A, RMSF_HEAVY_R, RMWD_A,
    RMWD_TRANSLATION_A, RMWD_VARIANCE_A, PC1_COSINE, WEAK_CONTACTS_JACCARD, TRANSIENT_CONTACTS_JACCARD, DCCM_R,
    DISTANCE_SD_R, RG_W1_A, RG_MEAN_A,
)  # fmt: skip
ALL = (*LINEAR, PAIRWISE_RMSD_A, PCA_W2_MD_A, PCA_W2_JOINT_A)
NEED_MOTION = tuple(
    metric
    for metric in ALL
    if metric.group == "motion" or metric in (PC1_COSINE, PCA_W2_MD_A, PCA_W2_JOINT_A)
)  # fmt: skip


def _name(metric: Metric) -> str:
    return metric.name


def _frames(molecule, n_frames: int, seed: int, n_modes: int = 5) -> np.ndarray:
    """Frames that move along a few random modes, so that they are correlated, with clearly different variances."""
    generator = np.random.default_rng(seed)
    modes = np.random.default_rng(7).normal(size=(n_modes, molecule.n_atoms, 3))
    amplitude = 0.08 * generator.normal(size=(n_frames, n_modes)) / (1.0 + np.arange(n_modes))
    frames = molecule.coordinates_nm + np.einsum("fm,mik->fik", amplitude, modes)
    return frames + 0.01 * generator.normal(size=frames.shape)


def _value(metric: Metric, ensemble: Side, reference: Side) -> float:
    assert metric.measure is not None
    found = metric.measure(ensemble, reference)
    return float(found.statistic(found.ensemble.at(), found.reference.at()))


@pytest.fixture(scope="module")
def molecule(make):
    return make.peptide(20, -60.0, -45.0)  # a helix: dense enough for contacts to come and go


@pytest.fixture(scope="module")
def pair(molecule) -> AlignedPair:
    ensemble = Side.of(molecule, _frames(molecule, 40, 1))
    reference = Side.of(molecule, _frames(molecule, 90, 2), replica_start=np.array([0, 30]))
    return AlignedPair(ensemble, reference)


@pytest.mark.parametrize("metric", ALL, ids=_name)
def test_identical_sides_are_perfect(metric, molecule):
    frames = _frames(molecule, 30, 3)
    one, other = Side.of(molecule, frames), Side.of(molecule, frames)
    if metric.perfect is None:
        found = metric.measure(one, other)
        assert found.statistic(found.ensemble.at(), found.reference.at()) == found.own(found.reference.at())
    else:
        assert abs(_value(metric, one, other) - metric.perfect) < 1e-6


@pytest.mark.parametrize("metric", ALL, ids=_name)
def test_different_sides_are_not_perfect_and_have_an_interval(metric, pair):
    found = measure(metric, pair, Options(n_bootstrap=40))
    assert found.value is not None and found.low is not None and found.high is not None
    assert metric.bounds[0] <= found.low <= found.value <= found.high <= metric.bounds[1]
    assert found.low < found.high
    goal = found.reference if metric.perfect is None else metric.perfect
    assert abs(found.value - goal) > 1e-4


@pytest.mark.parametrize("metric", LINEAR, ids=_name)
def test_integer_weights_equal_repeated_frames(metric, molecule, pair):
    frames = _frames(molecule, 25, 4)
    times = np.random.default_rng(5).integers(0, 4, 25)
    weighted = _value(metric, Side.of(molecule, frames, times), pair.reference)
    repeated = _value(metric, Side.of(molecule, np.repeat(frames, times, axis=0)), pair.reference)
    assert weighted == pytest.approx(repeated, rel=1e-5, abs=1e-6)
    assert abs(weighted - _value(metric, Side.of(molecule, frames), pair.reference)) > 1e-5


@pytest.mark.parametrize("metric", LINEAR, ids=_name)
def test_resampled_blocks_equal_repeated_frames(metric, molecule, make):
    if metric is PC1_COSINE:  # resamples seek their first axis among ten: exact where there are no more
        molecule = make.peptide(3, -60.0, -45.0)
    ensemble, reference = (Side.of(molecule, _frames(molecule, n, n)) for n in (30, 60))
    found = metric.measure(ensemble, reference)
    generator = np.random.default_rng(0)
    copies = [generator.multinomial(n, np.full(n, 1 / n)) for n in (found.ensemble.n_blocks, found.reference.n_blocks)]
    resampled = found.statistic(found.ensemble.at(copies[0]), found.reference.at(copies[1]))
    again = [
        Side.of(molecule, np.repeat(side.frames_nm, drawn[side.block], axis=0))
        for side, drawn in zip((ensemble, reference), copies, strict=True)
    ]
    assert resampled == pytest.approx(_value(metric, *again), rel=1e-5, abs=1e-6)
    assert resampled != pytest.approx(_value(metric, ensemble, reference), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("metric", ALL, ids=_name)
def test_memory_for_few_frames_gives_the_same(metric, molecule, pair, monkeypatch):
    expected = _value(metric, pair.ensemble, pair.reference)
    monkeypatch.setattr(walking, "STRETCH_BYTES", 24 * molecule.n_atoms * 2)
    monkeypatch.setattr(principal_axes, "_ROWS_BYTES", 1)
    for module in (contacts, pair_distances):
        monkeypatch.setattr(module, "FRAMES_A_STRETCH", 3)
    fresh = [Side.of(molecule, side.frames_nm, replica_start=side.replica_start) for side in
             (pair.ensemble, pair.reference)]  # fmt: skip
    assert _value(metric, *fresh) == pytest.approx(expected, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("metric", NEED_MOTION, ids=_name)
def test_one_frame_is_refused_with_a_reason(metric, molecule, pair):
    single = Side.of(molecule, molecule.coordinates_nm[None])
    with pytest.raises(NotMeasurableError, match=r"the ensemble has 1 frame$"):
        metric.measure(single, pair.reference)
    with pytest.raises(NotMeasurableError, match=r"the reference has 1 frame$"):
        metric.measure(pair.ensemble, single)


@pytest.mark.parametrize("metric", [m for m in ALL if m not in NEED_MOTION], ids=_name)
def test_one_frame_can_be_scored_where_the_question_allows(metric, molecule, pair):
    assert np.isfinite(_value(metric, Side.of(molecule, pair.reference.frames_nm[:1]), pair.reference))


@pytest.mark.parametrize("metric", [m for m in ALL if m is not RMSF_HEAVY_R], ids=_name)
def test_ions_alone_are_refused(metric, make):
    ions = make.ions([[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    sides = [Side.of(ions, _frames(ions, 8, seed)) for seed in (1, 2)]
    with pytest.raises(NotMeasurableError, match=r"representative atoms \(CA, P\) that both have, found 0"):
        metric.measure(*sides)


@pytest.mark.parametrize("metric", ALL, ids=_name)
def test_frames_that_stand_still_never_give_nan(metric, molecule, pair):
    still = Side.of(molecule, np.repeat(molecule.coordinates_nm[None], 6, axis=0))
    found = measure(metric, AlignedPair(still, pair.reference), Options(n_bootstrap=0))
    assert (found.value is None) == bool(found.reason)
    assert found.value is None or np.isfinite(found.value)


def test_alpha_carbons_alone_do_for_all_but_heavy_atoms(molecule, pair):
    atoms = molecule.representative_atoms()
    bare = molecule.take_atoms(atoms)
    sides = [Side.of(bare, side.frames_nm[:, atoms]) for side in (pair.ensemble, pair.reference)]
    for metric in ALL:
        if metric is RMSF_HEAVY_R:
            with pytest.raises(NotMeasurableError, match="no atoms but the representative ones"):
                metric.measure(*sides)
        else:
            assert np.isfinite(_value(metric, *sides)), metric.name


@pytest.mark.parametrize("metric", ALL, ids=_name)
def test_a_memory_map_is_as_good_as_an_array(metric, pair, molecule, tmp_path):
    np.save(tmp_path / "frames.npy", pair.reference.frames_nm)
    mapped = Side.of(
        molecule, np.load(tmp_path / "frames.npy", mmap_mode="r"), replica_start=pair.reference.replica_start
    )
    assert _value(metric, pair.ensemble, mapped) == pytest.approx(_value(metric, pair.ensemble, pair.reference))


@pytest.mark.parametrize("metric", ALL, ids=_name)
def test_resamples_without_any_weight_are_left_out(metric, molecule, pair):
    weights = np.zeros(40)
    weights[-4:] = [1.0, 2.0, 3.0, 4.0]  # two of twenty blocks: every tenth resample draws neither
    weighted = Side.of(molecule, pair.ensemble.frames_nm, weights)
    found = measure(metric, AlignedPair(weighted, pair.reference), Options(n_bootstrap=60))
    assert found.value is not None and found.low is not None and found.high is not None
    assert metric.measure is not None
    sample = metric.measure(weighted, pair.reference)
    none = np.zeros(sample.ensemble.n_blocks, dtype=np.int64)
    none[0] = 1
    with np.errstate(invalid="ignore", divide="ignore"):
        assert not np.isfinite(sample.statistic(sample.ensemble.at(none), sample.reference.at()))
