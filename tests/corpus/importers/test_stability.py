from __future__ import annotations

import numpy as np
import pytest

from unfreeze.corpus.importers.shared.stability_rows import KJ_PER_KCAL
from unfreeze.corpus.importers.shared.stability_sign import SignRow, sign_of_table
from unfreeze.corpus.importers.stability import IMPORTER
from unfreeze.corpus.importing.driver import run_import
from unfreeze.corpus.label_import import import_labels
from unfreeze.corpus.label_sets import LabelSet
from unfreeze.corpus.store import Corpus
from unfreeze.errors import InputError
from unfreeze.structure.similarity.sequences import chain_sequences
from unfreeze.structure.write import write_pdb

RNG = np.random.default_rng(7)


@pytest.fixture(scope="module")
def protein(make):
    molecule = make.read("1hvr")
    return molecule.take_residues(molecule.residue_kind == "protein").take_chains(["A"])


@pytest.fixture(scope="module")
def sequence(protein):
    return chain_sequences(protein)[0].letters


def mutated(sequence, at, letter="G"):
    return sequence[: at - 1] + letter + sequence[at:]


def write_named(path, sequence, values, *, column="ddG", entry="1HVR"):
    """GeoStab's layout; the number in the name is not that of the sequence, as in the real tables."""
    lines = [f"name,wt_seq,mut_seq,pH,temp,{column}"]
    for place, value in enumerate(values, start=1):
        if sequence[place - 1] == "G":
            continue
        name = f"rcsb_{entry}_A_{sequence[place - 1]}{place + 300}G_7_25"
        lines.append(f"{name},{sequence},{mutated(sequence, place)},7,25,{value}")
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("turn", [1, -1])
def test_the_sign_is_established_and_turned(tmp_path, sequence, turn):
    values = turn * RNG.normal(-1.0, 0.5, 40)
    write_named(tmp_path / "S40.csv", sequence, values)
    report = import_labels(tmp_path, IMPORTER, tmp_path)
    assert [taken.name for taken in report.taken] == ["stability-S40"]
    (row,) = LabelSet.open(tmp_path, "stability-S40").rows()
    assert row.sequence == sequence
    assert row.identifier == "1HVR_A"
    label = row.labels[0]
    assert label.delta_delta_g_kJ_mol == pytest.approx(turn * KJ_PER_KCAL * values[0], abs=1e-3)
    assert label.mutations == (f"{sequence[0]}1G",)
    assert (label.temperature_K, label.pH) == (298.15, 7.0)
    assert ("turned" in label.note) == (turn < 0)
    assert ("signs were turned" in report.taken[0].notes[0]) == (turn < 0)


def test_pairs_tell_the_sign_and_their_contradiction_refuses():
    def rows(direct, reverse):
        named = [SignRow(f"d{k}", (f"a{k}", f"b{k}"), value) for k, value in enumerate(direct)]
        return named + [SignRow(f"r{k}", (f"c{k}", f"d{k}"), value) for k, value in enumerate(reverse)]

    keys = {f"d{k}" for k in range(30)}, {f"r{k}" for k in range(30)}
    down, up = RNG.normal(-1, 0.4, 30), RNG.normal(1, 0.4, 30)
    assert sign_of_table(rows(down, up), *keys).sign == 1
    assert sign_of_table(rows(up, down), *keys).sign == -1
    found = sign_of_table(rows(down, down), *keys)
    assert found.sign == 0
    assert any("reverse mutations of the pair table have the mean -" in text for text in found.words)


def test_reverse_rows_of_the_table_itself_say_nothing_by_their_mean():
    values = RNG.normal(-1, 0.3, 30)
    forward = [SignRow("", (f"a{k}", f"b{k}"), value) for k, value in enumerate(values)]
    turned = [SignRow("", (f"b{k}", f"a{k}"), -value, True) for k, value in enumerate(values)]
    assert sign_of_table(forward + turned).sign == 1
    unmarked = [SignRow("", row.sequences, row.value) for row in turned]
    assert sign_of_table(forward + unmarked).sign == 0


def test_an_unclear_sign_is_refused_unless_said(tmp_path, sequence):
    write_named(tmp_path / "S40.csv", sequence, np.tile([1.0, -1.0], 20))
    assert "cannot be told" in import_labels(tmp_path, IMPORTER, tmp_path).refused["stability-S40"]
    said = import_labels(tmp_path, IMPORTER, tmp_path, {"destabilising": "positive"}, dry_run=True)
    assert said.taken[0].n_rows == 1
    write_named(tmp_path / "S40.csv", sequence, np.full(40, -2.0) + RNG.normal(0, 0.1, 40))
    refused = import_labels(tmp_path, IMPORTER, tmp_path, {"destabilising": "positive"}).refused
    assert "but the user said" in refused["stability-S40"]
    with pytest.raises(InputError, match="negative or positive"):
        import_labels(tmp_path, IMPORTER, tmp_path, {"destabilising": "up"})


def test_tables_without_measured_values_are_refused(tmp_path):
    (tmp_path / "Ssym.csv").write_text("mut_info_dir,mut_info_inv,pH\nrcsb_1AMQ_A_C191Y,rcsb_1QIR_A_Y191C,7\n")
    assert "no measured values" in import_labels(tmp_path, IMPORTER, tmp_path).refused["stability-Ssym"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="no table of stability"):
        import_labels(tmp_path, IMPORTER, tmp_path / "other")


def test_structures_get_labels_in_author_numbering(tmp_path, sequence, protein, make):
    (tmp_path / "in").mkdir()
    write_named(tmp_path / "in" / "S40.csv", sequence, RNG.normal(-1.0, 0.3, 40))
    write_named(tmp_path / "in" / "S20.csv", sequence, RNG.normal(-8.0, 1, 20), column="dTm", entry="9XYZ")
    write_pdb(tmp_path / "in" / "1HVR.pdb", protein)
    write_pdb(tmp_path / "in" / "2ABC.pdb", make.peptide(8))
    corpus = Corpus.create(tmp_path / "corpus")
    report = run_import(corpus, IMPORTER.candidates(tmp_path / "in", {}))
    assert {result.entry for result in report.refused} == {"stability-9XYZ"}
    assert "no 9XYZ.pdb" in report.refused[0].reason
    labels = [label for label in corpus.entry("stability-1HVR").manifest.labels if label.kind == "stability"]
    assert len(labels) == sum(letter != "G" for letter in sequence[:40])
    assert labels[0].mutations == (f"A:{sequence[0]}{protein.residue_number[0]}G",)
    assert all(label.chain == "A" for label in labels)
    assert [label.kind for label in corpus.entry("stability-2ABC").manifest.labels] == ["b_factor"]


def test_mutations_that_the_structure_does_not_have_are_left_out(tmp_path, sequence, protein):
    seen = protein.take_residues(protein.residue_number != protein.residue_number[9])
    write_pdb(tmp_path / "1HVR.pdb", seen)
    write_named(tmp_path / "S40.csv", sequence, RNG.normal(-1.0, 0.3, 40))
    (candidate,) = IMPORTER.candidates(tmp_path, {})
    assert "1 rows of stability left out: the mutated residue has no coordinates" in candidate.notes[0]
    other = "".join(reversed(sequence))
    write_named(tmp_path / "S40.csv", other, RNG.normal(-1.0, 0.3, 40))
    (candidate,) = IMPORTER.candidates(tmp_path, {})
    assert "another sequence" in candidate.notes[0]
    assert [label.kind for label in candidate.labels] == ["b_factor"]


def test_made_up_reverse_rows_and_repeats(tmp_path, sequence):
    lines = ["wt_seq,mut_seq,ddg,pdb_id,reverse,mut_info"]
    for place in range(1, 31):
        if sequence[place - 1] == "G":
            continue
        mutant, value = mutated(sequence, place), -1.0 - 0.01 * place
        lines += [f"{sequence},{mutant},{value},1HVR.pdb,False,x", f"{mutant},{sequence},{-value},1HVR.pdb,True,x"]
    lines.append(f"{sequence},{mutated(sequence, 1)},-3.01,1HVR.pdb,False,x")
    (tmp_path / "mega.csv").write_text("\n".join(lines) + "\n")
    (taken,) = import_labels(tmp_path, IMPORTER, tmp_path).taken
    (row,) = LabelSet.open(tmp_path, "stability-mega").rows()
    assert taken.left_out == {"the reverse of another row, not measured": len(row.labels)}
    first = next(label for label in row.labels if label.mutations == (f"{sequence[0]}1G",))
    assert first.n_measurements == 2
    assert first.delta_delta_g_kJ_mol == pytest.approx(-2.01 * KJ_PER_KCAL, abs=1e-3)
    assert first.spread == pytest.approx(np.std([-1.01, -3.01], ddof=1) * KJ_PER_KCAL, abs=1e-3)
