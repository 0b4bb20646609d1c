"""The tables of amino acids and nucleotides agree with each other and with chemistry."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.structure.chemistry.ideal_geometry import BACKBONE_GEOMETRY, BOND_LENGTHS, BUILD_GEOMETRY
from unfreeze.structure.chemistry.nucleotides import NUCLEOTIDE_BONDS, NUCLEOTIDE_PLANES
from unfreeze.structure.chemistry.residues import AMINO_ACIDS, MAX_CHI, TORSION_NAMES

# heavy atoms of the residue (peptide unit) and number of rings
HEAVY_ATOMS = dict(
    zip(
        "ALA ARG ASN ASP CYS GLN GLU GLY HIS ILE LEU LYS MET PHE PRO SER THR TRP TYR VAL".split(),
        (5, 11, 8, 8, 6, 9, 9, 4, 10, 8, 8, 9, 8, 11, 7, 6, 7, 14, 12, 7),
        strict=True,
    )
)
RINGS = {"HIS": 1, "PHE": 1, "PRO": 1, "TRP": 2, "TYR": 1}
CHI_COUNTS = {"GLY": 0, "ALA": 0, "SER": 1, "LEU": 2, "PRO": 2, "MET": 3, "LYS": 4, "ARG": 5, "TRP": 2}


@pytest.mark.parametrize("name", AMINO_ACIDS)
def test_an_amino_acid_is_one_connected_molecule_with_its_rings(name):
    acid = AMINO_ACIDS[name]
    assert len(acid.atoms) == HEAVY_ATOMS[name] == len(set(acid.atoms))
    assert len(acid.bonds) == len(acid.atoms) - 1 + RINGS.get(name, 0)
    group = {atom: atom for atom in acid.atoms}
    for first, second in acid.bonds:
        old, new = group[first], group[second]
        group = {atom: new if label == old else label for atom, label in group.items()}
    assert len(set(group.values())) == 1


@pytest.mark.parametrize("name", AMINO_ACIDS)
def test_every_atom_is_built_once_from_atoms_before_it(name):
    acid = AMINO_ACIDS[name]
    placed = ["N", "CA", "C"]
    bonded = {frozenset(pair) for pair in acid.bonds}
    for step in acid.build:
        assert set(step.references) <= set(placed)
        assert frozenset((step.references[2], step.atom)) in bonded
        assert step.torsion in ("", *TORSION_NAMES)
        placed.append(step.atom)
    assert sorted(placed) == sorted(acid.atoms)
    assert set(BUILD_GEOMETRY[name]) == {step.atom for step in acid.build}
    assert len(acid.chi) == CHI_COUNTS.get(name, len(acid.chi)) <= MAX_CHI
    turned = {step.torsion for step in acid.build if step.torsion.startswith("chi")}
    assert turned == {f"chi{k + 1}" for k in range(len(acid.chi))}
    named = {atom for group in (*acid.planar_groups, *acid.symmetric_pairs, *acid.chi) for atom in group}
    assert named <= set(acid.atoms)


def test_measured_lengths_are_those_of_engh_and_huber():
    # Engh & Huber (2001) International Tables F, 18.3, in nm
    published = {
        ("ALA", ("N", "CA")): 0.1459,
        ("ALA", ("CA", "C")): 0.1525,
        ("ALA", ("C", "O")): 0.1229,
        ("PHE", ("CB", "CG")): 0.1509,
        ("SER", ("CB", "OG")): 0.1418,
        ("CYS", ("CB", "SG")): 0.1812,
        ("MET", ("SD", "CE")): 0.1774,
        ("ARG", ("CZ", "NH1")): 0.1326,
        ("ASP", ("CG", "OD1")): 0.1249,
        ("TYR", ("CZ", "OH")): 0.1374,
        ("LYS", ("CE", "NZ")): 0.1486,
        ("TRP", ("NE1", "CE2")): 0.1371,
    }
    for (name, pair), length in published.items():
        assert BOND_LENGTHS[name][pair][0] == pytest.approx(length, abs=0.0025), (name, pair)
    assert np.degrees(BACKBONE_GEOMETRY["ALA"][2]) == pytest.approx(111.0, abs=1.0)


@pytest.mark.parametrize("name", NUCLEOTIDE_BONDS)
def test_a_nucleotide_is_connected_and_its_base_closes(name):
    bonds = NUCLEOTIDE_BONDS[name]
    atoms = {atom for pair in bonds for atom in pair}
    purine = len(NUCLEOTIDE_PLANES[name]) == 9
    assert len(bonds) == len(atoms) - 1 + (3 if purine else 2)
    assert set(NUCLEOTIDE_PLANES[name]) <= atoms
    assert ("C2'", "O2'") not in bonds if name.startswith("D") else ("C2'", "O2'") in bonds
    assert all(0.12 < length < 0.165 for length in bonds.values())
