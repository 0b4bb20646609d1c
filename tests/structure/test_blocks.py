"""The partition into rigid blocks: residues and ions whole, long ligands cut at acyclic bonds, nothing lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from unfreeze.structure.blocks import MIN_FRAGMENT_ATOMS, partition

REAL = ("pdb1ubi.pdb", "1hvr", "pdb3mht.pdb", "1a28.pdb.gz", "19hc.pdb.gz", "pdb1ejg.pdb")


def _n_parts(n, bonds):
    graph = coo_array((np.ones(len(bonds)), (bonds[:, 0], bonds[:, 1])), shape=(n, n))
    return connected_components(graph, directed=False)[0]


def _inner_parts(blocks, block):
    """Bonded parts that the atoms of one block fall into."""
    atoms = np.flatnonzero(blocks.atom_block == block)
    row = np.full(len(blocks.atom_block), -1)
    row[atoms] = np.arange(len(atoms))
    bonds = row[blocks.bonds]
    return _n_parts(len(atoms), bonds[(bonds >= 0).all(axis=1)])


@pytest.mark.parametrize("name", REAL)
def test_every_atom_is_in_one_block_of_its_own_residue(make, name):
    molecule = make.read(name)
    blocks = partition(molecule)
    assert blocks.atom_block.shape == (molecule.n_atoms,)
    assert np.array_equal(np.unique(blocks.atom_block), np.arange(blocks.n_blocks))
    assert np.array_equal(blocks.block_residue[blocks.atom_block], molecule.residue_index)
    polymer = molecule.residue_kind != "ligand"
    per_residue = np.bincount(blocks.block_residue, minlength=molecule.n_residues)
    assert (per_residue[polymer] == 1).all()
    first = np.unique(blocks.atom_block, return_index=True)[1]
    assert (np.diff(first) > 0).all(), "blocks are numbered by their first atom"
    for block in (0, blocks.n_blocks // 2, blocks.n_blocks - 1):
        mean = molecule.coordinates_nm[blocks.atom_block == block].mean(axis=0)
        assert np.allclose(blocks.centre_nm[block], mean)


@pytest.mark.parametrize("name", ("1hvr", "1a28.pdb.gz", "19hc.pdb.gz"))
def test_fragments_of_ligands_are_bonded_and_not_too_small(make, name):
    molecule = make.read(name)
    blocks = partition(molecule)
    sizes = np.bincount(blocks.atom_block)
    whole = np.bincount(molecule.residue_index)[blocks.block_residue]
    ligand = np.flatnonzero(molecule.residue_kind[blocks.block_residue] == "ligand")
    assert (sizes[ligand] >= np.minimum(whole[ligand], MIN_FRAGMENT_ATOMS)).all()
    assert all(_inner_parts(blocks, block) == 1 for block in ligand)


def test_links_are_the_bonds_between_blocks(make):
    molecule = make.read("pdb1ejg.pdb")
    blocks = partition(molecule)
    assert {tuple(pair) for pair in blocks.links.tolist()} == {tuple(pair) for pair in molecule.links.tolist()}
    names = molecule.atom_name[blocks.links]
    assert ((names == "SG").all(axis=1)).sum() == 3, "crambin has three disulfides"
    assert (np.isin(names, ["C", "N"]).all(axis=1)).sum() == molecule.n_residues - 1


def test_the_haems_of_a_cytochrome_stay_whole_rings(make):
    molecule = make.read("19hc.pdb.gz")
    blocks = partition(molecule)
    haems = np.flatnonzero(np.isin(molecule.residue_name, ["HEC", "HEM"]))
    assert len(haems) > 0
    porphyrin = {*"NA NB NC ND C1A C4A C1B C4B C1C C4C C1D C4D CHA CHB CHC CHD FE".split()}
    for residue in haems.tolist():
        ring = (molecule.residue_index == residue) & np.isin(molecule.atom_name, list(porphyrin))
        assert ring.sum() == len(porphyrin)
        assert len(np.unique(blocks.atom_block[ring])) == 1


@given(st.integers(1, 60))
@settings(max_examples=30, deadline=None)
def test_a_lipid_chain_bends_in_pieces_of_five(make, n_atoms):
    blocks = partition(make.alkane(n_atoms))
    sizes = np.bincount(blocks.atom_block)
    assert sizes.sum() == n_atoms
    assert blocks.n_blocks == max(1, n_atoms // MIN_FRAGMENT_ATOMS)
    assert sizes.min() >= min(n_atoms, MIN_FRAGMENT_ATOMS)
    assert len(blocks.links) == blocks.n_blocks - 1
    assert (np.diff(blocks.atom_block) >= 0).all(), "pieces are stretches of the chain"


def _ring(centre, radius, n=6, start=0.0):
    angle = start + 2.0 * np.pi * np.arange(n) / n
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), np.zeros(n)], axis=1) + centre


def test_fused_rings_stay_whole_and_the_bond_between_rings_is_cut(make):
    """Two fused six-rings (10 atoms) joined by a single bond to a third ring."""
    side = 0.14
    first = _ring(np.zeros(3), side, start=np.pi / 6)
    second = _ring(np.array([side * np.sqrt(3.0), 0.0, 0.0]), side, start=np.pi / 6)
    fused = np.concatenate([first, second])
    fused = fused[np.unique(np.round(fused, 6), axis=0, return_index=True)[1]]
    assert len(fused) == 10
    tip = fused[np.argmax(fused[:, 1])]
    third = _ring(tip + np.array([0.0, 0.15 + side, 0.0]), side, start=np.pi / 2)
    molecule = make.assemble([("L", "BIG", "ligand", [f"C{k}" for k in range(16)], np.concatenate([fused, third]))])
    blocks = partition(molecule)
    assert blocks.n_blocks == 2
    assert len(blocks.links) == 1
    assert len(np.unique(blocks.atom_block[:10])) == 1
    assert len(np.unique(blocks.atom_block[10:])) == 1


def test_a_ring_of_any_size_is_never_cut(make):
    molecule = make.assemble([("L", "MAC", "ligand", [f"C{k}" for k in range(30)], _ring(np.zeros(3), 0.7, 30))])
    assert partition(molecule).n_blocks == 1


def test_ions_and_pieces_that_nothing_joins(make):
    blocks = partition(make.ions([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))
    assert blocks.n_blocks == 2 and len(blocks.bonds) == 0 and len(blocks.links) == 0
    assert np.array_equal(blocks.centre_nm, [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])


def test_atoms_of_one_fragment_need_not_be_neighbours_in_the_file(make):
    straight = make.alkane(20)
    shuffled = np.random.default_rng(7).permutation(20)
    mixed = make.assemble(
        [("L", "LIP", "ligand", straight.atom_name[shuffled].tolist(), straight.coordinates_nm[shuffled])]
    )
    blocks = partition(mixed)
    assert blocks.n_blocks in (2, 3, 4)
    assert np.bincount(blocks.atom_block).min() >= MIN_FRAGMENT_ATOMS
    assert all(_inner_parts(blocks, block) == 1 for block in range(blocks.n_blocks))
    assert blocks.atom_block[0] == 0
