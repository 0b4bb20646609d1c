import numpy as np
import pytest

from unfreeze.structure.similarity.sequences import align, chain_sequences

UBIQUITIN = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"


def test_chains_of_a_homodimer_have_one_sequence_and_the_inhibitor_has_none(make):
    chains = chain_sequences(make.read("1hvr"))
    assert [chain.chain for chain in chains] == ["A", "B"]
    assert chains[0].letters == chains[1].letters
    assert chains[0].letters.startswith("PQVTLWQRPLVTIKIGGQLKEALLDTGADDTVLEE")
    assert len(chains[0].letters) == len(chains[0].residues) == 99


def test_a_sequence_aligned_with_itself_is_identical_everywhere():
    found = align(UBIQUITIN, UBIQUITIN)
    assert found.identity == 1.0
    assert np.array_equal(found.first, found.second)


def test_a_fragment_is_found_in_the_whole_at_its_place():
    found = align(UBIQUITIN[20:60], UBIQUITIN)
    assert found.identity == 1.0
    assert np.array_equal(found.second - found.first, np.full(40, 20))


def test_a_deletion_shifts_what_follows():
    found = align(UBIQUITIN[:30] + UBIQUITIN[36:], UBIQUITIN)
    shift = dict(zip(found.first.tolist(), (found.second - found.first).tolist(), strict=True))
    assert shift[0] == shift[20] == 0
    assert shift[40] == shift[69] == 6
    assert found.identity >= 0.95


@pytest.mark.parametrize("length", [5, 12, 40, 200])
def test_unrelated_sequences_are_not_alike(length):
    generator = np.random.default_rng(length)
    letters = np.array(list("ACDEFGHIKLMNPQRSTVWY"))
    pairs = ["".join(generator.choice(letters, length)) for _ in range(40)]
    identities = [align(one, other).identity for one, other in zip(pairs[::2], pairs[1::2], strict=True)]
    assert np.mean(identities) < 0.2
    assert sum(identity >= 0.4 for identity in identities) <= (1 if length < 10 else 0)
