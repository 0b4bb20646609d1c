from __future__ import annotations

import zipfile
from dataclasses import replace

import numpy as np
import pytest

from unfreeze.corpus.importers.docking55 import IMPORTER
from unfreeze.corpus.importers.shared.spreadsheet import read_first_sheet
from unfreeze.corpus.importing.driver import run_import
from unfreeze.corpus.store import Corpus
from unfreeze.errors import InputError
from unfreeze.structure.write import write_pdb

SPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def write_sheet(path, rows, extra=b""):
    texts = [cell for row in rows for cell in row]
    shared = "".join(f"<si><t>{text}</t></si>" for text in texts)
    cells, at = [], 0
    for number, row in enumerate(rows, start=1):
        line = ""
        for letter, _ in zip("ABCDEFGHI", row, strict=False):
            line += f'<c r="{letter}{number}" t="s"><v>{at}</v></c>'
            at += 1
        cells.append(f"<row>{line}</row>")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="{SPACE}">{shared}</sst>')
        sheet = f'<worksheet xmlns="{SPACE}"><sheetData>{"".join(cells)}</sheetData></worksheet>'
        archive.writestr("xl/worksheets/sheet1.xml", extra + sheet.encode())


@pytest.fixture(scope="module")
def protease(make):
    molecule = make.read("1hvr")
    return molecule.take_residues(molecule.residue_kind == "protein")


@pytest.fixture
def folder(tmp_path, protease):
    """Both chains of a dimer as partners, both called A; the unbound ones bent a little and numbered otherwise."""
    place = tmp_path / "set"
    place.mkdir()
    for chain, side in (("A", "r"), ("B", "l")):
        bound = replace(protease.take_chains([chain]), chain_name=np.array(["A"]))
        bent = bound.coordinates_nm + 0.02 * np.sin(bound.coordinates_nm[:, [1, 2, 0]])
        unbound = replace(bound.with_coordinates(bent), residue_number=bound.residue_number + 50)
        write_pdb(place / f"1XYZ_{side}_b.pdb", bound)
        write_pdb(place / f"1XYZ_{side}_u.pdb", unbound.take_residues(np.arange(1, unbound.n_residues)))
    rows = [["Complex"], ["Rigid-body (1)"],
            ["1XYZ_A:B", "EI", "2ABC_A", "One", "3ABC_B", "Two", "0.6899999999999999"]]  # fmt: skip
    write_sheet(place / "Table_BM5.5.xlsx", rows)
    return place


def test_a_complex_becomes_three_entries(folder, tmp_path, protease):
    corpus = Corpus.create(tmp_path / "corpus")
    report = run_import(corpus, IMPORTER.candidates(folder, {}))
    assert report.counts()["refused"] == 0
    assert sorted(corpus.identifiers) == ["db55-1XYZ", "db55-1XYZ-ligand", "db55-1XYZ-receptor"]
    bound = corpus.entry("db55-1XYZ")
    assert bound.manifest.chains == ("A", "B")  # the ligand's A was taken
    assert bound.complex.n_atoms == protease.n_atoms
    notes = " ".join(bound.manifest.notes)
    assert "Receptor: chains A; ligand: chains B" in notes
    assert "db55-1XYZ-ligand" in notes
    assert "I-RMSD (Å) 0.69" in notes
    assert "Rigid-body" in notes
    partner = corpus.entry("db55-1XYZ-receptor")
    assert [record.name for record in partner.manifest.trajectories] == ["unbound", "bound"]
    frames = [partner.trajectory(name).frame(0) for name in ("unbound", "bound")]
    assert 1e-3 < np.abs(frames[0] - frames[1]).max() < 0.1
    assert partner.manifest.labels[0].meaning == "isotropic"
    assert partner.complex.residue_number[0] == protease.residue_number[0] + 51


def test_the_unbound_form_alone(folder):
    found = {one.identifier: one for one in IMPORTER.candidates(folder, {"partners": "unbound"})}
    assert [part.name for part in found["db55-1XYZ-ligand"].parts] == ["unbound"]


def test_missing_partners_and_equal_forms_are_named(folder):
    (folder / "1XYZ_l_u.pdb").unlink()
    (folder / "1XYZ_l_b.pdb").unlink()
    (folder / "1XYZ_r_u.pdb").write_bytes((folder / "1XYZ_r_b.pdb").read_bytes())
    found = {one.identifier: one for one in IMPORTER.candidates(folder, {})}
    assert "1XYZ_l_b.pdb" in found["db55-1XYZ"].refusal
    assert "no 1XYZ_l_u.pdb" in found["db55-1XYZ-ligand"].refusal
    receptor = found["db55-1XYZ-receptor"]
    assert [part.name for part in receptor.parts] == ["unbound"]
    assert any("coordinates are the same" in note for note in receptor.notes)


def test_what_is_no_benchmark_is_refused(tmp_path):
    with pytest.raises(InputError, match="no complexes"):
        list(IMPORTER.candidates(tmp_path, {}))
    with pytest.raises(InputError, match="both or unbound"):
        list(IMPORTER.candidates(tmp_path, {"partners": "all"}))


def test_spreadsheets_of_strangers(tmp_path):
    path = tmp_path / "t.xlsx"
    write_sheet(path, [["a"]], extra=b'<!DOCTYPE x [<!ENTITY a "b">]>')
    with pytest.raises(InputError, match="entities"):
        list(read_first_sheet(path))
    path.write_text("no zip")
    with pytest.raises(InputError, match="not a spreadsheet"):
        list(read_first_sheet(path))
