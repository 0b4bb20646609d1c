import numpy as np
import pytest

from unfreeze.structure.similarity.interfaces import cluster_interfaces, partner_interfaces
from unfreeze.structure.similarity.sequences import chain_sequences


@pytest.fixture
def protease(make):
    return make.read("1hvr")


def test_the_dimer_touches_where_it_is_known_to(protease):
    chains = chain_sequences(protease)
    (found,) = partner_interfaces(protease, chains)
    assert (found.first, found.second) == (0, 1)
    # The termini of the two chains form one sheet: P1 and F99 of HIV protease.
    assert {(0, 98), (98, 0)} <= {tuple(pair) for pair in found.contacts.tolist()}
    sides = [set(found.contacts[:, side].tolist()) for side in (0, 1)]
    assert len(sides[0] & sides[1]) > 0.8 * len(sides[0] | sides[1])


def test_chains_far_apart_share_nothing(protease):
    moved = protease.coordinates_nm + np.where(protease.atom_chain_index == 1, 5.0, 0.0)[:, None]
    assert partner_interfaces(protease.with_coordinates(moved), chain_sequences(protease)) == []


SEQUENCES = ["A" * 40, "C" * 40, "D" * 40, "A" * 39 + "G"]
CLUSTERS = np.array([0, 1, 2, 0])


def contacts(first, second):
    return np.array([(a, b) for a in first for b in second])


def test_one_family_needs_both_partners():
    found = cluster_interfaces(
        [
            (0, 1, contacts(range(10), range(10))),
            (1, 3, contacts(range(10), range(10))),  # the same two, the other way round
            (0, 2, contacts(range(10), range(10))),  # the same site of the first partner only
        ],
        SEQUENCES,
        CLUSTERS,
    )
    assert found.family.tolist() == [0, 0, 1]
    assert found.partners.tolist() == [[0, 1], [0, 2]]
    assert found.site.tolist() == [0, 0, 1]


def test_another_site_of_the_same_partners_is_another_site_of_the_family():
    found = cluster_interfaces(
        [
            (0, 1, contacts(range(10), range(10))),
            (0, 1, contacts(range(20, 30), range(10))),  # elsewhere on the first partner
            (0, 1, contacts(range(2, 12), range(1, 9))),
        ],
        SEQUENCES,
        CLUSTERS,
    )
    assert found.family.tolist() == [0, 0, 0]
    assert found.site.tolist() == [0, 1, 0]


def test_sides_of_a_homodimer_may_be_exchanged():
    found = cluster_interfaces(
        [(0, 3, contacts(range(10), range(20, 30))), (0, 3, contacts(range(20, 30), range(10)))], SEQUENCES, CLUSTERS
    )
    assert found.site.tolist() == [0, 0]


def test_residues_are_compared_through_an_alignment():
    whole = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"
    found = cluster_interfaces(
        [(0, 2, contacts(range(40, 50), range(10))), (1, 2, contacts(range(30, 40), range(10)))],
        [whole, whole[10:], "A" * 40],
        np.array([0, 0, 1]),
    )
    assert found.site.tolist() == [0, 0]
    assert cluster_interfaces([], [], np.empty(0, int)).partners.shape == (0, 2)


def test_a_copy_of_the_complex_is_one_site(protease):
    molecules = [protease, protease.with_coordinates(protease.coordinates_nm + 3.0)]
    sequences, interfaces = [], []
    for molecule in molecules:
        chains = chain_sequences(molecule)
        found = partner_interfaces(molecule, chains)
        interfaces += [(len(sequences) + one.first, len(sequences) + one.second, one.contacts) for one in found]
        sequences += [chain.letters for chain in chains]
    clusters = np.zeros(len(sequences), dtype=int)
    assert cluster_interfaces(interfaces, sequences, clusters).site.tolist() == [0, 0]
