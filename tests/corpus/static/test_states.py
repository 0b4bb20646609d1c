from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unfreeze.corpus.static.states import common_atoms, match_states, same_sequence, superposed_rmsd_nm


@pytest.fixture(scope="module")
def dimer(make):
    molecule = make.read("1hvr")
    return molecule.take_residues(molecule.residue_kind == "protein")


def renamed(molecule, names, shift=0):
    return replace(molecule, chain_name=np.array(names), residue_number=molecule.residue_number + shift)


def test_numbers_and_names_of_chains_do_not_matter(dimer):
    match = match_states(dimer, renamed(dimer, ["X", "Y"], shift=100))
    assert match.share == match.share_of_state == match.identity == 1.0
    assert match.chains == {"A": "X", "B": "Y"}
    np.testing.assert_array_equal(match.reference, match.state)


def test_copies_of_a_chain_are_told_apart_by_superposition(dimer):
    swapped = dimer.take_residues(np.arange(dimer.n_residues))
    half = dimer.n_residues // 2
    order = np.concatenate([np.flatnonzero(dimer.residue_index >= half), np.flatnonzero(dimer.residue_index < half)])
    swapped = dimer.with_coordinates(dimer.coordinates_nm[order])  # chain A has B's place and the other way round
    match = match_states(dimer, swapped)
    first, second = dimer.coordinates_nm[match.reference], swapped.coordinates_nm[match.state]
    assert match.chains == {"A": "B", "B": "A"}
    assert superposed_rmsd_nm(first, second) < 1e-6


def test_missing_residues_and_atoms_leave_the_rest(dimer):
    keep = ~np.isin(dimer.residue_number, [40, 41, 42]) | (dimer.chain_index == 1)
    state = dimer.take_residues(keep)
    match = match_states(dimer, state)
    assert match.share == pytest.approx(state.n_atoms / dimer.n_atoms)
    assert match.share_of_state == 1.0
    names = dimer.atom_name[match.reference]
    assert (names == state.atom_name[match.state]).all()
    lengths = dimer.coordinates_nm[match.reference] - state.coordinates_nm[match.state]
    assert np.abs(lengths).max() < 1e-9


def test_a_point_mutant_is_another_sequence_unless_asked(dimer):
    names, parents = dimer.residue_name.copy(), dimer.residue_parent_name.copy()
    at = int(np.flatnonzero(names == "LEU")[0])
    names[at] = parents[at] = "ALA"
    mutant = replace(dimer, residue_name=names, residue_parent_name=parents)
    found = match_states(dimer, mutant)
    assert found is None or "A" not in found.chains or found.chains["A"] == "B"
    match = match_states(dimer, mutant, least_identity=0.9)
    assert match.n_different == 1
    kept = set(dimer.atom_name[match.reference[dimer.residue_index[match.reference] == at]])
    assert kept == {"N", "CA", "C", "O", "CB"}


def test_other_molecules_do_not_match(dimer, make):
    assert match_states(dimer, make.peptide(30)) is None
    assert match_states(dimer, make.ions([[0, 0, 0]])) is None


def test_common_atoms_of_several_states(dimer):
    first = match_states(dimer, dimer.take_residues(dimer.residue_number > 5))
    second = match_states(dimer, dimer.take_residues(dimer.residue_number < 90))
    common, rows = common_atoms([first, second])
    assert set(dimer.residue_number[dimer.residue_index[common]]) == set(range(6, 90))
    assert [len(row) for row in rows] == [len(common)] * 2


def test_same_sequence_allows_gaps_only():
    letters = "MRIILLGAPGAGKGTQAQFIMEKYGIPQISTGDMLRAAVKSGSELGKQAKDIMDAGKLVTDELVIALVKERIAQEDC"
    assert same_sequence(letters, letters)
    assert same_sequence(letters, letters[4:-3])
    assert same_sequence(letters, letters[:30] + letters[36:])
    assert not same_sequence(letters, letters[:30] + "W" + letters[31:])
    assert not same_sequence(letters, letters[:30] + "W" + letters[31:-5])
    assert not same_sequence(letters, letters[::-1])
