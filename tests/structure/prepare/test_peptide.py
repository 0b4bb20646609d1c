"""Peptides from sequences: what is built is L, trans, free of clashes and known to the force field."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from unfreeze.errors import InputError
from unfreeze.structure.chemistry.covalent import peptide_links
from unfreeze.structure.geometry import torsion_angles
from unfreeze.structure.prepare.faults import find_faults
from unfreeze.structure.prepare.peptide import parse_sequence
from unfreeze.structure.prepare.preparation import Prepared, prepare_sequence
from unfreeze.structure.prepare.settings import PreparationSettings

ALL_TWENTY = "ACDEFGHIKLMNPQRSTVWY"


@pytest.mark.parametrize("conformation", ["extended", "helix"])
def test_all_twenty_amino_acids(peptide: Callable[..., Prepared], look: SimpleNamespace, conformation: str) -> None:
    complex = peptide(ALL_TWENTY, conformation=conformation).complex
    assert "".join(parse_letter(name) for name in complex.residue_name) == ALL_TWENTY
    assert (look.volumes(complex) > 0).all()
    assert find_faults(complex, np.ones(complex.n_atoms, dtype=bool)) == []
    assert look.charge(complex) == pytest.approx(0.0, abs=1e-4)
    pairs = peptide_links(complex)
    assert len(pairs) == 19
    alpha = complex.atom_of_residue("CA")[complex.residue_index[pairs]]
    quads = alpha[:, 0], pairs[:, 0], pairs[:, 1], alpha[:, 1]
    omega = torsion_angles(*(complex.coordinates_nm[atoms] for atoms in quads))
    assert (np.abs(omega) > np.radians(165)).all()


def parse_letter(name: str) -> str:
    from unfreeze.structure.chemistry.residues import AMINO_ACIDS

    return AMINO_ACIDS[name].letter


def test_an_extended_chain_is_long_and_a_helix_short(peptide: Callable[..., Prepared]) -> None:
    ends = {}
    for conformation in ("extended", "helix"):
        complex = peptide("A" * 12, conformation=conformation).complex
        alpha = complex.coordinates_nm[complex.atom_name == "CA"]
        ends[conformation] = np.linalg.norm(alpha[0] - alpha[-1]) / 11
    assert ends["extended"] == pytest.approx(0.34, abs=0.02)
    assert ends["helix"] == pytest.approx(0.15, abs=0.015)


def test_chains_stand_apart(peptide: Callable[..., Prepared]) -> None:
    complex = peptide("KLVFFAE:KLVFFAE:G Y D P E T G T W G").complex
    assert complex.chain_name.tolist() == ["A", "B", "C"]
    assert np.bincount(complex.chain_index).tolist() == [7, 7, 10]
    parts = [complex.coordinates_nm[complex.atom_chain_index == chain] for chain in range(3)]
    gaps = [cdist(parts[a], parts[b]).min() for a, b in ((0, 1), (1, 2))]
    assert min(gaps) > 0.5
    assert max(gaps) < 2.0
    assert complex.residue_number[complex.chain_index == 1].tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_ends_by_choice(peptide: Callable[..., Prepared], look: SimpleNamespace) -> None:
    charged, capped = peptide("KAK"), peptide("KAK", termini="capped")
    assert look.labels(charged.complex) == ["A:LYS1", "A:ALA2", "A:LYS3"]
    assert {"H", "H2", "H3"} <= look.hydrogens(charged.complex, "A:LYS1")
    assert "OXT" in charged.complex.atom_name
    assert look.labels(capped.complex) == ["A:ACE0", "A:LYS1", "A:ALA2", "A:LYS3", "A:NME4"]
    assert "OXT" not in capped.complex.atom_name
    assert charged.report["counts"]["net_charge_e"] == 2
    assert capped.report["counts"]["net_charge_e"] == 2
    assert look.charge(capped.complex) == pytest.approx(2.0, abs=1e-4)


def test_alanine_dipeptide(peptide: Callable[..., Prepared]) -> None:
    assert peptide("A", termini="capped").complex.n_atoms == 22


def test_prolines_everywhere(peptide: Callable[..., Prepared], look: SimpleNamespace) -> None:
    for options in ({}, {"termini": "capped"}, {"conformation": "helix"}):
        complex = peptide("PPGP", **options).complex
        assert find_faults(complex, np.ones(complex.n_atoms, dtype=bool)) == []
        assert look.charge(complex) == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize(
    ("sequence", "words"),
    [
        ("GYdPE", ["'d'", "position 3", "D-amino"]),
        ("AC:DXE", ["'X'", "position 2", "chain 2"]),
        ("ACB", ["'B'", "position 3"]),
        ("AC::D", ["chain 2", "empty"]),
        ("", ["empty"]),
        ("A1C", ["'1'", "position 2"]),
        ("A" * 1001, ["1001", "1000"]),
        (":".join("A" * 27), ["27 chains"]),
    ],
)
def test_what_cannot_be_built_is_refused_by_place(sequence: str, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        parse_sequence(sequence)
    assert all(word in str(caught.value) for word in words)


def test_choices_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match="one residue"):
        prepare_sequence("A")
    with pytest.raises(InputError, match="chains cannot be chosen"):
        prepare_sequence("AA", PreparationSettings(chains=("A",)))
