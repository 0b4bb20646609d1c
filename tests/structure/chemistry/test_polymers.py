"""Names of residues, as databases and simulation packages write them."""

from __future__ import annotations

import pytest

from unfreeze.structure.chemistry.polymers import is_water, known_component, polymer_kind, residue_parent


@pytest.mark.parametrize(
    ("parent", "names"),
    {
        "HIS": "HIS HSD HSE HSP HID HIE HIP HISE HISH NHIS CHIE NHID CHIP",
        "CYS": "CYS CYX CYM CYS2 CYSH NCYX CCYX CCYS",
        "ASP": "ASP ASH ASPP CASH",
        "GLU": "GLU GLH GLUP NGLH",
        "LYS": "LYS LYN LSN CLYN NLYS",
        "MET": "MET MSE NMET",
        "ALA": "ALA NALA CALA",
        "SER": "SER SEP",
    }.items(),
)
def test_names_of_force_fields_are_amino_acids_with_a_parent(parent, names):
    for name in names.split():
        assert (residue_parent(name), polymer_kind(name), known_component(name)) == (parent, "protein", True), name


@pytest.mark.parametrize(("name", "parent"), [("DA5", "DA"), ("RU3", "U"), ("A5", "A"), ("GUA", "G"), ("DT", "DT")])
def test_names_of_force_fields_are_nucleotides_with_a_parent(name, parent):
    assert (residue_parent(name), polymer_kind(name)) == (parent, "nucleic")


def test_waters_are_told_from_ions_and_amino_acids():
    assert all(is_water(name) for name in ("HOH", "WAT", "SOL", "TIP3", "TP3", "SPC"))
    assert not any(is_water(name) or polymer_kind(name) for name in ("NA", "CL", "SOD", "CLA", "POT", "K+", "ATP"))
    assert not is_water("SER")
