"""Whole preparations of real structures, and the choices that people make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.structure.prepare.faults import find_faults
from unfreeze.structure.prepare.preparation import Prepared, prepare
from unfreeze.structure.prepare.settings import PreparationSettings
from unfreeze.structure.read import read_complex

HIV_PROTEASE = Path(__file__).parents[3] / "examples" / "data" / "1hvr.cif"
CHARMM = ("charmm36.xml",)
AMBER19 = ("amber19-all.xml",)


def texts(prepared: Prepared, kind: str) -> list[str]:
    return [change["text"] for change in prepared.report["changes"] if change["kind"] == kind]


@pytest.fixture(scope="module")
def protease() -> Prepared:
    return prepare(HIV_PROTEASE, PreparationSettings(ligands="drop"))


def test_hiv_protease_without_its_ligand(protease: Prepared, look: SimpleNamespace) -> None:
    complex, report = protease.complex, protease.report
    assert complex.n_atoms == 3120
    assert report["counts"] == {
        **{"atoms": 3120, "hydrogens": 1608, "residues": 198, "chains": 2, "waters": 0, "ions": 0},
        "net_charge_e": 4,
    }
    assert look.charge(complex) == pytest.approx(4.0, abs=1e-4)
    assert texts(protease, "dropped") == ["A:XK2263 was dropped (ligands are dropped by choice)."]
    assert "A:CSO67 was replaced by CYS" in texts(protease, "replaced")[0]
    assert report["input"]["name"] == "1hvr.cif"
    assert report["settings"]["ligands"] == "drop"
    assert sum(report["summary"].values()) == len(report["changes"])


def test_atoms_that_were_read_stay_where_they_are(protease: Prepared) -> None:
    read = read_complex(HIV_PROTEASE).take_chains(["A", "B"])
    complex = protease.complex
    keys = {
        (
            str(complex.chain_name[complex.atom_chain_index[at]]),
            int(complex.residue_number[complex.residue_index[at]]),
            str(complex.atom_name[at]),
        ): at
        for at in range(complex.n_atoms)
    }
    n_compared = 0
    for at in range(read.n_atoms):
        key = (
            str(read.chain_name[read.atom_chain_index[at]]),
            int(read.residue_number[read.residue_index[at]]),
            str(read.atom_name[at]),
        )
        if key in keys and read.residue_kind[read.residue_index[at]] == "protein":
            assert np.array_equal(complex.coordinates_nm[keys[key]], read.coordinates_nm[at])
            assert complex.atom_b_factor[keys[key]] == read.atom_b_factor[at]
            n_compared += 1
    assert n_compared == int((complex.element != "H").sum())


def test_a_ligand_is_refused_with_what_can_be_done() -> None:
    with pytest.raises(InputError) as caught:
        prepare(HIV_PROTEASE)
    message = str(caught.value)
    assert all(word in message for word in ("1hvr.cif", "A:XK2263", "--force-field-file", "OpenFF", "--ligands drop"))


def test_ubiquitin_goes_through_three_force_fields(make: SimpleNamespace, look: SimpleNamespace) -> None:
    prepared = prepare(make.read("pdb1ubi.pdb"))
    assert prepared.complex.n_atoms == 1231
    assert find_faults(prepared.complex, np.zeros(1231, dtype=bool)) == []
    for files in ((), AMBER19, CHARMM):
        assert look.charge(prepared.complex, *files) == pytest.approx(0.0, abs=1e-4)


def test_adenylate_kinase_with_the_names_of_charmm(make: SimpleNamespace, look: SimpleNamespace) -> None:
    prepared = prepare(make.read("adk_closed.pdb"))
    assert prepared.complex.n_atoms == 3341
    assert look.charge(prepared.complex) == pytest.approx(-4.0, abs=1e-4)
    assert "A:HSD126 is called HIS." in texts(prepared, "renamed")
    assert "HD1" in look.hydrogens(prepared.complex, "A:HIS126")
    assert "HE2" not in look.hydrogens(prepared.complex, "A:HIS126")


def test_dna_beside_a_protein(make: SimpleNamespace, look: SimpleNamespace) -> None:
    complex = make.read("pdb3mht.pdb").take_chains(["C", "D"])
    prepared = prepare(complex)
    assert "the 5' phosphate was taken off" in texts(prepared, "terminus")[0]
    assert look.charge(prepared.complex) == pytest.approx(prepared.report["counts"]["net_charge_e"], abs=1e-3)
    # atoms of a base and the phosphate within a strand
    gone = (complex.residue_index == 3) & np.isin(complex.atom_name, ["N1", "C2", "N3", "C6", "N6"])
    gone |= (complex.residue_index == 9) & np.isin(complex.atom_name, ["P", "OP1", "OP2"])
    again = prepare(complex.take_atoms(~gone))
    assert look.labels(again.complex) == look.labels(prepared.complex)
    assert len(again.complex.links) == len(prepared.complex.links)
    place = {
        prepared.complex.atom_label(at): prepared.complex.coordinates_nm[at] for at in range(prepared.complex.n_atoms)
    }
    for at in np.flatnonzero(again.complex.element != "H"):
        assert np.linalg.norm(again.complex.coordinates_nm[at] - place[again.complex.atom_label(int(at))]) < 0.05


STATES = {
    "A:1=HIP": "A:HIS1",
    "A:3=ASH": "A:ASP3",
    "A:4=GLH": "A:GLU4",
    "A:5=LYN": "A:LYS5",
    "A:6=HID": "A:HIS6",
    "A:7=CYM": "A:CYS7",
}


def test_states_by_choice_go_through_the_force_fields(peptide: Callable[..., Prepared], look: SimpleNamespace) -> None:
    prepared = peptide("HADEKHCA", states=tuple(STATES))
    complex = prepared.complex
    assert {"HD1", "HE2"} <= look.hydrogens(complex, "A:HIS1")
    assert "HD2" in look.hydrogens(complex, "A:ASP3")
    assert "HE2" in look.hydrogens(complex, "A:GLU4")
    assert len({"HZ1", "HZ2", "HZ3"} & look.hydrogens(complex, "A:LYS5")) == 2
    assert {"HD1", "HE2"} & look.hydrogens(complex, "A:HIS6") == {"HD1"}
    assert "HG" not in look.hydrogens(complex, "A:CYS7")
    assert prepared.report["counts"]["net_charge_e"] == 0
    for files in ((), AMBER19, CHARMM):
        assert look.charge(complex, *files) == pytest.approx(0.0, abs=1e-4)
    assert len(texts(prepared, "state")) == len(STATES)


@pytest.mark.parametrize(
    ("pH", "charge", "names"),
    [(2.0, 2, {"A:HIS2": {"HD1", "HE2"}, "A:ASP3": {"HD2"}}), (7.0, -1, {"A:HIS2": {"HE2"}}), (12.0, -3, {})],
)
def test_protonation_follows_the_pH(
    peptide: Callable[..., Prepared], look: SimpleNamespace, pH: float, charge: int, names: dict[str, set[str]]
) -> None:
    prepared = peptide("AHDEKCA", pH=pH)
    assert prepared.report["counts"]["net_charge_e"] == charge
    assert look.charge(prepared.complex) == pytest.approx(charge, abs=1e-4)
    for residue, hydrogens in names.items():
        assert hydrogens <= look.hydrogens(prepared.complex, residue)
    assert bool(prepared.report["warnings"]) == (pH != 7.0)


def test_mutations(peptide: Callable[..., Prepared], look: SimpleNamespace) -> None:
    start = peptide("GAKPEFW").complex
    settings = PreparationSettings(mutations=("A:G1W", "A:K3A", "A:PRO4LEU", "A:E5G", "A:F6P"))
    prepared = prepare(start, settings)
    assert look.labels(prepared.complex) == ["A:TRP1", "A:ALA2", "A:ALA3", "A:LEU4", "A:GLY5", "A:PRO6", "A:TRP7"]
    assert len(texts(prepared, "mutated")) == 5
    assert (look.volumes(prepared.complex) > 0).all()
    faults = find_faults(prepared.complex, np.ones(prepared.complex.n_atoms, dtype=bool))
    assert [fault.text for fault in faults] == []
    assert look.charge(prepared.complex) == pytest.approx(0.0, abs=1e-4)


def test_disulfides_by_distance_by_hand_and_not_at_all(look: SimpleNamespace, make: SimpleNamespace) -> None:
    crambin = make.read("pdb1ejg.pdb")
    auto = prepare(crambin)
    assert sorted(texts(auto, "disulfide")) == [
        "Disulfide A:CYS16-A:CYS26.",
        "Disulfide A:CYS3-A:CYS40.",
        "Disulfide A:CYS4-A:CYS32.",
    ]
    assert "HG" not in look.hydrogens(auto.complex, "A:CYS16")
    none = prepare(crambin, PreparationSettings(disulfides="none"))
    assert none.complex.n_atoms == auto.complex.n_atoms + 6
    one = prepare(crambin, PreparationSettings(disulfides=("A:3-A:40",)))
    assert one.complex.n_atoms == auto.complex.n_atoms + 4
    for prepared in (auto, none, one):
        assert look.charge(prepared.complex) == pytest.approx(0.0, abs=1e-4)
    with pytest.raises(InputError, match="nm apart"):
        prepare(crambin, PreparationSettings(disulfides=("A:3-A:32",)))


def test_a_complex_cannot_be_assembled_anew(peptide: Callable[..., Prepared]) -> None:
    with pytest.raises(InputError, match="when a file is read"):
        prepare(peptide("GG").complex, PreparationSettings(assembly="1"))


def test_what_is_prepared_can_be_prepared_again(peptide: Callable[..., Prepared]) -> None:
    first = peptide("KLVFFAE", termini="capped")
    again = prepare(first.complex, PreparationSettings(termini="capped"))
    assert again.complex.atom_name.tolist() == first.complex.atom_name.tolist()
    heavy = first.complex.element != "H"
    assert np.array_equal(again.complex.coordinates_nm[heavy], first.complex.coordinates_nm[heavy])
