"""How well side-chain torsions are drawn: the flow beside simpler ways, on trajectories of proteins it has not seen.

Folds of the recipe are held out one after the other. For every held-out trajectory the Jensen-Shannon distance of
protocol ``unfreeze`` (10° bins, symmetric groups folded, mean over torsions) between drawn and simulated torsions, as
many frames drawn as simulated, is printed for

- frozen: the torsions of the input, as without a flow;
- normal: a normal distribution around these, one width a torsion of an amino acid, fitted on the training folds;
- table: jumps out of a well and shifts within it, drawn from those seen in training, by amino acid, torsion, the
  input's well, and whether the residue is buried; torsions independent of each other;
- matching: flow matching on the torus from a uniform base, ten steps, with the same encoder (with --matching);
- flow: what the model has (`unfreeze.model.flow`);
- floor: the first half of the simulation against the second.

    python -m benchmarks.side_chains recipes/flow.yaml --data FOLDER [FOLDER ...] [--matching] [--json OUT]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import save
from unfreeze.evaluate.metrics.torsions import N_BINS, js_distances
from unfreeze.model.flow import torsion_tables
from unfreeze.structure.internal_coordinates.side_chains import N_CHI
from unfreeze.train.flow_examples import FlowExample
from unfreeze.train.flow_recipe import load_flow_examples, read_flow_recipe
from unfreeze.train.flow_training import train_flow

WAYS = ("floor", "frozen", "normal", "table", "matching", "flow")
_PACKING = 25 + 4 + 5  # column of the nodes: atoms within 1.0 nm of the side chain
_SHORT_NS = 0.03

Angles = NDArray[np.floating]


def distance(drawn: Angles, seen: Angles, symmetric: NDArray[np.bool_]) -> float:
    """Mean Jensen–Shannon distance of torsions [n_frames, n_side_chains, 4]."""
    return float(js_distances(_histograms(drawn, symmetric), _histograms(seen, symmetric)).mean())


def _histograms(angles: Angles, symmetric: NDArray[np.bool_]) -> NDArray[np.float64]:
    folded = np.where(symmetric, np.mod(angles + np.pi / 2, np.pi) - np.pi / 2, angles)
    values = folded[:, np.isfinite(folded[0])]
    bins = np.clip(((values + np.pi) * (N_BINS / (2 * np.pi))).astype(int), 0, N_BINS - 1)
    flat = bins + np.arange(values.shape[1]) * N_BINS
    return np.bincount(flat.ravel(), minlength=values.shape[1] * N_BINS).reshape(-1, N_BINS).astype(float)


def _periods(example: FlowExample) -> Angles:
    return np.where(example.graphs[0].symmetric, np.pi, 2 * np.pi)


def _wrapped(angles: Angles, period: Angles | float = 2 * np.pi) -> Angles:
    return np.mod(angles + period / 2, period) - period / 2


class Normal:
    """A width for every torsion of every amino acid."""

    def __init__(self, examples: Sequence[FlowExample]) -> None:
        squares: dict[tuple[str, int], list[tuple[float, float]]] = {}
        for one in examples:
            shift = _wrapped(one.torsions - one.graphs[0].reference, _periods(one))
            mean = (shift**2).mean(axis=0)
            for row, k in zip(*np.nonzero(one.graphs[0].defined), strict=True):
                squares.setdefault((str(one.residue_names[row]), int(k)), []).append((mean[row, k], one.weight))
        self._widths = {key: np.sqrt(np.average(*np.transpose(rows))) for key, rows in squares.items()}

    def draw(self, example: FlowExample, random: np.random.Generator, n: int) -> Angles:
        """Torsions [n, n_side_chains, 4], rad."""
        names = example.residue_names
        widths = np.array([[self._widths.get((str(name), k), 0.0) for k in range(N_CHI)] for name in names])
        return _wrapped(example.graphs[0].reference + widths * random.standard_normal((n, *widths.shape)))


class Table:
    """Shifts within the input's well and torsions outside of it, as seen."""

    def __init__(self, examples: Sequence[FlowExample]) -> None:
        packing = [graph.nodes[graph.block, _PACKING] for one in examples for graph in one.graphs]
        self._median = float(np.median(np.concatenate(packing)))
        seen: dict[tuple[str, int, int, bool], tuple[list[Angles], list[Angles]]] = {}
        for one in examples:
            period = _periods(one)
            values = one.torsions[:: max(1, one.n_frames // 40)]
            for graph in one.graphs:
                for row, k, key in self._keys(one, graph):
                    inside, outside = seen.setdefault(key, ([], []))
                    turn, third = period[row, k], period[row, k] / 3
                    stays = np.mod(values[:, row, k], turn) // third == key[2]
                    inside.append(_wrapped(values[stays, row, k] - graph.reference[row, k], turn))
                    outside.append(values[~stays, row, k])
        self._seen = {key: (np.concatenate(a), np.concatenate(b)) for key, (a, b) in seen.items()}

    def _keys(self, example: FlowExample, graph):  # type: ignore[no-untyped-def]
        buried = graph.nodes[graph.block, _PACKING] > self._median
        period = _periods(example)
        for row, k in zip(*np.nonzero(graph.defined), strict=True):
            well = int(np.mod(graph.reference[row, k], period[row, k]) // (period[row, k] / 3))
            yield row, k, (str(example.residue_names[row]), int(k), well, bool(buried[row]))

    def draw(self, example: FlowExample, random: np.random.Generator, n: int) -> Angles:
        """Torsions [n, n_side_chains, 4], rad."""
        graph = example.graphs[0]
        drawn = np.repeat(graph.reference[None], n, axis=0)
        for row, k, key in self._keys(example, graph):
            other = (*key[:3], not key[3])
            inside, outside = self._seen.get(key) or self._seen.get(other) or (np.zeros(1), np.zeros(0))
            stays = random.random(n) < len(inside) / (len(inside) + len(outside))
            if len(inside):
                drawn[stays, row, k] += random.choice(inside, stays.sum())
            if len(outside):
                drawn[~stays, row, k] = random.choice(outside, (~stays).sum())
        return _wrapped(drawn)


def draw_flow(flow: dict[str, NDArray[np.float32]], example: FlowExample, seed: int, n: int) -> Angles:
    """Torsions from the flow, at the trajectory's own length where it has a clock."""
    graph, time = example.graphs[0], example.n_frames * example.step_ns
    tables = torsion_tables(flow, graph, timescale_ns=time if np.isfinite(time) else None)
    rows = np.tile(np.arange(len(graph.block)), n)
    return tables.draw(rows, np.random.default_rng(seed).random((len(rows), N_CHI))).reshape(n, -1, N_CHI)


def scores(example: FlowExample, drawn: dict[str, Angles]) -> dict[str, float]:
    """Distance of every way from the simulation."""
    graph, seen, half = example.graphs[0], example.torsions, example.n_frames // 2
    reference = np.repeat(graph.reference[None], example.n_frames, axis=0)
    found = {"floor": distance(seen[:half], seen[half : 2 * half], graph.symmetric)}
    for way, angles in {"frozen": reference, **drawn}.items():
        found[way] = distance(np.where(graph.defined, angles, np.nan), seen, graph.symmetric)
    return found


def summary(rows: list[dict]) -> dict[str, object]:  # type: ignore[type-arg]
    """Medians, and the flow less the table with a bootstrap interval over trajectories."""
    difference = np.array([row["flow"] - row["table"] for row in rows])
    random = np.random.default_rng(0)
    means = difference[random.integers(0, len(difference), (2000, len(difference)))].mean(axis=1)
    found: dict[str, object] = {way: float(np.median([row[way] for row in rows])) for way in WAYS if way in rows[0]}
    found["flow_less_table"] = float(difference.mean())
    found["flow_less_table_interval"] = [float(value) for value in np.quantile(means, (0.025, 0.975))]
    return found


def main() -> None:
    """Hold out every fold and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--folds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--matching", action="store_true", help="flow matching too, which takes much longer")
    parser.add_argument("--steps", type=int, help="steps of training, if not those of the recipe")
    parser.add_argument("--weights", type=Path, help="folder to keep every fold's weights in")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    recipe = read_flow_recipe(arguments.recipe)
    examples = load_flow_examples(recipe, arguments.data)
    settings = recipe.flow_settings()
    if arguments.steps:
        settings = replace(settings, n_steps=arguments.steps)
    rows = []
    for fold in arguments.folds:
        known = [example for entry, example in examples if entry.fold != fold]
        normal, table = Normal(known), Table(known)
        flow = train_flow(known, settings)
        if arguments.weights:
            arguments.weights.mkdir(parents=True, exist_ok=True)
            np.savez(arguments.weights / f"fold{fold}.npz", **flow)  # type: ignore[arg-type]
        matching = None
        if arguments.matching:
            from benchmarks.torsion_matching import TorsionMatching

            matching = TorsionMatching(known)
        for one in (example for entry, example in examples if entry.fold == fold):
            random, n = np.random.default_rng(1), one.n_frames
            drawn = {"normal": normal.draw(one, random, n), "table": table.draw(one, random, n)}
            if matching:
                drawn["matching"] = matching.draw(one, random, n)
            drawn["flow"] = draw_flow(flow, one, 1, n)
            row = {"name": one.name, "fold": fold, "n_frames": n, "time_ns": n * one.step_ns, **scores(one, drawn)}
            rows.append(row)
            values = "  ".join(f"{way} {row[way]:.3f}" for way in WAYS if way in row)
            print(f"{one.name:32s} fold {fold}  {n:4d} frames  {values}", flush=True)
    results = {}
    for label, short in (("trajectories of 20 ps", True), ("longer trajectories", False)):
        chosen = [row for row in rows if (row["time_ns"] < _SHORT_NS) == short]
        if chosen:
            results[label] = summary(chosen)
            print(label, len(chosen), results[label])
    save(arguments.json, "side_chains", {"rows": rows, "summary": results})


if __name__ == "__main__":
    main()
