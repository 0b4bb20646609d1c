"""Numbers over targets, their intervals, and comparisons of generators, on cases whose answer is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from unfreeze.evaluate.aggregate import N_RESAMPLES, Aggregator, holm
from unfreeze.evaluate.metric import Estimate, Metric
from unfreeze.evaluate.protocol import Aggregate, Outcome, Protocol
from unfreeze.evaluate.result import TargetResult


def _unused(*_: Any) -> Any:
    raise AssertionError("nothing is measured here")


SCORE = Metric("score", "Score", _unused)
SIZE = Metric("size", "Size", _unused)
PROTOCOL = Protocol(
    "toy",
    "1",
    "Toy",
    (SCORE, SIZE),
    (
        Aggregate.median(SCORE),
        Aggregate.share_above(SCORE, 0.5, "share", "Share"),
        Aggregate.pearson_with_reference(SIZE, "size_r", "Size, r"),
        Aggregate.pooled_pearson("ours", "theirs", "pooled_r", "Pooled r"),
    ),
    lambda *_: Outcome({}),
)


def results(scores: Sequence[float | None], generator: str = "g", **more: Any) -> list[TargetResult]:
    return [
        TargetResult(
            f"t{index}",
            generator,
            PROTOCOL.describe(),
            estimates={
                "score": Estimate(score, floor=0.9, baseline=None if index else 0.2, reason="" if score else "why"),
                "size": Estimate(float(index) ** 2, reference=float(index)),
            },
            **more,
        )
        for index, score in enumerate(scores)
    ]


def aggregator(**generators: Sequence[TargetResult]) -> Aggregator:
    return Aggregator(generators, PROTOCOL, n_targets=max(map(len, generators.values())))


def test_values_are_those_of_the_protocol() -> None:
    scores = [0.1, 0.9, None, 0.6, 0.7]
    found = aggregator(g=results(scores)).summaries()["g"]
    assert found["score"].value == pytest.approx(0.65)
    assert (found["score"].n, found["score"].n_missing) == (4, 1)
    assert (found["score"].floor, found["score"].baseline) == (0.9, 0.2)
    assert found["share"].value == pytest.approx(0.75)
    assert found["size_r"].value == pytest.approx(np.corrcoef(np.arange(5) ** 2, np.arange(5))[0, 1])
    assert (found["size_r"].n, found["size_r"].floor) == (5, None)
    assert found["pooled_r"].value is None
    assert (found["pooled_r"].n, found["pooled_r"].n_missing) == (0, 5)


def test_a_failed_target_is_missing_and_nothing_else() -> None:
    ours = results([0.1, 0.2, 0.3, 0.4])
    failed = TargetResult("t4", "g", PROTOCOL.describe(), status="failed", error="no such file")
    whole, less = (Aggregator({"g": own}, PROTOCOL, n_targets=5).summaries()["g"] for own in ([*ours, failed], ours))
    assert whole == less
    assert (whole["score"].n, whole["score"].n_missing) == (4, 1)


def test_pooled_series_are_strung_together() -> None:
    generator = np.random.default_rng(0)
    ours = [
        TargetResult(
            f"t{index}",
            "g",
            PROTOCOL.describe(),
            arrays={
                **{key: generator.normal(size=n).tolist() for key in ("ours", "theirs")},
                "residue": ["A:GLY1"],
            },
        )
        for index, n in enumerate((3, 9, 30))
    ]
    found = aggregator(g=ours).summaries()["g"]["pooled_r"]
    pooled = [np.concatenate([result.arrays[key] for result in ours]) for key in ("ours", "theirs")]
    assert found.value == pytest.approx(np.corrcoef(*pooled)[0, 1])
    assert found.low is not None
    assert found.low < found.value < found.high
    assert (found.floor, found.n) == (None, 3)


@pytest.mark.parametrize("n_targets", [1, 2])
def test_too_few_targets_have_no_interval(n_targets: int) -> None:
    both = aggregator(a=results([0.4] * n_targets, "a"), b=results([0.5] * n_targets, "b"))
    found = both.summaries()["a"]["score"]
    assert (found.value, found.low, found.high) == (0.4, None, None)
    pair = next(item for item in both.comparisons() if item.metric == "score")
    assert pair.difference == pytest.approx(-0.1)
    assert (pair.low, pair.high, pair.p_value, pair.p_holm) == (None, None, None, None)


def test_the_interval_of_a_share_is_that_of_the_binomial() -> None:
    scores = np.repeat([0.9, 0.1], [30, 70]).tolist()
    found = aggregator(g=results(scores)).summaries()["g"]["share"]
    # 95 % of binomial(100, 0.3) / 100 lie in [0.21, 0.39]
    assert found.value == pytest.approx(0.3)
    assert found.low == pytest.approx(0.21, abs=0.015)
    assert found.high == pytest.approx(0.39, abs=0.015)


def test_a_known_shift_is_found_by_pairing() -> None:
    generator = np.random.default_rng(3)
    base = generator.uniform(0.2, 0.8, 30)
    better = base + 0.05 + 0.01 * generator.normal(size=30)
    both = aggregator(a=results(better.tolist(), "a"), b=results(base.tolist(), "b"))
    pair = next(item for item in both.comparisons() if item.metric == "score")
    assert (pair.first, pair.second, pair.n) == ("a", "b", 30)
    assert pair.difference == pytest.approx(float(np.median(better) - np.median(base)))
    assert pair.low is not None
    assert 0.0 < pair.low < 0.05 < pair.high
    assert pair.p_value == pytest.approx(2 / (N_RESAMPLES + 1))
    # without pairing the spread of the targets hides it: each interval holds the other's value
    alone = both.summaries()
    assert alone["a"]["score"].low < alone["b"]["score"].value < alone["a"]["score"].high


def test_pairs_use_only_targets_that_both_have() -> None:
    ours = results([0.9, 0.8, 0.7, 0.6, None], "a")
    theirs = [*results([0.5, 0.5, 0.5], "b"), *results([None] * 5, "b")[4:]]
    pair = next(item for item in aggregator(a=ours, b=theirs).comparisons() if item.metric == "score")
    assert pair.n == 3
    assert pair.difference == pytest.approx(0.8 - 0.5)


def test_identical_generators_do_not_differ() -> None:
    scores = np.linspace(0.1, 0.9, 12).tolist()
    for pair in aggregator(a=results(scores, "a"), b=results(scores, "b")).comparisons():
        assert (pair.difference, pair.low, pair.high, pair.p_value, pair.p_holm) == (0.0, 0.0, 0.0, 1.0, 1.0)


def test_p_values_without_a_difference_are_spread_evenly() -> None:
    generator = np.random.default_rng(11)
    found = []
    for _ in range(60):
        base = generator.normal(size=25)
        noise = 0.5 * generator.normal(size=(2, 25))
        both = Aggregator(
            {name: results((base + noise[index]).tolist(), name) for index, name in enumerate("ab")},
            Protocol("toy", "1", "Toy", (SCORE,), (Aggregate("score", "Mean", _mean),), lambda *_: Outcome({})),
            n_targets=25,
        )
        (pair,) = both.comparisons()
        found.append(pair.p_value)
    # Kolmogorov-Smirnov at 1 % for 60 values: 0.21
    distance = np.abs(np.sort(found) - (np.arange(60) + 0.5) / 60).max()
    assert distance < 0.21
    assert 0.0 <= np.mean(np.array(found) < 0.05) < 0.15


def _mean(targets: Sequence[TargetResult]) -> float | None:
    return float(np.mean([target.estimates["score"].value for target in targets]))


def test_holm() -> None:
    assert holm([]) == []
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])


def test_the_same_seed_gives_the_same_intervals() -> None:
    scores = np.linspace(0.0, 1.0, 9).tolist()
    first, second = (
        Aggregator({"g": results(scores)}, PROTOCOL, n_targets=9, seed=seed).summaries() for seed in (5, 5)
    )
    other = Aggregator({"g": results(scores)}, PROTOCOL, n_targets=9, seed=6).summaries()
    assert first == second
    assert first["g"]["size_r"].low != other["g"]["size_r"].low
