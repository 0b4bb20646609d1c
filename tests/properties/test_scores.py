import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from unfreeze.properties.scores import antisymmetry, compare, per_group, score_effects
from unfreeze.properties.statistics import auc, fisher_interval, fisher_p, mae, pearson, rmse, spearman

_values = st.integers(-40, 40).map(lambda one: one / 4.0)
_pairs = st.integers(3, 30).flatmap(
    lambda n: st.tuples(hnp.arrays(np.float64, n, elements=_values), hnp.arrays(np.float64, n, elements=_values))
)


@given(_pairs)
@settings(max_examples=60, deadline=None)
def test_correlations_are_those_of_scipy_and_do_not_depend_on_scale(pair):
    a, b = pair
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        assert np.isnan(pearson(a, b)) and np.isnan(spearman(a, b))
        return
    assert pearson(a, b) == pytest.approx(stats.pearsonr(a, b)[0], abs=1e-9)
    assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b)[0], abs=1e-9)
    assert pearson(a, 3.0 * b + 7.0) == pytest.approx(pearson(a, b), abs=1e-9)
    assert pearson(a, -b) == pytest.approx(-pearson(a, b), abs=1e-9)
    assert -1.0 <= pearson(a, b) <= 1.0
    assert mae(a, b) <= rmse(a, b) + 1e-12


@given(_pairs, st.sampled_from([0.0, 2.0]))
@settings(max_examples=60, deadline=None)
def test_auc_is_the_share_of_pairs_in_the_right_order(pair, threshold):
    measured, predicted = pair
    bad = measured < -threshold
    if bad.all() or not bad.any():
        assert np.isnan(auc(measured, predicted, threshold=threshold))
        return
    gaps = predicted[~bad][:, None] - predicted[bad][None, :]
    expected = np.mean((gaps > 0) + 0.5 * (gaps == 0))
    assert auc(measured, predicted, threshold=threshold) == pytest.approx(expected)
    # turning all signs round asks the same of the other sign
    assert auc(-measured, -predicted, bad="positive", threshold=threshold) == pytest.approx(expected)


@given(hnp.arrays(np.float64, st.integers(2, 20), elements=_values))
@settings(max_examples=40, deadline=None)
def test_an_antisymmetric_predictor_has_no_bias(direct):
    found = antisymmetry(direct, -direct)
    assert found["bias"] == 0.0 and found["n"] == len(direct)
    assert np.isnan(found["r"]) if np.ptp(direct) == 0 else found["r"] == pytest.approx(-1.0)
    assert antisymmetry(direct, -direct + 3.0)["bias"] == pytest.approx(1.5)


def _made(seed: int, noise: float, n_groups: int = 12, size: int = 14):
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_groups), size)
    measured = random.normal(size=len(groups)) + np.repeat(random.normal(size=n_groups), size)
    return measured, measured + noise * random.normal(size=len(groups)), groups.tolist()


def test_intervals_enclose_the_value_and_narrow_with_data():
    small = score_effects(*_made(1, 1.0, n_groups=8), n_bootstrap=200)
    large = score_effects(*_made(1, 1.0, n_groups=80), n_bootstrap=200)
    for name in ("pearson", "spearman", "rmse", "mae", "auc", "per_structure_pearson"):
        assert small[name].low <= small[name].value <= small[name].high
        assert large[name].high - large[name].low < small[name].high - small[name].low
    assert (large.n_rows, large.n_groups, large.n_structures) == (80 * 14, 80, 80)


def test_equal_rows_in_a_group_do_not_narrow_the_interval():
    measured, predicted, groups = _made(2, 1.0, n_groups=20, size=1)
    once = score_effects(measured, predicted, groups, n_bootstrap=300)["pearson"]
    often = score_effects(np.repeat(measured, 5), np.repeat(predicted, 5), np.repeat(groups, 5), n_bootstrap=300)
    assert often["pearson"].low == pytest.approx(once.low) and often["pearson"].high == pytest.approx(once.high)


def test_per_structure_correlations():
    measured = np.concatenate([np.arange(12.0), np.arange(12.0), np.arange(5.0), np.zeros(12)])
    predicted = np.concatenate([np.arange(12.0), np.full(12, 3.0), -np.arange(5.0), np.arange(12.0)])
    groups = ["a"] * 12 + ["b"] * 12 + ["c"] * 5 + ["d"] * 12
    # a constant prediction counts as zero, small groups and those of equal measurements not at all
    assert per_group(measured, predicted, groups) == {"a": pytest.approx(1.0), "b": 0.0}
    found = score_effects(measured, predicted, groups, n_bootstrap=50)
    assert found["per_structure_pearson"].value == pytest.approx(0.5)
    assert found.n_structures == 2


def test_rows_that_are_not_finite_are_left_out():
    found = score_effects([1.0, 2.0, 3.0, np.nan], [1.0, 2.0, np.nan, 4.0], n_bootstrap=0)
    assert found.n_rows == 2 and found["rmse"].value == 0.0 and np.isnan(found["rmse"].low)
    with pytest.raises(ValueError, match="one of each a row"):
        score_effects([1.0, 2.0], [1.0], n_bootstrap=0)


@pytest.mark.parametrize("statistic", [pearson, "per_structure"])
def test_the_better_of_two_is_found_and_a_predictor_equals_itself(statistic):
    measured, good, groups = _made(3, 0.5, n_groups=30)
    bad = measured + 3.0 * np.random.default_rng(9).normal(size=len(measured))
    difference, p = compare(measured, good, bad, groups, statistic=statistic, n_bootstrap=200)
    assert difference.low > 0.0 and p < 0.05
    turned, _ = compare(measured, bad, good, groups, statistic=statistic, n_bootstrap=200)
    assert turned.value == pytest.approx(-difference.value)
    same, p = compare(measured, good, good, groups, statistic=statistic, n_bootstrap=200)
    assert same.value == 0.0 and p == 1.0


def test_fisher():
    found = fisher_interval(0.5, 103)
    assert (found.low, found.high) == (pytest.approx(0.3390, abs=1e-3), pytest.approx(0.6329, abs=1e-3))
    assert fisher_p(0.5, 50, 0.5, 80) == pytest.approx(1.0)
    assert fisher_p(0.9, 50, 0.1, 80) < 1e-6
