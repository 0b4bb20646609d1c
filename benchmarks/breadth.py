"""Whether varied complexes go through preparation, force field and minimisation, and the smallest through 20 ps.

    python -m benchmarks.breadth FOLDER --work DIR [--count 100] [--runs 20] [--only STEP] [--again] [--json OUT]

Chosen are complexes of less than --residues residues whose interfaces differ: the smallest, and the rest spread over
the sizes. Each is prepared, given amber14 with OBC2 and a cut-off of 1.2 nm (so that hundreds of residues are
affordable on one core), and minimised by the engine; the smallest are then simulated on. Every step runs in a process
of its own, and its result is appended to DIR/results.jsonl when it is there: the same command goes on after an
interruption, and with --again repeats what failed. The table counts causes; every message is in the results.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import shutil
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.common import console, save, structure_files
from unfreeze.errors import UnfreezeError
from unfreeze.files.atomic import write_json
from unfreeze.structure.read import read_complex
from unfreeze.structure.similarity.clusters import cluster_sequences
from unfreeze.structure.similarity.interfaces import cluster_interfaces, partner_interfaces
from unfreeze.structure.similarity.sequences import chain_sequences

__all__ = ["choose_varied", "main"]

CUTOFF_NM = 1.2
MINIMISE_ITERATIONS = 150
SEED = 1
LIMIT_S = {"minimise": 3 * 3600, "run": 6 * 3600}


def choose_varied(files: list[Path], count: int, n_smallest: int, most_residues: int) -> list[dict[str, Any]]:
    """At most `count` complexes, each with an interface that no other one has, smallest first."""
    rows: list[dict[str, Any]] = []
    sequences: list[str] = []
    interfaces: list[tuple[int, int, Any]] = []
    owner: list[int] = []
    for path in files:
        try:
            molecule = read_complex(path)
        except UnfreezeError:
            continue
        chains = chain_sequences(molecule)
        n_residues = sum(len(chain.letters) for chain in chains)
        found = partner_interfaces(molecule, chains)
        if n_residues >= most_residues or not found:
            continue
        interfaces += [(len(sequences) + one.first, len(sequences) + one.second, one.contacts) for one in found]
        owner += [len(rows)] * len(found)
        sequences += [chain.letters for chain in chains]
        rows.append({"name": path.name.partition(".")[0], "file": str(path), "n_residues": n_residues})
    clusters = cluster_sequences(sequences)
    families = cluster_interfaces(interfaces, sequences, clusters.label).family
    seen: set[int] = set()
    varied = []
    for row in sorted(range(len(rows)), key=lambda row: (rows[row]["n_residues"], rows[row]["name"])):
        own = set(families[np.array(owner) == row].tolist())
        if own - seen:
            seen |= own
            varied.append(rows[row])
    first, rest = varied[:n_smallest], varied[n_smallest:]
    n_rest = min(count - len(first), len(rest))
    picked = np.unique(np.linspace(0, len(rest) - 1, n_rest).round().astype(int)) if n_rest > 0 else []
    return first + [rest[place] for place in picked]


def minimise(entry: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Prepare, parameterise and minimise a complex; what came of it."""
    from unfreeze.simulate.engine.run_store import RunStore
    from unfreeze.simulate.system import build_system
    from unfreeze.structure.prepare.folder import write_prepared
    from unfreeze.structure.prepare.preparation import prepare
    from unfreeze.structure.prepare.settings import PreparationSettings

    result: dict[str, Any] = {"at": "prepare"}
    clock = time.perf_counter()
    try:
        prepared = prepare(entry["file"], PreparationSettings())
        write_prepared(folder / "prepared", prepared)
        changes = prepared.report.get("changes", [])
        result |= {
            "n_atoms": prepared.complex.n_atoms,
            "n_changes": len(changes),
            "changes": dict(Counter(str(change.get("kind", "")) for change in changes if isinstance(change, dict))),
            "warnings": prepared.report.get("warnings", []),
            "prepare_s": time.perf_counter() - clock,
            "at": "force field",
        }
        clock = time.perf_counter()
        molecular = build_system(prepared.complex, settings_of().system, temperature_K=300.0, seed=SEED)
        result |= {"system_s": time.perf_counter() - clock, "at": "minimise"}
        clock = time.perf_counter()
        before = energy_and_force(molecular, molecular.positions_nm)
        shutil.rmtree(folder / "run", ignore_errors=True)  # of an attempt that was interrupted, perhaps past this stage
        run_until(folder / "run", molecular, "minimise", entry["name"])
        state = RunStore.open(folder / "run", read_only=True).state()
        assert state is not None
        after = energy_and_force(molecular, state["positions_nm"])
        moved = state["positions_nm"] - molecular.positions_nm
        result |= {
            "energy_before_kJ_mol": before[0],
            "energy_after_kJ_mol": after[0],
            "largest_force_before_kJ_mol_nm": before[1],
            "largest_force_after_kJ_mol_nm": after[1],
            "moved_rms_nm": float(np.sqrt((moved**2).sum(axis=1).mean())),
            "minimise_s": time.perf_counter() - clock,
        }
        if not (np.isfinite(after).all() and after[0] < min(before[0], 0.0)):
            return result | {"status": "failed", "reason": f"energy {after[0]:g} kJ/mol after minimisation"}
        return result | {"status": "ok", "at": "done"}
    except Exception as error:
        return result | failure(error)


def run_on(entry: dict[str, Any], folder: Path, length_ps: float) -> dict[str, Any]:
    """Carry a minimised complex on through equilibration and production."""
    from unfreeze.simulate.engine.run_store import RunStore
    from unfreeze.simulate.system import build_system
    from unfreeze.structure.prepare.folder import read_prepared

    result: dict[str, Any] = {"at": "production"}
    clock = time.perf_counter()
    try:
        prepared = read_prepared(folder / "prepared")
        molecular = build_system(prepared.complex, settings_of().system, temperature_K=300.0, seed=SEED)
        outcome = run_until(folder / "production", molecular, "", entry["name"], length_ps)
        store = RunStore.open(folder / "production", read_only=True)
        result |= {
            "n_atoms": molecular.system.getNumParticles(),
            "n_frames": store.n_frames,
            "time_ps": outcome.time_ps,
            "verdicts": dict(Counter(commit.quality.get("verdict", "pass") for commit in store.commits)),
            "reasons": sorted({reason for commit in store.commits for reason in commit.quality.get("reasons", [])}),
            "n_retries": sum(commit.n_retries for commit in store.commits),
            "run_s": time.perf_counter() - clock,
        }
        if outcome.status != "finished":
            return result | {"status": "failed", "reason": outcome.reason or outcome.status}
        return result | {"status": "ok", "at": "done"}
    except Exception as error:
        return result | failure(error)


def settings_of() -> Any:
    """The simulation that all go through: a short equilibration, 4 fs, a frame a picosecond."""
    from unfreeze.simulate.settings import ProtocolSettings, SaveSettings, SimulationSettings, SystemSettings

    return SimulationSettings(
        system=SystemSettings(force_field="amber14", solvent="obc2", cutoff_nm=CUTOFF_NM),
        protocol=ProtocolSettings(
            minimise_iterations=MINIMISE_ITERATIONS, heat_ps=1.2, restrained_ps=1.0, release_ps=0.8, equilibrate_ps=1.0
        ),
        save=SaveSettings(every_ps=1.0, commit_every_ps=5.0),
    )


def run_until(folder: Path, molecular: Any, stage: str, name: str, length_ps: float = 20.0) -> Any:
    """Run to the end of the first segment of a stage, or to the end for none."""
    from unfreeze.simulate.engine.run import run_simulation

    reached: list[str] = []
    return run_simulation(
        folder,
        molecular,
        settings_of(),
        seed=SEED,
        length_ps=length_ps,
        platform="CPU",
        threads=1,
        name=name,
        should_stop=lambda: bool(stage) and stage in reached,
        on_commit=lambda progress: reached.append(progress.stage),
    )


def energy_and_force(molecular: Any, positions_nm: Any) -> tuple[float, float]:
    """Potential energy, kJ/mol, and the largest force on an atom, kJ/mol/nm."""
    import openmm

    platform = openmm.Platform.getPlatformByName("CPU")
    context = openmm.Context(molecular.system, openmm.VerletIntegrator(0.001), platform, {"Threads": "1"})
    context.setPositions(positions_nm)
    state = context.getState(getEnergy=True, getForces=True)
    forces = np.asarray(state.getForces(asNumpy=True)._value)
    return float(state.getPotentialEnergy()._value), float(np.sqrt((forces**2).sum(axis=1).max()))


def failure(error: Exception) -> dict[str, Any]:
    """What an exception says, for the results."""
    kind = "refused" if isinstance(error, UnfreezeError) else "crashed"
    last = traceback.format_exception(error)[-6:]
    return {
        "status": kind,
        "reason": f"{error}" if kind == "refused" else f"{type(error).__name__}: {error}",
        "traceback": "" if kind == "refused" else "".join(last),
    }


def cause_of(result: dict[str, Any]) -> str:
    """A failure without what differs from one structure to the next: names of files, residues and numbers."""
    reason = re.sub(r"^\S*?\.(pdb|cif)\S*:\s*", "", str(result.get("reason", "")).splitlines()[0] if result else "")
    reason = re.sub(r"\b\w{1,4}:[A-Z0-9]{1,4}-?\d+\w?\b", "…", reason)
    reason = re.sub(r"-?\d+(\.\d+)?(e[+-]?\d+)?", "N", reason)
    return f"{result['at']}, {result['status']}: {reason[:110]}"


def _in_child(step: str, entry: dict[str, Any], folder: str, length_ps: float, pipe: Any) -> None:
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENMM_CPU_THREADS"] = "1"
    work = Path(folder)
    work.mkdir(parents=True, exist_ok=True)
    pipe.send(minimise(entry, work) if step == "minimise" else run_on(entry, work, length_ps))


def in_process(step: str, entry: dict[str, Any], folder: Path, length_ps: float) -> dict[str, Any]:
    """A step in a process of its own, so that neither a crash nor a leak reaches the next."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_in_child, args=(step, entry, str(folder), length_ps, theirs))
    began = time.perf_counter()
    process.start()
    theirs.close()
    result: dict[str, Any] = {"at": step, "status": "crashed", "reason": f"no answer within {LIMIT_S[step] / 3600:g} h"}
    try:
        if mine.poll(LIMIT_S[step]):
            result = mine.recv()
    except EOFError:
        process.join()
        result["reason"] = f"the process ended with code {process.exitcode}"
    finally:
        process.kill()
        process.join()
    return {"name": entry["name"], "step": step, **result, "wall_s": round(time.perf_counter() - began, 1)}


def read_results(path: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """The last result of every step of every complex; a line that was cut short counts as none."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            one = json.loads(line)
        except ValueError:
            continue
        found[one["name"], one["step"]] = one
    return found


def _without(document: dict[str, Any], folders: set[str]) -> dict[str, Any]:
    """The same without the names of folders, which say nothing to others."""
    text = json.dumps(document)
    for folder in folders:
        text = text.replace(json.dumps(f"{folder}/")[1:-1], "")
    return json.loads(text)


def show(chosen: list[dict[str, Any]], results: dict[tuple[str, str], dict[str, Any]], out: Any) -> dict[str, Any]:
    """Print how many of how many went through, and why others did not; the same as a document."""
    table = Table("step", "done", "ok", "cause of failure", "complexes", title="Breadth")
    summary: dict[str, Any] = {}
    for step in ("minimise", "run"):
        rows = [results[entry["name"], step] for entry in chosen if (entry["name"], step) in results]
        causes: dict[str, list[str]] = {}
        for row in rows:
            if row["status"] != "ok":
                causes.setdefault(cause_of(row), []).append(row["name"])
        n_ok = sum(row["status"] == "ok" for row in rows)
        summary[step] = {"done": len(rows), "ok": n_ok, "causes": causes}
        table.add_row(step, str(len(rows)), str(n_ok), "", "")
        for cause, names in sorted(causes.items(), key=lambda item: -len(item[1])):
            table.add_row("", "", "", cause, " ".join(names))
    out.print(table)
    return summary


def main() -> None:
    """Read the command line, do what is left to do, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="+", help="structures")
    parser.add_argument("--work", type=Path, required=True, help="folder for results")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--length-ps", type=float, default=20.0)
    parser.add_argument("--residues", type=int, default=600, help="only complexes with fewer")
    parser.add_argument("--only", choices=("minimise", "run"), help="one step only, so that two processes can share")
    parser.add_argument("--again", action="store_true", help="repeat what failed")
    parser.add_argument("--table", action="store_true", help="only print what there is")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    out = console()
    choice, lines = arguments.work / "choice.json", arguments.work / "results.jsonl"
    if not choice.exists():
        files = structure_files(arguments.folder)
        write_json(choice, choose_varied(files, arguments.count, arguments.runs, arguments.residues))
    chosen = json.loads(choice.read_text(encoding="utf-8"))
    results = read_results(lines)
    todo = [("minimise", entry) for entry in chosen]
    todo += [("run", entry) for entry in chosen[: arguments.runs]]
    for step, entry in [] if arguments.table else todo:
        if arguments.only not in (None, step):
            continue
        known = results.get((entry["name"], step))
        if known and (known["status"] == "ok" or not arguments.again):
            continue
        if step == "run" and results.get((entry["name"], "minimise"), {}).get("status") != "ok":
            continue
        result = in_process(step, entry, arguments.work / entry["name"], arguments.length_ps)
        results[entry["name"], step] = result
        with lines.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(result) + "\n")
        out.print(f"{entry['name']} {step}: {result['status']} ({result['wall_s']} s)", markup=False)
    summary = show(chosen, results, out)
    rows = [{**entry, "file": Path(entry["file"]).name} for entry in chosen]
    document = {"summary": summary, "chosen": rows, "results": list(results.values())}
    folders = {str(Path(entry["file"]).parent) for entry in chosen} | {str(arguments.work.resolve())}
    save(arguments.json, "breadth", _without(document, folders))


if __name__ == "__main__":
    main()
