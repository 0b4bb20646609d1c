"""Wasserstein distances sorted once, against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from unfreeze.evaluate.metrics.interface_distances import MeanWasserstein, SortedWasserstein


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_scipy_for_any_weights(seed):
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=40).round(1), rng.normal(loc=0.5, size=70).round(1)
    distance = SortedWasserstein(first, second)
    for _ in range(3):
        ours, theirs = rng.uniform(size=40), rng.uniform(size=70) * (rng.uniform(size=70) > 0.3)
        ours, theirs = ours / ours.sum(), theirs / theirs.sum()
        expected = wasserstein_distance(first, second, ours, theirs)
        assert distance((first, ours), (second, theirs)) == pytest.approx(expected)


def test_columns_are_averaged():
    values = np.array([[0.0, 0.0], [1.0, 1.0]])
    share = np.full(2, 0.5)
    assert MeanWasserstein(values, values + np.array([1.0, 3.0]))((values, share), (values, share)) == pytest.approx(
        2.0
    )
