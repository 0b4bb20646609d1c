"""Tables of measured values: every way of writing a unit, and every way of getting it wrong."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from unfreeze.errors import InputError
from unfreeze.properties.known import KnownValues, parse_constant, read_known
from unfreeze.properties.requests import MutableResidues

RESIDUES = MutableResidues.of_sequence("MKLVWIFDEG")
RT = 8.314462618e-3 * 298.15


def read(tmp_path: Path, text: str, task: str = "affinity") -> KnownValues:
    path = tmp_path / "m.csv"
    path.write_text(text, encoding="utf-8")
    return read_known(path, task, RESIDUES)


@pytest.mark.parametrize(
    "head", ["ddg_kcal_mol", "ddG (kcal/mol)", "ΔΔG [kcal/mol]", "delta_delta_g_kcal_mol", "DDG kcal/mol"]
)
def test_names_of_units(tmp_path, head):
    (one,) = read(tmp_path, f"mutations,{head}\nK2A,1.5\n").values
    assert one.value == pytest.approx(1.5 * 4.184) and one.kind == "ddg" and one.where.endswith("row 2")


def test_constants_errors_and_the_wild_type(tmp_path):
    text = "# of May\nname;mutation;Kd (nM);error (nM)\nx;K2A;10;1\ny;WT;1;\nz;K2A, L3A;100;5\n"
    found = read(tmp_path, text)
    mutant, wild, double = found.values
    assert mutant.value == pytest.approx(RT * math.log(1e-8)) and mutant.error == pytest.approx(0.1 * RT)
    assert mutant.kind == "dg" and wild.mutations == () and wild.error is None and len(double.mutations) == 2
    assert mutant.value - wild.value == pytest.approx(RT * math.log(10)) and len(found.mutants) == 2


def test_two_quantities_and_celsius(tmp_path):
    found = read(tmp_path, "mutations,ddg_kJ_mol,tm_C,error_K\nK2A,-3,55.5,0.5\nL3A,,50,\n", "stability").values
    assert [(one.kind, one.error) for one in found] == [("ddg", None), ("tm", 0.5), ("tm", None)]
    assert found[1].value == pytest.approx(328.65)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mutations,ddg\nK2A,1\n", "no unit"),
        ("mutations,ddg_J\nK2A,1\n", "no column of measured values"),
        ("mutations,ddg [J/mol]\nK2A,1\n", "unit 'Jmol' is not known"),
        ("mutations,kd_mm\nK2A,1\n", "unit 'mm' is not known"),
        ("mutations,tm_C\nK2A,55\n", "no value of affinity"),
        ("name,kd_nM\nK2A,1\n", "column 'mutations'"),
        ("mutations,kd_nM\nK3A,1\n", "row 2: K3A: the sequence has L at 3, not K"),
        ("mutations,kd_nM\nK2A,1\nK20A,3\n", "row 3: K20A: the sequence has no residue 20"),
        ("mutations,kd_nM\nK2A,n.b.\n", "row 2: 'n.b.' is a bound"),
        ("mutations,kd_nM\nK2A,>10000\n", "is a bound"),
        ("mutations,kd_nM\nK2A,abc\n", "is no number"),
        ("mutations;kd_nM\nK2A;1,5\n", "decimals with a point"),
        ("mutations,kd_nM\nK2A,-5\n", "a dissociation constant of -5"),
        ("mutations,ddg_kJ_mol\nK2A,900\n", "check the unit"),
        ("mutations,dg_kJ_mol\nK2A,30\n", "negative where two bind"),
        ("mutations,kd_nM\nK2A,1\nL3A,2\nK2A,1\n", "row 4: K2A is given twice, also in"),
        ("mutations,kd_nM\nK2A+L3A,1\nL3A+K2A,2\n", "given twice"),
        ("mutations,kd_nM\nK2*,1\n", "is 19 mutants"),
        ("mutations,kd_nM,error_nM\nK2A,1,0\n", "must be above 0"),
        ("mutations,ddg_kJ_mol,error_nM\nK2A,1,1\n", "give both in one unit"),
        ("mutations,kd_nM\nK2A,\n", "has no value"),
        ("mutations,kd_nM\n,3\n", "column of mutations is empty"),
        ("mutations,kd_nM\n", "holds no measured value"),
        ("", "holds no measured value"),
        ("mutations,ddg_kJ_mol\nWT,2\n", "0 by its meaning"),
        ("mutations,delta_delta_g_kJ_mol,low_95_kJ_mol\nK2A,2,1\n", "a table of predictions"),
        ("mutations,kd_nM,kd_uM\nK2A,2,1\n", "two columns"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(tmp_path, text, said):
    with pytest.raises(InputError) as error:
        read(tmp_path, text)
    assert said in str(error.value) and "m.csv" in str(error.value)


def test_no_such_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv.*cannot be read"):
        read_known(tmp_path / "none.csv", "affinity", RESIDUES)
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError, match="not a text file"):
        read_known(tmp_path / "b.csv", "affinity", RESIDUES)


def test_affinity_of_the_wild_type():
    assert parse_constant("3.2nM", 298.15).value == pytest.approx(RT * math.log(3.2e-9))
    assert parse_constant("-10.8 kcal/mol", 298.15).value == pytest.approx(-45.19, abs=0.01)
    for text in ("3.2", "nM", "5 nm", "45kJ/mol", "1e9M"):
        with pytest.raises(InputError, match="--known-kd"):
            parse_constant(text, 298.15)
