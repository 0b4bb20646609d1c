"""Mutants: what changes, what does not, and that what is built is sound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unfreeze.corpus.mutations import Mutation
from unfreeze.errors import InputError
from unfreeze.properties.mutants import MutantBuilder, build_mutant
from unfreeze.structure.chemistry.residues import AMINO_ACIDS
from unfreeze.structure.complex import Complex
from unfreeze.structure.internal_coordinates.torsions import torsions
from unfreeze.structure.read import read_complex
from unfreeze.structure.validity import FrameChecker, FrameValidity

LETTERS = "ACDEFGHIKLMNPQRSTVWY"


def read(*texts: str) -> list[Mutation]:
    return [Mutation.read(text) for text in texts]


@pytest.fixture(scope="module")
def protease() -> Complex:
    from pathlib import Path

    return read_complex(Path(__file__).parents[3] / "examples" / "data" / "1hvr.cif")


@pytest.fixture(scope="module")
def builder(protease: Complex) -> MutantBuilder:
    return MutantBuilder(protease)


@pytest.fixture(scope="module")
def before(protease: Complex) -> FrameValidity:
    return FrameChecker(protease).input_validity


def row_of(molecule: Complex, chain: str, number: int) -> int:
    rows = (molecule.chain_name[molecule.chain_index] == chain) & (molecule.residue_number == number)
    return int(np.flatnonzero(rows)[0])


@pytest.mark.parametrize("letter", LETTERS)
def test_every_amino_acid_is_built_whole_and_sound(builder: MutantBuilder, before: FrameValidity, letter: str) -> None:
    molecule = builder.molecule
    for number, old in ((35, "E"), (63, "L")) if letter in "PWIR" else ((35, "E"),):
        mutant = builder.build(read(f"A:{old}{number}{letter}"))
        row = row_of(molecule, "A", number)
        mine = mutant.residue_index == row
        name = next(acid.name for acid in AMINO_ACIDS.values() if acid.letter == letter)
        assert mutant.residue_name[row] == mutant.residue_parent_name[row] == name
        assert set(mutant.atom_name[mine].tolist()) == set(AMINO_ACIDS[name].atoms)
        faults = FrameChecker(mutant).input_validity
        assert faults.inverted_centres[0] <= before.inverted_centres[0]
        assert faults.bad_bond_lengths[0] <= before.bad_bond_lengths[0]
        assert faults.nonplanar_groups[0] <= before.nonplanar_groups[0]


def test_all_else_stays_bit_for_bit(builder: MutantBuilder) -> None:
    molecule = builder.molecule
    mutant = builder.build(read("A:K20A"))
    row = row_of(molecule, "A", 20)
    far, far_there = molecule.residue_index != row, mutant.residue_index != row
    assert np.array_equal(molecule.coordinates_nm[far], mutant.coordinates_nm[far_there])
    for name in ("atom_name", "element", "residue_index", "atom_b_factor", "atom_altloc", "atom_charge"):
        assert np.array_equal(getattr(molecule, name)[far], getattr(mutant, name)[far_there]), name
    old = {str(molecule.atom_name[a]): molecule.coordinates_nm[a] for a in np.flatnonzero(~far)}
    for atom in np.flatnonzero(~far_there):
        assert np.array_equal(mutant.coordinates_nm[atom], old[str(mutant.atom_name[atom])])
    # links follow their atoms
    labels = [[one.atom_label(a), one.atom_label(b)] for one in (molecule, mutant) for a, b in one.links.tolist()]
    n_links = len(molecule.links)
    assert [[text.replace("A:LYS20", "A:ALA20") for text in pair] for pair in labels[:n_links]] == labels[n_links:]


def test_no_mutation_is_no_change_and_the_same_twice_is_the_same(builder: MutantBuilder) -> None:
    assert builder.build(read("A:K20K")) is builder.molecule
    one, two = (builder.build(read("A:I84F", "B:V32W")) for _ in range(2))
    again = MutantBuilder(builder.molecule).build(read("B:V32W", "A:I84F"))
    assert np.array_equal(one.coordinates_nm, two.coordinates_nm)
    assert np.array_equal(one.coordinates_nm, again.coordinates_nm)


def test_smaller_side_chains_clash_with_nothing_new(builder: MutantBuilder, before: FrameValidity) -> None:
    for text in ("A:L24A", "A:I84G", "B:V32A", "B:W6G"):
        mutant = builder.build(read(text))
        assert FrameChecker(mutant).input_validity.new_clashes[0] <= before.new_clashes[0]


def test_turning_the_complex_turns_the_mutant(protease: Complex, builder: MutantBuilder) -> None:
    rotation, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))
    rotation *= np.sign(np.linalg.det(rotation))
    turned = protease.with_coordinates(protease.coordinates_nm @ rotation.T + 1.0)
    for text in ("A:G48K", "A:V32W"):
        one, other = builder.build(read(text)), build_mutant(turned, read(text))
        assert np.allclose(one.coordinates_nm @ rotation.T + 1.0, other.coordinates_nm, atol=1e-6)


def test_there_and_back_again_finds_the_buried_side_chain(builder: MutantBuilder) -> None:
    molecule = builder.molecule
    found = []
    for old, number in (("L", 24), ("V", 11), ("I", 66), ("L", 90), ("I", 85), ("V", 75), ("W", 6), ("F", 99)):
        small = builder.build(read(f"A:{old}{number}A"))
        back = build_mutant(small, read(f"A:A{number}{old}"))
        row = row_of(molecule, "A", number)
        turn = torsions(back)[0][row, 3] - torsions(molecule)[0][row, 3]
        found.append(abs(np.degrees(np.angle(np.exp(1j * turn)))) < 40.0)
    assert np.mean(found) >= 0.75


def test_a_disulfide_goes_with_its_cysteine(peptide_with_disulfide: Complex) -> None:
    molecule = peptide_with_disulfide
    sulphur = np.flatnonzero(molecule.atom_name == "SG")
    assert (molecule.links == sulphur).all(axis=1).any()
    mutant = build_mutant(molecule, read("A:C2S"))
    left = np.flatnonzero(mutant.atom_name == "SG")
    assert len(left) == 1
    assert not np.isin(mutant.links, left).any()
    assert "SG" in mutant.source.notes[-1]


@pytest.fixture
def peptide_with_disulfide(protease: Complex) -> Complex:
    """Four residues of the protease with two neighbours made cysteines and joined by decree."""
    rows = np.arange(row_of(protease, "A", 9), row_of(protease, "A", 13))
    short = protease.take_residues(rows)
    short = replace(short, residue_number=np.arange(1, 5))
    letters = {acid.name: acid.letter for acid in AMINO_ACIDS.values()}
    texts = [f"A:{letters[str(short.residue_name[k])]}{k + 1}C" for k in (1, 2)]
    made = build_mutant(short, read(*texts))
    pair = np.flatnonzero(made.atom_name == "SG")[None]
    links = np.unique(np.concatenate([made.links, pair]), axis=0)
    return replace(made, links=links)


def test_hydrogens_of_the_mutated_residue_go(protease: Complex) -> None:
    short = protease.take_residues(np.arange(10, 16))
    atoms = np.flatnonzero(short.atom_name == "CA")
    order = np.sort(np.concatenate([np.arange(short.n_atoms), atoms]))
    doubled = {
        name: getattr(short, name)[order]
        for name in (
            "atom_name", "element", "residue_index", "atom_b_factor", "atom_occupancy", "atom_charge", "atom_altloc"
        )
    }  # fmt: skip
    second = np.concatenate([[False], order[1:] == order[:-1]])
    doubled["atom_name"] = np.where(second, "HA", doubled["atom_name"])
    doubled["element"] = np.where(second, "H", doubled["element"])
    points = short.coordinates_nm[order] + np.where(second, 0.1, 0.0)[:, None]
    molecule = replace(short, coordinates_nm=points, links=np.zeros((0, 2), dtype=np.int64), **doubled)
    letters = {acid.name: acid.letter for acid in AMINO_ACIDS.values()}
    text = f"A:{letters[str(molecule.residue_name[2])]}{molecule.residue_number[2]}S"
    mutant = build_mutant(molecule, read(text))
    assert not (mutant.element[mutant.residue_index == 2] == "H").any()
    assert (mutant.element == "H").sum() == (molecule.element == "H").sum() - 1


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (("A:L20A",), "has K there"),
        (("Q:K20A",), "no chain Q"),
        (("A:K2000A",), "no residue 2000"),
        (("K20A",), "names no chain"),
        (("A:K20A", "A:K20R"), "one residue"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(builder: MutantBuilder, texts: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        builder.build(read(*texts))


def test_residues_that_cannot_be_rebuilt_are_refused(protease: Complex) -> None:
    row = row_of(protease, "A", 20)
    no_carbon = protease.take_atoms(~((protease.residue_index == row) & (protease.atom_name == "C")))
    with pytest.raises(InputError, match="A:LYS20 has no atom C"):
        build_mutant(no_carbon, read("A:K20A"))
    mirror = protease.with_coordinates(protease.coordinates_nm * (-1.0, 1.0, 1.0))
    with pytest.raises(InputError, match="D-amino acid"):
        build_mutant(mirror, read("A:K20A"))
