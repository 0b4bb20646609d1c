"""Replica exchange against simulations at one temperature: alanine dipeptide, with and without exchanges.

    python -m benchmarks.replica_exchange [--ns 10] [--every-ps 0.5] [--openmms-scaling] [--output FOLDER] [--json OUT]
    python -m benchmarks.replica_exchange --exact [--json OUT]

ACE-ALA-NME (amber14, OBC2) is run once with exchanges and once at every temperature alone, through the engine and with
its default settings. Printed are potential energies and populations of φ and ψ at each temperature from both, and at
300 K also from all temperatures without exchanges by reweighting (MBAR); potential energies at each temperature from
all of either set by reweighting; and temperatures from kinetic energies. Called again on the same folder it resumes.
With `--openmms-scaling` velocities are scaled at an exchange as OpenMM does it, half a step away from the positions.
With `--exact` systems are run whose answer is known (:mod:`benchmarks.replica_exchange_exact`).
"""

from __future__ import annotations

import argparse
import time
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.common import console, save
from benchmarks.replica_exchange_exact import openmms_scaling, run_exact
from unfreeze.simulate.engine.exchange import exchange_summary
from unfreeze.simulate.engine.run import run_simulation
from unfreeze.simulate.engine.run_store import RunStore
from unfreeze.simulate.ladder import (
    BOLTZMANN_kJ_mol_K,
    expected_heat_capacity,
    ladder_for_acceptance,
    measured_heat_capacity,
    predicted_acceptance,
)
from unfreeze.simulate.quality.series import statistical_inefficiency
from unfreeze.simulate.settings import SimulationSettings
from unfreeze.simulate.system import MolecularSystem, build_system
from unfreeze.structure.geometry import torsion_angles
from unfreeze.structure.prepare.preparation import prepare_sequence
from unfreeze.structure.prepare.settings import PreparationSettings

LOWEST_K, HIGHEST_K, ACCEPTANCE = 300.0, 600.0, 0.3
EVERY_PS = 0.5
BASINS = ("β, PPII", "αR", "αL")
BINS = 24


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Frames at one temperature.

    Attributes
    ----------
    potential_kJ_mol : [n_frames]
        Potential energies.
    angles_rad : [n_frames, 2]
        φ and ψ.
    """

    potential_kJ_mol: NDArray[np.float64]
    angles_rad: NDArray[np.float64]

    @property
    def basin(self) -> NDArray[np.int64]:
        """Row in :data:`BASINS` of every frame: φ > 0 is αL, else −120° < ψ < 50° is αR."""
        phi, psi = np.degrees(self.angles_rad).T
        return np.where(phi > 0, 2, np.where((psi > -120) & (psi < 50), 1, 0))

    @property
    def histogram(self) -> NDArray[np.float64]:
        """Share of every bin of the φ, ψ plane: [24 × 24]."""
        edges = np.linspace(-np.pi, np.pi, BINS + 1)
        return np.histogram2d(*self.angles_rad.T, bins=(edges, edges))[0].ravel() / len(self.angles_rad)


def settings_of(
    temperature_K: float, ladder: tuple[float, ...] | None, every_ps: float = EVERY_PS
) -> SimulationSettings:
    """The default settings, frames every picosecond, exchanges oftener."""
    exchange = None if ladder is None else {"temperatures_K": ladder, "exchange_every_ps": every_ps}
    return SimulationSettings.model_validate(
        {
            "conditions": {"temperature_K": temperature_K},
            "save": {"every_ps": 1.0, "commit_every_ps": 500.0},
            "replica_exchange": exchange,
        }
    )


def mean_and_error(series: NDArray[np.float64]) -> tuple[float, float]:
    """Mean of a correlated series and its standard error."""
    return float(series.mean()), float(np.sqrt(series.var() * statistical_inefficiency(series) / len(series)))


def reweighted(
    potentials: list[NDArray[np.float64]], temperatures_K: tuple[float, ...], at: int = 0
) -> NDArray[np.float64]:
    """Weights at one temperature, the lowest by default, of frames from all of them, joined: [n], sum 1.

    Multistate Bennett acceptance ratio (Shirts and Chodera 2008, doi:10.1063/1.2978177), iterated to 1e-10.
    """
    energy = np.concatenate(potentials)
    energy = energy - energy.mean()
    log_count = np.log([len(series) for series in potentials])
    reduced = energy[:, None] / (BOLTZMANN_kJ_mol_K * np.asarray(temperatures_K))
    free = np.zeros(len(temperatures_K))
    for _ in range(10_000):
        mixture = np.logaddexp.reduce(log_count + free - reduced, axis=1)
        new = -np.logaddexp.reduce(-reduced - mixture[:, None], axis=0)
        new -= new[0]
        change, free = np.abs(new - free).max(), new
        if change < 1e-10:
            break
    mixture = np.logaddexp.reduce(log_count + free - reduced, axis=1)
    log_weight = -reduced[:, at] - mixture
    return np.exp(log_weight - np.logaddexp.reduce(log_weight))


def divergence(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Jensen-Shannon divergence of two histograms, bits."""
    middle = 0.5 * (one + other)

    def towards(part: NDArray[np.float64]) -> float:
        seen = part > 0
        return float((part[seen] * np.log2(part[seen] / middle[seen])).sum())

    return 0.5 * (towards(one) + towards(other))


def angles_of(coordinates_nm: NDArray[np.float32], names: list[tuple[str, str]]) -> NDArray[np.float64]:
    """φ and ψ of the alanine: [n_frames, 2]."""
    phi = [("ACE", "C"), ("ALA", "N"), ("ALA", "CA"), ("ALA", "C")]
    psi = [*phi[1:], ("NME", "N")]
    frames = np.asarray(coordinates_nm, dtype=np.float64)
    return np.stack([torsion_angles(*(frames[:, names.index(atom)] for atom in quad)) for quad in (phi, psi)], axis=1)


def run(folder: Path, molecular: MolecularSystem, settings: SimulationSettings, seed: int, ns: float) -> RunStore:
    """Run or resume one simulation, and open it."""
    outcome = run_simulation(folder, molecular, settings, seed=seed, length_ps=1000 * ns, platform="Reference")
    if outcome.status != "finished":
        raise SystemExit(f"{folder}: {outcome.status}: {outcome.reason}")
    return RunStore.open(folder, read_only=True)


def compare(together: Ensemble, alone: Ensemble) -> dict[str, Any]:
    """Means with their errors from both, how many standard errors apart, and divergences."""
    quantities = {"potential": (together.potential_kJ_mol, alone.potential_kJ_mol)} | {
        name: ((together.basin == row).astype(float), (alone.basin == row).astype(float))
        for row, name in enumerate(BASINS)
    }
    found: dict[str, Any] = {}
    for name, (with_exchange, without) in quantities.items():
        (one, one_error), (other, other_error) = mean_and_error(with_exchange), mean_and_error(without)
        error = np.hypot(one_error, other_error)
        found[name] = {
            "exchange": [one, one_error],
            "alone": [other, other_error],
            "z": float((one - other) / error) if error > 0 else 0.0,
        }
    half = len(alone.angles_rad) // 2
    halves = [Ensemble(alone.potential_kJ_mol[part], alone.angles_rad[part]) for part in (np.s_[:half], np.s_[half:])]
    found["sd"] = [float(together.potential_kJ_mol.std()), float(alone.potential_kJ_mol.std())]
    found["divergence"] = divergence(together.histogram, alone.histogram)
    found["divergence_of_halves"] = divergence(halves[0].histogram, halves[1].histogram)
    found["crossings"] = [int(np.abs(np.diff((e.angles_rad[:, 0] > 0).astype(int))).sum()) for e in (together, alone)]
    return found


def reweighted_to_lowest(
    alone: list[Ensemble], ladder: tuple[float, ...], n_parts: int = 10
) -> dict[str, tuple[float, float]]:
    """Potential energy and populations at the lowest temperature from all runs, with errors from parts of them."""

    def values(runs: list[Ensemble]) -> list[float]:
        weight = reweighted([part.potential_kJ_mol for part in runs], ladder)
        basin = np.concatenate([part.basin for part in runs])
        energy = np.concatenate([part.potential_kJ_mol for part in runs])
        return [float(weight @ energy), *(float(weight[basin == row].sum()) for row in range(len(BASINS)))]

    def part_of(run: Ensemble, number: int) -> Ensemble:
        rows = np.array_split(np.arange(len(run.potential_kJ_mol)), n_parts)[number]
        return Ensemble(run.potential_kJ_mol[rows], run.angles_rad[rows])

    parts = [values([part_of(run, number) for run in alone]) for number in range(n_parts)]
    errors = np.std(parts, axis=0, ddof=1) / np.sqrt(n_parts)
    names = ("potential", *BASINS)
    return {name: (value, float(error)) for name, value, error in zip(names, values(alone), errors, strict=True)}


def potentials_reweighted(
    runs: list[Ensemble], ladder: tuple[float, ...], n_parts: int = 8
) -> list[tuple[float, float]]:
    """Mean potential energy at every temperature from all of them, with errors from parts: kJ/mol."""

    def values(potentials: list[NDArray[np.float64]]) -> list[float]:
        joined = np.concatenate(potentials)
        return [float(reweighted(potentials, ladder, at) @ joined) for at in range(len(ladder))]

    whole = [run.potential_kJ_mol for run in runs]
    parts = [values(list(part)) for part in zip(*(np.array_split(series, n_parts) for series in whole), strict=True)]
    errors = np.std(parts, axis=0, ddof=1) / np.sqrt(n_parts)
    return [(value, float(error)) for value, error in zip(values(whole), errors, strict=True)]


def table_of_checks(ladder: tuple[float, ...], checks: dict[str, list[tuple[float, float]]]) -> Table:
    """Quantities, one a column, at every temperature."""
    table = Table("K", *checks)
    for row, temperature_K in enumerate(ladder):
        cells = (f"{mean:.2f} ± {error:.2f}" for mean, error in (values[row] for values in checks.values()))
        table.add_row(f"{temperature_K:.1f}", *cells)
    return table


def table_of_temperatures(ladder: tuple[float, ...], rows: list[dict[str, Any]]) -> Table:
    """With exchange and alone, at every temperature."""
    table = Table("K", "quantity", "with exchange", "alone", "z", title="mean ± standard error")
    for temperature_K, row in zip(ladder, rows, strict=True):
        for name in ("potential", *BASINS):
            values = (_text(name, *row[name][kind]) for kind in ("exchange", "alone"))
            table.add_row(f"{temperature_K:.1f}", name, *values, f"{row[name]['z']:+.1f}")
        table.add_row("", "SD of the potential", *(f"{value:.2f}" for value in row["sd"]), "")
        table.add_row("", "changes of sign of φ", *(str(value) for value in row["crossings"]), "")
        halves = f"{row['divergence_of_halves']:.4f} (halves)"
        table.add_row("", "JSD of φ, ψ, bits", f"{row['divergence']:.4f}", halves, "")
    return table


def table_of_lowest(row: dict[str, Any], from_all: dict[str, tuple[float, float]]) -> Table:
    """Three ways to the lowest temperature."""
    names = ("potential", *BASINS)
    table = Table("at 300 K", *names)
    table.add_row("with exchange", *(_text(name, *row[name]["exchange"]) for name in names))
    table.add_row("alone", *(_text(name, *row[name]["alone"]) for name in names))
    table.add_row("all alone, reweighted", *(_text(name, *from_all[name]) for name in names))
    return table


def _text(name: str, mean: float, error: float) -> str:
    digits = 2 if name == "potential" else 4
    return f"{mean:.{digits}f} ± {error:.{digits}f}"


def main() -> None:
    """Simulate and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ns", type=float, default=10.0, help="length of every replica and of every single run")
    parser.add_argument("--output", type=Path, default=Path("build/benchmarks/replica_exchange"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--every-ps", type=float, default=EVERY_PS, help="between attempts to exchange")
    parser.add_argument("--openmms-scaling", action="store_true", help="of velocities, at an exchange")
    parser.add_argument("--exact", action="store_true", help="springs, rigid pairs and double wells instead")
    parser.add_argument("--part", type=float, default=1.0, help="of the lengths of these")
    arguments = parser.parse_args()
    if arguments.exact:
        run_exact(arguments.part, arguments.json)
        return
    out = console()
    peptide = prepare_sequence("A", PreparationSettings(termini="capped")).complex
    molecular = build_system(peptide, settings_of(LOWEST_K, None).system)
    n_free = int(molecular.record["n_degrees_of_freedom"])
    expected = expected_heat_capacity(n_free)
    ladder = ladder_for_acceptance(LOWEST_K, HIGHEST_K, ACCEPTANCE, expected)
    out.print(f"{len(ladder)} temperatures: {', '.join(f'{value:.1f}' for value in ladder)} K")
    began = time.process_time()
    name = "exchange" if arguments.every_ps == EVERY_PS else f"exchange-{arguments.every_ps:g}ps"
    with openmms_scaling() if arguments.openmms_scaling else nullcontext():
        folder = arguments.output / (f"{name}-openmm" if arguments.openmms_scaling else name)
        exchange = run(folder, molecular, settings_of(LOWEST_K, ladder, arguments.every_ps), 1, arguments.ns)
    stores = [
        run(arguments.output / f"{value:.0f}K", molecular, settings_of(value, None), 10 + row, arguments.ns)
        for row, value in enumerate(ladder)
    ]
    cpu_s = time.process_time() - began
    saved, _ = molecular.saved_atoms("heavy")
    residues = saved.residue_name[saved.residue_index].tolist()
    names = list(zip(residues, saved.atom_name.tolist(), strict=True))
    coordinates = [exchange.read("coordinates"), *np.moveaxis(exchange.read("ladder_coordinates"), 1, 0)]
    potentials = np.array(exchange.read("ladder_potential")).T
    together = [Ensemble(*pair) for pair in zip(potentials, (angles_of(f, names) for f in coordinates), strict=True)]
    alone = [
        Ensemble(np.array(store.read("observables")[:, 1]), angles_of(store.read("coordinates"), names))
        for store in stores
    ]
    rows = [compare(*pair) for pair in zip(together, alone, strict=True)]
    from_all = reweighted_to_lowest(alone, ladder)
    out.print(table_of_temperatures(ladder, rows))
    out.print(table_of_lowest(rows[0], from_all))
    kinetics = [
        np.array(exchange.read("ladder_kinetic")).T,
        [np.array(store.read("observables")[:, 2]) for store in stores],
    ]
    to_K = 2 / (n_free * BOLTZMANN_kJ_mol_K)
    checks = {
        f"{what}, {kind}": values
        for kind, runs, kinetic in zip(("exchange", "alone"), (together, alone), kinetics, strict=True)
        for what, values in (
            ("kinetic temperature", [mean_and_error(to_K * series) for series in kinetic]),
            ("potential, reweighted", potentials_reweighted(runs, ladder)),
        )
    }
    out.print(table_of_checks(ladder, checks))
    summary = exchange_summary(exchange)
    capacities = [measured_heat_capacity(e.potential_kJ_mol, value) for e, value in zip(alone, ladder, strict=True)]
    gaps = zip(pairwise(ladder), pairwise(capacities), strict=True)
    predicted = [predicted_acceptance(cold, hot, 0.5 * (one + other)) for (cold, hot), (one, other) in gaps]
    before = predicted_acceptance(ladder[0], ladder[1], expected)
    suspect = {store.directory.name: int((~store.passed_frames()).sum()) for store in (exchange, *stores)}
    out.print(f"acceptance between neighbours: {np.round(summary['acceptance'], 3)}")
    out.print(
        f"predicted from the heat capacities of the runs alone: {np.round(predicted, 3)}, beforehand: {before:.3f}"
    )
    out.print(f"potential heat capacity, kJ/mol/K: {np.round(capacities, 4)}, expected beforehand: {expected:.4f}")
    out.print(f"round trips: {summary['round_trips']} in {arguments.ns:g} ns; frames under suspicion: {suspect}")
    out.print(f"{cpu_s:.0f} s of CPU in this call")
    save(
        arguments.json,
        "replica_exchange",
        {
            "ns": arguments.ns,
            "temperatures_K": list(ladder),
            "rows": rows,
            "reweighted_to_lowest": from_all,
            "checks": checks,
            "acceptance": summary["acceptance"],
            "acceptance_predicted": predicted,
            "acceptance_predicted_beforehand": before,
            "round_trips": summary["round_trips"],
            "heat_capacity_kJ_mol_K": capacities,
            "heat_capacity_expected_kJ_mol_K": expected,
            "suspect_frames": suspect,
            "cpu_s": cpu_s,
        },
    )


if __name__ == "__main__":
    main()
