"""Crops hold whole residues about their centre, both sides of an interface, and know their core."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from unfreeze.corpus.loader.contact_kernels import nearest_partners
from unfreeze.corpus.loader.crops import Crop, crop_core, crop_residues
from unfreeze.corpus.loader.entry_arrays import EntryArrays, entry_arrays
from unfreeze.errors import InputError

WORD = st.integers(0, 2**64 - 1)


@pytest.fixture(scope="module")
def protease(make) -> EntryArrays:
    return entry_arrays(make.read("1hvr"))


@settings(max_examples=40, deadline=None)
@given(word=WORD, n=st.integers(1, 250), around=st.sampled_from(["interface", "surface", "anywhere"]))
def test_a_crop_has_the_residues_nearest_to_its_centre(protease: EntryArrays, word: int, n: int, around: str) -> None:
    residues = crop_residues(protease, Crop(n, around), word)
    assert len(residues) == min(n, protease.n_residues)
    assert (np.diff(residues) > 0).all()
    np.testing.assert_array_equal(residues, crop_residues(protease, Crop(n, around), word))
    if len(residues) == protease.n_residues:
        return
    # some centre (or two) explains it: all that is in is nearer than all that is out
    distance = cdist(protease.residue_point_nm, protease.residue_point_nm)
    inside = np.isin(np.arange(protease.n_residues), residues)
    if around == "interface":
        centres = np.flatnonzero(protease.residue_partner >= 0)
        distance = np.minimum(distance[centres], distance[protease.residue_partner[centres]])
    assert (distance[:, inside].max(axis=1) <= distance[:, ~inside].min(axis=1) + 1e-6).any()


def test_a_crop_at_the_interface_has_both_sides(protease: EntryArrays) -> None:
    for word in np.random.default_rng(0).integers(0, 2**64, 50, dtype=np.uint64).tolist():
        residues = crop_residues(protease, Crop(40), word)
        assert (protease.residue_partner[residues] >= 0).sum() >= 2
        parties = {(protease.residue_chain[r], protease.residue_kind[r] == 2) for r in residues}
        assert len(parties) >= 2


def test_places_of_crops_follow_their_shares(protease: EntryArrays) -> None:
    words = np.random.default_rng(1).integers(0, 2**64, 4000, dtype=np.uint64).tolist()
    crop = Crop(1, {"surface": 0.25, "anywhere": 0.75})
    centres = np.concatenate([crop_residues(protease, crop, word) for word in words])
    polymer = protease.residue_kind <= 1
    exposed = protease.residue_exposed[polymer].mean()
    assert protease.residue_exposed[centres].mean() == pytest.approx(0.25 + 0.75 * exposed, abs=0.03)
    assert len(np.unique(centres)) == polymer.sum()


def test_without_an_interface_a_crop_is_anywhere(make) -> None:
    arrays = entry_arrays(make.peptide(30))
    assert len({tuple(crop_residues(arrays, Crop(5), word << 40)) for word in range(0, 2**24, 2**18)}) > 10


def test_the_core_has_all_its_neighbours(protease: EntryArrays) -> None:
    distance = cdist(protease.residue_point_nm, protease.residue_point_nm)
    for word in (1, 2**40, 2**63):
        residues = crop_residues(protease, Crop(90, "anywhere"), word)
        outside = np.setdiff1d(np.arange(protease.n_residues), residues)
        expected = ~(distance[np.ix_(residues, outside)] <= 1.2).any(axis=1)
        np.testing.assert_array_equal(crop_core(protease, residues), expected)
        assert expected.any() and not expected.all()
    assert crop_core(protease, np.arange(protease.n_residues)).all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 60), reach=st.floats(0.05, 3.0))
def test_partners_are_those_of_a_search_through_all(seed: int, n: int, reach: float) -> None:
    rng = np.random.default_rng(seed)
    points, party = rng.normal(size=(n, 3)), rng.integers(0, 3, n)
    residue = np.sort(rng.integers(0, max(1, n // 3), n))
    found = nearest_partners(points, party, residue, reach)
    distance = np.where(party[:, None] == party[None], np.inf, cdist(points, points))
    for row in range(residue.max() + 1):
        mine = distance[residue == row]
        if mine.size == 0 or mine.min() > reach:
            assert found[row] == -1
        else:
            assert found[row] == residue[np.unravel_index(mine.argmin(), mine.shape)[1]]


def test_arrays_of_a_complex(make) -> None:
    molecule = make.read("1hvr")
    arrays = entry_arrays(molecule)
    assert (arrays.n_atoms, arrays.n_residues) == (molecule.n_atoms, molecule.n_residues)
    np.testing.assert_array_equal(arrays.residue_start, molecule.residue_start)
    ligand = np.flatnonzero(molecule.residue_name == "XK2")[0]
    assert arrays.residue_atom[ligand] == -1 and arrays.residue_partner[ligand] >= 0
    assert (arrays.atom_name[molecule.residue_index == ligand] == 0).all()
    assert arrays.nbytes < 60 * molecule.n_atoms
    rows = np.repeat(np.arange(arrays.n_residues), np.diff(arrays.neighbour_start))
    near = cdist(arrays.residue_point_nm, arrays.residue_point_nm) <= 1.2
    np.fill_diagonal(near, False)
    assert near[rows, arrays.neighbours].all() and near.sum() == len(rows)
    chains = molecule.chain_index[molecule.residue_kind == "protein"]
    contacts = arrays.residue_partner[: len(chains)]
    assert set(chains[np.flatnonzero(contacts >= 0)]) == {0, 1}


@pytest.mark.parametrize(
    "make_crop",
    [
        lambda: Crop(0),
        lambda: Crop(10, "middle"),
        lambda: Crop(10, {"surface": -1.0}),
        lambda: Crop(10, {"surface": 0.0}),
        lambda: Crop(10, {}),
    ],
)
def test_crops_without_sense_are_refused(make_crop) -> None:
    with pytest.raises(InputError):
        make_crop()
