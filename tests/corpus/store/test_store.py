"""A corpus is made, written to and read again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from unfreeze.corpus.labels import FunctionLabel, LocationLabel
from unfreeze.corpus.store import BusyError, Corpus, safe_identifier, verify
from unfreeze.errors import InputError

HALF_STEP = 0.00051


def test_frames_come_back_to_half_a_picometre(corpus: Corpus, peptide: Any, record: Any, frames: Any) -> None:
    wanted = frames(peptide, 50)
    with corpus.new_entry("pep", peptide, title="A peptide") as entry:
        writer = entry.begin_trajectory(record())
        writer.append(wanted[:20])
        writer.commit()
        assert writer.n_frames == 20
        writer.append(wanted[20:])
        writer.finish(time_step_ps=10.0, start_ps=5.0, mended=("nothing",))
    view = Corpus.open(corpus.path).entry("pep").trajectory("R1")
    assert view.n_frames == 50 and len(view.record.shards) == 2
    middle = (wanted.max(axis=1) + wanted.min(axis=1)) / 2
    assert np.abs(view.frames(centred=False, dtype=np.float64) - wanted).max() < HALF_STEP
    assert np.abs(view.frames() - (wanted - middle[:, None])).max() < HALF_STEP
    for i in (0, 19, 20, 49, -1):
        assert view.frame(i).dtype == np.float32
        assert np.array_equal(view.frame(i), view.frames([i])[0])
    assert np.array_equal(view.times_ps, 5 + 10.0 * np.arange(50))
    assert np.array_equal(view.frames([40, 3, 3, -1]), view.frames()[[40, 3, 3, 49]])
    assert np.array_equal(view.frames(slice(None, None, -7)), view.frames()[::-7])
    with pytest.raises(IndexError):
        view.frame(50)
    with pytest.raises(IndexError):
        view.frames([0, -51])


def test_all_columns_come_back(corpus: Corpus, peptide: Any, record: Any, frames: Any) -> None:
    rng = np.random.default_rng(1)
    x = frames(peptide, 12)
    columns = {
        "times_ps": np.sort(rng.random(12)),
        "box_nm": rng.random((12, 3, 3)).astype(np.float32),
        "forces": rng.normal(size=x.shape).astype(np.float32),
        "energies": rng.normal(size=(12, 2)),
        "weights": rng.random(12),
    }
    with corpus.new_entry("pep", peptide) as entry, entry.begin_trajectory(record()) as writer:
        writer.append(x[:5], **{name: value[:5] for name, value in columns.items()})
        writer.commit()
        writer.append(x[5:], **{name: value[5:] for name, value in columns.items()})
        with pytest.raises(InputError, match="same columns"):
            writer.append(x)
        writer.finish()
    view = corpus.entry("pep").trajectory("R1")
    for name, key in (("times", "times_ps"), ("box", "box_nm"), ("weights", "weights")):
        assert np.array_equal(view.column(name)(slice(None)), columns[key])  # type: ignore[misc]
    assert np.array_equal(view.column("forces")([7, 2]), columns["forces"][[7, 2]])  # type: ignore[misc]
    assert np.array_equal(view.column("energies")(slice(3, 9)), columns["energies"][3:9])  # type: ignore[misc]
    assert view.column("nothing") is None
    assert np.array_equal(view.times_ps, columns["times_ps"])


def test_wide_frames_are_kept_as_floats(corpus: Corpus, peptide: Any, record: Any, frames: Any) -> None:
    x = frames(peptide, 6).astype(np.float64)
    x[3, 0] += 70
    with corpus.new_entry("pep", peptide) as entry, entry.begin_trajectory(record()) as writer:
        writer.append(x)
        writer.finish()
    view = corpus.entry("pep").trajectory("R1")
    assert [shard.coordinate_unit_nm for shard in view.record.shards] == [0.001, None]
    assert np.abs(view.frames(centred=False, dtype=np.float64) - x).max() < HALF_STEP
    assert np.abs(view.frame(3) - (x[3] - (x[3].max(axis=0) + x[3].min(axis=0)) / 2)).max() < 1e-5


def test_the_complex_comes_back(corpus: Corpus, make: Any) -> None:
    protease = make.read("1hvr")
    with corpus.new_entry("1hvr", protease):
        pass
    entry = Corpus.open(corpus.path).entry("1hvr")
    for name in ("coordinates_nm", "atom_name", "residue_number", "links", "chain_name"):
        assert np.array_equal(getattr(entry.complex, name), getattr(protease, name))
    assert entry.complex.source == protease.source
    assert entry.manifest.chains == ("A", "B") and entry.manifest.sequences[0].startswith("PQVTLW")


def test_index_shows_commits_of_this_and_of_other_processes(
    corpus: Corpus, peptide: Any, record: Any, frames: Any
) -> None:
    other = Corpus.open(corpus.path)
    with corpus.new_entry("pep", peptide, title="A peptide") as entry:
        assert "pep" not in corpus
        with entry.begin_trajectory(record()) as writer:
            writer.append(frames(peptide, 3))
            writer.finish(time_step_ps=2.0)
        entry.add_labels([LocationLabel(source="s:1", locations=("nucleus",))] * 2)
        assert "pep" in corpus
    (summary,) = corpus.index
    assert (summary.identifier, summary.title, summary.n_atoms) == ("pep", "A peptide", peptide.n_atoms)
    (trajectory,) = summary.trajectories
    assert (trajectory.name, trajectory.n_frames, trajectory.time_step_ps) == ("R1", 3, 2.0)
    assert trajectory.conditions.temperature_K == 300 and trajectory.licence == "CC-BY-4.0"
    assert summary.n_labels == {"location": 1}
    assert len(other) == 0
    other.refresh()
    assert other.identifiers == ("pep",) and list(other.index) == list(Corpus.open(corpus.path).index)


def test_trajectories_are_gone_on_with_until_they_are_complete(
    corpus: Corpus, peptide: Any, record: Any, frames: Any
) -> None:
    x = frames(peptide, 10)
    with corpus.new_entry("pep", peptide) as entry:
        entry.begin_trajectory(record()).append(x[:4])
    with pytest.raises(RuntimeError), corpus.edit_entry("pep") as entry:
        writer = entry.begin_trajectory(record())
        assert writer.n_frames == 4
        writer.append(x[:1])
        raise RuntimeError
    assert not corpus.entry("pep").trajectory("R1").record.is_complete
    with corpus.edit_entry("pep") as entry:
        with pytest.raises(InputError, match="other conditions"):
            entry.begin_trajectory(record(conditions={"temperature_K": 310}))
        writer = entry.begin_trajectory(record())
        assert writer.n_frames == 4
        writer.append(x[4:])
        writer.finish(quality={"verdict": "pass"})
        with pytest.raises(InputError, match="complete"):
            entry.begin_trajectory(record())
        entry.update_trajectory("R1", mended=("clock in ns",))
        with pytest.raises(InputError, match="time_step_ps"):
            entry.update_trajectory("R1", time_step_ps=-1)
    view = corpus.entry("pep").trajectory("R1")
    assert view.record.mended == ("clock in ns",) and view.record.quality == {"verdict": "pass"}
    assert np.abs(view.frames(centred=False, dtype=np.float64) - x).max() < HALF_STEP


def test_places_may_be_left_empty(corpus: Corpus, peptide: Any, record: Any, frames: Any) -> None:
    with corpus.new_entry("pep", peptide) as entry, entry.begin_trajectory(record()) as writer:
        writer.append(frames(peptide, 3))
        writer.skip(2)
        writer.skip(1)
        writer.append(frames(peptide, 2))
        writer.finish(time_step_ps=1.0)
    view = corpus.entry("pep").trajectory("R1")
    assert view.grid.tolist() == [0, 1, 2, 6, 7] and view.times_ps is not None and view.times_ps[3] == 6.0


def test_dropped_trajectories_leave_nothing(corpus: Corpus, peptide: Any, record: Any, frames: Any) -> None:
    with corpus.new_entry("pep", peptide) as entry:
        for name in ("R1", "R2"):
            entry.begin_trajectory(record(name)).append(frames(peptide, 3))
            entry._writers[name].commit()
        entry.drop_trajectory("R1")
        entry.begin_trajectory(record("R3")).append(frames(peptide, 3))
    assert corpus.entry("pep").trajectories == ("R2", "R3")
    numbers = [corpus.entry("pep").trajectory(name).record.shards[0].number for name in ("R2", "R3")]
    assert numbers == [1, 2]
    assert len(list((corpus.path / "entries/pep/shards").iterdir())) == 4


def test_bad_frames_are_refused(corpus: Corpus, peptide: Any, record: Any, frames: Any) -> None:
    x = frames(peptide, 3)
    with corpus.new_entry("pep", peptide) as entry:
        writer = entry.begin_trajectory(record())
        writer.append(x)
        for bad in (np.nan, np.inf, -np.inf, 1e9):
            y = x.copy()
            y[1, 2, 0] = bad
            with pytest.raises(InputError, match="frame 4"):
                writer.append(y)
        with pytest.raises(InputError, match="atoms were expected"):
            writer.append(x[:, 1:])
        with pytest.raises(InputError, match="no frames"):
            entry.begin_trajectory(record("R2")).finish()
    assert corpus.entry("pep").trajectory("R1").n_frames == 3


def test_one_writer_an_entry(corpus: Corpus, peptide: Any) -> None:
    with corpus.new_entry("pep", peptide):
        pass
    with corpus.edit_entry("pep"), corpus.new_entry("other", peptide):
        with pytest.raises(BusyError, match="pep: another process"), corpus.edit_entry("pep"):
            pass
        with pytest.raises(BusyError), corpus.new_entry("other", peptide):
            pass
    with corpus.edit_entry("pep"):
        pass


def test_names(corpus: Corpus, peptide: Any) -> None:
    with corpus.new_entry("pep", peptide):
        pass
    for bad in ("", "../up", "a/b", ".hidden", "a" * 101, "a b"):
        with pytest.raises(InputError, match="cannot be the name"):
            corpus.new_entry(bad, peptide)
        with pytest.raises(InputError, match="no entry"):
            corpus.entry(bad)
        assert corpus.new_entry(safe_identifier(bad), peptide)
    with pytest.raises(InputError, match="pep already"):
        corpus.new_entry("PEP", peptide)
    assert corpus.free_identifier("PEP") == "PEP-2"
    with pytest.raises(InputError, match="no entry 'nothing'"):
        corpus.edit_entry("nothing")


def test_creating_and_opening(tmp_path: Any) -> None:
    with pytest.raises(InputError, match="no corpus"):
        Corpus.open(tmp_path)
    with pytest.raises(InputError, match="needs an alias"):
        Corpus.create(tmp_path / "a", private=True)
    secret = Corpus.create(tmp_path / "a", private=True, alias="Set 7")
    assert secret.public_name == "Set 7" and Corpus.open(tmp_path / "a").record == secret.record
    with pytest.raises(InputError, match="already"):
        Corpus.create(tmp_path / "a")
    secret.change(alias="Set 8", description="words")
    assert Corpus.open(tmp_path / "a").public_name == "Set 8"
    with pytest.raises(InputError, match="cannot be an alias"):
        secret.change(alias="a/b")
    secret.change(private=False)
    assert Corpus.open(tmp_path / "a").public_name == "a"
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "precious.txt").write_text("x")
    with pytest.raises(InputError, match="not empty"):
        Corpus.create(tmp_path / "b")


def test_an_entry_without_a_commit_is_not_there(corpus: Corpus, peptide: Any) -> None:
    with pytest.raises(RuntimeError), corpus.new_entry("pep", peptide):
        raise RuntimeError
    assert "pep" not in corpus and "pep" not in Corpus.open(corpus.path)
    with corpus.new_entry("pep", peptide) as entry:
        entry.set_labels([FunctionLabel(source="s:1", ec_numbers=("1.1.1.1",))])
    assert corpus.entry("pep").labels[0].kind == "function"


def test_programs_write_different_entries_at_once(corpus: Corpus, peptide: Any, record: Any, frames: Any) -> None:
    def work(name: str) -> None:
        own = Corpus.open(corpus.path)
        for i in range(5):
            with own.new_entry(f"{name}-{i}", peptide) as entry, entry.begin_trajectory(record()) as writer:
                writer.append(frames(peptide, 4, seed=i))
                writer.finish()
            own.refresh()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, "abcd"))
    assert len(Corpus.open(corpus.path)) == 20
    assert verify(corpus.path).faults == ()
    corpus.refresh()
    assert all(summary.n_frames == 4 for summary in corpus.index)


def test_many_names_are_held_apart(corpus: Corpus, peptide: Any) -> None:
    for name in ("Abc", "abc", "x y"):
        with corpus.new_entry(corpus.free_identifier(name), peptide):
            pass
    assert corpus.identifiers == ("Abc", "abc-2", "x-y")
    assert Corpus.open(corpus.path).free_identifier("ABC") == "ABC-3"
