from __future__ import annotations

import pytest

from unfreeze.corpus import label_sets
from unfreeze.corpus.label_import import LabelTable, LeftOut, import_labels
from unfreeze.corpus.label_sets import LabelRow, LabelSet, label_set_names, verify_label_sets
from unfreeze.corpus.labels import FunctionLabel, LocationLabel, StabilityLabel
from unfreeze.errors import InputError


def rows(n=5):
    for k in range(n):
        label = LocationLabel(source=f"t:{k}", locations=("Nucleus",), partition=k % 5)
        yield LabelRow(identifier=f"P{k}", sequence="MKV" + "A" * k, labels=(label,))


def test_a_set_gives_back_what_was_put_in(tmp_path):
    made = LabelSet.create(tmp_path, "one", rows(), dataset="t", licence="CC0-1.0", notes=("a note",))
    read = LabelSet.open(tmp_path, "one")
    assert list(read.rows()) == list(rows())
    assert read.record == made.record
    assert (len(read), read.record.n_labels, read.record.notes) == (5, {"location": 5}, ("a note",))
    assert label_set_names(tmp_path) == ("one",)
    assert verify_label_sets(tmp_path) == []


def test_parts_are_bounded_and_names_unique(tmp_path, monkeypatch):
    monkeypatch.setattr(label_sets, "_PART_BYTES", 400)
    made = LabelSet.create(tmp_path, "many", rows(20), dataset="t")
    assert len(made.record.parts) > 5
    assert all(part.n_bytes <= 400 for part in made.record.parts)
    assert list(LabelSet.open(tmp_path, "many").rows()) == list(rows(20))
    with pytest.raises(InputError, match="two rows are called 'P0'"):
        LabelSet.create(tmp_path, "twice", [*rows(1), *rows(1)], dataset="t")
    with pytest.raises(InputError, match="no rows"):
        LabelSet.create(tmp_path, "none", [], dataset="t")
    with pytest.raises(InputError, match="already"):
        LabelSet.create(tmp_path, "many", rows(), dataset="t")
    with pytest.raises(InputError, match="letters, digits"):
        LabelSet.create(tmp_path, "../out", rows(), dataset="t")
    assert label_set_names(tmp_path) == ("many",)
    assert not list((tmp_path / "labels").glob(".*"))


def test_every_flipped_bit_is_found(tmp_path):
    made = LabelSet.create(tmp_path, "one", rows(2), dataset="t")
    for path in sorted(made.folder.iterdir()):
        whole = path.read_bytes()
        for place in range(0, len(whole), 7):
            for bit in (1, 128):
                changed = bytearray(whole)
                changed[place] ^= bit
                path.write_bytes(changed)
                assert verify_label_sets(tmp_path), (path.name, place, bit)
        path.write_bytes(whole[:-1])
        assert verify_label_sets(tmp_path)
        path.write_bytes(whole)
    assert verify_label_sets(tmp_path) == []
    (made.folder / "stray").touch()
    assert "does not belong" in verify_label_sets(tmp_path)[0]


def test_a_set_stopped_half_way_is_not_there(tmp_path):
    def stopped():
        yield from rows(2)
        raise KeyboardInterrupt

    LabelSet.create(tmp_path, "old", rows(1), dataset="t")
    with pytest.raises(KeyboardInterrupt):
        LabelSet.create(tmp_path, "new", stopped(), dataset="t")
    with pytest.raises(KeyboardInterrupt):
        LabelSet.create(tmp_path, "old", stopped(), dataset="t", replace=True)
    assert label_set_names(tmp_path) == ("old",)
    assert len(LabelSet.open(tmp_path, "old")) == 1
    LabelSet.create(tmp_path, "old", rows(3), dataset="t", replace=True)
    assert len(LabelSet.open(tmp_path, "old")) == 3
    with pytest.raises(InputError, match="it has old"):
        LabelSet.open(tmp_path, "new")


class Tables:
    name = "tables"

    def __init__(self, path):
        self.path = path

    def label_tables(self, source, options):
        def some(left_out: LeftOut):
            left_out.add("too short", "P9")
            yield from rows(3)

        yield LabelTable("good", "t", (self.path,), some, notes=("note",))
        yield LabelTable("bad", "t", (self.path,), some, refusal="no sign")
        yield LabelTable("broken", "t", (self.path,), self.broken)

    def broken(self, left_out):
        yield from rows(1)
        raise InputError("line 7: broken")


def test_import_takes_refuses_and_skips(tmp_path):
    source = tmp_path / "table.csv"
    source.write_text("x")
    dry = import_labels(tmp_path, Tables(source), source, dry_run=True)
    assert dry.taken[0].n_rows == 3
    assert label_set_names(tmp_path) == ()
    report = import_labels(tmp_path, Tables(source), source)
    assert [taken.name for taken in report.taken] == ["good"]
    assert report.taken[0].left_out == {"too short": 1}
    assert report.refused == {"bad": "no sign", "broken": "line 7: broken"}
    assert LabelSet.open(tmp_path, "good").record.notes == ("note", "1 rows left out: too short (such as P9).")
    assert len(list((tmp_path / "imports").glob("*-tables-labels.json"))) == 1
    assert import_labels(tmp_path, Tables(source), source).skipped == ["good"]
    source.write_text("y")
    assert "from other files" in import_labels(tmp_path, Tables(source), source).refused["good"]
    assert import_labels(tmp_path, Tables(source), source, replace=True).taken[0].n_rows == 3


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: LocationLabel(source="t", locations=()),
        lambda: StabilityLabel(source="t", mutations=()),
        lambda: StabilityLabel(source="t", mutations=("L38",)),
        lambda: StabilityLabel(source="t", mutations=("L38G",), delta_delta_g_kJ_mol=float("nan")),
        lambda: FunctionLabel(source="t", ec_numbers=("1.2.3",)),
        lambda: FunctionLabel(source="t", ec_numbers=("8.1.1.1",)),
        lambda: LabelRow(identifier="x", sequence="mkv", labels=next(rows(1)).labels),
    ],
)
def test_labels_that_say_nothing_cannot_be_made(wrong):
    with pytest.raises(ValueError):
        wrong()
    assert FunctionLabel(source="t", ec_numbers=("1.2.-.-", "2.1.1.n1"))
