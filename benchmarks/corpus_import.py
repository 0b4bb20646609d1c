"""Import a trajectory into a corpus, beside mdtraj merely reading the same XTC, in turns.

Usage: ``python -m benchmarks.corpus_import [--frames 20000] [--rounds 5] [--structure FILE] [--json OUT]``. The frames
are those of a structure with thermal noise. Reading is ``XTCTrajectoryFile.read`` in blocks, which keeps nothing; an
import reads, checks and mends every frame, makes checksums of source and shards, writes and syncs. Seconds are the best
of the rounds; processor seconds, of all threads, hardly depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from mdtraj.formats import XTCTrajectoryFile
from rich.table import Table

from benchmarks.common import console, save
from unfreeze.corpus.importers.generic import candidate_of_files
from unfreeze.corpus.importing.driver import run_import
from unfreeze.corpus.schema import Conditions
from unfreeze.corpus.store import Corpus
from unfreeze.structure.read import read_complex
from unfreeze.structure.write import write_pdb

__all__ = ["main", "measure"]

_BLOCK = 500
_STRUCTURE = Path(__file__).parents[1] / "examples" / "data" / "1hvr.cif"


def measure(structure: Path, n_frames: int, n_rounds: int, seed: int, folder: Path) -> dict[str, Any]:
    """Seconds of reading, of reading by our own code, and of an import; frames, bytes and peak memory."""
    topology, trajectory = folder / "topology.pdb", folder / "trajectory.xtc"
    n_atoms = _write(structure, n_frames, seed, topology, trajectory)
    memory_before = _peak_mb()
    work: dict[str, Callable[[], None]] = {
        "read": lambda: _read(trajectory),
        "read_ours": lambda: _read_ours(trajectory),
        "import": lambda: _import(topology, trajectory, folder / "corpus"),
    }
    wall = {name: np.inf for name in work}
    processor = {name: np.inf for name in work}
    _import(topology, trajectory, folder / "corpus")  # compiles
    for _ in range(n_rounds):
        for name, run in work.items():
            shutil.rmtree(folder / "corpus", ignore_errors=True)
            begin, begin_processor = time.perf_counter(), time.process_time()
            run()
            wall[name] = min(wall[name], time.perf_counter() - begin)
            processor[name] = min(processor[name], time.process_time() - begin_processor)
    on_disk = sum(path.stat().st_size for path in (folder / "corpus" / "entries").rglob("*.*"))
    return {
        "n_atoms": n_atoms,
        "n_frames": n_frames,
        "xtc_mb": trajectory.stat().st_size / 1e6,
        "corpus_mb": on_disk / 1e6,
        "wall_s": wall,
        "processor_s": processor,
        "share_of_mdtraj_speed": wall["read"] / wall["import"],
        "peak_memory_mb": _peak_mb(),
        "peak_memory_before_mb": memory_before,
        "load": os.getloadavg()[0],
    }


def _write(structure: Path, n_frames: int, seed: int, topology: Path, trajectory: Path) -> int:
    molecule = read_complex(structure)
    molecule = molecule.take_residues(molecule.residue_kind == "protein")
    write_pdb(topology, molecule)
    generator = np.random.default_rng(seed)
    with XTCTrajectoryFile(str(trajectory), "w") as handle:
        for first in range(0, n_frames, _BLOCK):
            numbers = np.arange(first, min(n_frames, first + _BLOCK))
            noise = generator.normal(scale=0.005, size=(len(numbers), molecule.n_atoms, 3))
            frames = (molecule.coordinates_nm + noise).astype(np.float32)
            handle.write(frames, time=(10.0 * numbers).astype(np.float32), step=(5000 * numbers).astype(np.int32))
    return molecule.n_atoms


def _read(trajectory: Path) -> None:
    with XTCTrajectoryFile(str(trajectory)) as handle:
        while len(handle.read(n_frames=_BLOCK)[0]):
            pass


def _read_ours(trajectory: Path) -> None:
    from unfreeze.trajectories.readers.xtc import XtcFile

    with XtcFile(trajectory) as reader:
        for first in range(0, reader.n_frames, 50):
            reader.read(first, min(50, reader.n_frames - first))


def _import(topology: Path, trajectory: Path, folder: Path) -> None:
    corpus = Corpus.create(folder)
    candidate = candidate_of_files(topology, [trajectory])
    report = run_import(corpus, [candidate], given=Conditions(force_field="amber14", temperature_K=300.0))
    if len(report.taken) != 1:
        raise SystemExit(f"the import refused its own trajectory: {report.results}")


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main() -> None:
    """Measure, print a table, and keep it if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--structure", type=Path, default=_STRUCTURE)
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="unfreeze-") as folder:
        result = measure(arguments.structure, arguments.frames, arguments.rounds, arguments.seed, Path(folder))
    n = result["n_frames"]
    table = Table(title=f"{result['n_atoms']:,} atoms, {n:,} frames, {result['xtc_mb']:.0f} MB of XTC")
    for heading in ("", "s", "µs a frame", "processor s", "speed, mdtraj reading = 100 %"):
        table.add_column(heading, justify="left" if not heading else "right")
    words = {"read": "mdtraj, reading only", "read_ours": "our reader, reading only", "import": "import"}
    for name, word in words.items():
        wall, processor = result["wall_s"][name], result["processor_s"][name]
        share = 100 * result["wall_s"]["read"] / wall
        table.add_row(word, f"{wall:.2f}", f"{1e6 * wall / n:.0f}", f"{processor:.2f}", f"{share:.0f} %")
    out = console()
    out.print(table)
    out.print(
        f"peak memory {result['peak_memory_mb']:.0f} MB ({result['peak_memory_before_mb']:.0f} MB before); load of the "
        f"machine {result['load']:.1f}"
    )
    save(arguments.json, "corpus_import", {"results": result})


if __name__ == "__main__":
    main()
