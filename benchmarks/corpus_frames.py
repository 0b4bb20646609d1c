"""Read single frames in random order from the corpus and from other formats, side by side in one run.

Usage: ``python -m benchmarks.corpus_frames [--atoms 1231] [--frames 4000] [--json OUT]``. The same made-up trajectory
is written in every format; each is opened once and read warm, a few rounds in turns, and the best round of each counts.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.common import console, save
from unfreeze.corpus.schema import Conditions, Source, TrajectoryRecord
from unfreeze.corpus.store import Corpus
from unfreeze.structure.complex import Complex

__all__ = ["beads", "main", "measure"]

Read = Callable[[int], NDArray[np.floating]]


def measure(n_atoms: int, n_frames: int, n_reads: int, n_rounds: int, seed: int, folder: Path) -> list[dict[str, Any]]:
    """One row a format: microseconds a frame, that as a multiple of the raw memory map, and bytes on disk."""
    rng = np.random.default_rng(seed)
    molecule = beads(n_atoms, rng)
    walk = np.cumsum(rng.normal(scale=0.002, size=(n_frames, n_atoms, 3)), axis=0)
    frames = (molecule.coordinates_nm + np.clip(walk, -0.3, 0.3)).astype(np.float32)
    middle = (frames.max(axis=1, keepdims=True) + frames.min(axis=1, keepdims=True)) / 2
    frames -= middle  # what the corpus gives: about the middle of every frame
    readers = {
        name: make(folder, molecule, frames)
        for name, make in {
            "raw memory map, float32": _raw_floats,
            "the same, as a plain array": _raw_plain,
            "raw map, int16 to float32": _raw_integers,
            "unfreeze corpus": _corpus,
            "h5py, a frame a chunk": lambda *a: _hdf5(*a, chunk=1),
            "h5py, 16 frames a chunk": lambda *a: _hdf5(*a, chunk=16),
            "zarr, 16 frames a chunk": _zarr,
            "DCD, mdtraj": lambda *a: _mdtraj(*a, ending="dcd"),
            "XTC, mdtraj": lambda *a: _mdtraj(*a, ending="xtc"),
        }.items()
    }
    order = rng.integers(0, n_frames, n_reads).tolist()
    best = dict.fromkeys(readers, np.inf)
    error = dict.fromkeys(readers, 0.0)
    for name, (read, _) in readers.items():
        error[name] = max(float(np.abs(read(i) - frames[i]).max()) for i in order[:50])
        for i in range(0, n_frames, max(1, n_frames // 500)):
            read(i)
    for _ in range(n_rounds):
        for name, (read, _) in readers.items():
            places = order if best[name] < 1e-4 or best[name] == np.inf else order[:100]
            start = time.perf_counter()
            for i in places:
                read(i)
            best[name] = min(best[name], (time.perf_counter() - start) / len(places))
    raw = best["raw memory map, float32"]
    return [
        {
            "format": name,
            "us_per_frame": round(best[name] * 1e6, 3),
            "times_raw": round(best[name] / raw, 3),
            "largest_error_nm": round(error[name], 6),
            "bytes_per_atom": round(_size(path) / n_frames / n_atoms, 2),
        }
        for name, (_, path) in readers.items()
    ]


def _raw_floats(folder: Path, molecule: Complex, frames: NDArray[np.float32]) -> tuple[Read, Path]:
    path = folder / "raw.f32"
    frames.tofile(path)
    data = np.memmap(path, dtype=np.float32, mode="r", shape=frames.shape)
    return lambda i: np.array(data[i]), path


def _raw_plain(folder: Path, molecule: Complex, frames: NDArray[np.float32]) -> tuple[Read, Path]:
    path = folder / "raw.f32"
    data = np.memmap(path, dtype=np.float32, mode="r", shape=frames.shape).view(np.ndarray)
    return lambda i: np.array(data[i]), path


def _raw_integers(folder: Path, molecule: Complex, frames: NDArray[np.float32]) -> tuple[Read, Path]:
    path = folder / "raw.i16"
    np.rint(frames * 1000).astype(np.int16).tofile(path)
    data = np.memmap(path, dtype=np.int16, mode="r", shape=frames.shape).view(np.ndarray)

    def read(i: int) -> NDArray[np.float32]:
        frame = data[i].astype(np.float32)
        frame *= np.float32(0.001)
        return frame

    return read, path


def _corpus(folder: Path, molecule: Complex, frames: NDArray[np.float32]) -> tuple[Read, Path]:
    corpus = Corpus.create(folder / "corpus")
    record = TrajectoryRecord(name="R1", conditions=Conditions(kind="generated"), source=Source(dataset="made up"))
    with corpus.new_entry("beads", molecule) as entry, entry.begin_trajectory(record) as writer:
        writer.append(frames)
        writer.finish()
    return Corpus.open(corpus.path).entry("beads").trajectory("R1").frame, corpus.path / "entries/beads/shards"


def _hdf5(folder: Path, molecule: Complex, frames: NDArray[np.float32], chunk: int) -> tuple[Read, Path]:
    import h5py

    path = folder / f"chunk{chunk}.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("coordinates", data=frames, chunks=(chunk, *frames.shape[1:]))
    data: Any = h5py.File(path, "r")["coordinates"]
    return lambda i: data[i], path


def _zarr(folder: Path, molecule: Complex, frames: NDArray[np.float32]) -> tuple[Read, Path]:
    import zarr

    path = folder / "chunk16.zarr"
    array: Any = zarr.create_array(str(path), shape=frames.shape, chunks=(16, *frames.shape[1:]), dtype="float32")
    array[:] = frames
    data: Any = zarr.open_array(str(path), mode="r")
    return lambda i: np.asarray(data[i]), path


def _mdtraj(folder: Path, molecule: Complex, frames: NDArray[np.float32], ending: str) -> tuple[Read, Path]:
    import mdtraj

    path = folder / f"trajectory.{ending}"
    with mdtraj.open(str(path), "w") as file:
        file.write(frames * (1 if ending == "xtc" else 10))
    file: Any = mdtraj.open(str(path))
    file.seek(1)  # finds the places of all frames, where the format needs that
    scale = np.float32(1 if ending == "xtc" else 0.1)

    def read(i: int) -> NDArray[np.float32]:
        file.seek(i)
        return file.read(n_frames=1)[0][0] * scale

    return read, path


def beads(n_atoms: int, rng: np.random.Generator) -> Complex:
    """Carbon atoms of one ligand on a lattice of 0.2 nm: what they are does not matter here."""
    edge = int(np.ceil(n_atoms ** (1 / 3)))
    lattice = np.stack(np.meshgrid(*[np.arange(edge)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)[:n_atoms]
    one = np.array(["LIG"])
    return Complex(
        coordinates_nm=0.2 * lattice + rng.normal(scale=0.01, size=(n_atoms, 3)),
        atom_name=np.array([f"C{i + 1}" for i in range(n_atoms)]),
        element=np.full(n_atoms, "C"),
        residue_index=np.zeros(n_atoms, dtype=np.int64),
        atom_b_factor=np.zeros(n_atoms),
        atom_occupancy=np.ones(n_atoms),
        atom_charge=np.zeros(n_atoms, dtype=np.int64),
        atom_altloc=np.full(n_atoms, ""),
        residue_name=one,
        residue_parent_name=one,
        residue_kind=np.array(["ligand"]),
        residue_hetero=np.array([True]),
        residue_number=np.array([1]),
        residue_insertion_code=np.array([""]),
        residue_label_number=np.array([0]),
        residue_label_chain=np.array([""]),
        residue_entity=np.array([""]),
        chain_index=np.array([0]),
        chain_name=np.array(["A"]),
        links=np.empty((0, 2), dtype=np.int64),
    )


@contextmanager
def _silence() -> Iterator[None]:
    """Keep the DCD reader from printing two lines a frame."""
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--atoms", type=int, default=1231)
    parser.add_argument("--frames", type=int, default=4000)
    parser.add_argument("--reads", type=int, default=1000, help="frames a round")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _silence():
        rows = measure(options.atoms, options.frames, options.reads, options.rounds, options.seed, Path(folder))
    table = Table(title=f"One random frame of {options.atoms} atoms out of {options.frames}, warm")
    for heading in ("format", "µs a frame", "times raw", "bytes an atom", "largest error, pm"):
        table.add_column(heading, justify="left" if heading == "format" else "right")
    for row in rows:
        table.add_row(
            row["format"],
            f"{row['us_per_frame']:.2f}",
            f"{row['times_raw']:.2f}",
            f"{row['bytes_per_atom']:.2f}",
            f"{row['largest_error_nm'] * 1000:.2f}",
        )
    console().print(table)
    save(options.json, "corpus_frames", {"atoms": options.atoms, "frames": options.frames, "rows": rows})


if __name__ == "__main__":
    main()
