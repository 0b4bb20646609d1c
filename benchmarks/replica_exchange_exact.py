"""Replica exchange on systems whose answer is known: energies, their fluctuations and populations.

    python -m benchmarks.replica_exchange --exact [--part 1.0] [--json OUT]

Springs, rigid pairs on springs and double wells are run through the project's own sampler at its own friction: without
exchanges, with OpenMM's scaling of velocities at an exchange, and with ours. Nothing is fitted and nothing is
simulated for comparison: mean, variance and kinetic energy are those of equipartition, populations are integrals.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import openmm
import openmm.app
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.common import console, save
from unfreeze.simulate.exchange_sampler import SeededExchangeSampler
from unfreeze.simulate.ladder import BOLTZMANN_kJ_mol_K, geometric_ladder
from unfreeze.simulate.replica_exchange import TemperatureReplicaExchange
from unfreeze.simulate.settings import SimulationSettings

__all__ = ["openmms_scaling", "run_exact"]

LADDER_K = geometric_ladder(300.0, 600.0, 4)
N_BODIES, N_BLOCKS = 16, 40
LIGHT_cm_ps = 0.0299792458
HEAVY_amu, LIGHT_amu, BOND_nm = 12.0, 1.5, 0.1
BARRIER_kJ_mol, SLOPE_kJ_mol_nm = 12.0, 20.0
"""Of two wells at x = ±0.1 nm, of unequal depth; 5 kT at 300 K."""
KINDS = ("alone", "OpenMM's scaling", "exchange")


@dataclass(frozen=True, eq=False)
class Exact:
    """A system, where it starts, and what is known of it.

    Attributes
    ----------
    system
        Forces, masses and constraints.
    positions_nm : [n_particles, 3]
        Of lowest energy, or nearly so.
    potential : callable
        Mean and variance of the potential energy at a value of kT, kJ/mol and its square.
    n_kinetic
        Degrees of freedom of the kinetic energy.
    left : callable or None
        Share of a well at a value of kT.
    wells
        Particles that have two wells.
    """

    system: openmm.System
    positions_nm: NDArray[np.float64]
    potential: Callable[[float], tuple[float, float]]
    n_kinetic: int
    left: Callable[[float], float] | None = None
    wells: int = 0


def spring_kJ_mol_nm2(wavenumber_per_cm: float) -> float:
    """Force constant that gives a heavy particle this wavenumber."""
    return HEAVY_amu * (2 * np.pi * LIGHT_cm_ps * wavenumber_per_cm) ** 2


def springs() -> Exact:
    """Independent particles on springs of 100 to 1,700 cm⁻¹, as a peptide's torsions to its carbonyls are."""
    system, force = openmm.System(), _tethers()
    for row, wavenumber in enumerate(np.linspace(100, 1700, N_BODIES)):
        system.addParticle(HEAVY_amu)
        force.addParticle(row, [spring_kJ_mol_nm2(float(wavenumber))])
    system.addForce(force)
    n = 3 * N_BODIES
    return Exact(system, np.zeros((N_BODIES, 3)), lambda kT: (n * kT / 2, n * kT**2 / 2), n)


def rigid_pairs() -> Exact:
    """A heavy and a light particle at a fixed distance, both on springs, the light one up to some 1,400 cm⁻¹.

    Whichever way a pair points, its energy is least by the same amount and its other three coordinates are harmonic.
    """
    system, force = openmm.System(), _tethers()
    least = 0.0
    for row, wavenumber in enumerate(np.linspace(100, 500, N_BODIES)):
        k = spring_kJ_mol_nm2(float(wavenumber))
        for particle, mass in enumerate((HEAVY_amu, LIGHT_amu)):
            system.addParticle(mass)
            force.addParticle(2 * row + particle, [k])
        system.addConstraint(2 * row, 2 * row + 1, BOND_nm)
        least += 0.25 * k * BOND_nm**2
    system.addForce(force)
    positions = np.zeros((2 * N_BODIES, 3))
    positions[::2, 0], positions[1::2, 0] = -BOND_nm / 2, BOND_nm / 2
    n = 3 * N_BODIES
    return Exact(system, positions, lambda kT: (least + n * kT / 2, n * kT**2 / 2), 5 * N_BODIES)


def double_wells() -> Exact:
    """Four particles with two wells each, and others on springs of 500 cm⁻¹."""
    n_wells, n_springs = 4, N_BODIES - 4
    system, force = openmm.System(), _tethers()
    wells = openmm.CustomExternalForce(f"{BARRIER_kJ_mol}*((10*x)^2-1)^2 + {SLOPE_kJ_mol_nm}*x + 2000*(y^2+z^2)")
    for row in range(N_BODIES):
        system.addParticle(HEAVY_amu)
        if row < n_wells:
            wells.addParticle(row)
        else:
            force.addParticle(row, [spring_kJ_mol_nm2(500.0)])
    system.addForce(wells)
    system.addForce(force)
    grid = np.linspace(-0.4, 0.4, 40_001)
    energy = BARRIER_kJ_mol * ((10 * grid) ** 2 - 1) ** 2 + SLOPE_kJ_mol_nm * grid

    def weights(kT: float) -> NDArray[np.float64]:
        weight = np.exp(-(energy - energy.min()) / kT)
        return weight / weight.sum()

    def potential(kT: float) -> tuple[float, float]:
        mean = float(weights(kT) @ energy)
        variance = float(weights(kT) @ (energy - mean) ** 2)
        n = 2 * n_wells + 3 * n_springs
        return n_wells * mean + n * kT / 2, n_wells * variance + n * kT**2 / 2

    positions = np.zeros((N_BODIES, 3))
    positions[:n_wells, 0] = -0.1
    share = lambda kT: float(weights(kT)[grid < 0].sum())  # noqa: E731
    return Exact(system, positions, potential, 3 * N_BODIES, share, n_wells)


SYSTEMS = {"springs": springs, "rigid pairs": rigid_pairs, "double wells": double_wells}
PLAN: tuple[tuple[str, float, float, float, tuple[str, ...]], ...] = (
    # system, step in fs, ps between attempts, ns, what to run
    ("springs", 4.0, 0.02, 6.0, KINDS[1:]),
    ("springs", 4.0, 0.1, 12.0, KINDS[1:]),
    ("springs", 4.0, 0.5, 8.0, KINDS[1:]),
    ("rigid pairs", 4.0, 0.02, 1.0, KINDS[1:]),
    ("double wells", 4.0, 0.1, 4.0, KINDS),
    ("springs", 2.0, 0.02, 1.0, KINDS[1:]),
    ("rigid pairs", 4.0, 0.1, 2.0, KINDS),
)


def run_exact(part: float = 1.0, json: Path | None = None) -> None:
    """Run all of it and print what differs from the truth.

    Parameters
    ----------
    part
        Of the lengths.
    json
        Where to write the figures.
    """
    out, rows = console(), []
    for name, step_fs, every_ps, ns, kinds in PLAN:
        for kind in kinds:
            began = time.process_time()
            row = measure(SYSTEMS[name](), kind, step_fs, every_ps, part * ns)
            row |= {"system": name, "step_fs": step_fs, "every_ps": every_ps, "ns": part * ns, "kind": kind}
            rows.append(row | {"cpu_s": time.process_time() - began})
            out.print(table_of_errors(rows[-1:]))
    out.print(table_of_errors(rows))
    save(json, "replica_exchange", {"temperatures_K": list(LADDER_K), "rows": rows})


def openmms_scaling() -> AbstractContextManager[Any]:
    """Within it velocities are scaled as OpenMM does it."""
    return patch.object(SeededExchangeSampler, "rescale_velocities", lambda *_: None)


def measure(exact: Exact, kind: str, step_fs: float, every_ps: float, ns: float) -> dict[str, Any]:
    """One run: errors of means relative to what they should be, with standard errors, by temperature."""
    settings = SimulationSettings.model_validate(
        {
            "conditions": {"temperature_K": LADDER_K[0]},
            "protocol": {"time_step_fs": step_fs},
            "save": {"every_ps": every_ps},
            "replica_exchange": {"temperatures_K": LADDER_K, "exchange_every_ps": every_ps},
        }
    )
    reference = openmm.Platform.getPlatformByName("Reference")
    exchange = TemperatureReplicaExchange(
        exact.system, openmm.app.Topology(), settings, seed=1, platform=reference, frame=_wells_of(exact)
    )
    n_iterations = N_BLOCKS * max(1, round(1000 * ns / every_ps / N_BLOCKS))
    with ExitStack() as stack:
        if kind == "alone":
            stack.enter_context(patch.object(SeededExchangeSampler, "exchangeReplicas", lambda _: None))
        elif kind != "exchange":
            stack.enter_context(openmms_scaling())
        exchange.start(exact.positions_nm)
        exchange.advance(round(20 / every_ps), 0)
        frames = exchange.advance(n_iterations)
    kT = BOLTZMANN_kJ_mol_K * np.array(LADDER_K)
    mean, variance = np.array([exact.potential(value) for value in kT]).T
    found = {
        "potential": (frames["potential"] - mean)
        / (variance / kT),  # as an error of the temperature: dU/dT = Var U/kT²
        "fluctuation": (frames["potential"] - mean) ** 2 / variance - 1,
        "kinetic": frames["kinetic"] / (0.5 * exact.n_kinetic * kT) - 1,
    }
    if exact.left is not None:
        share = np.array([exact.left(value) for value in kT])
        found["left well"] = (frames["coordinates"][:, :, : exact.wells, 0] < 0).mean(axis=2) - share
    acceptance = [] if kind == "alone" else exchange.acceptance.tolist()
    return {"acceptance": acceptance, **{name: _means(series) for name, series in found.items()}}


def table_of_errors(rows: list[dict[str, Any]]) -> Table:
    """Errors in per cent, one line a run and quantity."""
    table = Table("system", "fs", "ps", "kind", "error of", *(f"{value:.0f} K, %" for value in LADDER_K), "χ²/4")
    for row in rows:
        for name in ("potential", "fluctuation", "kinetic", "left well"):
            if name not in row:
                continue
            cells = [f"{100 * mean:+.2f} ± {100 * error:.2f}" for mean, error in row[name]]
            squares = np.mean([(mean / error) ** 2 for mean, error in row[name] if error > 0])
            where = (row["system"], f"{row['step_fs']:g}", f"{row['every_ps']:g}", row["kind"])
            table.add_row(*where, name, *cells, f"{squares:.1f}")
    return table


def _tethers() -> openmm.CustomExternalForce:
    force = openmm.CustomExternalForce("0.5*k*(x^2+y^2+z^2)")
    force.addPerParticleParameter("k")
    return force


def _wells_of(exact: Exact) -> Callable[[NDArray[np.float64], NDArray[np.float64] | None], NDArray[np.float32]]:
    return lambda positions, _box: positions[: max(1, exact.wells)].astype("<f4")


def _means(series: NDArray[np.float64]) -> list[tuple[float, float]]:
    blocks = series.reshape(N_BLOCKS, -1, len(LADDER_K)).mean(axis=1)
    errors = blocks.std(axis=0, ddof=1) / np.sqrt(N_BLOCKS)
    return list(zip(blocks.mean(axis=0).tolist(), errors.tolist(), strict=True))
