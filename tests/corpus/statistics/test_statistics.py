import json

import numpy as np
import pytest

from unfreeze.corpus.statistics import corpus_statistics, figures, statistics_tables
from unfreeze.corpus.statistics.tables import time_words
from unfreeze.corpus.store import Corpus
from unfreeze.errors import InputError


@pytest.fixture(scope="module")
def statistics(tmp_path_factory, fill):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNFREEZE_CACHE", str(tmp_path_factory.mktemp("cache")))
        return corpus_statistics(fill(Corpus.create(tmp_path_factory.mktemp("corpus") / "corpus")))


def test_totals_and_conditions_are_not_pooled(statistics):
    assert statistics["totals"] == {
        "entries": 5, "trajectories": 6, "frames": 201, "time_ns": 2.0, "chains": 6, "residues": 124,
        "atoms": 620, "labels": 2,
    }  # fmt: skip
    assert [(row["key"], row["trajectories"], row["frames"], row["time_ns"]) for row in statistics["conditions"]] == [
        ("300 K, ff14sb", 4, 160, 1.6),
        ("350 K, ff14sb", 1, 40, 0.4),
        ("static", 1, 1, 0.0),
    ]


def test_sets_licences_and_labels(statistics):
    assert [row["key"] for row in statistics["datasets"]] == [
        ["own", "CC-BY-4.0"], ["own", "CC-BY-NC-4.0"], ["pdb", "CC-BY-4.0"],
    ]  # fmt: skip
    assert statistics["licences"]["mixed"] and not statistics["licences"]["commercial"]
    assert statistics["labels"] == [{"kind": "stability", "labels": 2, "entries": 1}]


def test_coverage(statistics):
    coverage = statistics["coverage"]
    assert (coverage["sequences"], coverage["clusters"]) == (2, 1)  # polyalanines of 20 and 24
    assert coverage["folds"] == [{"fold": "mainly helix", "entries": 1}, {"fold": "mainly strand", "entries": 4}]
    assert coverage["interfaces"] == coverage["interface_families"] == 1
    assert coverage["interface_types"] == [{"type": "peptide and peptide, alike", "n": 1}]
    assert coverage["largest"][0]["entries"] == 5


def test_fluctuations_are_those_of_the_frames(statistics):
    rows = {row["conditions"]: row for row in statistics["rmsf"]}
    assert set(rows) == {"300 K, ff14sb", "350 K, ff14sb"}  # one static model does not move
    # 0.2 to 1 Å in each of three directions: a median of about √3 · 0.6 Å
    assert rows["350 K, ff14sb"]["median_A"]["median"] == pytest.approx(np.sqrt(3) * 0.6, rel=0.15)
    assert sum(rows["300 K, ff14sb"]["counts"]) == 24 * 2 + 20 * 2


def test_convergence(statistics):
    convergence = statistics["convergence"]
    assert convergence["halves"]["n"] == 5 and convergence["halves"]["least"] > 0.6
    assert convergence["replicas"]["n"] == 1  # two runs of the helix at 300 K; that at 350 K is not held against them
    assert convergence["worst_halves"][0]["r"] == convergence["halves"]["least"]


def test_duplicates(statistics):
    duplicates = statistics["duplicates"]
    assert duplicates["same_frames"] == [["copy/R0", "strand2/R0"]]
    assert duplicates["same_sequences"] == [["copy", "strand", "strand2"]]


def test_notable(statistics):
    assert statistics["quality"]["mended"] == [{"what": "clock in ns", "trajectories": 1}]
    assert statistics["quality"]["n_damaged"] == 0


def test_tables_say_it_in_words(statistics):
    tables = {table.name: table for table in statistics_tables(statistics)}
    assert ("Simulated time", "2 ns") in tables["totals"].rows
    assert tables["conditions"].rows[-1] == ("static", "1", "1", "1", "–")
    assert tables["folds"].rows == (("mainly helix", "1"), ("mainly strand", "4"))
    assert all(len(row) == len(table.columns) for table in tables.values() for row in table.rows)
    json.dumps(statistics, allow_nan=False)


def test_figures_are_remembered_while_manifests_are_the_same(corpus, monkeypatch):
    first = corpus_statistics(corpus)
    made = []
    real = figures.entry_figures
    monkeypatch.setattr(figures, "entry_figures", lambda entry, n: made.append(entry.identifier) or real(entry, n))
    assert corpus_statistics(corpus) == first and made == []
    with corpus.edit_entry("helix") as writer:
        writer.set_labels(())
    assert corpus_statistics(corpus)["labels"] == [] and made == ["helix"]
    made.clear()
    corpus_statistics(corpus, n_frames=16)
    assert len(made) == 5


def test_few_frames_are_read_however_long_a_trajectory_is(corpus, monkeypatch):
    from unfreeze.corpus.store import TrajectoryView

    read = []
    real = TrajectoryView.frames
    monkeypatch.setattr(
        TrajectoryView, "frames", lambda self, rows, **kwargs: read.append(len(rows)) or real(self, rows, **kwargs)
    )
    corpus_statistics(corpus, n_frames=8)
    assert read == [8] * 5


def test_without_motion_no_entry_is_opened(corpus, monkeypatch):
    monkeypatch.setattr(Corpus, "entry", lambda *_: pytest.fail("an entry was opened"))
    found = corpus_statistics(corpus, motion=False)
    assert found["totals"]["frames"] == 201 and found["rmsf"] == [] and found["convergence"] is None
    assert {table.name for table in statistics_tables(found)} >= {"totals", "conditions", "sizes"}


def test_damage_to_one_entry_hides_no_other(corpus):
    next((corpus.path / "entries" / "strand2" / "shards").glob("*coordinates*")).write_bytes(b"")
    found = corpus_statistics(corpus)
    assert [name for name, _ in found["quality"]["damaged"]] == ["strand2"]
    assert found["convergence"]["halves"]["n"] == 4
    assert any("strand2" in row[0] for table in statistics_tables(found) for row in table.rows)


def test_a_private_corpus_shows_its_alias_only(tmp_path, fill):
    corpus = fill(Corpus.create(tmp_path / "secret-place", name="secret name", private=True, alias="lab 7"))
    found = corpus_statistics(corpus)
    text = json.dumps([found, [vars(table) for table in statistics_tables(found)]])
    for hidden in ("secret", "strand2", "helix/", '"own"', "R0", "clock in ns"):
        assert hidden not in text
    assert found["name"] == "lab 7"
    assert found["duplicates"]["same_frames"] == [["lab-7-0001/run1", "lab-7-0005/run1"]]


def test_an_empty_corpus(tmp_path):
    found = corpus_statistics(Corpus.create(tmp_path / "empty"))
    assert found["totals"]["entries"] == 0
    assert [table.name for table in statistics_tables(found)] == ["totals"]


def test_too_few_frames_are_refused(corpus):
    with pytest.raises(InputError, match="3 frames of every trajectory are too few"):
        corpus_statistics(corpus, n_frames=3)


def test_lengths_in_words():
    assert [time_words(t) for t in (0.0, 0.0005, 0.2, 12.6, 1500.0, 62.6e6)] == [
        "0", "0.5 ps", "200 ps", "12.6 ns", "1.5 µs", "62.6 ms",
    ]  # fmt: skip
