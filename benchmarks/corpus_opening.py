"""Open a corpus of many entries, with its index and without, and verify one of many frames.

Usage: ``python -m benchmarks.corpus_opening [--entries 10000] [--json OUT]``. The entries have manifests as an import
of three trajectories leaves them, and no frames; what is verified is one more entry with frames.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.common import console, save
from unfreeze.corpus.schema import Conditions, EntryManifest, Shard, Source, TrajectoryRecord
from unfreeze.corpus.store import Corpus, verify
from unfreeze.corpus.store.sealed import seal_text

__all__ = ["main", "measure"]


def measure(n_entries: int, n_residues: int, seed: int, folder: Path) -> dict[str, Any]:
    """Seconds of opening without and with an index, and of looking at every summary."""
    rng = np.random.default_rng(seed)
    path = folder / "corpus"
    Corpus.create(path)
    shards = tuple(_shard(number, rng) for number in range(2))
    trajectories = tuple(
        TrajectoryRecord(
            name=f"R{number}",
            conditions=Conditions(force_field="charmm36m", solvent="explicit:tip3p", temperature_K=300),
            source=Source(dataset="made up", licence="CC-BY-NC-4.0"),
            time_step_ps=10,
            shards=shards,
        )
        for number in range(3)
    )
    for number in range(n_entries):
        letters = "".join(rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), n_residues))
        manifest = EntryManifest(
            identifier=f"entry-{number:06d}",
            n_atoms=8 * n_residues,
            n_residues=n_residues,
            chains=("A",),
            sequences=(letters,),
            topology={},
            trajectories=trajectories,
        )
        place = path / "entries" / manifest.identifier
        place.mkdir()
        (place / "manifest.json").write_bytes(seal_text("manifest", manifest.model_dump_json()))
    start = time.perf_counter()
    Corpus.open(path)
    without = time.perf_counter() - start
    time.sleep(2.5)  # manifests younger than this are read again
    Corpus.open(path)
    opening, looking = [], []
    for _ in range(5):
        start = time.perf_counter()
        corpus = Corpus.open(path)
        opening.append(time.perf_counter() - start)
        sum(summary.n_frames for summary in corpus.index)
        looking.append(time.perf_counter() - start)
    return {
        "entries": n_entries,
        "without_index_s": round(without, 3),
        "with_index_s": round(min(opening), 3),
        "with_index_and_all_summaries_s": round(min(looking), 3),
        "index_bytes": (path / "index.json").stat().st_size,
    }


def _shard(number: int, rng: np.random.Generator) -> Shard:
    sums = tuple(rng.integers(0, 2**32, 230).tolist())
    names = {"coordinates": f"{number:06d}-coordinates.i16", "centre": f"{number:06d}-centre.f64"}
    return Shard(
        number=number,
        n_frames=5000,
        first=5000 * number,
        coordinate_unit_nm=0.001,
        columns={column: (name, "0" * 64) for column, name in names.items()},
        blocks={"coordinates": sums, "centre": sums},
        block_frames=22,
    )


def verifying(n_atoms: int, n_frames: int, folder: Path) -> dict[str, Any]:
    """Seconds and bytes of verifying an entry with frames."""
    from benchmarks.corpus_frames import beads

    rng = np.random.default_rng(0)
    molecule = beads(n_atoms, rng)
    corpus = Corpus.create(folder / "frames")
    record = TrajectoryRecord(name="R1", conditions=Conditions(kind="generated"), source=Source(dataset="made up"))
    frames = (molecule.coordinates_nm + rng.normal(scale=0.1, size=(500, n_atoms, 3))).astype(np.float32)
    with corpus.new_entry("beads", molecule) as entry, entry.begin_trajectory(record) as writer:
        writer.append(frames[:1])
        start = time.perf_counter()
        for _ in range(n_frames // len(frames)):
            writer.append(frames)
        writer.finish()
        writing = time.perf_counter() - start
    start = time.perf_counter()
    report = verify(corpus)
    seconds = time.perf_counter() - start
    assert report.is_whole
    return {
        "atoms": n_atoms,
        "frames": n_frames,
        "bytes": report.n_bytes,
        "writing_us_per_frame": round(writing / n_frames * 1e6, 1),
        "verifying_MB_per_s": round(report.n_bytes / seconds / 1e6),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--residues", type=int, default=300)
    parser.add_argument("--atoms", type=int, default=1231)
    parser.add_argument("--frames", type=int, default=40_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        opening = measure(options.entries, options.residues, options.seed, Path(folder))
        frames = verifying(options.atoms, options.frames, Path(folder))
    table = Table("what", "value", title="A corpus as a whole")
    for name, value in {**opening, **frames}.items():
        table.add_row(name.replace("_", " "), f"{value:,}")
    console().print(table)
    save(options.json, "corpus_opening", {"opening": opening, "frames": frames})


if __name__ == "__main__":
    main()
