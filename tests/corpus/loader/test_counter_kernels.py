"""Random numbers by place: those of numpy's Philox, permutations that are ones, sets of which none is favoured."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from unfreeze.corpus.loader.counter_kernels import distinct_rows, fill_words, permuted, permuted_run

WORD = st.integers(0, 2**64 - 1)


@settings(max_examples=50, deadline=None)
@given(seed=WORD, stream=WORD, first=st.integers(1, 2**63), n=st.integers(1, 9))
def test_the_numbers_are_those_of_philox(seed: int, stream: int, first: int, n: int) -> None:
    words = np.empty((n, 4), dtype=np.uint64)
    fill_words(np.uint64(seed), np.uint64(stream), np.uint64(first), words)
    # numpy counts one further before it draws
    key = np.array([seed, stream], dtype=np.uint64)
    expected = np.random.Philox(counter=first - 1, key=key).random_raw(4 * n).reshape(n, 4)
    np.testing.assert_array_equal(words, expected)


@settings(max_examples=60, deadline=None)
@given(key=WORD, n=st.integers(1, 700))
def test_a_permutation_has_every_place_once(key: int, n: int) -> None:
    places = np.empty(n, dtype=np.int64)
    permuted_run(np.uint64(key), n, 0, places)
    np.testing.assert_array_equal(np.sort(places), np.arange(n))


@pytest.mark.parametrize("n", [2, 3, 5, 16, 17, 100])
def test_first_and_second_place_go_anywhere(n: int) -> None:
    words = np.empty((20_000, 4), dtype=np.uint64)
    fill_words(np.uint64(5), np.uint64(1), np.uint64(0), words)
    pairs = np.array([(permuted(key, n, 0), permuted(key, n, 1)) for key in words[:, 0]])
    assert chisquare(np.bincount(pairs[:, 0], minlength=n)).pvalue > 1e-4
    counts = np.bincount(n * pairs[:, 0] + pairs[:, 1], minlength=n * n).reshape(n, n)
    assert not counts.diagonal().any()
    assert chisquare(counts[~np.eye(n, dtype=bool)]).pvalue > 1e-4


@settings(max_examples=60, deadline=None)
@given(seed=WORD, place=WORD, low=st.integers(0, 1000), n=st.integers(1, 50), wanted=st.integers(1, 120))
def test_rows_are_different_as_long_as_there_are_enough(seed: int, place: int, low: int, n: int, wanted: int) -> None:
    rows = np.empty(wanted, dtype=np.int64)
    distinct_rows(np.uint64(seed), np.uint64(1), np.uint64(place), low, low + n, rows)
    assert (np.diff(rows) >= 0).all() and low <= rows[0] and rows[-1] < low + n
    counts = np.bincount(rows - low, minlength=n)
    assert counts.max() - counts.min() <= 1


def test_every_set_of_rows_is_as_likely() -> None:
    found: Counter[tuple[int, ...]] = Counter()
    rows = np.empty(3, dtype=np.int64)
    for place in range(20_000):
        distinct_rows(np.uint64(3), np.uint64(1), np.uint64(place), 2, 8, rows)
        found[tuple(rows.tolist())] += 1
    assert len(found) == 20
    assert chisquare(list(found.values())).pvalue > 1e-4
