"""Whether the average structure of a trajectory can be told from the structure that it began with: ridge regression.

    python -m benchmarks.predicted_middle CORPUS RUNS [--split folds] [--json OUT]

The displacement of every Cα from the input to the average is a sum of vectors of its surroundings (away from what is
near, at four ranges, on its own chain and on others; from the centres of the complex and of its chain; from its
partners; the axes of the trace) times functions of the model's RMSF, of packing and of contacts across. The
coefficients come from the other folds. Trajectories count alike, displacements relative to their size. Printed are the
share of the squared displacement that is explained (0 for the input itself, below it for worse), beside what the
average of the first half explains of that of the second, and the error of the persistence of contacts as in
`benchmarks.middle`.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.around_average import InterfaceMotion, interface_motion, persistence
from benchmarks.common import console, save
from benchmarks.elasticity import CONTACT_NM
from benchmarks.middle import distances, errors
from unfreeze.corpus import Corpus
from unfreeze.corpus.split import Split
from unfreeze.model.weights import load_model

__all__ = ["main"]

RANGES_NM = (0.7, 1.0, 1.5, 2.5)
RIDGES = (0.01, 0.1, 1.0, 10.0)


@dataclass(frozen=True, eq=False)
class Case:
    """A trajectory: what is known of it, the vectors [n, 3, n_terms] and the displacement [n, 3], nm."""

    row: dict[str, Any]
    motion: InterfaceMotion
    terms: NDArray[np.float64]
    displacement: NDArray[np.float64]

    @property
    def size(self) -> float:
        """Root-mean-square displacement, nm."""
        return float(np.sqrt((self.displacement**2).sum(axis=1).mean()))


def vectors(points: NDArray[np.float64], chain: NDArray[np.integer]) -> NDArray[np.float64]:
    """Vectors of the surroundings of every point: [n, n_vectors, 3]; they turn with the complex."""
    away = points[:, None] - points[None]
    distance = np.linalg.norm(away, axis=2) + np.eye(len(points))
    away /= distance[..., None]
    alike = chain[:, None] == chain[None]
    found = []
    for reach in RANGES_NM:
        near = np.exp(-((distance / reach) ** 2)) * ~np.eye(len(points), dtype=bool)
        found += [(away * (near * of)[..., None]).sum(axis=1) for of in (alike, ~alike)]
    centre = np.stack([points[chain == one].mean(axis=0) for one in chain])
    found += [points - points.mean(axis=0), points - centre, centre - points.mean(axis=0)]
    apart = np.zeros_like(points)
    for one in np.unique(chain):
        own = chain == one
        touching = (distance[own][:, ~own] < CONTACT_NM)[..., None]
        apart[own] = (away[own][:, ~own] * touching).sum(axis=(0, 1)) / max(touching.sum(), 1)
    return np.stack([*found, apart, *_axes(points)], axis=1)


def _axes(points: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Along the trace, out of its bend, and across both."""
    padded = np.concatenate([points[:1], points, points[-1:]])
    along = padded[2:] - padded[:-2]
    along /= np.linalg.norm(along, axis=1)[:, None] + 1e-9
    bend = 2.0 * points - padded[2:] - padded[:-2]
    bend -= (bend * along).sum(axis=1)[:, None] * along
    bend /= np.linalg.norm(bend, axis=1)[:, None] + 1e-9
    return [along, bend, np.cross(along, bend)]


def terms_of(motion: InterfaceMotion) -> NDArray[np.float64]:
    """Vectors times functions of what surrounds a residue: [n, 3, n_terms]."""
    points, chain = motion.points_nm, motion.chain
    near = np.linalg.norm(points[:, None] - points[None], axis=2) < CONTACT_NM
    alike = chain[:, None] == chain[None]
    rmsf = np.sqrt((motion.learned_nm**2).sum(axis=2).mean(axis=0)) / 0.08
    packing, across = (near & alike).sum(axis=1) / 12.0, (near & ~alike).sum(axis=1) / 4.0
    functions = np.stack([np.ones(len(points)), rmsf, rmsf**2, packing, across, np.exp(-across)], axis=1)
    product = vectors(points, chain)[:, :, None, :] * functions[:, None, :, None]
    return product.reshape(len(points), -1, 3).transpose(0, 2, 1)


def regression(cases: list[Case], ridge: float) -> NDArray[np.float64]:
    """Coefficients of the terms."""
    size = cases[0].terms.shape[2]
    left, right = np.zeros((size, size)), np.zeros(size)
    for case in cases:
        rows = case.terms.reshape(-1, size)
        weight = 1.0 / (len(case.terms) * case.size**2)
        left += weight * rows.T @ rows
        right += weight * rows.T @ case.displacement.ravel()
    scale = np.sqrt(np.diag(left)) + 1e-12
    return np.linalg.solve(left / scale / scale[:, None] + ridge * np.eye(size), right / scale) / scale


def explained(told: NDArray[np.float64], displacement: NDArray[np.float64]) -> float:
    """Share of the squared displacement that is told."""
    return float(1.0 - ((displacement - told) ** 2).sum() / (displacement**2).sum())


def score(case: Case, told: NDArray[np.float64]) -> tuple[float, float, float]:
    """Share explained, error of persistence over mixed and over compared pairs."""
    motion = case.motion
    wanted = persistence(motion.frames_nm, motion.near)
    native = distances(motion.points_nm, motion.near) < CONTACT_NM
    drawn = persistence(motion.points_nm + told + motion.learned_nm, motion.near)
    return explained(told, case.displacement), *errors(drawn, wanted, native)


def case_of(row: dict[str, Any], motion: InterfaceMotion) -> Case:
    """The case of a trajectory; the row gets what its first half explains."""
    half = len(motion.frames_nm) // 2
    first, second = (part.mean(axis=0) - motion.points_nm for part in np.split(motion.frames_nm, [half]))
    return Case(
        {**row, "half": explained(first, second)},
        motion,
        terms_of(motion),
        motion.frames_nm.mean(axis=0) - motion.points_nm,
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--split", default="folds")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    corpus = Corpus.open(arguments.corpus)
    split = Split.load(corpus, arguments.split)
    cases: list[Case] = []
    for part in sorted(set(split.part_of.values())):
        model = load_model(arguments.runs / part / "model.safetensors")
        for name in sorted(name for name, its in split.part_of.items() if its == part):
            if any(one.conditions.kind == "md" for one in corpus.summary(name).trajectories):
                for motion in interface_motion(corpus, name, model):
                    cases.append(case_of({"name": name, "part": part, "dataset": motion.dataset}, motion))
    judge(cases)
    save(arguments.json, "predicted_middle", {"rows": [case.row for case in cases]})


def judge(cases: list[Case]) -> None:
    """Score all ways of telling the middle, held out by fold, and print the medians."""
    for case in cases:
        case.row["input"] = score(case, np.zeros_like(case.displacement))
    for ridge in RIDGES:
        for part in {case.row["part"] for case in cases}:
            coefficients = regression([case for case in cases if case.row["part"] != part], ridge)
            for case in cases:
                if case.row["part"] == part:
                    case.row[f"ridge {ridge:g}"] = score(case, case.terms @ coefficients)
    table = Table(title="explained | error of persistence over mixed | compared pairs, medians")
    for column in ("", "all", "own", "elsewhere"):
        table.add_column(column, justify="left" if not column else "right")
    own = np.array([case.row["dataset"] == "unfreeze-seed" for case in cases])
    for key in ("half", "input", *(f"ridge {ridge:g}" for ridge in RIDGES)):
        values = np.array([np.atleast_1d(case.row[key]) for case in cases])
        cells = [
            " | ".join(f"{value:.3f}" for value in np.median(values[of], axis=0)) for of in (own | ~own, own, ~own)
        ]
        table.add_row("first half, of the second" if key == "half" else key, *cells)
    console().print(table)


if __name__ == "__main__":
    main()
