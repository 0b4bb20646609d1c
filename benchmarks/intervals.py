"""Which bootstrap interval tells the truth: percentile, reversed percentile (basic), or value ± 1.96 standard errors.

Two Gaussian ensembles of known covariance are drawn again and again: an ensemble of independent frames, and a
reference whose frames follow an Ornstein-Uhlenbeck process, so that neighbours are alike. Every time the metrics of
protocol `unfreeze` are measured and their intervals taken in three ways. Printed is how often an interval holds the
mean of the value over all repetitions (what sampling error is about) and the value at infinite sampling (which has the
bias of finite samples in it, too).

    python -m benchmarks.intervals [--repetitions 200] [--json OUT]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.common import console, save
from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, Metric
from unfreeze.evaluate.metrics.contacts import WEAK_CONTACTS_JACCARD
from unfreeze.evaluate.metrics.correlations import DCCM_R
from unfreeze.evaluate.metrics.fluctuations import RMSF_CA_MAE_A, RMSF_CA_R
from unfreeze.evaluate.metrics.gaussians import RMWD_A
from unfreeze.evaluate.metrics.pair_distances import DISTANCE_SD_R
from unfreeze.evaluate.metrics.pairwise_rmsd import PAIRWISE_RMSD_A
from unfreeze.physics.anm import anm_displacements
from unfreeze.structure.complex import Complex
from unfreeze.structure.read import read_complex

METRICS = (RMSF_CA_R, RMSF_CA_MAE_A, RMWD_A, DCCM_R, DISTANCE_SD_R, PAIRWISE_RMSD_A, WEAK_CONTACTS_JACCARD)
KINDS = ("percentile", "basic", "normal")
N_ENSEMBLE, N_REFERENCE, N_TRUTH, MEMORY_FRAMES = 250, 1000, 20_000, 5.0
RMSF_A = 1.5
EXAMPLE = Path(__file__).parents[1] / "examples" / "data" / "1hvr.cif"


class Gaussian:
    """Elastic-network motion of a Cα trace with its own weight on every atom, so that two of them differ."""

    def __init__(self, trace: Complex, seed: int) -> None:
        generator = np.random.default_rng(seed)
        self.trace = trace
        pool = anm_displacements(trace.coordinates_nm, 4 * trace.n_atoms * 3, generator).astype(np.float64)
        pool *= np.exp(0.3 * generator.standard_normal(trace.n_atoms))[None, :, None]
        pool *= 0.1 * RMSF_A / np.sqrt((pool**2).sum(axis=2).mean())
        self.root = pool.reshape(len(pool), -1) / np.sqrt(len(pool))

    def side(self, n_frames: int, generator: np.random.Generator, memory_frames: float = 0.0) -> Side:
        """Frames of the distribution; with a memory, every frame keeps exp(−1/memory) of the one before."""
        noise = generator.standard_normal((n_frames, len(self.root)))
        if memory_frames:
            keep = np.exp(-1.0 / memory_frames)
            for row in range(1, n_frames):
                noise[row] = keep * noise[row - 1] + np.sqrt(1.0 - keep**2) * noise[row]
        return Side.of(self.trace, self.trace.coordinates_nm + (noise @ self.root).reshape(n_frames, -1, 3))


def values(found: Measurement, n_resamples: int, generator: np.random.Generator) -> tuple[float, NDArray[np.float64]]:
    """The value and its bootstrap replicates."""
    sizes = found.ensemble.n_blocks, found.reference.n_blocks
    drawn = []
    for _ in range(n_resamples):
        copies = [generator.multinomial(size, np.full(size, 1.0 / size)) for size in sizes]
        drawn.append(found.statistic(found.ensemble.at(copies[0]), found.reference.at(copies[1])))
    return float(found.statistic(found.ensemble.at(), found.reference.at())), np.array(drawn)


def intervals(value: float, drawn: NDArray[np.float64]) -> dict[str, tuple[float, float]]:
    """The three 95 % intervals."""
    low, high = np.percentile(drawn, [2.5, 97.5])
    error = 1.959964 * drawn.std(ddof=1)
    return {
        "percentile": (low, high),
        "basic": (2 * value - high, 2 * value - low),
        "normal": (value - error, value + error),
    }


def study(metric: Metric, sides: list[tuple[Side, Side]], truth: float, n_resamples: int) -> dict[str, Any]:
    """Coverage of one metric over all repetitions."""
    assert metric.measure is not None
    generator = np.random.default_rng(1)
    found = [values(metric.measure(*pair), n_resamples, generator) for pair in sides]
    centre = float(np.mean([value for value, _ in found]))
    result: dict[str, Any] = {"mean_value": centre, "infinite_sampling": truth}
    for kind in KINDS:
        spans = [intervals(value, drawn)[kind] for value, drawn in found]
        result[kind] = {
            "holds_mean": float(np.mean([low <= centre <= high for low, high in spans])),
            "holds_infinite": float(np.mean([low <= truth <= high for low, high in spans])),
            "holds_value": float(np.mean([a <= v <= b for (a, b), (v, _) in zip(spans, found, strict=True)])),
            "width": float(np.mean([high - low for low, high in spans])),
        }
    return result


def main() -> None:
    """Run the study and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--resamples", type=int, default=100)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    molecule = read_complex(EXAMPLE, chains=["A"])
    trace = molecule.take_atoms(molecule.representative_atoms())
    model, truth = Gaussian(trace, 1), Gaussian(trace, 2)
    generator = np.random.default_rng(0)
    sides = [
        (model.side(N_ENSEMBLE, generator), truth.side(N_REFERENCE, generator, MEMORY_FRAMES))
        for _ in range(arguments.repetitions)
    ]
    endless = model.side(N_TRUTH, generator), truth.side(N_TRUTH, generator)
    results = {}
    table = Table(title=f"95 % intervals: how often they hold the mean value / infinite sampling / the value itself; "
                  f"{arguments.repetitions} repetitions")  # fmt: skip
    for column in ("metric", "mean", "infinite", *KINDS, "width"):
        table.add_column(column, justify="left" if column == "metric" else "right")
    for metric in METRICS:
        assert metric.measure is not None
        limit = metric.measure(*endless)
        row = study(metric, sides, float(limit.statistic(limit.ensemble.at(), limit.reference.at())),
                    arguments.resamples)  # fmt: skip
        results[metric.name] = row
        shown = [
            " / ".join(f"{row[kind][key]:.2f}" for key in ("holds_mean", "holds_infinite", "holds_value"))
            for kind in KINDS
        ]
        table.add_row(metric.name, f"{row['mean_value']:.3f}", f"{row['infinite_sampling']:.3f}", *shown,
                      f"{row['normal']['width']:.3f}")  # fmt: skip
    console().print(table)
    save(arguments.json, "intervals", {"repetitions": arguments.repetitions, "metrics": results})


if __name__ == "__main__":
    main()
