"""Best values and percentiles with weights."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.evaluate.metrics.order_statistics import best, quantile, share_of


def test_quantiles_of_equal_weights_are_order_statistics():
    values = np.random.default_rng(0).permutation(np.arange(1.0, 101.0))
    share = np.full(100, 0.01)
    assert [quantile(values, share, s) for s in (0.0, 0.05, 0.5, 0.95, 1.0)] == [1.0, 5.0, 50.0, 95.0, 100.0]


def test_frames_without_weight_do_not_count():
    values, weights = np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 0.04, 0.9, 0.06])
    assert best((values, weights)) == 1.0
    assert quantile(values, weights, 0.05) == 2.0
    assert quantile(values, weights, 1.0) == 3.0
    assert share_of(lambda v: v > 1.5)((values, weights)) == pytest.approx(0.96)
