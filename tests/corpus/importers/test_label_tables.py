"""The importers of location and function."""

from __future__ import annotations

import lzma

import pytest

from unfreeze.corpus.importers.function import IMPORTER as FUNCTION
from unfreeze.corpus.importers.location import IMPORTER as LOCATION
from unfreeze.corpus.label_import import import_labels
from unfreeze.corpus.label_sets import LabelSet
from unfreeze.errors import InputError

LOCATIONS = """accession,sequence,label,partition,kingdom,membrane,fold
P1,MKVLL,Nucleus,0,Metazoa,0.0,1
P2,MKVLLA,Nucleus|Cytoplasm,4,Fungi,0.0,1
P2,MKVLLAA,Nucleus,4,Fungi,0.0,1
P3,MKV1L,Nucleus,1,Fungi,0.0,1
P4,MKVLL,,1,Fungi,0.0,1
"""
ANNOTATION = """### EC-numbers
1.4.3.-\t4.2.1.1
### PDB-chain\tEC-numbers
1ABC-A\t3.2.2.9,3.2.2.-
2ABC-B\t4.2.1.1
3ABC-C\t9.9.9.9
4ABC-D\t1.1.1.1
broken line
"""


def test_locations(tmp_path):
    with lzma.open(tmp_path / "deeploc2_x.csv.xz", "wt") as stream:
        stream.write(LOCATIONS)
    (taken,) = import_labels(tmp_path, LOCATION, tmp_path).taken
    assert taken.n_rows == 2
    assert sum(taken.left_out.values()) == 3
    first, second = LabelSet.open(tmp_path, "deeploc2").rows()
    assert (first.labels[0].locations, first.labels[0].partition) == (("Nucleus",), 0)
    assert (second.labels[0].locations, second.labels[0].partition) == (("Nucleus", "Cytoplasm"), 4)
    assert list(LOCATION.candidates(tmp_path, {})) == []
    with pytest.raises(InputError, match="deeploc in its name"):
        import_labels(tmp_path, LOCATION, tmp_path / "labels")


def test_functions(tmp_path):
    (tmp_path / "nrPDB-EC_annot.tsv").write_text(ANNOTATION)
    sequences = ">1ABC-A nrPDB\nMKV\nLL\n>2ABC-B nrPDB\nMKVLLA\n>3ABC-C nrPDB\nMKV\n>9ABC-Z nrPDB\nMKV\n"
    (tmp_path / "nrPDB-EC_test_sequences.fasta").write_text(sequences)
    (tmp_path / "nrPDB-EC_test.csv").write_text("PDB-chain,<30%,<40%,<50%,<70%,<95%\n1ABC-A,0,0,1,1,1\n")
    (taken,) = import_labels(tmp_path, FUNCTION, tmp_path).taken
    assert taken.n_rows == 2
    assert taken.left_out == {
        "a line of the annotation that is no chain with numbers": 1,
        "not an Enzyme Commission number": 1,
        "a sequence without a number in the annotation": 1,
        "a chain of the annotation without a sequence": 1,
    }
    first, second = LabelSet.open(tmp_path, "nrpdb-ec").rows()
    label = first.labels[0]
    assert (first.sequence, label.ec_numbers, label.chain, label.partition) == (
        "MKVLL", ("3.2.2.9", "3.2.2.-"), "A", "test",
    )  # fmt: skip
    assert "<50%" in label.note
    assert second.labels[0].partition == ""
    (tmp_path / "nrPDB-EC_annot.tsv").write_text("nothing\n")
    assert "not an annotation" in import_labels(tmp_path, FUNCTION, tmp_path, {"set": "x"}).refused["x"]
    (tmp_path / "nrPDB-EC_test_sequences.fasta").unlink()
    with pytest.raises(InputError, match="_sequences"):
        import_labels(tmp_path, FUNCTION, tmp_path)
