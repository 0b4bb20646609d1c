import pytest

from unfreeze.corpus import Corpus
from unfreeze.errors import InputError
from unfreeze.properties.tables import EffectTables, load_tables, read_tables, save_tables


@pytest.fixture
def tables(corpus: Corpus) -> EffectTables:
    return read_tables(corpus)


def test_affinities_without_bounds_and_non_binders(tables: EffectTables):
    rows = tables.of("affinity")
    assert [(row.value, [str(one) for one in row.mutations]) for row in rows] == [
        (4.0, ["A:A2G"]),
        (9.0, ["A:A2G", "B:A3W"]),
        (2.0, ["A:A6D"]),
    ]
    assert {(row.group, row.dataset, row.entry, row.partners) for row in rows} == {
        ("1ABC_A_B", "skempi", "skempi-1ABC", ("A", "B"))
    }
    assert [row.weight for row in rows] == [1.0, 1.5, 0.5]
    assert tables.left_out["affinity: no binding seen"] == 1
    assert tables.left_out["affinity: a bound"] == 1
    assert tables.left_out["affinity: the wild type is a bound"] == 1
    assert tables.left_out["affinity: no temperature"] == 1


def test_absolute_affinities(tables: EffectTables):
    (row,) = tables.absolute
    assert (row.delta_g_kJ_mol, row.temperature_K, row.group) == (-40.0, 298.0, "1ABC_A_B")


def test_stabilities_in_both_numberings(tables: EffectTables):
    located, sequence_only = tables.of("stability")
    assert located.entry == "stability-1XYZ" and located.chain == "A"
    assert [str(one) for one in located.mutations] == ["A:A102G"]
    assert [str(one) for one in located.sequence_mutations] == ["A3G"]
    assert located.mutant_sequence == "MAGAAAA"
    assert (located.temperature_K, located.pH, located.source) == (300.0, 7.0, "stability-S1:2")
    # the entry has other residues for this line, so that it is known by its sequence only
    assert sequence_only.entry == "" and [str(one) for one in sequence_only.mutations] == ["A4D"]
    assert tables.left_out["stability: the sequence has another residue"] == 1


def test_equal_rows_are_merged_by_the_mean_over_measurements(tables: EffectTables):
    (row,) = tables.of("melting", ["S1"])
    assert row.value == pytest.approx(-4.0)
    assert (row.n_measurements, row.source, row.positions) == (3, "stability-S1:7,8,9", (2, 3))
    assert tables.left_out["merged with an equal row"] == 1
    assert not tables.of("melting", ["S2"])


def test_saved_and_loaded_again(tables: EffectTables, tmp_path):
    save_tables(tmp_path / "rows.jsonl", tables)
    assert load_tables(tmp_path / "rows.jsonl") == tables


@pytest.mark.parametrize("text", ["", "{}", "nothing", '{"form": "unfreeze mutation effects 1"}', "[1]"])
def test_other_files_are_refused(tmp_path, text):
    (tmp_path / "rows.jsonl").write_text(text)
    with pytest.raises(InputError, match=r"rows.jsonl, line 1"):
        load_tables(tmp_path / "rows.jsonl")


def test_damaged_line_is_named(tables: EffectTables, tmp_path):
    path = tmp_path / "rows.jsonl"
    save_tables(path, tables)
    lines = path.read_text().splitlines()
    lines[2] = lines[2].replace("A:A2G", "A:A2")
    path.write_text("\n".join(lines))
    with pytest.raises(InputError, match="line 3"):
        load_tables(path)
    with pytest.raises(InputError, match="cannot be read"):
        load_tables(tmp_path / "absent.jsonl")


def test_counts(tables: EffectTables):
    assert tables.counts()["affinity skempi"] == {
        "rows": 3,
        "groups": 1,
        "sequences": 0,
        "with entry": 3,
        "several mutations": 1,
    }
