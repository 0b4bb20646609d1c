"""A complex as OpenMM's topology and back: atoms, numbers, chains and bonds stay what they are."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex
from unfreeze.structure.openmm_topology import from_openmm, to_openmm
from unfreeze.structure.read import read_complex

HIV_PROTEASE = Path(__file__).parents[2] / "examples" / "data" / "1hvr.cif"
COLUMNS = (
    *("atom_name", "element", "residue_index", "atom_b_factor", "residue_name", "residue_parent_name", "residue_kind"),
    *("residue_hetero", "residue_number", "residue_insertion_code", "chain_index", "chain_name", "links"),
)


def differences(one: Complex, other: Complex) -> list[str]:
    return [name for name in COLUMNS if not np.array_equal(getattr(one, name), getattr(other, name))]


def bonds_of(topology) -> set[tuple[str, str]]:
    return {(f"{a.residue.id}/{a.name}", f"{b.residue.id}/{b.name}") for a, b in topology.bonds()}


def test_there_and_back_with_ligand_and_waters() -> None:
    complex = read_complex(HIV_PROTEASE, keep_waters=True)
    topology, positions = to_openmm(complex)
    assert [atom.name for atom in topology.atoms()] == complex.atom_name.tolist()
    again = from_openmm(topology, positions, like=complex)
    assert differences(complex, again) == []
    assert np.array_equal(again.coordinates_nm, complex.coordinates_nm)


def test_every_atom_of_a_molecule_is_bound(make: SimpleNamespace) -> None:
    complex = make.read("1hvr")
    topology, _ = to_openmm(complex)
    bound = {atom.index for bond in topology.bonds() for atom in bond}
    lonely = set(range(complex.n_atoms)) - bound
    assert all(complex.residue_kind[complex.residue_index[atom]] == "ion" for atom in lonely)
    # each bond once
    pairs = [tuple(sorted((a.index, b.index))) for a, b in topology.bonds()]
    assert len(pairs) == len(set(pairs))


def test_a_broken_chain_becomes_two_there_and_one_again_here(make: SimpleNamespace) -> None:
    whole = make.peptide(8)
    broken = whole.take_residues(np.array([0, 1, 2, 5, 6, 7]))
    topology, positions = to_openmm(broken)
    assert [len(list(chain.residues())) for chain in topology.chains()] == [3, 3]
    assert {chain.id for chain in topology.chains()} == {"A"}
    again = from_openmm(topology, positions)
    assert again.chain_name.tolist() == ["A"]
    assert again.residue_number.tolist() == [1, 2, 3, 6, 7, 8]
    assert len(again.links) == 4


def test_a_disulfide_is_a_bond_unless_a_sulfur_has_its_hydrogen(make: SimpleNamespace) -> None:
    def cysteine(chain: str, x: float, hydrogen: bool) -> tuple:
        names = ["CA", "CB", "SG", *(["HG"] if hydrogen else [])]
        points = [[x * 3.5, 0.0, 0.0], [x * 2.0, 0.0, 0.1], [x, 0.0, 0.0], [x, 0.13, 0.0]]
        return (chain, "CYS", "protein", names, points[: len(names)])

    for hydrogen in (False, True):
        complex = make.assemble([cysteine("A", 0.102, hydrogen), cysteine("B", -0.102, False)])
        element = np.where(complex.atom_name == "SG", "S", np.where(complex.atom_name == "HG", "H", "C"))
        rows = np.flatnonzero(complex.atom_name == "SG")
        complex = replace(complex, element=element, links=rows[None])
        topology, _ = to_openmm(complex)
        assert (("1/SG", "2/SG") in bonds_of(topology)) is not hydrogen


def test_a_name_that_returns_gets_a_number() -> None:
    from openmm.app import Element, Topology

    topology = Topology()
    for name in ("A", "A", "B", "A"):
        residue = topology.addResidue("GLY", topology.addChain(name), "x")
        topology.addAtom("CA", Element.getBySymbol("C"), residue)
    complex = from_openmm(topology, np.zeros((4, 3)))
    assert complex.chain_name.tolist() == ["A", "B", "A-2"]
    assert complex.chain_index.tolist() == [0, 0, 1, 2]
    assert complex.residue_number.tolist() == [1, 2, 3, 4]


def test_solvent_comes_back_as_water_and_ions() -> None:
    from openmm import Vec3, unit
    from openmm.app import Element, ForceField, Modeller, Topology

    topology = Topology()
    residue = topology.addResidue("NA", topology.addChain("A"), "1")
    topology.addAtom("NA", Element.getBySymbol("Na"), residue)
    modeller = Modeller(topology, [Vec3(0, 0, 0)] * unit.nanometers)
    modeller.addSolvent(ForceField("amber14/tip3p.xml"), boxSize=Vec3(1.5, 1.5, 1.5) * unit.nanometers)
    complex = from_openmm(modeller.topology, modeller.positions, name="box")
    assert complex.source.name == "box"
    assert set(zip(complex.residue_name.tolist(), complex.residue_kind.tolist(), strict=True)) == {
        ("HOH", "ligand"),
        ("NA", "ion"),
        ("CL", "ion"),
    }
    topology, _ = to_openmm(complex)
    n_waters = int((complex.residue_name == "HOH").sum())
    assert topology.getNumBonds() == 2 * n_waters


def test_without_openmm_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, make: SimpleNamespace
) -> None:
    monkeypatch.setitem(sys.modules, "openmm", None)
    with pytest.raises(InputError, match=r"pip install 'unfreeze\[openmm\]'"):
        to_openmm(make.peptide(2))
