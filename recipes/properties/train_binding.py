"""Train and judge the model of absolute affinities of complexes (`unfreeze.properties.binding`).

    python recipes/properties/train_binding.py CORPUS skempi_v2.csv --cache FOLDER --out FOLDER

CORPUS has the entries of SKEMPI 2 (``skempi-…``) and of the docking benchmark 5.5 (``db55-…``); the Kd's of the latter
are in ``affinity_benchmark_2.csv`` beside this file (Kastritis et al. 2011, Protein Sci. 20, 482; Vreven et al. 2015,
J. Mol. Biol. 427, 3031). Features are kept in the cache, one JSON file a complex, so that a run can be resumed.
Writes ``properties-binding.safetensors``, ``scores.json`` and ``out_of_fold.csv``.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus import Corpus
from unfreeze.model.weights import load_model
from unfreeze.properties.binding import validation as check
from unfreeze.properties.binding.complexes import (
    BoundComplex,
    Kinships,
    find_kinships,
    hold_outs,
    read_benchmark,
    read_complexes,
)
from unfreeze.properties.binding.features import binding_features
from unfreeze.properties.binding.model_file import BindingModel, save_binding_model
from unfreeze.properties.binding.partners import PartnerPair
from unfreeze.properties.binding.potential import count_pairs, potential_of
from unfreeze.properties.binding.regression import Standard
from unfreeze.properties.binding.thermodynamics import REFERENCE_K, at_temperature, heat_capacity

VARIANTS = {
    "sequence": ("sequence:",),
    "sequence + static": ("sequence:", "static:"),
    "sequence + static + dynamics": ("sequence:", "static:", "dynamics:"),
}
SPLITS = ("family", "partner", "kind")
N_SEEDS = 1
KCAL = 4.184
# Vangone & Bonvin 2015, eLife 4, e07454: contacts CC, AC, PP, AP, per cent apolar and charged surface; kcal/mol
PRODIGY = {"CC": -0.09459, "AC": -0.10007, "PP": 0.19577, "AP": -0.22671}
PRODIGY |= {"surface_apolar": 0.18681, "surface_charged": 0.13810}
PRODIGY_CONSTANT = -15.9433


def main() -> None:
    """Features, scores of all variants in all splits, and the model of the chosen one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("table", type=Path, help="skempi_v2.csv, for what it holds out")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--dynamics-of", default="", help="only of entries whose names begin so; the others lack them")
    parser.add_argument("--variant", choices=VARIANTS, default="sequence + static", help="the variant that is written")
    given = parser.parse_args()
    for folder in (given.cache, given.out):
        folder.mkdir(parents=True, exist_ok=True)
    corpus = Corpus.open(given.corpus)
    rows = read_complexes(corpus)
    rows += read_benchmark(corpus, Path(__file__).with_name("affinity_benchmark_2.csv"), rows)
    potential = _potential(corpus, given.cache / "potential.npy")
    found = [_features(corpus, row, potential, given.cache, given.dynamics_of) for row in rows]
    kin = _kinships(corpus, rows, given.table, given.cache / "kinships.npz")
    y = np.array([_at_reference(row, one) for row, one in zip(rows, found, strict=True)])
    scored = np.array([row.entry.startswith("skempi-") for row in rows])
    result: dict[str, Any] = {"n_skempi": int(scored.sum()), "n_benchmark": int((~scored).sum()), "splits": {}}
    kept: dict[str, NDArray[np.float64]] = {}
    errors, scale = np.ones(len(y)), 1.0
    for split in SPLITS:
        groups = getattr(kin, split)
        predicted: dict[str, NDArray[np.float64]] = {}
        predicted |= _baselines(found, y, groups)
        spread: dict[str, NDArray[np.float64]] = {}
        for variant, prefixes in VARIANTS.items():
            runs = [
                check.out_of_fold(_matrix(found, prefixes)[1], y, kin.family, groups, seed) for seed in range(N_SEEDS)
            ]
            predicted[variant] = np.mean([run.value for run in runs], axis=0)
            spread[variant] = np.mean([run.error for run in runs], axis=0)
            if split == "family" and variant == given.variant:
                scale = float(np.mean([run.scale for run in runs]))
        moving = scored & np.array(["dynamics:entropy_total" in one for one in found])
        result["n_dynamics"] = int(moving.sum())
        result["splits"][split] = _scores(y, predicted, spread, groups, scored, moving)
        if split == "family":
            kept, errors = predicted, spread[given.variant]
        print(split, json.dumps(result["splits"][split], indent=1), flush=True)
    (given.out / "scores.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    with (given.out / "out_of_fold.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["complex", "source", "family", "measured", *kept, "error"])
        for k, row in enumerate(rows):
            numbers = [f"{value:.3f}" for value in (y[k], *(one[k] for one in kept.values()), errors[k])]
            writer.writerow([row.name, row.sources, int(kin.family[k]), *numbers])
    model = _final(found, y, kin.family, given.variant, potential, result, scale)
    save_binding_model(given.out / "properties-binding.safetensors", model)


def _kinships(corpus: Corpus, rows: list[BoundComplex], table: Path, path: Path) -> Kinships:
    """Which complexes go together; kept for the same complexes."""
    names = [row.name for row in rows]
    if path.exists():
        with np.load(path) as stored:
            if stored["names"].tolist() == names:
                return Kinships(stored["family"], stored["partner"], stored["kind"])
    kin = find_kinships([corpus.entry(row.entry).complex for row in rows], rows, hold_outs(table))
    np.savez(path, names=names, family=kin.family, partner=kin.partner, kind=kin.kind)
    return kin


def _potential(corpus: Corpus, path: Path) -> NDArray[np.floating]:
    """The statistical potential of the proteins of stability sets, which are not asked for affinities."""
    if not path.exists():
        entries = (corpus.entry(name) for name in corpus.identifiers if name.startswith("stability-"))
        np.save(path, potential_of(count_pairs(one.complex for one in entries if 60 <= one.manifest.n_residues <= 400)))
    return np.load(path).astype(np.float16)


def _features(
    corpus: Corpus, row: BoundComplex, potential: NDArray[np.floating], cache: Path, dynamics_of: str
) -> dict[str, Any]:
    path = cache / f"{row.name}.json"
    if not path.exists():
        pair = PartnerPair.of(corpus.entry(row.entry).complex, row.partners)
        motion = load_model() if row.entry.startswith(dynamics_of) else None
        found = binding_features(pair, potential, motion)
        path.write_text(json.dumps({"size": pair.size, "prodigy": found.prodigy, **found.all()}), encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))


def _at_reference(row: BoundComplex, found: dict[str, Any]) -> float:
    """Measured ΔG at 298.15 K."""
    capacity = heat_capacity(2.0 * found["static:buried_apolar_nm2"], 2.0 * found["static:buried_polar_nm2"])
    return at_temperature(row.delta_g_kJ_mol, 0.0, REFERENCE_K, capacity, from_K=row.temperature_K)[0]


def _matrix(found: list[dict[str, Any]], prefixes: tuple[str, ...]) -> tuple[list[str], NDArray[np.float64]]:
    widest = max(found, key=len)
    names = [name for prefix in prefixes for name in widest if name.startswith(prefix)]
    return names, np.array([[one.get(name, math.nan) for name in names] for one in found])


def _baselines(
    found: list[dict[str, Any]], y: NDArray[np.float64], groups: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    classes = np.array([[one["prodigy"][name] for name in PRODIGY] for one in found])
    area = np.array([[one["static:buried_nm2"]] for one in found])

    def refit(features: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.mean([check.ridge_out_of_fold(features, y, groups, seed) for seed in range(N_SEEDS)], axis=0)

    return {
        "mean of training": refit(np.zeros((len(y), 1))),
        "buried area, refitted": refit(area),
        "contacts and surface, published": (classes @ np.array(list(PRODIGY.values())) + PRODIGY_CONSTANT) * KCAL,
        "contacts and surface, refitted": refit(classes),
    }


def _scores(
    y: NDArray[np.float64],
    predicted: dict[str, NDArray[np.float64]],
    spread: dict[str, NDArray[np.float64]],
    groups: NDArray[np.int64],
    scored: NDArray[np.bool_],
    moving: NDArray[np.bool_],
) -> dict[str, Any]:
    """Scores of SKEMPI's complexes, of those with dynamics alone, and of the benchmark's."""
    subset = check.bootstrap(y[moving], [one[moving] for one in predicted.values()], groups[moving])
    draws = check.bootstrap(y[scored], [one[scored] for one in predicted.values()], groups[scored])
    static = list(predicted).index("sequence + static")
    table: dict[str, Any] = {
        "groups": len(np.unique(groups[scored])),
        "largest": int(np.bincount(groups[scored]).max()),
    }
    for k, (name, value) in enumerate(predicted.items()):
        error = value - y
        low, high = np.percentile(draws[k], [2.5, 97.5])
        less, more = np.percentile(draws[k] - draws[static], [2.5, 97.5])
        table[name] = {
            "pearson": _pearson(value[scored], y[scored]),
            "interval": [round(float(low), 3), round(float(high), 3)],
            "less_static": [round(float(less), 3), round(float(more), 3)],
            "pearson_moving": _pearson(value[moving], y[moving]),
            "less_static_moving": np.percentile(subset[k] - subset[static], [2.5, 97.5]).round(3).tolist(),
            "rmse": round(float(np.sqrt((error[scored] ** 2).mean())), 2),
            "mae": round(float(np.abs(error[scored]).mean()), 2),
            "pearson_of_group_means": _pearson(*(_means(one[scored], groups[scored]) for one in (value, y))),
            "pearson_benchmark": _pearson(value[~scored], y[~scored]),
            "rmse_benchmark": round(float(np.sqrt((error[~scored] ** 2).mean())), 2),
        }
        if name in spread:
            table[name]["coverage"] = check.coverage(y[scored], value[scored], spread[name][scored])
    return table


def _pearson(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    if one.std() < 1e-9 or other.std() < 1e-9:
        return 0.0
    return round(float(np.corrcoef(one, other)[0, 1]), 3)


def _means(values: NDArray[np.float64], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    _, place = np.unique(groups, return_inverse=True)
    return np.bincount(place, values) / np.bincount(place)


def _final(
    found: list[dict[str, Any]],
    y: NDArray[np.float64],
    family: NDArray[np.int64],
    variant: str,
    potential: NDArray[np.floating],
    result: dict[str, Any],
    scale: float,
) -> BindingModel:
    names, features = _matrix(found, VARIANTS[variant])
    settings = check.choose(features, y, family, family)
    standard = Standard.of(features)
    points = standard.apply(features)
    # a new complex is of a new family: how far training complexes are from others'
    squares = (points**2).mean(axis=1)
    apart = np.sqrt(np.maximum(squares[:, None] + squares[None] - 2.0 * points @ points.T / points.shape[1], 0.0))
    apart[family[:, None] == family[None]] = np.inf
    sizes = np.array([one["size"] for one in found])
    contacts = np.exp([one["static:log_contacts"] for one in found])
    area = np.array([one["static:buried_nm2"] for one in found])
    limits: dict[str, tuple[float, float]] = {
        "residues": (float(sizes.min()), float(sizes.max())),
        "buried_nm2": (float(area.min()), float(area.max())),
        "contacts": (float(contacts.min()), float(contacts.max())),
        "distance": (0.0, float(np.percentile(apart.min(axis=1), 99.0))),
    }
    return BindingModel(
        names=tuple(names),
        standard=standard,
        points=points,
        measured=y,
        family=family,
        settings=settings,
        error_scale=scale,
        limits=limits,
        potential=potential,
        card={
            "name": "unfreeze-binding",
            "version": "1",
            "variant": variant,
            "what": "absolute free energy of binding of two proteins from the structure of their complex",
            "data": {
                "SKEMPI 2 (Jankauskaite et al. 2019), wild types, CC-BY-4.0": result["n_skempi"],
                "Affinity benchmark 2 (Kastritis et al. 2011, Vreven et al. 2015)": result["n_benchmark"],
                "potential": "single proteins of the stability sets, without affinities",
            },
            "recipe": "recipes/properties/train_binding.py",
            "experiment": "docs/experiments/absolute-affinity.md",
            "scores": {split: table[variant] for split, table in result["splits"].items()},
            "limits": "Bound structures of soluble proteins at 25 °C; ranks complexes of unlike kind poorly.",
        },
    )


if __name__ == "__main__":
    main()
