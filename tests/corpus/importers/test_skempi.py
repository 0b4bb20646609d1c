from __future__ import annotations

import csv
import math

import pytest

from unfreeze.corpus.importers.shared.affinities import GAS_CONSTANT_kJ_mol_K
from unfreeze.corpus.importers.skempi import IMPORTER
from unfreeze.corpus.importing.driver import run_import
from unfreeze.corpus.store import Corpus
from unfreeze.errors import InputError
from unfreeze.structure.write import write_pdb

COLUMNS = ("#Pdb", "Mutation(s)_PDB", "Mutation(s)_cleaned", "Affinity_mut (M)", "Affinity_wt (M)", "Reference",
           "Protein 1", "Protein 2", "Temperature", "Notes", "Method")  # fmt: skip
RT = GAS_CONSTANT_kJ_mol_K * 298.0


def write_table(folder, rows):
    """A table in the layout of SKEMPI 2: (complex, mutations, mutant, wild type, temperature, reference)."""
    with (folder / "skempi_v2.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, delimiter=";")
        writer.writeheader()
        for pdb, mutations, mutant, wild_type, temperature, reference in rows:
            writer.writerow(
                {"#Pdb": pdb, "Mutation(s)_PDB": mutations, "Affinity_mut (M)": mutant, "Affinity_wt (M)": wild_type,
                 "Temperature": temperature, "Reference": reference, "Protein 1": "One", "Protein 2": "Two",
                 "Method": "SPR"}
            )  # fmt: skip


@pytest.fixture
def folder(tmp_path, make):
    """Polyalanine chains A, B and C, four residues each, numbered from 1 to 12."""
    place = tmp_path / "set"
    (place / "PDBs").mkdir(parents=True)
    chains = [make.moved(make.peptide(4), [0, 0, 1.5 * k]) for k in range(3)]
    write_pdb(place / "PDBs" / "1ABC.pdb", make.merge(*chains, chains=["A", "B", "C"]))
    return place


def labels_of(folder, rows):
    write_table(folder, rows)
    (candidate,) = IMPORTER.candidates(folder, {})
    return candidate, [label for label in candidate.labels if label.kind == "affinity"]


def test_signs_units_and_numbering(folder):
    candidate, labels = labels_of(folder, [("1ABC_AB_C", "AA2G", "1E-06", "1E-09", "298", "r1")])
    wild, mutant = labels
    assert wild.mutations == ()
    assert mutant.mutations == ("A:A2G",)
    assert mutant.partners == ("AB", "C")
    assert wild.delta_g_kJ_mol == pytest.approx(RT * math.log(1e-9), abs=1e-3)
    assert mutant.delta_delta_g_kJ_mol == pytest.approx(RT * math.log(1e3), abs=1e-3)
    assert mutant.delta_delta_g_kJ_mol > 0  # weaker binding
    assert mutant.dissociation_constant_M == 1e-6
    assert candidate.title == "One and Two"


def test_repeats_are_merged_with_their_spread(folder):
    _, labels = labels_of(
        folder,
        [
            ("1ABC_A_B", "AA2G,AB6G", "1E-07", "1E-09", "298", "r1"),
            ("1ABC_A_B", "AB6G,AA2G", "1E-06", "1E-09", "298", "r2"),
            ("1ABC_A_B", "AA2G,AB6G", "1E-06", "1E-09", "310", "r2"),
        ],
    )
    mutants = [label for label in labels if label.mutations]
    assert [label.n_measurements for label in mutants] == [2, 1]
    assert mutants[0].mutations == ("A:A2G", "B:A6G")
    assert mutants[0].delta_delta_g_kJ_mol == pytest.approx(RT * math.log(10**2.5), abs=1e-3)
    assert mutants[0].spread_kJ_mol == pytest.approx(RT * math.log(10) / math.sqrt(2), abs=1e-3)
    assert [label.temperature_K for label in mutants] == [298.0, 310.0]
    wild = [label for label in labels if not label.mutations]
    assert [(label.temperature_K, label.n_measurements) for label in wild] == [(298.0, 2), (310.0, 1)]


def test_bounds_non_binders_and_assumed_temperatures(folder):
    _, labels = labels_of(
        folder,
        [
            ("1ABC_A_B", "AA1G", "n.b", "1E-09", "298(assumed)", "r"),
            ("1ABC_A_B", "AA2G", ">1E-04", "1E-09", "298", "r"),
            ("1ABC_A_B", "AA3G", "1E-08", "<1E-09", "298", "s"),
            ("1ABC_A_B", "AA4G", "~1E-08", "1E-09", "", "r"),
        ],
    )
    found = {label.mutations[0]: label for label in labels if label.mutations}
    assert (found["A:A1G"].relation, found["A:A1G"].dissociation_constant_M) == ("none", None)
    assert "assumes the temperature" in found["A:A1G"].note
    assert found["A:A2G"].relation == ">"
    assert found["A:A2G"].delta_delta_g_kJ_mol == pytest.approx(RT * math.log(1e5), abs=1e-3)
    assert found["A:A3G"].delta_delta_g_kJ_mol is None
    assert found["A:A3G"].delta_g_kJ_mol is not None
    assert found["A:A4G"].temperature_K is None
    assert found["A:A4G"].delta_g_kJ_mol is None
    assert "approximate" in found["A:A4G"].note


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("1ABC_A_B", "LA2G", "1E-06", "1E-09", "298", "r"), "has A there, not L"),
        (("1ABC_A_B", "AA9G", "1E-06", "1E-09", "298", "r"), "no residue 9"),
        (("1ABC_A_B", "AC9G", "1E-06", "1E-09", "298", "r"), "chain of neither partner"),
        (("1ABC_A_X", "AA2G", "1E-06", "1E-09", "298", "r"), "not in the structure"),
        (("1ABC_A", "AA2G", "1E-06", "1E-09", "298", "r"), "not written as 1CSE_E_I"),
        (("1ABC_A_B", "AA2G", "unf", "1E-09", "298", "r"), "does not fold"),
        (("1ABC_A_B", "AA2G", "1E-06", "n.b", "298", "r"), "wild type does not bind"),
        (("1ABC_A_B", "AA2G", "0", "1E-09", "298", "r"), "no molar constant"),
        (("1ABC_A_B", "AA2G", "1E-06", "1E-09", "25", "r"), "temperature that is none in K"),
        (("1ABC_A_B", "2G", "1E-06", "1E-09", "298", "r"), "cannot be read"),
    ],
)
def test_rows_that_do_not_fit_are_left_out_by_name(folder, row, reason):
    good = ("1ABC_A_B", "AA3G", "1E-06", "1E-09", "298", "r")
    candidate, labels = labels_of(folder, [row, good])
    assert [label.mutations for label in labels] == [(), ("A:A3G",)]
    assert reason in " ".join(candidate.notes)
    assert "line 2" in candidate.notes[0]


def test_into_a_corpus_with_missing_structures_refused(folder, tmp_path):
    write_table(
        folder,
        [("1ABC_A_B", "AA2G", "1E-06", "1E-09", "298", "r"), ("9XYZ_A_B", "AA2G", "1E-06", "1E-09", "298", "r")],
    )
    corpus = Corpus.create(tmp_path / "corpus")
    report = run_import(corpus, IMPORTER.candidates(folder, {}))
    assert [result.entry for result in report.refused] == ["skempi-9XYZ"]
    assert "no 9XYZ.pdb for the 1 rows" in report.refused[0].reason
    kinds = [label.kind for label in corpus.entry("skempi-1ABC").manifest.labels]
    assert kinds == ["b_factor", "affinity", "affinity"]
    again = run_import(corpus, IMPORTER.candidates(folder, {}))
    assert again.counts()["skipped"] == 1
    assert len(corpus.entry("skempi-1ABC").manifest.labels) == 3


def test_structures_elsewhere_and_nowhere(folder, tmp_path):
    write_table(folder, [("1ABC_A_B", "AA2G", "1E-06", "1E-09", "298", "r")])
    (folder / "PDBs").rename(tmp_path / "other")
    with pytest.raises(InputError, match="structures=FOLDER"):
        list(IMPORTER.candidates(folder, {}))
    (candidate,) = IMPORTER.candidates(folder, {"structures": str(tmp_path / "other")})
    assert candidate.refusal is None
    with pytest.raises(InputError, match=r"no skempi_v2\.csv"):
        list(IMPORTER.candidates(tmp_path / "other", {}))
