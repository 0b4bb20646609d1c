from __future__ import annotations

import numpy as np
import pytest

from unfreeze.properties.class_scores import (
    best_thresholds,
    bootstrap_interval,
    class_f1,
    expected_calibration_error,
    f_max,
    macro_f1,
    matthews_correlations,
    micro_f1,
    term_counts,
)

TRUTH = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]], dtype=bool)
SAID = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 1], [1, 0, 0]], dtype=bool)


def test_f1_by_hand() -> None:
    # class 0: TP 2, FP 1, FN 0; class 1: TP 1, FP 0, FN 1; class 2: FP 1
    assert micro_f1(TRUTH, SAID) == pytest.approx(2 * 3 / (2 * 3 + 2 + 1))
    assert class_f1(TRUTH, SAID) == pytest.approx([4 / 5, 2 / 3, 0.0])
    assert macro_f1(TRUTH, SAID) == pytest.approx((4 / 5 + 2 / 3) / 3)


def test_matthews_by_hand() -> None:
    # class 0: TP 2 TN 1 FP 1 FN 0: (2·1 − 1·0)/√(3·2·2·1)
    found = matthews_correlations(TRUTH, SAID)
    assert found[0] == pytest.approx(2 / np.sqrt(12))
    # class 1: TP 1 TN 2 FP 0 FN 1: (1·2 − 0)/√(1·2·2·3)
    assert found[1] == pytest.approx(2 / np.sqrt(12))
    assert found[2] == 0.0


def test_scores_agree_with_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(0)
    truth, said = random.random((60, 4)) < 0.3, random.random((60, 4)) < 0.4
    assert micro_f1(truth, said) == pytest.approx(metrics.f1_score(truth, said, average="micro"))
    assert class_f1(truth, said) == pytest.approx(metrics.f1_score(truth, said, average=None))
    expected = [metrics.matthews_corrcoef(truth[:, k], said[:, k]) for k in range(4)]
    assert matthews_correlations(truth, said) == pytest.approx(expected)


def test_nothing_predicted_and_nothing_true() -> None:
    none = np.zeros((3, 2), dtype=bool)
    assert micro_f1(none, none) == 0.0
    assert (matthews_correlations(none, none) == 0).all()


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="one shape"):
        micro_f1(TRUTH, SAID[:2])


def test_f_max_by_hand() -> None:
    truth = np.array([[1, 1, 0], [0, 0, 1], [0, 0, 0]], dtype=bool)
    scores = np.array([[0.9, 0.4, 0.4], [0.0, 0.0, 0.0], [0.9, 0.9, 0.9]])
    precision, recall = term_counts(truth, scores, [0.4, 0.9, 0.95]).curve()
    # the last protein has no terms and is left out; the second predicts nothing: no precision, recall 0
    assert precision[:2] == pytest.approx([2 / 3, 1.0])
    assert np.isnan(precision[2])
    assert recall == pytest.approx([0.5, 0.25, 0.0])
    value, threshold = f_max(truth, scores)
    assert value == pytest.approx(2 * (2 / 3) * 0.5 / (2 / 3 + 0.5))
    assert threshold <= 0.4


def test_f_max_of_the_truth_is_one() -> None:
    assert f_max(TRUTH, TRUTH.astype(float))[0] == pytest.approx(1.0)
    assert f_max(TRUTH, np.zeros(TRUTH.shape))[0] == 0.0


def test_thresholds_find_what_separates() -> None:
    random = np.random.default_rng(1)
    truth = random.random((400, 2)) < 0.3
    probabilities = np.where(truth, 0.3, 0.1) + np.array([0.0, 0.4]) + random.normal(0, 0.02, truth.shape)
    thresholds = best_thresholds(truth, probabilities)
    assert 0.12 < thresholds[0] < 0.3
    assert 0.52 < thresholds[1] < 0.7
    assert micro_f1(truth, probabilities >= thresholds) > 0.99


def test_calibration_error() -> None:
    truth = np.array([[1], [0], [0], [0]], dtype=bool)
    assert expected_calibration_error(truth, np.full((4, 1), 0.25)) == pytest.approx(0.0)
    assert expected_calibration_error(truth, np.full((4, 1), 0.75)) == pytest.approx(0.5)
    assert expected_calibration_error(truth, truth.astype(float)) == 0.0


def test_interval_holds_the_middle() -> None:
    low, high = bootstrap_interval(np.arange(1001.0))
    assert (low, high) == pytest.approx((25.0, 975.0))
