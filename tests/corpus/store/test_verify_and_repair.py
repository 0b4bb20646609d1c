"""Damage of every kind is found, and what is whole outlives a repair."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unfreeze.corpus.labels import LocationLabel
from unfreeze.corpus.store import BusyError, Corpus, DamagedCorpusError, Fault, repair, verify
from unfreeze.corpus.store import trajectory_writer as writer_module
from unfreeze.corpus.store.maps import close_maps
from unfreeze.corpus.store.sealed import write_sealed
from unfreeze.errors import InputError

N_FRAMES = 60
STEP_PS = 10.0


@pytest.fixture
def filled(corpus: Corpus, peptide: Any, record: Any, frames: Any, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """Three shards of blocks of five frames, a second trajectory under way, and one file of every other kind."""
    monkeypatch.setattr(writer_module, "block_frames", lambda n_atoms: 5)
    monkeypatch.setattr(writer_module, "SHARD_BYTES", 6 * peptide.n_atoms * 25)
    x = frames(peptide, N_FRAMES)
    with corpus.new_entry("pep", peptide) as entry:
        writer = entry.begin_trajectory(record())
        writer.append(x, forces=x)
        writer.finish(time_step_ps=STEP_PS, start_ps=100.0)
        entry.begin_trajectory(record("R2")).append(x)
    with corpus.new_entry("other", peptide) as entry:
        entry.set_labels([LocationLabel(source="s:1", locations=("nucleus",))])
        entry.set_notes(["a note"])
    (corpus.path / "splits").mkdir()
    (corpus.path / "imports").mkdir()
    write_sealed(corpus.path / "splits" / "random.json", "split", {"train": ["pep"]})
    write_sealed(corpus.path / "imports" / "today-generic.json", "import", {"taken": 1})
    corpus.refresh()
    assert verify(corpus).faults == ()
    return corpus


@pytest.fixture
def shard(filled: Corpus) -> Callable[..., Path]:
    def find(number: int = 0, column: str = "coordinates", trajectory: str = "R1") -> Path:
        chosen = filled.entry("pep").trajectory(trajectory).record.shards[number]
        return filled.path / "entries/pep/shards" / chosen.columns[column][0]

    return find


def flip(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit >> 3] ^= 1 << (bit & 7)
    path.unlink()  # maps and hard links of the file stay as they are
    path.write_bytes(data)


def spoil(path: Path, start: int, stop: int) -> None:
    data = bytearray(path.read_bytes())
    data[start:stop] = bytes(255 - value for value in data[start:stop])
    path.write_bytes(data)


def held_files(corpus: Corpus) -> list[Path]:
    return sorted(path for path in corpus.path.rglob("*") if path.is_file() and path.name != ".lock")


def test_every_flipped_bit_is_found_and_put_right(filled: Corpus) -> None:
    """Sampled bits of every file, among them the first and the last; none costs a frame."""
    rng = np.random.default_rng(0)
    files = held_files(filled)
    assert len(files) == 3 + 2 + 2 * 4 + 3 * 3 + 3 * 2
    wanted = filled.entry("pep").trajectory("R1").frames()
    for path in files:
        n_bits = 8 * path.stat().st_size
        for bit in (0, n_bits - 1, *rng.integers(0, n_bits, 3).tolist()):
            before = path.read_bytes()
            flip(path, bit)
            name = str(path.relative_to(filled.path))
            assert [fault.path for fault in verify(filled.path).faults] == [name], bit
            report = repair(filled.path)
            assert report.is_whole and report.n_frames_lost == 0
            assert name in [item.path for item in report.done]
            if path.name not in ("index.json", "topology.npz"):
                assert path.read_bytes() == before
    close_maps()
    entry = Corpus.open(filled.path).entry("pep")
    assert np.array_equal(entry.trajectory("R1").frames(), wanted)
    assert entry.complex.n_atoms == entry.manifest.n_atoms
    assert Corpus.open(filled.path).entry("other").manifest.notes == ("a note",)


@pytest.mark.parametrize("column", ["coordinates", "centre", "forces"])
def test_whole_blocks_outlive_a_damaged_one(filled: Corpus, shard: Any, column: str) -> None:
    before = filled.entry("pep").trajectory("R1")
    wanted, forces, times = before.frames(), before.column("forces")(slice(None)), before.times_ps  # type: ignore[misc]
    size = shard(1, column).stat().st_size
    spoil(shard(1, column), size // 2, size // 2 + 8)  # frame 12 of 25, in the block of 10 to 14
    (fault,) = verify(filled).faults
    assert fault.kind == "changed" and fault.frames == ((35, 39),) and fault.trajectory == "R1"
    report = repair(filled)
    assert report.is_whole and report.n_frames_lost == 5
    close_maps()
    view = Corpus.open(filled.path).entry("pep").trajectory("R1")
    kept = np.r_[0:35, 40:N_FRAMES]
    assert np.array_equal(view.grid, kept)
    assert np.array_equal(view.frames(), wanted[kept])
    assert np.array_equal(view.column("forces")(slice(None)), forces[kept])  # type: ignore[misc]
    assert np.array_equal(view.times_ps, times[kept])  # type: ignore[index]
    assert len(list((filled.path / "entries/pep/quarantine").iterdir())) == 4
    assert repair(filled).done == ()


def test_a_long_file_costs_nothing(filled: Corpus, shard: Any) -> None:
    before = filled.entry("pep").trajectory("R1").frames()
    with shard(1).open("ab") as stream:
        stream.write(b"more")
    report = repair(filled)
    assert report.is_whole and report.n_frames_lost == 0 and "no frame is lost" in report.done[0].text
    assert np.array_equal(filled.entry("pep").trajectory("R1").frames(), before)


def test_a_short_file(filled: Corpus, shard: Any) -> None:
    path = shard(2, "coordinates")
    n_kept = path.stat().st_size * 7 // 10  # seven of ten frames, in blocks of five
    path.write_bytes(path.read_bytes()[:n_kept])
    close_maps()
    with pytest.raises(DamagedCorpusError, match="bytes"):
        filled.entry("pep").trajectory("R1").frame(55)
    (fault,) = verify(filled, is_quick=True).faults
    assert fault.kind == "size" and fault.frames == ((55, 59),)
    assert repair(filled).n_frames_lost == 5
    assert filled.entry("pep").trajectory("R1").n_frames == 55


def test_a_missing_file(filled: Corpus, shard: Any) -> None:
    shard(1, "forces").unlink()
    close_maps()
    view = filled.entry("pep").trajectory("R1")
    with pytest.raises(DamagedCorpusError, match="forces"):
        view.column("forces")(slice(None))  # type: ignore[misc]
    assert [fault.kind for fault in verify(filled).faults] == ["missing"]
    assert repair(filled).n_frames_lost == 25
    view = filled.entry("pep").trajectory("R1")
    assert np.array_equal(view.grid, np.r_[0:25, 50:60]) and view.column("forces")(slice(None)).shape[0] == 35  # type: ignore[misc]


def test_an_import_under_way_keeps_what_is_before_a_hole(filled: Corpus, shard: Any, record: Any, frames: Any) -> None:
    size = shard(1, trajectory="R2").stat().st_size
    spoil(shard(1, trajectory="R2"), size // 2, size // 2 + 8)
    report = repair(filled)
    assert report.is_whole and report.n_frames_lost == 25
    with filled.edit_entry("pep") as entry:
        writer = entry.begin_trajectory(record("R2"))
        assert writer.n_frames == 35
        writer.append(frames(entry.complex, N_FRAMES)[35:])
    view = filled.entry("pep").trajectory("R2")
    assert np.array_equal(view.grid, np.arange(N_FRAMES))
    assert np.array_equal(view.frames(), filled.entry("pep").trajectory("R1").frames())


def test_manifests_come_back_from_their_copies(filled: Corpus) -> None:
    folder = filled.path / "entries/other"
    manifest = filled.entry("other").manifest
    spoil(folder / "manifest.json", 200, 240)
    assert tuple(Corpus.open(filled.path).damaged) == ("other",) and "other" not in Corpus.open(filled.path)
    with pytest.raises(DamagedCorpusError, match="repair"):
        filled.entry("other")
    (mending,) = repair(filled.path).done
    assert mending.kind == "restored" and filled.entry("other").manifest == manifest
    (folder / "manifest.json").unlink()
    assert tuple(Corpus.open(filled.path).damaged) == ("other",)
    assert repair(filled.path).is_whole and filled.entry("other").manifest == manifest
    spoil(folder / "manifest.copy.json", 200, 240)
    assert repair(filled.path).is_whole
    assert (folder / "manifest.copy.json").read_bytes() == (folder / "manifest.json").read_bytes()


def test_a_copy_of_an_earlier_commit_is_better_than_nothing(filled: Corpus) -> None:
    folder = filled.path / "entries/other"
    before = (folder / "manifest.copy.json").read_bytes()
    with filled.edit_entry("other") as entry:
        entry.set_notes(["another note"])
    (folder / "manifest.copy.json").write_bytes(before)
    assert verify(filled).is_whole and len(verify(filled).faults) == 1
    flip(folder / "manifest.json", 3000)
    assert repair(filled).is_whole and filled.entry("other").manifest.notes == ("another note",)
    (folder / "manifest.copy.json").write_bytes(before)
    spoil(folder / "manifest.json", 200, 240)
    assert repair(filled).is_whole and filled.entry("other").manifest.notes == ("a note",)


def test_entries_beyond_repair_leave_the_corpus(filled: Corpus) -> None:
    for name in ("manifest.json", "manifest.copy.json"):
        spoil(filled.path / "entries/other" / name, 100, 140)
    for name in ("topology.cif", "topology.npz"):
        spoil(filled.path / "entries/pep" / name, 300, 400)
    report = repair(filled)
    assert report.is_whole and report.n_frames_lost == 2 * N_FRAMES
    assert len(filled) == 0
    assert sorted(path.name for path in (filled.path / "quarantine").iterdir()) == ["other", "pep"]


def test_the_record_of_a_corpus(filled: Corpus) -> None:
    for name in ("corpus.json", "corpus.copy.json"):
        spoil(filled.path / name, 90, 120)
        if name == "corpus.json":
            with pytest.raises(DamagedCorpusError):
                Corpus.open(filled.path)
        assert repair(filled.path).is_whole
        assert Corpus.open(filled.path).record == filled.record
    for name in ("corpus.json", "corpus.copy.json"):
        (filled.path / name).unlink()
    report = repair(filled.path)
    assert report.is_whole and "private" in str(report.done[0])
    assert Corpus.open(filled.path).record.private


def test_leftovers_do_no_harm_and_are_moved(filled: Corpus) -> None:
    folder = filled.path / "entries/pep"
    (folder / "shards" / "000099-coordinates.i16").write_bytes(b"abc")
    (folder / ".manifest.json.new").write_bytes(b"abc")
    (filled.path / "entries" / "begun").mkdir()
    (filled.path / "entries" / "begun" / "topology.cif").write_bytes(b"abc")
    report = verify(filled)
    assert report.is_whole and len(report.faults) == 3
    assert {fault.kind for fault in report.faults} == {"leftover"}
    assert repair(filled).is_whole and verify(filled).faults == ()
    with filled.edit_entry("pep") as entry:
        assert entry._take_number() == 100


def test_what_others_wrote_has_no_checksum(filled: Corpus) -> None:
    (filled.path / "splits" / "mine.json").write_text('{"train": []}')
    (fault,) = verify(filled).faults
    assert fault.path == "splits/mine.json" and "others wrote it" in fault.text


def test_entries_in_use_are_left_alone(filled: Corpus, shard: Any) -> None:
    spoil(shard(), 0, 10)
    with filled.edit_entry("pep"):
        (mending,) = repair(filled).done
        assert mending.kind == "left" and "another process" in mending.text
    assert repair(filled).is_whole


def test_one_entry_at_a_time(filled: Corpus, shard: Any) -> None:
    spoil(shard(), 0, 10)
    assert verify(filled, entries=("other",)).faults == ()
    assert len(verify(filled.entry("pep")).faults) == 1
    assert repair(filled.entry("pep")).is_whole
    with pytest.raises(InputError, match="no entry"):
        verify(filled, entries=("nothing",))
    with pytest.raises(InputError, match="no corpus"):
        verify(filled.path.parent)


def test_a_manifest_cannot_name_files_elsewhere(filled: Corpus, tmp_path: Path) -> None:
    entry = filled.entry("pep")
    record = entry.manifest.trajectories[0]
    columns = {"coordinates": ("../../../../secret", "0" * 64)}
    wrong = record.model_copy(update={"shards": (record.shards[0].model_copy(update={"columns": columns}),)})
    manifest = entry.manifest.model_copy(update={"trajectories": (wrong,)})
    write_sealed(filled.path / "entries/pep/manifest.json", "manifest", manifest.model_dump(mode="json"))
    with pytest.raises(DamagedCorpusError, match="no name of a file"):
        filled.entry("pep")


def test_a_copy_of_a_corpus_is_a_corpus(filled: Corpus, tmp_path: Path) -> None:
    shutil.copytree(filled.path, tmp_path / "copy")
    copy = Corpus.open(tmp_path / "copy")
    assert list(copy.index) == list(filled.index) and verify(copy).faults == ()


def test_errors_are_of_the_user() -> None:
    assert issubclass(BusyError, InputError) and issubclass(DamagedCorpusError, InputError)
    assert str(Fault("a/b", "changed", "is different")) == "a/b: is different"
