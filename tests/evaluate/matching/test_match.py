"""Atoms are found whatever a file calls, numbers, orders or leaves out."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.evaluate.matching import match


@pytest.fixture(scope="module")
def dimer(make, tell):
    """Frames of a homodimer with its inhibitor."""
    return tell.frames(make.read("1hvr"), seed=1)


@pytest.fixture(scope="module")
def ubiquitin(make, tell):
    return tell.frames(make.read("pdb1ubi.pdb"), seed=2)


@pytest.fixture(scope="module")
def methylase(make, tell):
    """Frames of a protein on two strands of DNA, with a cofactor."""
    return tell.frames(make.read("pdb3mht.pdb"), seed=3)


def assert_same_atoms(matching, reference, ensemble):
    """Every matched atom has the coordinates of its partner in the structure: the same atom of the same molecule."""
    mine = reference.molecule.coordinates_nm[matching.reference_atoms]
    theirs = ensemble.molecule.coordinates_nm[matching.ensemble_atoms]
    np.testing.assert_array_equal(mine, theirs)
    assert (np.diff(matching.reference_atoms) > 0).all()


def test_a_complex_matches_itself_whole(dimer):
    found = match(dimer, dimer)
    np.testing.assert_array_equal(found.reference_atoms, np.arange(dimer.molecule.n_atoms))
    np.testing.assert_array_equal(found.ensemble_atoms, np.arange(dimer.molecule.n_atoms))
    assert [(c["reference"], c["ensemble"], c["identity"]) for c in found.chain_map] == [("A", "A", 1), ("B", "B", 1)]
    assert (found.missing_residues, found.extra_residues, found.n_missing_atoms, found.notes) == ((), 0, 0, ())
    assert found.n_residues == dimer.molecule.n_residues


def test_the_identity_is_chosen_for_equal_ensembles_even_if_copies_have_changed_places(dimer, make, tell):
    """The structure alone would call for a swap, and an ensemble would differ from itself."""
    protein = make.read("1hvr").take_atoms(dimer.molecule.residue_kind[dimer.molecule.residue_index] == "protein")
    half = protein.n_atoms // 2
    points = protein.coordinates_nm.copy()
    swapped = protein.with_coordinates(np.concatenate([points[half:], points[:half]]))
    drifted = replace(tell.frames(swapped, seed=11), molecule=protein)
    assert [c["ensemble"] for c in match(drifted, drifted).chain_map] == ["A", "B"]
    assert [c["ensemble"] for c in match(tell.frames(protein), drifted).chain_map] == ["B", "A"]


def test_swapped_names_and_order_of_a_homodimer_find_the_same_atoms(dimer, tell):
    swapped = tell.changed(dimer, chain_name=np.array(["B", "A"]))
    found = match(dimer, swapped)
    assert_same_atoms(found, dimer, swapped)
    assert len(found.reference_atoms) == dimer.molecule.n_atoms  # the inhibitor too
    assert [(c["reference"], c["ensemble"]) for c in found.chain_map] == [("A", "B"), ("B", "A")]
    assert "equal chains by their places" in found.notes[0]
    for names in (["A", "B"], ["B", "A"], ["X", "Y"]):
        told = tell.changed(tell.chain_order(dimer, "B", "A"), chain_name=np.array(names))
        again = match(dimer, told)
        assert_same_atoms(again, dimer, told)
        assert len(again.reference_atoms) == dimer.molecule.n_atoms


def test_ligands_in_chains_of_their_own_follow_swapped_chains(dimer, make, tell):
    protein = dimer.molecule.take_residues(dimer.molecule.residue_kind == "protein")
    ions = make.ions(protein.coordinates_nm[[20, 900]] + 0.3, chain="I")
    frames = tell.frames(make.merge(protein, ions, chains=["A", "B", "I"]), seed=4)
    told = tell.reordered(frames, np.concatenate([np.arange(protein.n_atoms), protein.n_atoms + np.array([1, 0])]))
    told = tell.changed(
        told, residue_number=np.arange(1, told.molecule.n_residues + 1), chain_name=np.array(list("BAZ"))
    )
    found = match(frames, told)
    assert_same_atoms(found, frames, told)
    assert len(found.reference_atoms) == frames.molecule.n_atoms


def test_copies_of_a_tetramer_are_told_apart_by_place(make, tell):
    frames = tell.frames(make.read("pdb3o21.pdb"), n_frames=3, seed=5)
    told = tell.changed(tell.chain_order(frames, "C", "A", "D", "B"), chain_name=np.array(["A", "B", "C", "D"]))
    found = match(frames, told)
    assert_same_atoms(found, frames, told)
    assert len(found.reference_atoms) == frames.molecule.n_atoms


def test_more_copies_than_can_be_tried_are_told_apart_by_place(make, tell):
    generator = np.random.default_rng(6)
    peptide = make.peptide(12)
    places = generator.uniform(0.0, 12.0, (9, 3))
    names = [chr(ord("A") + k) for k in range(9)]
    frames = tell.frames(make.merge(*(make.moved(peptide, place) for place in places), chains=names), seed=6)
    order = generator.permutation(9)
    told = tell.changed(tell.chain_order(frames, *(names[k] for k in order)), chain_name=np.array(names))
    found = match(frames, told)
    assert_same_atoms(found, frames, told)
    assert len(found.reference_atoms) == frames.molecule.n_atoms


def test_one_copy_finds_its_place_among_two(make, tell):
    trimer = [make.moved(make.peptide(30), (3.0 * k, k**2, 0.0)) for k in range(3)]
    frames = tell.frames(make.merge(*trimer, chains=["A", "B", "C"]), seed=7, spread_nm=0.003)
    two = tell.kept_residues(frames, frames.molecule.chain_index != 1)
    two = tell.changed(two, chain_name=np.array(["B", "A"]))
    found = match(frames, two)
    assert_same_atoms(found, frames, two)
    assert [(c["reference"], c["ensemble"]) for c in found.chain_map] == [("A", "B"), ("C", "A")]
    assert len(found.missing_residues) == 30
    assert "chain B (protein, 30 residues) of the reference" in " ".join(found.notes)
    reverse = match(two, frames)
    assert (reverse.extra_residues, reverse.missing_residues) == (30, ())


def test_hetero_oligomer_is_matched_by_sequence(methylase, tell):
    m = methylase.molecule
    told = tell.changed(
        tell.chain_order(methylase, "A", "D", "C"),
        chain_name=np.array(["C", "A", "D"]),
    )
    told = tell.changed(told, residue_number=told.molecule.residue_number + 1000)
    found = match(methylase, told)
    assert_same_atoms(found, methylase, told)
    assert len(found.reference_atoms) == m.n_atoms
    assert {c["reference"]: c["ensemble"] for c in found.chain_map} == {"C": "D", "D": "A", "A": "C"}


@pytest.mark.parametrize("merged_side", ["ensemble", "reference"])
def test_molecules_under_one_chain_name_are_told_apart(dimer, make, tell, merged_side):
    protein = tell.kept_residues(dimer, dimer.molecule.residue_kind == "protein")
    m = protein.molecule
    for numbers in (m.residue_number, np.arange(1, m.n_residues + 1)):  # restarted, and running on
        merged = tell.changed(
            protein,
            chain_index=np.zeros(m.n_residues, dtype=np.int64),
            chain_name=np.array([""]),
            residue_number=numbers,
        )
        pair = (protein, merged) if merged_side == "ensemble" else (merged, protein)
        found = match(*pair)
        assert_same_atoms(found, *pair)
        assert len(found.reference_atoms) == m.n_atoms
        assert len(found.chain_map) == 2


def test_molecules_merged_without_terminal_oxygens_are_cut_where_sequences_end(make, tell):
    first, second = make.read("pdb1ubi.pdb"), make.read("1hvr").take_chains(["A"])
    keep = [part.take_atoms((part.atom_name != "OXT") & (part.residue_kind == "protein")[part.residue_index])
            for part in (first, second)]  # fmt: skip
    frames = tell.frames(make.merge(*keep, chains=["U", "P"]), seed=8)
    n = frames.molecule.n_residues
    merged = tell.changed(frames, chain_index=np.zeros(n, dtype=np.int64), chain_name=np.array(["A"]))
    for pair in ((frames, merged), (merged, frames)):
        found = match(*pair)
        assert_same_atoms(found, *pair)
        assert len(found.reference_atoms) == frames.molecule.n_atoms
        assert len(found.chain_map) == 2


def test_renumbering_gaps_insertion_codes_and_tags(ubiquitin, make, tell):
    m = ubiquitin.molecule
    keep = np.ones(m.n_residues, dtype=bool)
    keep[[0, 1, 33, 34, 35, 36, 74, 75]] = False
    short = tell.kept_residues(ubiquitin, keep)
    n = short.molecule.n_residues
    codes = np.full(n, "", dtype="<U1")
    codes[10:12] = ["A", "B"]
    numbers = np.arange(n) + 501
    numbers[10:] -= 2
    numbers[10:12] = numbers[9]
    told = tell.changed(short, residue_number=numbers, residue_insertion_code=codes, chain_name=np.array(["Q"]))
    found = match(ubiquitin, told)
    assert_same_atoms(found, ubiquitin, told)
    assert len(found.reference_atoms) == short.molecule.n_atoms
    assert found.missing_residues == tuple(m.residue_label(k) for k in np.flatnonzero(~keep))
    assert found.chain_map[0] == {
        "reference": "A", "ensemble": "Q", "identity": 1.0, "n_matched": n, "n_reference": 76, "n_ensemble": n,
    }  # fmt: skip
    longer = match(told, ubiquitin)
    assert_same_atoms(longer, told, ubiquitin)
    assert (longer.extra_residues, longer.missing_residues) == (8, ())


def test_mutations_share_the_atoms_that_are_the_same(ubiquitin, tell):
    m = ubiquitin.molecule
    names, parents = m.residue_name.copy(), m.residue_parent_name.copy()
    phe, lys = int(np.flatnonzero(m.residue_name == "PHE")[0]), int(np.flatnonzero(m.residue_name == "LYS")[0])
    for at in (phe, lys):
        names[at] = parents[at] = "LEU"
    told = tell.changed(ubiquitin, residue_name=names, residue_parent_name=parents, residue_number=m.residue_number + 7)
    found = match(ubiquitin, told)
    assert_same_atoms(found, ubiquitin, told)
    assert found.n_mutated == 2
    lost = np.setdiff1d(np.arange(m.n_atoms), found.reference_atoms)
    # names of equivalent atoms do not make a ring atom a methyl
    assert [m.atom_label(k).split("/")[1] for k in lost] == ["CD1", "CD2", "CE1", "CE2"]
    assert "A:PHE4 is LEU" in " ".join(found.notes)
    assert found.chain_map[0]["identity"] == pytest.approx(74 / 76)


def test_a_mutated_end_is_matched_by_its_number(ubiquitin, tell):
    m = ubiquitin.molecule
    names = m.residue_name.copy()
    names[[0, -1]] = "TRP"
    numbers = m.residue_number.copy()
    numbers[30:] += 1  # so that sequences are aligned
    told = tell.changed(ubiquitin, residue_name=names, residue_parent_name=names, residue_number=numbers)
    assert match(ubiquitin, told).n_mutated == 2
    assert match(ubiquitin, told).n_residues == m.n_residues


def test_modified_residues_are_their_parents(ubiquitin, tell):
    m = ubiquitin.molecule
    names = m.residue_name.copy()
    atoms = m.atom_name.copy().astype("<U4")
    names[names == "MET"] = "MSE"
    names[names == "HIS"] = "HSD"
    atoms[(atoms == "SD")] = "SE"
    told = tell.changed(ubiquitin, residue_name=names, atom_name=atoms)
    found = match(ubiquitin, told)
    assert_same_atoms(found, ubiquitin, told)
    assert (len(found.reference_atoms), found.n_mutated) == (m.n_atoms, 0)


@pytest.mark.parametrize("ends", [("OT1", "OT2"), ("OC1", "OC2"), ("O1", "O2"), ("O", "OT")])
def test_names_of_simulation_programs_are_those_of_the_pdb(ubiquitin, tell, ends):
    m = ubiquitin.molecule
    last = m.residue_index == m.n_residues - 1
    names = m.atom_name.astype("<U4")
    names[(names == "CD1") & (m.residue_name == "ILE")[m.residue_index]] = "CD"
    names[last & (m.atom_name == "O")] = ends[0]
    names[last & (m.atom_name == "OXT")] = ends[1]
    told = tell.changed(ubiquitin, atom_name=names)
    found = match(ubiquitin, told)
    assert_same_atoms(found, ubiquitin, told)
    assert len(found.reference_atoms) == m.n_atoms
    assert "simulation program" in found.notes[-1]


@pytest.mark.parametrize("names", [["CA"], ["N", "CA", "C", "O"], ["N", "CA", "C", "O", "CB"]])
def test_parts_of_residues_are_matched_and_the_rest_counted(dimer, tell, names):
    part = tell.kept(dimer, np.isin(dimer.molecule.atom_name, names) & (dimer.molecule.residue_kind == "protein")[
        dimer.molecule.residue_index])  # fmt: skip
    part = tell.changed(part, residue_number=part.molecule.residue_number + 300, chain_name=np.array(["B", "A"]))
    found = match(dimer, part)
    assert_same_atoms(found, dimer, part)
    assert len(found.reference_atoms) == part.molecule.n_atoms
    protein = dimer.molecule.take_residues(dimer.molecule.residue_kind == "protein")
    assert found.n_missing_atoms == protein.n_atoms - part.molecule.n_atoms
    assert len(found.missing_residues) == 1  # the inhibitor


def test_what_the_ensemble_has_more_of_is_counted_and_left_out(ubiquitin, make, tell):
    more = make.merge(ubiquitin.molecule, make.peptide(20, chain="P"), make.ions([[9, 9, 9], [8, 8, 8]]),
                      chains=["A", "P", "I"])  # fmt: skip
    big = tell.frames(more, seed=9)
    found = match(ubiquitin, big)
    assert_same_atoms(found, ubiquitin, big)
    assert len(found.reference_atoms) == ubiquitin.molecule.n_atoms
    assert found.extra_residues == 22
    assert "chain P (protein, 20 residues) of the ensemble" in " ".join(found.notes)
    assert "22 residues left out" in found.describe()


def test_hydrogens_are_never_matched(ubiquitin, tell):
    element = ubiquitin.molecule.element.copy()
    element[5] = "H"
    told = tell.changed(ubiquitin, element=element)
    assert 5 not in match(told, told).reference_atoms
    assert match(told, told).n_reference_atoms == ubiquitin.molecule.n_atoms - 1


def test_nothing_in_common_is_refused_with_both_sides_named(ubiquitin, dimer, methylase, tell):
    with pytest.raises(InputError, match=r"frames 2 has chain A \(protein, 76 residues\).*frames 1 has chain A .*B"):
        match(dimer, ubiquitin)
    dna = tell.kept_residues(methylase, methylase.molecule.residue_kind == "nucleic")
    with pytest.raises(InputError, match="Check that both are the same complex"):
        match(dna, ubiquitin)


def test_ligands_without_a_polymer_are_matched_by_name(make, tell):
    chain = make.alkane(8)
    frames = tell.frames(chain, seed=10)
    told = tell.changed(frames, chain_name=np.array(["Z"]), residue_number=np.array([7]))
    found = match(frames, told)
    assert_same_atoms(found, frames, told)
    assert (len(found.reference_atoms), found.chain_map) == (8, ())


def test_the_record_is_json_and_counts_add_up(dimer, tell):
    part = tell.kept_residues(dimer, np.arange(dimer.molecule.n_residues) >= 3)
    found = match(dimer, part)
    record = json.loads(json.dumps(found.to_dict()))
    missing = sum(dimer.molecule.residue_index < 3)
    assert record["n_atoms"] == found.n_atoms == dimer.molecule.n_atoms - missing == record["n_ensemble_atoms"]
    assert record["missing_residues"] == ["A:PRO1", "A:GLN2", "A:VAL3"]
    assert found.describe().startswith(f"{found.n_atoms} of {dimer.molecule.n_atoms} heavy atoms")
    assert "\n" not in found.describe()
