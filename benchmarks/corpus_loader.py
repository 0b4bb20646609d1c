"""How many frames of complexes of 300 residues the loader gives in a second, and what memory it takes doing so.

    python -m benchmarks.corpus_loader [STRUCTURE] [--draws N] [--json OUT]

A corpus of copies of one complex (two of the example structure side by side) is made in a temporary folder: its
coordinates are noise about the structure, which costs the loader what real ones would. Reading is warm: the files fit
into the cache of the system. On a busy machine processor time says more than the clock.
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track
from rich.table import Table

from benchmarks.common import console, save
from benchmarks.lattice import packed_copies
from unfreeze.corpus.loader.crops import Crop
from unfreeze.corpus.loader.draws import Frames
from unfreeze.corpus.loader.loader import Loader
from unfreeze.corpus.loader.plan import BatchSize
from unfreeze.corpus.schema import Conditions, Source, TrajectoryRecord
from unfreeze.corpus.store import Corpus
from unfreeze.structure.complex import Complex
from unfreeze.structure.read import read_complex

N_RESIDUES = 300
EXAMPLE = Path(__file__).parents[1] / "examples" / "data" / "1hvr.cif"


def main() -> None:
    """Make the corpus, time the loader in several settings, and follow its memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("structure", type=Path, nargs="?", help="a complex of 300 residues or more")
    parser.add_argument("--entries", type=int, default=40)
    parser.add_argument("--frames", type=int, default=250, help="of every entry")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long every setting is timed")
    parser.add_argument("--draws", type=int, default=1_000_000, help="over which memory is followed; 0 for not")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        whole = read_complex(arguments.structure) if arguments.structure else packed_copies(read_complex(EXAMPLE), 2)
        cut = whole.take_residues(np.arange(whole.n_residues) < N_RESIDUES)
        large = make_corpus(Path(scratch) / "large", whole, arguments.entries, arguments.frames)
        small = make_corpus(Path(scratch) / "small", cut, arguments.entries, arguments.frames)
        rows = speeds(large, small, arguments.seconds)
        memory = follow_memory(small, arguments.draws) if arguments.draws else None
    sizes = {
        "entries": arguments.entries,
        "frames_an_entry": arguments.frames,
        "whole": {"residues": whole.n_residues, "atoms": whole.n_atoms},
        "300 residues": {"residues": cut.n_residues, "atoms": cut.n_atoms},
    }
    show(rows, memory)
    save(arguments.json, "corpus_loader", {"sizes": sizes, "load": os.getloadavg(), "speeds": rows, "memory": memory})


def make_corpus(path: Path, molecule: Complex, n_entries: int, n_frames: int) -> Corpus:
    """Copies of one complex, each with a trajectory of noise."""
    corpus = Corpus.create(path)
    rng = np.random.default_rng(0)
    noise = rng.normal(0.0, 0.05, (n_frames, molecule.n_atoms, 3)).astype(np.float32)
    record = TrajectoryRecord(name="R1", conditions=Conditions(temperature_K=300.0), source=Source(dataset="noise"))
    for number in range(n_entries):
        with corpus.new_entry(f"e{number:05d}", molecule) as entry, entry.begin_trajectory(record) as trajectory:
            trajectory.append(molecule.coordinates_nm.astype(np.float32) + noise)
            trajectory.finish(time_step_ps=10.0)
    return Corpus.open(path)


def speeds(large: Corpus, small: Corpus, seconds: float) -> list[dict[str, Any]]:
    """Frames a second in every setting."""
    settings: list[tuple[str, Corpus, int, dict[str, Any]]] = [
        ("whole entries", small, workers, {}) for workers in (0, 1, 2, 4)
    ]
    settings += [
        ("4 frames a draw", small, 2, {"frames": Frames(4)}),
        ("16 frames a draw", small, 2, {"frames": Frames(16)}),
        ("superposed", small, 2, {"superpose": True}),
        ("every frame once an epoch", small, 2, {"replacement": False}),
        ("crops around interfaces", large, 2, {"crop": Crop(N_RESIDUES)}),
        ("every entry opened anew", small, 2, {"cache_bytes": 1}),
    ]
    batch = BatchSize(residues=16 * N_RESIDUES)
    rows = []
    for name, corpus, workers, options in settings:
        loader = Loader(corpus, seed=1, batch=batch, workers=workers, **options)
        rows.append({"setting": name, "readers": f"{workers} threads", **rate(loader, seconds)})
    rows += torch_speeds(small, batch, seconds)
    rows.insert(0, {"setting": "frames alone, by the store", "readers": "0 threads", **raw_rate(small, seconds)})
    return rows


def torch_speeds(corpus: Corpus, batch: BatchSize, seconds: float) -> list[dict[str, Any]]:
    """The same through worker processes of torch, where that is installed."""
    try:
        from unfreeze.corpus.loader.torch_dataset import TorchLoader
    except ImportError:
        return []
    rows = []
    for workers in (1, 2):
        batches = TorchLoader(Loader(corpus, seed=1, batch=batch), workers=workers)
        found = rate(batches, seconds, lambda item: item["rows"].numel())
        # the workers' own time is not known here
        found["frames_per_cpu_s"] = None
        rows.append({"setting": "whole entries, torch", "readers": f"{workers} processes", **found})
    return rows


def rate(batches: Iterable[Any], seconds: float, count: Any = None) -> dict[str, Any]:
    """Frames a second by the clock and by processor time of this process, after a second of running in."""
    count = count or (lambda batch: batch.n_frames)
    iterator = iter(batches)
    begin = time.perf_counter()
    while time.perf_counter() - begin < max(1.0, seconds / 4):
        next(iterator)
    n_frames, begin, begin_cpu = 0, time.perf_counter(), time.process_time()
    while (spent := time.perf_counter() - begin) < seconds:
        n_frames += count(next(iterator))
    return {"frames_per_s": n_frames / spent, "frames_per_cpu_s": n_frames / (time.process_time() - begin_cpu)}


def raw_rate(corpus: Corpus, seconds: float) -> dict[str, Any]:
    """Single random frames, without anything else."""
    views = [corpus.entry(identifier).trajectory("R1") for identifier in corpus.identifiers]
    rng = np.random.default_rng(0)
    places = rng.integers(0, [len(views), views[0].n_frames], (10_000, 2)).tolist()
    n_frames, begin, begin_cpu = 0, time.perf_counter(), time.process_time()
    for view, frame in itertools.cycle(places):
        views[view].frame(frame)
        n_frames += 1
        if n_frames % 100 == 0 and time.perf_counter() - begin > seconds:
            break
    spent = time.perf_counter() - begin
    return {"frames_per_s": n_frames / spent, "frames_per_cpu_s": n_frames / (time.process_time() - begin_cpu)}


def follow_memory(corpus: Corpus, n_draws: int) -> dict[str, Any]:
    """Memory of this process at tenths of many draws."""
    loader = Loader(corpus, seed=2, batch=BatchSize(residues=16 * N_RESIDUES), n_draws=n_draws, workers=2)
    done, points = 0, [{"draws": 0, "memory_MB": memory_mb()}]
    begin = time.perf_counter()
    for batch in track(loader, total=n_draws // 16, disable=not sys.stderr.isatty()):
        done += len(batch)
        if done >= len(points) * n_draws / 10:
            points.append({"draws": done, "memory_MB": memory_mb()})
    return {"draws": n_draws, "seconds": time.perf_counter() - begin, "points": points, "peak_MB": peak_mb()}


def memory_mb() -> float:
    """Memory that is the process's own, files that it maps left out, as far as the system tells."""
    try:
        fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        return int(fields["RssAnon"].split()[0]) / 1024
    except (OSError, KeyError):
        return peak_mb()


def peak_mb() -> float:
    """Largest memory so far, mapped files included."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def show(rows: list[dict[str, Any]], memory: dict[str, Any] | None) -> None:
    """Print tables."""
    out = console()
    table = Table(
        "setting", "readers", "frames/s", "a CPU second", title=f"{N_RESIDUES} residues, warm, {os.cpu_count()} cores"
    )
    for row in rows:
        numbers = (row["frames_per_s"], row["frames_per_cpu_s"])
        table.add_row(row["setting"], row["readers"], *("" if n is None else f"{n:,.0f}" for n in numbers))
    out.print(table)
    if memory:
        points = ", ".join(f"{p['draws']:,}: {p['memory_MB']:.1f}" for p in memory["points"])
        out.print(f"memory in MB by draws: {points}; peak with mapped files {memory['peak_MB']:.0f} MB")
        out.print(f"{memory['draws']:,} draws in {memory['seconds']:.0f} s")


if __name__ == "__main__":
    main()
