"""Prepared structures on disk: what is read is what was written, and what is not is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.structure.prepare.folder import read_prepared, write_prepared
from unfreeze.structure.prepare.preparation import Prepared, prepare
from unfreeze.structure.prepare.settings import PreparationSettings

COLUMNS = (
    *("atom_name", "element", "residue_index", "atom_b_factor", "atom_occupancy", "residue_name", "links"),
    *("residue_parent_name", "residue_kind", "residue_hetero", "residue_number", "residue_insertion_code"),
    *("chain_index", "chain_name"),
)


def assert_same(one: Prepared, other: Prepared) -> None:
    for name in COLUMNS:
        assert np.array_equal(getattr(one.complex, name), getattr(other.complex, name)), name
    assert np.abs(one.complex.coordinates_nm - other.complex.coordinates_nm).max() < 1e-4
    files = other.report.pop("files")
    assert set(files) >= {"prepared.cif"}
    assert other.report == json.loads(json.dumps(one.report))


def test_capped_peptides_come_back(peptide: Callable[..., Prepared], tmp_path: Path) -> None:
    prepared = peptide("HADEKHCA:PGP", states=("A:1=HIP", "A:3=ASH"), termini="capped")
    files = write_prepared(tmp_path / "new" / "folder", prepared)
    assert {role: path.name for role, path in files.items()} == {
        "structure": "prepared.cif",
        "pdb": "prepared.pdb",
        "report": "preparation.json",
    }
    assert_same(prepared, read_prepared(tmp_path / "new" / "folder"))
    assert_same(prepared, read_prepared(tmp_path / "new" / "folder" / "prepared.cif"))


def test_disulfides_gaps_and_insertion_codes_come_back(make: SimpleNamespace, tmp_path: Path) -> None:
    crambin = make.read("pdb1ejg.pdb")
    keep = np.ones(crambin.n_residues, dtype=bool)
    keep[20:24] = False
    broken = crambin.take_residues(keep)
    code = broken.residue_insertion_code.astype("U1")
    code[10] = "B"
    broken = replace(broken, residue_insertion_code=code)
    for disulfides in ("auto", "none"):
        prepared = prepare(broken, PreparationSettings(disulfides=disulfides))
        assert "A:NME21" in [prepared.complex.residue_label(row) for row in range(prepared.complex.n_residues)]
        write_prepared(tmp_path, prepared)
        assert_same(prepared, read_prepared(tmp_path))


def test_a_long_chain_name_goes_without_pdb(peptide: Callable[..., Prepared], tmp_path: Path) -> None:
    prepared = peptide("GG")
    write_prepared(tmp_path, prepared)
    long = replace(prepared, complex=replace(prepared.complex, chain_name=np.array(["heavy"])))
    assert "pdb" not in write_prepared(tmp_path, long)
    assert not (tmp_path / "prepared.pdb").exists()
    assert_same(long, read_prepared(tmp_path))


def test_what_was_changed_or_is_not_ours_is_refused(peptide: Callable[..., Prepared], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no prepared\.cif"):
        read_prepared(tmp_path)
    write_prepared(tmp_path, peptide("GG"))
    cif = tmp_path / "prepared.cif"
    cif.write_text(cif.read_text().replace("GLY", "ALA"))
    with pytest.raises(InputError, match="not the file that"):
        read_prepared(tmp_path)
    for text, words in (("{", "cannot be read"), ('{"schema": "x"}', "not the report of a preparation")):
        (tmp_path / "preparation.json").write_text(text)
        with pytest.raises(InputError, match=words):
            read_prepared(tmp_path)
    (tmp_path / "preparation.json").unlink()
    with pytest.raises(InputError, match="no such file"):
        read_prepared(tmp_path)
