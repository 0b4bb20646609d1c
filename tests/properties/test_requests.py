"""What is asked for: mutations, scans, partners and sequences, and what is refused by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.properties.requests import (
    MutableResidues,
    amino_acids_of,
    find_partners,
    read_fasta,
    read_mutations,
    read_sequence,
    scan,
)


@pytest.fixture(scope="module")
def protease(make):
    return make.read("1hvr")


@pytest.fixture(scope="module")
def residues(protease):
    return MutableResidues.of_structure(protease)


def names(requested):
    return ["+".join(map(str, mutations)) for mutations in requested.mutations]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A:V32A", ["A:V32A"]),
        ("A:V32A+B:I50V", ["A:V32A+B:I50V"]),
        ("A:V32A B:I50V;A:D25N", ["A:V32A", "B:I50V", "A:D25N"]),
        ("A:I50*", [f"A:I50{letter}" for letter in "ACDEFGHKLMNPQRSTVWY"]),
        ("VA32A", ["A:V32A"]),
    ],
)
def test_texts_of_mutations(residues, text, expected):
    assert names(read_mutations([text], residues)) == expected


def test_the_order_of_skempi_is_explained(residues):
    assert "VA32A was read as A:V32A" in read_mutations(["VA32A"], residues).notes[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A:K32A", "chain A has V at 32, not K; write A:V32A"),
        ("C:V32A", "no chain C"),
        ("A:V320A", "no residue 320"),
        ("V32A", "which chain?"),
        ("A:V32V", "changes nothing"),
        ("A:A32V", "that of the mutant already; the way back is A:V32A"),
        ("A:V32A A:V32A", "asked for twice"),
        ("A:V32A+A:V32G", "the same residue is mutated twice"),
        ("A:V32A,B:I50V", "could be either"),
        ("A:V32A+", "nothing before or after"),
        ("A:V32J", "not one of the 20"),
        ("A:Val32Ala", "with one letter"),
        ("A:V32*+B:I50V", "goes alone"),
        ("rows.csv", "no such file"),
        ("", "no mutation was given"),
        ("A:<b>", "was expected"),
    ],
)
def test_what_cannot_be_mutated_is_said(residues, text, said):
    with pytest.raises(InputError, match=said.replace("?", r"\?")):
        read_mutations([text], residues)


def test_a_number_of_the_other_chain_is_pointed_out(make):
    both = make.merge(make.peptide(6), make.moved(make.peptide(3), (2.0, 0.0, 0.0)), chains=["A", "B"])
    number = int(both.residue_number[-1])
    with pytest.raises(InputError, match="chain B has A there"):
        read_mutations([f"A:A{number}G"], MutableResidues.of_structure(both))


def test_files_of_mutations(residues, tmp_path):
    plain, table = tmp_path / "m.txt", tmp_path / "m.csv"
    plain.write_text("\ufeff# mine\n\nA:V32A\nA:V32A,B:I50V\n", encoding="utf-8")
    assert names(read_mutations([str(plain)], residues)) == ["A:V32A", "A:V32A+B:I50V"]
    table.write_text('name;Mutations\nfirst;A:V32A\nsecond;"A:D25N,B:D25N"\n', encoding="utf-8")
    assert names(read_mutations([str(table)], residues)) == ["A:V32A", "A:D25N+B:D25N"]
    table.write_text("mutations,other\nA:V32A,1\nA:K32A,2\n,3\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"m.csv, row 4: the column"):
        read_mutations([str(table)], residues)
    plain.write_text("A:V32A\n" + "A:K32A\n" * 9, encoding="utf-8")
    with pytest.raises(InputError, match=r"(?s)row 2.*row 6.*and 4 more"):
        read_mutations([str(plain)], residues)
    table.write_text("Pdb;Mutation(s)_cleaned;Affinity_mut (M)\n1BRS_A_D;KA27A;1e-9\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"row 1: a table without a column 'mutations' \(it has pdb, mutation\(s\)"):
        read_mutations([str(table)], residues)
    table.write_text("#Pdb;Mutation(s)_cleaned;kon_mut (M^(-1)s^(-1))\n1BRS_A_D;KA27A;1e-9\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"row 1: a table without a column 'mutations' \(it has pdb, mutation\(s\)"):
        read_mutations([str(table)], residues)
    table.write_text("#name,mutations,more\none,A:V32A,x\n", encoding="utf-8")
    assert names(read_mutations([str(table)], residues)) == ["A:V32A"]
    plain.write_text("# one, two, three\n#one,two,three\nA:V32A\n", encoding="utf-8")
    assert names(read_mutations([str(plain)], residues)) == ["A:V32A"]
    for content in (b"", b"\xff\xfe\x00", b"# nothing\n"):
        plain.write_bytes(content)
        with pytest.raises(InputError, match=r"m\.txt"):
            read_mutations([str(plain)], residues)


def test_residues_that_are_modified_or_broken_are_refused(make):
    peptide = make.peptide(8)
    name, parent = peptide.residue_name.astype("<U3"), peptide.residue_parent_name.astype("<U3")
    name[2], parent[2] = "SEP", "SER"
    name[3], parent[3] = "MSE", "MET"
    name[4], parent[4] = "UNK", "UNK"
    broken = np.flatnonzero((peptide.residue_index == 5) & (peptide.atom_name == "N"))
    molecule = replace(peptide, residue_name=name, residue_parent_name=parent)
    molecule = molecule.take_atoms(np.delete(np.arange(molecule.n_atoms), broken))
    residues = MutableResidues.of_structure(molecule)
    assert names(read_mutations(["M4A"], residues)) == ["A:M4A"]
    for text, said in (("A:S3A", "SEP3 is a modified SER"), ("A:A5G", "UNK5 is not one"), ("A:A6G", "lacks atoms")):
        with pytest.raises(InputError, match=said):
            read_mutations([text], residues)
    found = scan("all", residues)
    assert {m.number for (m,) in found.mutations} == {1, 2, 4, 7, 8}
    assert "A:SEP3" in found.notes[0] and "A:MSE4" in found.notes[1]
    both = make.merge(molecule, make.moved(make.peptide(4), (0.0, 0.5, 0.0)), chains=["A", "B"])
    assert scan("chain:B", MutableResidues.of_structure(both)).notes == ()


def test_partners_are_found_and_refused(make, protease):
    partners = find_partners(protease, "A:B")
    assert partners.names == ("A", "B") and find_partners(protease, None) == partners
    for text, said in (
        ("A:C", "no chain 'C'"),
        ("A", "two partners"),
        ("A:", "two partners"),
        ("A:A", "on both sides"),
        ("AA:B", "no chain 'AA'|named twice"),
        ("A:B:C", "two partners"),
    ):
        with pytest.raises(InputError, match=said):
            find_partners(protease, text)
    one = make.peptide(6)
    apart = make.merge(one, make.moved(one, (0.0, 0.0, 3.0)), chains=["A", "B"])
    with pytest.raises(InputError, match="do not touch"):
        find_partners(apart, "A:B")
    with pytest.raises(InputError, match="--between is needed"):
        find_partners(make.merge(one, apart, chains=["C", "A", "B"]), None)
    with pytest.raises(InputError, match="no protein"):
        find_partners(make.merge(one, make.moved(make.alkane(4), (0.0, 0.4, 0.0)), chains=["A", "L"]), "A:L")


def test_long_chain_names_go_with_commas(make):
    one = make.peptide(6)
    three = make.merge(one, make.moved(one, (0, 0, 0.45)), make.moved(one, (0, 0, 0.9)), chains=["H1", "L1", "A"])
    partners = find_partners(three, "H1,L1:A")
    assert partners.first == ("H1", "L1") and partners.names == ("H1,L1", "A") and str(partners) == "H1,L1:A"


def test_an_interface_is_what_is_near_the_other_partner(protease, residues):
    partners = find_partners(protease, "A:B")
    points, of = protease.coordinates_nm, protease.residue_index
    for row in range(0, 198, 7):
        chain = protease.chain_name[protease.chain_index[row]]
        other = (protease.chain_name[protease.atom_chain_index] != chain) & (protease.residue_kind[of] == "protein")
        distance = np.linalg.norm(points[of == row][:, None] - points[other][None], axis=2).min()
        assert (row in partners.interface) == (distance <= 0.5)
    found = scan("interface", residues, partners=partners)
    oxidised = {protease.residue_label(row) for row in partners.interface} & {"A:CSO67", "B:CSO67"}
    assert len(found.mutations) == 19 * (len(partners.interface) - len(oxidised))
    assert "residues of A" in found.notes[0]


def test_scans(protease, residues):
    partners = find_partners(protease, "A:B")
    assert len(scan("all", residues, partners=partners).mutations) == 19 * 196  # all but oxidised cysteines
    alanines = scan("chain:A", residues, to=amino_acids_of("ALA")).mutations
    assert len(alanines) == 98 - sum(site.letter == "A" for site in residues.of_chain("A"))
    assert {m.mutant for (m,) in alanines} == {"A"}
    for what, said in (("chain:Q", "no chain 'Q'"), ("surface", "expected interface"), ("interface", "two partners")):
        with pytest.raises(InputError, match=said):
            scan(what, residues)


def test_amino_acids_by_name_and_letter():
    assert amino_acids_of(None) == "ACDEFGHIKLMNPQRSTVWY"
    assert amino_acids_of("ALA") == "A" and amino_acids_of("ala,Val") == "AV" and amino_acids_of("AVL") == "AVL"
    for text in ("AXA", "", "A,,B"):
        with pytest.raises(InputError, match="no amino acid"):
            amino_acids_of(text)


def test_mutations_of_a_sequence():
    residues = MutableResidues.of_sequence("MKVLAAGIVG")
    assert names(read_mutations(["K2A", "V3*"], residues))[:2] == ["K2A", "V3A"]
    assert len(scan("all", residues).mutations) == 190
    for text, said in (("A:K2A", "a sequence has no chains"), ("K20A", "has 1 to 10"), ("G2A", "has K at 2")):
        with pytest.raises(InputError, match=said):
            read_mutations([text], residues)


def test_fasta_is_read(tmp_path):
    path = tmp_path / "x.fasta"
    path.write_text("\ufeff; old comment\n>one first\nMKVLAAGIVG\nAAAAA*\n\n>two\nmkvlaagivg\n", encoding="utf-8")
    one, two = read_fasta(path)
    assert (one.name, one.letters, two.letters) == ("one", "MKVLAAGIVGAAAAA", "MKVLAAGIVG")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no record"),
        ("MKVLAAGIVG\n", "row 1: letters before any name"),
        (">a\n>b\nMKVLAAGIVG\n", "'a': has no residues"),
        (">\nMKVLAAGIVG\n", "row 1: a record without a name"),
        (">a\nMKVLAAGIVG\n>a\nMKVLAAGIVG\n", "'a' is in row 1 already"),
        (">a\nMKVLAAGIVGX\n", "'X' .an unknown residue. at position 11"),
        (">a\nMKVLAAG-IVG\n", "a gap. at position 8"),
        (">a\nMKV\n", "3 residues; expected 10"),
        (">a\n" + "ACGT" * 20, "looks like DNA"),
        (">a\n" + "M" * 40_001, "40,001 residues"),
        (">\x07a\nMKVLAAGIVG\n", "printable"),
    ],
)
def test_fasta_that_cannot_be_used(tmp_path, content, said):
    path = tmp_path / "x.fasta"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        read_fasta(path)


def test_bounds_of_fasta(tmp_path):
    path = tmp_path / "x.fasta"
    path.write_text(">a\nMKVLAAGIVG\n>b\nMKVLAAGIVG\n", encoding="utf-8")
    with pytest.raises(InputError, match="more than 1 sequence; leave one"):
        read_fasta(path, most=1)
    path.write_bytes(b">a\n\xff\xff")
    with pytest.raises(InputError, match="not a text file"):
        read_fasta(path)
    assert read_sequence("mkv laa givg").letters == "MKVLAAGIVG"
