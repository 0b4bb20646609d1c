"""Reading structure files: what is kept, dropped, renamed and refused."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.structure.chemistry.links import covalent_bonds, find_links
from unfreeze.structure.complex import Complex
from unfreeze.structure.read import read_complex, read_models
from unfreeze.structure.reading.files import read_content

from .conftest import example_file

GLY = (("N", 0.0, 0.0, 0.0), ("CA", 1.46, 0.0, 0.0), ("C", 2.0, 1.42, 0.0), ("O", 1.2, 2.37, 0.0))


def atom(name, residue="GLY", chain="A", number: int | str = 1, xyz=(0.0, 0.0, 0.0), **extra):
    """One PDB atom line."""
    options = {"record": "ATOM", "altloc": "", "code": "", "occupancy": 1.0, "b": 10.0, "element": "", "serial": 1}
    options |= extra
    element = options["element"] or name[0]
    padded = f"{name:4}" if len(name) == 4 or len(element) == 2 else f" {name:3}"
    return (
        f"{options['record']:6}{options['serial']:5d} {padded}{options['altloc']:1}{residue:>3} {chain:1}{number:>4}"
        f"{options['code']:1}   {xyz[0]:8.3f}{xyz[1]:8.3f}{xyz[2]:8.3f}{options['occupancy']:6.2f}{options['b']:6.2f}"
        f"          {element:>2}\n"
    )


def glycine(chain="A", number: int | str = 1, shift=0.0, **extra):
    return "".join(
        atom(name, extra.get("residue", "GLY"), chain, number, (x + shift, y, z), code=extra.get("code", ""))
        for name, x, y, z in GLY
    )


@pytest.fixture
def read(tmp_path):
    def go(text, **options) -> Complex:
        path = tmp_path / "given.pdb"
        path.write_bytes(text if isinstance(text, bytes) else text.encode("latin-1"))
        return read_complex(path, **options)

    return go


def test_reads_names_numbers_and_coordinates_in_nm(read):
    complex = read(glycine(number=7, code="B"))
    assert complex.atom_name.tolist() == ["N", "CA", "C", "O"]
    assert complex.coordinates_nm[1] == pytest.approx([0.146, 0, 0])
    assert complex.residue_label(0) == "A:GLY7B"
    assert complex.residue_kind.tolist() == ["protein"]


def test_gzip_and_plain_read_the_same(tmp_path, read):
    path = tmp_path / "packed.pdb"
    path.write_bytes(gzip.compress(glycine().encode()))
    assert np.array_equal(read_complex(path).coordinates_nm, read(glycine()).coordinates_nm)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\0\1\2", "binary"),
        (b"hello", "neither"),
        (b"BZh91AY", "bzip2"),
        (gzip.compress(b"ATOM" * 999, mtime=0)[:-30], "gzip"),
        (gzip.compress(b"ATOM", mtime=0)[:12] + b"zzzz", "gzip"),
        (b"HEADER    X\nEND\n", "no ATOM"),
        (b"ATOM      1  CA  GLY A   1      11.0", "line 1 ends"),
        (glycine().replace("1.460", "  nan").encode(), "A:GLY1/CA"),
        (glycine().replace("   1.460", "  1e+300").encode(), "A:GLY1/CA"),
        (glycine().replace("   1.460", "********").encode(), "line 2"),
        (glycine(number="x").encode(), "residue number"),
        (b"data_x\nloop_\n_atom_site.id\n1\n", "Cartn_x"),
        (b"data_x\nloop_\n_a\n'", "line"),
        (b"data_x\n_cell.length_a 1\n", "no atoms"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_reason(read, content, words):
    with pytest.raises(InputError, match=words):
        read(content)


def test_absent_files_folders_and_large_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_complex(tmp_path / "absent.pdb")
    with pytest.raises(InputError, match="folder"):
        read_complex(tmp_path)
    bomb = tmp_path / "bomb.pdb.gz"
    bomb.write_bytes(gzip.compress(b"REMARK\n" * 1_000_000))
    with pytest.raises(InputError, match="larger than"):
        read_content(bomb, max_bytes=1_000_000)


def test_alternate_location_of_highest_summed_occupancy_is_kept(read):
    text = glycine() + "".join(
        atom("CB", "GLY", xyz=(x, 1, 1), altloc=label, occupancy=occupancy)
        for label, occupancy, x in (("A", 0.4, 5), ("B", 0.6, 6))
    )
    complex = read(text)
    assert complex.atom_altloc.tolist() == ["", "", "", "", "B"]
    assert complex.source.n_alternates_dropped == 1
    tied = read(text.replace("  0.40", "  0.60"))
    assert tied.atom_altloc[-1] == "A"


def test_conformers_are_not_mixed(read):
    """B wins by its sum although A has the better single atom."""
    rows = [("CB", "A", 0.5), ("CB", "B", 0.4), ("OG", "A", 0.1), ("OG", "B", 0.6)]
    text = "".join(
        atom(name, "SER", xyz=(2.0 * at, 0, 0), altloc=label, occupancy=occupancy)
        for at, (name, label, occupancy) in enumerate(rows)
    )
    assert read(text).atom_altloc.tolist() == ["B", "B"]


def test_microheterogeneity_keeps_one_residue(read):
    text = "".join(
        atom(name, residue, number=1, xyz=(at, at, label == "B"), altloc=label, occupancy=occupancy)
        for at, name in enumerate(("N", "CA", "C", "O"))
        for residue, label, occupancy in (("SER", "A", 0.3), ("GLY", "B", 0.7))
    )
    complex = read(text)
    assert complex.residue_name.tolist() == ["GLY"]
    assert complex.source.n_alternates_dropped == 4
    assert any("microheterogeneity" in note for note in complex.source.notes)


def test_equal_residue_numbers_stay_apart(read):
    assert read(glycine() + glycine(shift=20.0)).n_residues == 2
    assert read(glycine() + glycine(number=2, shift=8.0) + glycine(shift=20.0)).n_residues == 3
    ions = "".join(atom("NA", "NA", record="HETATM", element="NA", xyz=(9.0 * at, 9, 9)) for at in range(3))
    complex = read(ions)
    assert complex.residue_kind.tolist() == ["ion"] * 3


def test_atoms_given_twice_are_kept_once(read):
    complex = read(glycine() + glycine())
    assert complex.n_atoms == 4
    assert any("twice" in note for note in complex.source.notes)


def test_ligand_atoms_of_one_name_are_numbered(read):
    ring = [(1.4 * np.cos(angle), 1.4 * np.sin(angle), 0) for angle in np.arange(6) * np.pi / 3]
    complex = read("".join(atom("C", "UNL", record="HETATM", xyz=place) for place in ring))
    assert complex.n_residues == 1
    assert complex.atom_name.tolist() == [f"C{at}" for at in range(1, 7)]
    assert len(covalent_bonds(complex)) == 6


def test_interleaved_chains_are_regrouped(read):
    ligand = atom("ZN", "ZN", "A", 900, (30, 30, 30), record="HETATM", element="ZN")
    complex = read(glycine("A") + glycine("B", shift=20.0) + ligand)
    assert complex.chain_name.tolist() == ["A", "B"]
    assert complex.residue_name.tolist() == ["GLY", "ZN", "GLY"]


def test_hydrogens_placed_last_join_their_residues(read):
    text = glycine() + glycine(number=2, shift=9.0) + atom("H", number=1, xyz=(-1, 0, 0))
    assert read(text).source.n_hydrogens_dropped == 1
    complex = read(text, keep_hydrogens=True)
    assert complex.atom_name.tolist() == ["N", "CA", "C", "O", "H", "N", "CA", "C", "O"]


def test_blank_chain_gets_a_free_name_and_a_note(read):
    complex = read(glycine("A") + glycine(" ", shift=20.0))
    assert complex.chain_name.tolist() == ["A", "B"]
    assert any("without a chain name" in note for note in complex.source.notes)


def test_waters_are_dropped_and_counted_unless_wanted(read):
    text = glycine() + atom("O", "HOH", number=100, xyz=(9, 9, 9), record="HETATM")
    assert read(text).source.n_waters_dropped == 1
    assert read(text, keep_waters=True).residue_kind.tolist() == ["protein", "ligand"]
    with pytest.raises(InputError, match="no atoms besides"):
        read(atom("O", "HOH"))


@pytest.mark.parametrize(
    ("name", "parent"),
    [("MSE", "MET"), ("SEP", "SER"), ("TPO", "THR"), ("PTR", "TYR"), ("KCX", "LYS"), ("HSD", "HIS"), ("CYX", "CYS")],
)
def test_modified_residues_name_their_parent(read, name, parent):
    complex = read(glycine() + glycine(number=2, shift=3.3, residue=name))
    assert complex.residue_parent_name.tolist() == ["GLY", parent]
    assert complex.residue_kind[1] == "protein"


def test_numbers_beyond_the_columns(read):
    assert read(glycine(number="A000")).residue_number.tolist() == [10_000]
    assert read(glycine(number="a000")).residue_number.tolist() == [10_000 + 26 * 36**3]
    assert read(glycine(number=-5)).residue_number.tolist() == [-5]


def test_models_of_an_ensemble(read, tmp_path):
    text = "".join(f"MODEL     {at + 1:4d}\n{glycine(shift=at)}ENDMDL\n" for at in range(3))
    complex = read(text, model=2)
    assert (complex.source.n_models, complex.source.model) == (3, 2)
    assert complex.coordinates_nm[0, 0] == pytest.approx(0.1)
    with pytest.raises(InputError, match="no model 4"):
        read(text, model=4)
    (tmp_path / "m.pdb").write_text(text)
    complex, frames = read_models(tmp_path / "m.pdb")
    assert frames.shape == (3, 4, 3)
    assert frames[:, 0, 0] == pytest.approx([0, 0.1, 0.2])


def test_models_with_different_atoms_share_the_common_ones(tmp_path):
    short = "".join(glycine(shift=1.0).splitlines(keepends=True)[:3])
    (tmp_path / "m.pdb").write_text(f"MODEL 1\n{glycine()}ENDMDL\nMODEL 2\n{short}ENDMDL\n")
    complex, frames = read_models(tmp_path / "m.pdb")
    assert complex.atom_name.tolist() == ["N", "CA", "C"]
    assert frames.shape == (2, 3, 3)


def test_ensemble_without_model_records_is_recognised(read):
    complex = read("".join(glycine(number=n, shift=4.0 * n + 0.5 * m) for m in range(3) for n in (1, 2)))
    assert complex.source.n_models == 3
    assert complex.n_residues == 2


def test_assembly_copies_chains_under_new_names(read):
    remark = (
        "REMARK 350 BIOMOLECULE: 1\nREMARK 350 APPLY THE FOLLOWING TO CHAINS: A\n"
        "REMARK 350   BIOMT1   1  1.000000  0.000000  0.000000        0.00000\n"
        "REMARK 350   BIOMT2   1  0.000000  1.000000  0.000000        0.00000\n"
        "REMARK 350   BIOMT3   1  0.000000  0.000000  1.000000        0.00000\n"
        "REMARK 350   BIOMT1   2 -1.000000  0.000000  0.000000       20.00000\n"
        "REMARK 350   BIOMT2   2  0.000000 -1.000000  0.000000        0.00000\n"
        "REMARK 350   BIOMT3   2  0.000000  0.000000  1.000000       10.00000\n"
    )
    complex = read(remark + glycine(), assembly="1")
    assert complex.chain_name.tolist() == ["A", "B"]
    assert complex.coordinates_nm[5] == pytest.approx([2.0 - 0.146, 0, 1.0])
    assert complex.source.assembly == "1"
    with pytest.raises(InputError, match="no biological assembly '7'; it has 1"):
        read(remark + glycine(), assembly="7")
    with pytest.raises(InputError, match="it has none"):
        read(glycine(), assembly="1")


def test_missing_residues_and_atoms_are_reported(read):
    seqres = "SEQRES   1 A    4  MET GLY GLY LYS\n"
    complex = read(seqres + glycine(number=2) + glycine(number=3, shift=3.3))
    assert complex.source.missing_residues == ("A:MET1", "A:LYS4")
    gap = read(glycine(number=2) + glycine(number=5, shift=12.0, residue="LYS"))
    assert gap.source.missing_residues == ("A:3", "A:4")
    assert gap.source.missing_atoms == ("A:LYS5 lacks CB CG CD CE NZ",)


def test_one_atom_a_residue_can_be_read():
    complex = read_complex(example_file("pdb1ubi_ca.pdb"))
    assert len(complex.representative_atoms()) == 76
    assert complex.source.missing_atoms == ()


def test_heaps_of_atoms_are_refused(read):
    text = "".join(glycine(number=at % 9999) for at in range(300))
    with pytest.raises(InputError, match="on top of"):
        read("".join(line[:30] + "   0.000   0.000   0.000" + line[54:] for line in text.splitlines(keepends=True)))


def test_links_of_a_real_structure():
    complex = read_complex(example_file("mmcif/5PTI.cif.gz"))
    pairs = {tuple(sorted(complex.atom_name[link])) for link in complex.links.tolist()}
    assert pairs == {("C", "N"), ("SG", "SG")}
    assert len(complex.links) == 57 + 3


def test_peptide_bonds_follow_the_chain_and_clashes_make_no_bond(read):
    complex = read(glycine(number=1) + glycine(number=2, shift=2.9) + glycine("B", 1, 2.0))
    assert complex.links.tolist() == find_links(complex).tolist()
    assert all(complex.atom_chain_index[a] == complex.atom_chain_index[b] for a, b in complex.links)


def test_metals_are_no_covalent_links(read):
    complex = read(glycine() + atom("ZN", "ZN", "A", 9, (3.2, 1.42, 0.0), record="HETATM", element="ZN"))
    assert len(complex.links) == 0


def test_glycan_links_are_found():
    complex = read_complex(example_file("pdb3hsy.pdb"))
    names = [tuple(complex.residue_name[complex.residue_index[link]]) for link in complex.links]
    assert ("ASN", "NAG") in names
    assert len(covalent_bonds(complex)) > complex.n_atoms - complex.n_chains


def test_pdb_and_mmcif_of_one_entry_agree():
    pdb, cif = read_complex(example_file("pdb3o21.pdb")), read_complex(example_file("mmcif_3o21.cif"))
    assert pdb.atom_name.tolist() == cif.atom_name.tolist()
    assert np.allclose(pdb.coordinates_nm, cif.coordinates_nm)
    assert pdb.links.tolist() == cif.links.tolist()
    assert pdb.source.missing_residues == cif.source.missing_residues
    assert (cif.residue_label_number[cif.residue_kind == "protein"] > 0).all()
