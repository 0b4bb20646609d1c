"""Residues are found again after any deletions and any renumbering."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unfreeze.evaluate.matching.chains import Unit, pair_units
from unfreeze.evaluate.matching.sequences import Sequenced, align_sequences, pair_residues
from unfreeze.structure.chemistry.residues import AMINO_ACIDS

NAMES = tuple(AMINO_ACIDS)


def sequenced(parents, numbers=None, broken=None):
    n = len(parents)
    breaks = np.zeros(n, dtype=bool) if broken is None else np.asarray(broken)
    return Sequenced(tuple(parents), np.arange(1, n + 1) if numbers is None else np.asarray(numbers), ("",) * n, breaks)


def random_parents(seed, n):
    return np.random.default_rng(seed).choice(NAMES, n).tolist()


def shortened(parents, kept, numbers):
    """What is left of a chain, broken where residues were taken out."""
    kept = np.flatnonzero(kept)
    return sequenced([parents[k] for k in kept], numbers[kept], np.diff(kept, prepend=-5) > 1), kept


def brute_force(scores):
    """Best score of any alignment with free ends and no penalty inside, by recursion."""
    n, m = scores.shape
    best = np.zeros((n + 1, m + 1))
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            best[i, j] = max(best[i - 1, j], best[i, j - 1], best[i - 1, j - 1] + scores[i - 1, j - 1])
    return best[n, m]


@st.composite
def deletions(draw):
    n = draw(st.integers(40, 120))
    seed = draw(st.integers(0, 10_000))
    keep = np.ones(n, dtype=bool)
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, n - 1))
        keep[start : start + draw(st.integers(1, 8))] = False
    return n, seed, keep


@settings(max_examples=80, deadline=None)
@given(deletions(), st.one_of(st.just(0), st.integers(200, 900)), st.booleans())
def test_deleted_residues_are_the_only_ones_not_found(case, offset, consecutive):
    n, seed, keep = case
    parents = random_parents(seed, n)
    numbers = np.arange(n) + 1 + offset
    if consecutive:  # and never by chance numbers of the whole chain, which would count
        numbers = np.cumsum(keep) + 1000 + offset
    short, kept = shortened(parents, keep, numbers)
    found = pair_residues(sequenced(parents), short)
    assert found is not None
    assert found.n_identical == len(kept)
    np.testing.assert_array_equal(found.second, np.arange(len(kept)))
    assert [parents[k] for k in found.first] == list(short.parents)
    # placed exactly by equal numbers; otherwise wherever the sequence does not allow another place
    moved = found.first != kept
    if not consecutive and not offset:
        assert not moved.any()
    assert moved.sum() <= 4


@settings(max_examples=30, deadline=None)
@given(deletions(), deletions())
def test_alignment_is_symmetric_and_increasing(one, other):
    parents = random_parents(one[1], 60)
    sides = []
    for n, _, keep in (one, other):
        mask = np.ones(60, dtype=bool)
        mask[: min(n, 60)] = keep[:60]
        sides.append(shortened(parents, mask, np.arange(60) * 3 + n)[0])
    forward, backward = pair_residues(*sides), pair_residues(*sides[::-1])
    assert forward is not None and backward is not None
    assert (np.diff(forward.first) > 0).all() and (np.diff(forward.second) > 0).all()
    assert forward.n_identical == backward.n_identical
    assert 0 < forward.n_identical <= min(len(side) for side in sides)


def test_the_alignment_is_the_best_there_is(monkeypatch):
    monkeypatch.setattr("unfreeze.evaluate.matching.sequences.GAP_OPEN", 0.0)
    monkeypatch.setattr("unfreeze.evaluate.matching.sequences.GAP_AT_BREAK", 0.0)
    monkeypatch.setattr("unfreeze.evaluate.matching.sequences.GAP_EXTEND", 0.0)
    generator = np.random.default_rng(1)
    for n, m in ((1, 1), (1, 7), (9, 4), (12, 15), (20, 20)):
        scores = generator.normal(0.0, 1.0, (n, m)).round(3)
        rows, columns = align_sequences(scores, np.zeros(n, bool), np.zeros(m, bool))
        assert scores[rows, columns].sum() == pytest.approx(brute_force(scores))


@pytest.mark.parametrize("kept", [[0, 1, 4, 5, 6, 7, 8, 9], [0, 1, 2, 3, 6, 7, 8, 9]])
@pytest.mark.parametrize("broken_side", ["first", "second"])
def test_a_gap_is_put_where_the_chain_is_broken(kept, broken_side):
    full = ["TRP", "GLY", "SER", "GLY", "SER", "GLY", "SER", "ALA", "LEU", "LYS"]  # two places fit the sequence
    chains = [sequenced(full), sequenced([full[k] for k in kept], np.arange(8) + 70, np.diff(kept, prepend=0) > 1)]
    found = pair_residues(*chains) if broken_side == "second" else pair_residues(*chains[::-1])
    assert found is not None
    assert (found.first if broken_side == "second" else found.second).tolist() == kept


@pytest.mark.parametrize("offset", [0, 40])
def test_numbers_decide_where_sequences_do_not(offset):
    full = ["LEU", "HIS", *["ALA"] * 12, "TRP", "LYS"]
    kept = [0, 1, 2, 3, 4, 9, 10, 11, 12, 13, 14, 15]
    found = pair_residues(sequenced(full), sequenced([full[k] for k in kept], np.array(kept) + 1 + offset))
    assert found is not None
    assert found.first.tolist() == kept


def test_numbers_that_agree_by_chance_do_not_decide():
    parents = random_parents(5, 80)
    shifted = sequenced(parents[10:], np.arange(1, 71))  # numbered from 1 again, so that all numbers exist
    found = pair_residues(sequenced(parents), shifted)
    assert found is not None
    assert found.first.tolist() == list(range(10, 80))


def test_unrelated_chains_are_not_paired():
    def unit(seed, n, name):
        return Unit(0, name, "protein", np.arange(n), sequenced(random_parents(seed, n)))

    for seed in range(6):
        assert not pair_units([unit(seed, 150, "A")], [unit(seed + 50, 140, "A")]).chosen
        assert not pair_units([unit(seed, 300, "A")], [unit(seed + 50, 9, "A")]).chosen
    related = random_parents(1, 150)
    changed = [name if k % 2 else "TRP" for k, name in enumerate(related)]
    chains = sequenced(related), sequenced(changed, np.arange(150) + 33)
    pairing = pair_units(*([Unit(0, "A", "protein", np.arange(150), chain)] for chain in chains))
    assert pairing.chosen == {0: 0}
    np.testing.assert_array_equal(pairing.candidates[0, 0].first, pairing.candidates[0, 0].second)
