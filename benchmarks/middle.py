"""How well contacts across interfaces can be told: from one structure, from a few frames, from half a trajectory.

    python -m benchmarks.middle CORPUS RUNS [--split folds] [--json OUT]

Error of the persistence of contacts (share of frames with Cα nearer than 1 nm) of every trajectory with an interface,
in two ways: over the *mixed* pairs, those within 1.5 nm in the input that the trajectory has sometimes but not always
(the column of `benchmarks.elasticity`, chosen by what is to be told), and over the *compared* ones, as `unfreeze
evaluate` does: those in contact in the input, and those that either side has in over 10 % of the frames. RUNS holds a
training a fold; each is asked of trajectories it has not seen.

Against the whole trajectory, from the input alone:
    as the input       what is nearer than 1 nm stays so, all else stays apart
    of the distance    the best function of the Cα distance: its median in bins, on the other folds
    model, ×1.5 …      linear draws of the model about the input, and the same draws made so much wider
Against its second half, by draws of the model about
    the input, ×2      the input, for comparison, and draws twice as wide
    any of k frames    the average of k consecutive frames of the first half, wherever they begin; ×2: twice as wide
    the first k        the average of the first k frames
    the first half     the average of all of it; *as it is*: its own persistence
    its own average    the average of the second half itself: what is left for widths to explain
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.around_average import InterfaceMotion, interface_motion, persistence
from benchmarks.common import console, save
from benchmarks.elasticity import CONTACT_NM
from unfreeze.corpus import Corpus
from unfreeze.corpus.split import Split
from unfreeze.evaluate.metrics.interface_contacts import compared_contacts
from unfreeze.model.weights import load_model

__all__ = ["main"]

Errors = dict[str, tuple[float, float]]

WIDTHS = (1.5, 2.0, 3.0)
N_FRAMES = (1, 2, 5, 10)
N_STARTS = 8
BINS_NM = np.arange(0.3, 1.5, 0.05)
FEWEST_IN_BIN = 6
N_RESAMPLES = 2000


def distances(points: NDArray[np.floating], near: NDArray[np.int64]) -> NDArray[np.float64]:
    """Distances of pairs [n_near, 2] of points [n, 3]."""
    return np.linalg.norm(points[near[:, 0]] - points[near[:, 1]], axis=1)


def errors(told: NDArray[np.float64], wanted: NDArray[np.float64], native: NDArray[np.bool_]) -> tuple[float, float]:
    """Mean absolute error over the mixed and over the compared pairs."""
    difference = np.abs(told - wanted)
    mixed = (wanted > 0.0) & (wanted < 1.0)
    return float(difference[mixed].mean()), float(difference[compared_contacts(told, wanted, native)].mean())


def from_input(motion: InterfaceMotion) -> tuple[Errors, NDArray[np.float64], NDArray[np.float64]]:
    """Errors against the whole trajectory without the function of distance; distances and persistence for that."""
    distance, wanted = distances(motion.points_nm, motion.near), persistence(motion.frames_nm, motion.near)
    native = distance < CONTACT_NM
    found = {"as the input": errors(native.astype(float), wanted, native)}
    for width in (1.0, *WIDTHS):
        told = persistence(motion.points_nm + width * motion.learned_nm, motion.near)
        found["model" if width == 1.0 else f"model ×{width:g}"] = errors(told, wanted, native)
    return found, distance, wanted


def from_frames(motion: InterfaceMotion) -> Errors:
    """Errors against the second half."""
    half = len(motion.frames_nm) // 2
    first, second = motion.frames_nm[:half], motion.frames_nm[half:]
    wanted = persistence(second, motion.near)
    native = distances(motion.points_nm, motion.near) < CONTACT_NM

    def about(points: NDArray[np.float64], width: float = 1.0) -> tuple[float, float]:
        return errors(persistence(points + width * motion.learned_nm, motion.near), wanted, native)

    found = {"the input": about(motion.points_nm), "the input ×2": about(motion.points_nm, 2.0)}
    for k in N_FRAMES:
        starts = np.linspace(0, half - k, N_STARTS).astype(int)
        averages = [first[start : start + k].mean(axis=0) for start in starts]
        found[f"any of {k}"] = _mean([about(average) for average in averages])
        if k == 1:
            found["any of 1 ×2"] = _mean([about(average, 2.0) for average in averages])
        found[f"the first {k}"] = about(averages[0])
    found["the first half"] = about(first.mean(axis=0))
    found["the first half as it is"] = errors(persistence(first, motion.near), wanted, native)
    found["its own average"] = about(second.mean(axis=0))
    return found


def _mean(values: list[tuple[float, float]]) -> tuple[float, float]:
    one, other = np.mean(values, axis=0)
    return float(one), float(other)


def of_distance(rows: list[dict[str, Any]], *, mixed: bool) -> list[NDArray[np.float64]]:
    """Persistence of every row as the median of the other folds at that distance, a complex counting as one.

    With `mixed` the median is of mixed pairs only: what is best for that measure.
    """
    found = []
    for row in rows:
        parts = []
        for other in rows:
            if other["part"] == row["part"]:
                continue
            use = np.ones(len(other["_wanted"]), dtype=bool)
            if mixed:
                use = (other["_wanted"] > 0.0) & (other["_wanted"] < 1.0)
            weight = np.full(int(use.sum()), 1.0 / use.sum())
            parts.append(np.stack([other["_distance"][use], other["_wanted"][use], weight]))
        distance, wanted, weight = np.concatenate(parts, axis=1)
        bins = np.digitize(distance, BINS_NM)
        medians = np.full(len(BINS_NM) + 1, np.nan)
        for at in range(len(medians)):
            own = np.flatnonzero(bins == at)
            if len(own) >= FEWEST_IN_BIN:
                own = own[np.argsort(wanted[own])]
                sums = np.cumsum(weight[own])
                medians[at] = wanted[own[np.searchsorted(sums, 0.5 * sums[-1])]]
        known = np.flatnonzero(np.isfinite(medians))
        medians = np.interp(np.arange(len(medians)), known, medians[known])
        found.append(medians[np.digitize(row["_distance"], BINS_NM)])
    return found


def interval(values: NDArray[np.float64], groups: NDArray[np.int64]) -> tuple[float, float]:
    """The 95 % interval of the median of values, groups of alike complexes drawn with replacement."""
    random = np.random.default_rng(0)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    medians = [
        np.median(values[np.concatenate([members[k] for k in random.integers(0, len(members), len(members))])])
        for _ in range(N_RESAMPLES)
    ]
    low, high = np.percentile(medians, [2.5, 97.5])
    return float(low), float(high)


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
    rows: list[dict[str, Any]] = []
    for part in sorted(set(split.part_of.values())):
        model = load_model(arguments.runs / part / "model.safetensors")
        for name in sorted(name for name, its in split.part_of.items() if its == part):
            if not any(one.conditions.kind == "md" for one in corpus.summary(name).trajectories):
                continue
            for motion in interface_motion(corpus, name, model):
                whole, distance, wanted = from_input(motion)
                known = {"name": name, "part": part, "group": split.groups[name], "dataset": motion.dataset}
                rows.append(
                    {**known, "whole": whole, "half": from_frames(motion), "_distance": distance, "_wanted": wanted}
                )
                console().print(f"{part} {name}")
    told = {mixed: of_distance(rows, mixed=mixed) for mixed in (True, False)}
    for k, row in enumerate(rows):
        distance, wanted = row.pop("_distance"), row.pop("_wanted")
        row["whole"]["of the distance"] = (
            errors(told[True][k], wanted, distance < CONTACT_NM)[0],
            errors(told[False][k], wanted, distance < CONTACT_NM)[1],
        )
    _show(rows)
    save(arguments.json, "middle", {"rows": rows})


def _show(rows: list[dict[str, Any]]) -> None:
    own = np.array([row["dataset"] == "unfreeze-seed" for row in rows])
    groups = np.array([row["group"] for row in rows])
    for against, beside in (("whole", "model"), ("half", "the input")):
        table = Table(title=f"error of persistence, medians: mixed | compared, against the {against}")
        for column in ("", "all", "own", "elsewhere", f"less that of “{beside}”, 95 %", "elsewhere"):
            table.add_column(column, justify="left" if not column else "right")
        for key in rows[0][against]:
            values = np.array([row[against][key] for row in rows])
            gain = values - np.array([row[against][beside] for row in rows])
            cells = [" | ".join(f"{np.median(values[of, m]):.3f}" for m in (0, 1)) for of in (own | ~own, own, ~own)]
            for of in (own | ~own, ~own):
                cells.append(" | ".join("{:+.3f}…{:+.3f}".format(*interval(gain[of, m], groups[of])) for m in (0, 1)))
            table.add_row(key, *cells)
        console().print(table)


if __name__ == "__main__":
    main()
