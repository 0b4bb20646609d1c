"""Whole imports: what stops what, what is there already, what is gone on with, and what is written about it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from unfreeze.corpus.importing.driver import run_import
from unfreeze.corpus.importing.source import Candidate, Part
from unfreeze.corpus.importing.streams import ArrayStream
from unfreeze.corpus.labels import StabilityLabel
from unfreeze.corpus.schema import Conditions, Source, TrajectoryRecord
from unfreeze.corpus.store import Corpus, trajectory_writer
from unfreeze.corpus.store.sealed import read_sealed
from unfreeze.errors import InputError


def test_a_refusal_stops_nothing_else(md, parts, corpus) -> None:
    one, two = md("GYDPETGTWG"), md("1KNE")
    broken = one.frames.copy()
    broken[0, 0, 0] = np.nan

    def fails():
        raise InputError("r4.xtc: frame 7 cannot be read")

    late = Part("R4", parts.known, Source(dataset="test", identifier="R4"), (), fails)
    closed = Part("R5", parts.known, Source(dataset="test"), (), fails, refusal="R5.npz: its pair R5.pdb is missing")
    report = run_import(
        corpus,
        [
            Candidate("pickled", refusal="forces.pkl: a pickle"),
            Candidate("one", (parts.of_frames(one.complex, broken), parts.of_frames(one.complex, one.frames, "R2"),
                              parts.of_frames(two.complex, two.frames, "R3"), late, closed)),
            Candidate("two", (parts.of_frames(two.complex, two.frames),)),
            Candidate("nothing"),
        ],
        importer="test",
    )  # fmt: skip
    assert [(result.entry, result.trajectory) for result in report.taken] == [("one", "R2"), ("two", "R1")]
    reasons = " | ".join(reason for _, reason in report.reasons())
    for words in ("a pickle", "(nan", "not those of the entry one", "frame 7", "missing", "nothing to take"):
        assert words in reasons
    assert corpus.identifiers == ("one", "two") and report.counts()["refused"] == 6
    assert "6 refused" in report.sentence()
    document = read_sealed(corpus.path / report.path, "import")
    assert document["counts"]["taken"] == 2 and document["results"][1]["reason"]


def test_unknown_conditions_are_refused_unless_given(md, parts, take) -> None:
    one = md("GYDPETGTWG")
    unknown = parts.of_frames(one.complex, one.frames, conditions=Conditions(solvent="tip3p"))
    result = take(unknown)
    assert result.status == "refused"
    assert "force field and temperature not known" in result.reason and "--temperature" in result.reason
    given = Conditions(force_field="ff14SB", temperature_K=310.0)
    assert take(unknown, given=given).status == "taken"


def test_names_of_conditions_are_made_one(md, parts, take, corpus) -> None:
    one = md("GYDPETGTWG")
    known = Conditions(force_field="ff99SB-ILDN", temperature_K=300.0, solvent="TIP3P")
    take(parts.of_frames(one.complex, one.frames, conditions=known))
    (record,) = corpus.entry("entry").manifest.trajectories
    assert (record.conditions.force_field, record.conditions.solvent) == ("amber99sb-ildn", "explicit:tip3p")


def test_mixed_force_fields_are_never_pooled(md, parts, take, corpus) -> None:
    one = md("GYDPETGTWG")
    other = Conditions(force_field="charmm36m", temperature_K=300.0)
    take(parts.of_frames(one.complex, one.frames, "R1"))
    # the same name in other conditions is another trajectory or none, never frames of the first
    result = take(parts.of_frames(one.complex, one.frames, "R1", conditions=other))
    assert result.status == "refused" and "conditions are others" in result.reason
    assert take(parts.of_frames(one.complex, one.frames, "R2", conditions=other)).status == "taken"
    assert {item.conditions.force_field for item in corpus.entry("entry").manifest.trajectories} == {
        "amber14",
        "charmm36m",
    }
    # and what the user says does not overrule the source
    result = take(parts.of_frames(one.complex, one.frames, "R3"), given=other)
    assert "the source says force field amber14 and you say charmm36m" in result.reason


def test_two_parts_of_one_name(md, parts, take) -> None:
    one = md("GYDPETGTWG")
    report = take(parts.of_frames(one.complex, one.frames), parts.of_frames(one.complex, one.frames))
    assert report.counts()["refused"] == 1


def test_other_atoms_of_one_name_become_another_entry(md, parts, corpus) -> None:
    one, two = md("GYDPETGTWG"), md("1KNE")
    first = Candidate("1abc", (parts.of_frames(one.complex, one.frames),))
    second = Candidate("1abc", (parts.of_frames(two.complex, two.frames, dataset="other"),))
    assert run_import(corpus, [first, second]).counts()["taken"] == 2
    assert corpus.identifiers == ("1abc", "1abc-other")
    again = run_import(corpus, [first, second])
    assert again.counts()["skipped"] == 2 and len(corpus) == 2


def test_two_sets_with_the_same_complex_share_an_entry(md, parts, corpus) -> None:
    one = md("GYDPETGTWG")
    candidates = [
        Candidate("1abc", (parts.of_frames(one.complex, one.frames[k:], dataset=name),))
        for k, name in ((0, "one"), (9, "two"))
    ]
    run_import(corpus, candidates)
    assert corpus.entry("1abc").trajectories == ("R1", "R1-two")
    assert run_import(corpus, candidates).counts()["skipped"] == 2


def test_names_become_safe(md, parts, corpus) -> None:
    one = md("GYDPETGTWG")
    run_import(corpus, [Candidate("../../etc/pass wd", (parts.of_frames(one.complex, one.frames),))])
    run_import(corpus, [Candidate("ETC-PASS-WD", (parts.of_frames(one.complex, one.frames, dataset="b"),))])
    assert len({name.casefold() for name in corpus.identifiers}) == 2
    assert all("/" not in name for name in corpus.identifiers)


def test_unchanged_sources_are_skipped_and_changed_ones_refused(md, parts, take, corpus, tmp_path) -> None:
    one = md("GYDPETGTWG")
    path = parts.write_xtc(tmp_path / "r1.xtc", one.frames)
    part = parts.of_files(one.pdb, path)
    assert take(part).n_frames == 200
    assert take(part).status == "skipped"
    os.utime(path, (1, 1))  # another date, the same bytes
    assert take(part).status == "skipped"
    parts.write_xtc(path, one.frames[::-1])
    result = take(part)
    assert result.status == "refused" and "changed since: r1.xtc" in result.reason and "--replace" in result.reason
    assert take(part, stride=2).reason.count("stride 1, not 2")
    assert take(part, replace=True).status == "taken"
    view = corpus.entry("entry").trajectory("R1")
    assert np.abs(view.frame(0) - view.frame(0).mean(0) - one.frames[-1] + one.frames[-1].mean(0)).max() < 0.01


def test_sources_have_checksums(md, parts, take, corpus, tmp_path) -> None:
    import hashlib

    one = md("GYDPETGTWG")
    path = parts.write_xtc(tmp_path / "r1.xtc", one.frames)
    take(parts.of_files(one.pdb, path))
    files = corpus.entry("entry").manifest.trajectories[0].source.files
    assert files == {item.name: hashlib.sha256(item.read_bytes()).hexdigest() for item in (one.pdb, path)}


def test_a_copy_under_another_name_is_refused(md, parts, take, tmp_path) -> None:
    one = md("GYDPETGTWG")
    first = parts.write_xtc(tmp_path / "r1.xtc", one.frames)
    second = tmp_path / "r2.xtc"
    second.write_bytes(first.read_bytes())
    report = take(parts.of_files(one.pdb, first), parts.of_files(one.pdb, second, "R2"))
    assert [result.status for result in report.results] == ["taken", "refused"]
    assert "byte for byte" in report.results[1].reason


def test_files_cut_short_are_refused_by_frame(md, parts, take, corpus, tmp_path) -> None:
    one = md("GYDPETGTWG")
    path = parts.write_xtc(tmp_path / "r1.xtc", one.frames)
    path.write_bytes(path.read_bytes()[:-100])
    result = take(parts.of_files(one.pdb, path))
    assert "frame 200 cannot be read" in result.reason and "entry" not in corpus


def test_the_clock_of_files(md, parts, take, corpus, tmp_path) -> None:
    one = md("GYDPETGTWG")
    nanoseconds = parts.write_xtc(tmp_path / "ns.xtc", one.frames, times=0.01 * np.arange(200))
    result = take(parts.of_files(one.pdb, nanoseconds, step_ps=10.0))
    assert result.status == "mended" and "in ns" in result.mended[0]
    assert corpus.entry("entry").trajectory("R1").record.time_step_ps == pytest.approx(10.0)
    logarithmic = np.geomspace(0.1, 1e4, 200)
    uneven = parts.write_xtc(tmp_path / "log.xtc", one.frames[:, :, [0, 1, 2]], times=logarithmic)
    take(parts.of_files(one.pdb, uneven, "R2"))
    view = corpus.entry("entry").trajectory("R2")
    assert view.record.time_step_ps is None
    assert np.allclose(view.times_ps, logarithmic, rtol=1e-5)
    wrong = take(parts.of_files(one.pdb, parts.write_xtc(tmp_path / "c.xtc", one.frames), "R3", step_ps=25.0))
    assert "25 ps are documented" in wrong.reason


def test_strides(md, parts, take, corpus, tmp_path) -> None:
    one = md("GYDPETGTWG")
    path = parts.write_xtc(tmp_path / "r1.xtc", one.frames)
    take(parts.of_files(one.pdb, path), stride=7)
    view = corpus.entry("entry").trajectory("R1")
    assert view.n_frames == 29 and view.record.time_step_ps == 70.0
    assert np.abs(view.frames(slice(None), centred=False) - one.frames[::7]).max() < 0.0012
    assert all(value.startswith("data:") for value in view.record.source.files.values())


def test_a_dry_run_says_the_same_and_writes_nothing(md, parts, corpus, tmp_path) -> None:
    one = md("GYDPETGTWG")
    broken = one.frames.copy()
    broken[100, 3] = np.nan
    path = parts.write_xtc(tmp_path / "r1.xtc", one.frames * np.float32(10))
    candidates = [
        Candidate("one", (parts.of_files(one.pdb, path), parts.of_frames(one.complex, broken, "R2"))),
        Candidate("one", (parts.of_frames(md("1KNE").complex, md("1KNE").frames, dataset="other"),)),
    ]
    before = sorted(corpus.path.rglob("*"))
    dry = run_import(corpus, candidates, dry_run=True)
    assert sorted(corpus.path.rglob("*")) == before
    real = run_import(corpus, candidates)
    assert [(one.entry, one.status) for one in dry.results] == [(one.entry, one.status) for one in real.results]
    assert dry.n_frames == real.n_frames == 220 and dry.n_bytes == real.n_bytes
    assert "would be" in dry.sentence()


def test_columns(md, parts, take, corpus) -> None:
    one = md("GYDPETGTWG")
    generator = np.random.default_rng(0)
    forces = generator.normal(size=one.frames.shape)
    columns = {"forces_kJ_mol_nm": forces, "energies_kJ_mol": np.ones((200, 1)), "weights": generator.uniform(size=200)}
    take(parts.of_frames(one.complex, one.frames, **columns))
    view = corpus.entry("entry").trajectory("R1")
    assert np.allclose(view.column("forces")(slice(None)), forces, atol=1e-6)
    take(parts.of_frames(one.complex, one.frames, "R2", **columns), keep_forces=False)
    assert corpus.entry("entry").trajectory("R2").column("forces") is None
    forces[44, 2, 0] = np.nan
    assert "forces have numbers" in take(parts.of_frames(one.complex, one.frames, "R3", **columns)).reason


def test_labels_are_added(md, parts, corpus) -> None:
    one = md("GYDPETGTWG")
    label = StabilityLabel(source="x:1", mutations=("A:G1A",))
    run_import(corpus, [Candidate("one", labels=(label,))])
    assert "one" not in corpus
    part = parts.of_frames(one.complex, one.frames)
    for _ in range(2):
        run_import(corpus, [Candidate("one", (part,), labels=(label,))])
    assert corpus.entry("one").labels == (label,)


def test_stopping_and_going_on(md, parts, corpus, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(trajectory_writer, "SHARD_BYTES", 20_000)
    one = md("GYDPETGTWG")
    path = parts.write_xtc(tmp_path / "r1.xtc", np.tile(one.frames, (20, 1, 1)))
    candidate = Candidate("one", (parts.of_files(one.pdb, path),))
    seen = []
    report = run_import(corpus, [candidate], on_progress=seen.append, should_stop=lambda: len(seen) >= 2)
    assert report.was_stopped and report.results[0].status == "stopped"
    n = corpus.entry("one").trajectory("R1").n_frames
    assert 0 < n < 4000 and not corpus.entry("one").trajectory("R1").record.is_complete
    report = run_import(corpus, [candidate])
    record = corpus.entry("one").trajectory("R1").record
    assert report.results[0].n_frames == 4000 and record.is_complete
    assert record.quality["frames_before_resumption"] == n
    frames = corpus.entry("one").trajectory("R1").frames(slice(None), centred=False)
    assert np.abs(frames - np.tile(one.frames, (20, 1, 1))).max() < 0.0012


_CHILD = """
    import sys, time
    from pathlib import Path
    from unfreeze.corpus.importing.driver import run_import
    from unfreeze.corpus.importing.source import Candidate, Part
    from unfreeze.corpus.importing.streams import FileStream
    from unfreeze.corpus.schema import Conditions, Source
    from unfreeze.corpus.store import Corpus, trajectory_writer
    import unfreeze.corpus.importing.parts as parts

    trajectory_writer.SHARD_BYTES = 20_000
    parts._BLOCK_BYTES = 40_000
    folder, pdb, xtc = map(Path, sys.argv[1:])

    class Slow(FileStream):
        def blocks(self, *a, **k):
            for block in super().blocks(*a, **k):
                time.sleep(0.02)
                yield block

    part = Part("R1", Conditions(force_field="amber14", temperature_K=300.0), Source(dataset="test", identifier="R1"),
                (pdb, xtc), lambda: Slow(pdb, [xtc]))
    run_import(Corpus.open(folder), [Candidate("one", (part,))])
"""


def test_killed_imports_go_on(md, parts, corpus, tmp_path) -> None:
    """kill -9, twice: what was committed is there, nothing half is, and the third run makes it whole."""
    one = md("GYDPETGTWG")
    frames = np.tile(one.frames, (20, 1, 1))
    path = parts.write_xtc(tmp_path / "r1.xtc", frames)
    manifest = corpus.path / "entries" / "one" / "manifest.json"
    counts = [0]
    for _ in range(2):
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(_CHILD), str(corpus.path), str(one.pdb), str(path)]
        )
        end = time.monotonic() + 120
        while time.monotonic() < end and child.poll() is None:
            if manifest.exists() and Corpus.open(corpus.path).entry("one").manifest.n_frames > counts[-1] + 100:
                break
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        child.wait()
        view = Corpus.open(corpus.path).entry("one").trajectory("R1")
        counts.append(view.n_frames)
        assert np.abs(view.frames(slice(None), centred=False) - frames[: view.n_frames]).max() < 0.0012
    assert counts[2] > counts[1] > 0
    part = parts.of_files(one.pdb, path, conditions=Conditions(force_field="amber14", temperature_K=300.0))
    report = run_import(Corpus.open(corpus.path), [Candidate("one", (part,))])
    assert report.results[0].n_frames == 4000 and not report.refused
    view = Corpus.open(corpus.path).entry("one").trajectory("R1")
    assert np.abs(view.frames(slice(None), centred=False) - frames).max() < 0.0012


def test_a_source_that_changes_between_is_not_gone_on_with(md, parts, corpus, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(trajectory_writer, "SHARD_BYTES", 20_000)
    one = md("GYDPETGTWG")
    path = parts.write_xtc(tmp_path / "r1.xtc", np.tile(one.frames, (20, 1, 1)))
    candidate = Candidate("one", (parts.of_files(one.pdb, path),))
    seen = []
    run_import(corpus, [candidate], on_progress=seen.append, should_stop=lambda: len(seen) >= 2)
    parts.write_xtc(path, np.tile(one.frames[::-1], (20, 1, 1)))
    (result,) = run_import(corpus, [candidate]).results
    assert result.status == "refused" and "was begun already" in result.reason


def test_a_fault_of_a_reader_is_raised(md, parts, corpus) -> None:
    """What is no fault of the input is not hidden among refusals, and no thread is left behind."""
    import threading

    one = md("GYDPETGTWG")

    class Broken(ArrayStream):
        def blocks(self, first=0, stride=1, *, most_bytes=2**25):
            yield from super().blocks(first, stride, most_bytes=most_bytes)
            raise ZeroDivisionError("a fault of ours")

    part = Part("R1", parts.known, Source(dataset="t", identifier="a"), (), lambda: Broken(one.complex, one.frames))
    with pytest.raises(ZeroDivisionError):
        run_import(corpus, [Candidate("one", (part,))])
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("import")]


_SPARSE = """
    import resource, sys
    from pathlib import Path
    import numpy as np
    from unfreeze.corpus.importers.generic import candidate_of_files
    from unfreeze.corpus.importing.driver import run_import
    from unfreeze.corpus.schema import Conditions
    from unfreeze.corpus.store import Corpus

    folder, pdb, dcd = map(Path, sys.argv[1:])
    candidate = candidate_of_files(pdb, [dcd], options={"time_step": "1ps"})
    report = run_import(Corpus.open(folder), [candidate], stride=999_983,
                        given=Conditions(force_field="amber14", temperature_K=300.0))
    assert len(report.taken) == 1, report.results
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def test_a_file_of_133_gb_needs_little_memory(md, corpus, tmp_path) -> None:
    """A sparse DCD file of which the frames that are read are written: nothing else of it is touched."""
    from mdtraj.formats import DCDTrajectoryFile

    from unfreeze.trajectories.readers.dcd import DcdReader

    one = md("GYDPETGTWG")
    small, large = tmp_path / "small.dcd", tmp_path / "large.dcd"
    with DCDTrajectoryFile(str(small), "w") as handle:
        handle.write(one.frames * 10)
    content, n_small = small.read_bytes(), len(one.frames)
    reader = DcdReader(small)
    head, frame_bytes = reader._first, reader._frame_bytes
    n_frames = 133 * 10**9 // frame_bytes
    wanted = [*range(0, n_frames, 999_983), *range(4), *range(n_frames // 2, n_frames // 2 + 4)]
    wanted += range(n_frames - 4, n_frames)
    with large.open("wb") as handle:
        handle.write(content[:head])
        for at in sorted(set(wanted)):
            handle.seek(head + at * frame_bytes)
            begin = head + (at % n_small) * frame_bytes
            handle.write(content[begin : begin + frame_bytes])
    if large.stat().st_blocks * 512 > 10**9:
        pytest.skip("files are not sparse here")
    assert large.stat().st_size > 132 * 10**9
    arguments = [sys.executable, "-c", textwrap.dedent(_SPARSE), str(corpus.path), str(one.pdb), str(large)]
    done = subprocess.run(arguments, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 10**9
    view = Corpus.open(corpus.path).entry("GYDPETGTWG").trajectory("large")
    assert view.n_frames == len(range(0, n_frames, 999_983)) and view.record.time_step_ps == 999_983


def test_the_same_frames_in_another_format_are_told(md, parts, corpus) -> None:
    one = md("GYDPETGTWG")
    (first,) = run_import(corpus, [Candidate("a", (parts.of_frames(one.complex, one.frames, name="R1"),))]).taken
    assert "copy_of" not in first.quality
    (taken,) = run_import(corpus, [Candidate("a", (parts.of_frames(one.complex, one.frames, name="R2"),))]).taken
    assert "those of the trajectory R1" in taken.notes[-1] and taken.quality["copy_of"] == "R1"


def test_another_writer_s_entry_is_left_alone(md, parts, corpus) -> None:
    one = md("GYDPETGTWG")
    with corpus.new_entry("a", one.complex) as writer:
        trajectory = writer.begin_trajectory(
            TrajectoryRecord(name="mine", conditions=parts.known, source=Source(dataset="own"))
        )
        trajectory.append(one.frames)
        (refused,) = run_import(
            Corpus.open(corpus.path), [Candidate("a", (parts.of_frames(one.complex, one.frames),))]
        ).refused
        assert "another process is writing" in refused.reason
        trajectory.finish(time_step_ps=1.0)
    assert Corpus.open(corpus.path).entry("a").trajectory("mine").n_frames == len(one.frames)
