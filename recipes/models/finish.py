"""Make the shipped file of weights: the networks, the flow of side chains, and how good they are on what is held out.

    python recipes/models/finish.py MODEL --flow FLOW --folds RUNS --scores benchmarks/results/elasticity.json

MODEL is what `unfreeze train recipes/models/unfreeze-1.yaml` wrote, FLOW what `recipes/train_flow.py --out` wrote, RUNS
the folder of the trainings that held out one fold each. How sure the model is of itself is scaled by what those found
on trajectories that they had not seen; their scores go into the card. Writes src/unfreeze/weights/unfreeze.safetensors
and card.json beside it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from unfreeze.files.atomic import write_json
from unfreeze.model.flow_weights import flow_of
from unfreeze.model.weights import SHIPPED, load_model, save_model

__all__ = ["main", "summary"]

SCORES = ("rmsf_r", "log_rmsf_r", "rmsf_mae_A", "dccm_r", "near_dccm_r", "persistence_mae")
LIMITATIONS = (
    "Trained on some forty short trajectories, mostly of monomers; how large motion is as a whole is known within a "
    "factor of 1.3.",
    "Nothing was learned of nucleic acids, ligands and ions: they follow what they touch.",
    "Amplitudes vary about the structure that is given; other states (opened pockets, refolded loops) are not found.",
    "No trajectory was of another temperature than 300 K: with temperature, amplitudes grow as its square root.",
)


def summary(results: Mapping[str, Any]) -> dict[str, Any]:
    """Medians over held-out trajectories: harmonic, model, half of the MD against the other; and of B-factors."""
    found: dict[str, Any] = {"trajectories": len(results["rows"]), "best_single_factor": results["best_single_factor"]}
    for score in SCORES:
        row: dict[str, float] = {}
        for kind in ("harmonic", "model", "half"):
            values = [one[kind][score] for one in results["rows"] if one[kind][score] is not None]
            row[kind] = round(float(np.median(values)), 4)
            row["targets"] = len(values)
        found[score] = row
    crystals = results["b_factors"]
    found["b_factor_r"] = {
        **{kind: round(float(np.median([one[kind] for one in crystals])), 4) for kind in ("harmonic", "model")},
        "targets": len(crystals),
    }
    found["within_68_percent_interval"] = round(float(np.median([one["within_68"] for one in results["rows"]])), 3)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the file and its card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--flow", type=Path, required=True)
    parser.add_argument("--folds", type=Path, required=True)
    parser.add_argument("--scores", type=Path)
    parser.add_argument("--out", type=Path, default=SHIPPED)
    given = parser.parse_args(arguments)
    scales = [load_model(file).uncertainty_scale for file in sorted(given.folds.glob("fold*/model.safetensors"))]
    model = load_model(given.model)
    card = {**model.card, "limitations": list(LIMITATIONS)}
    if given.scores is not None:
        card["scores"] = {"held out by fold, medians": summary(json.loads(given.scores.read_text(encoding="utf-8")))}
    finished = replace(
        model,
        card=card,
        uncertainty_scale=float(np.median(scales)),
        flow=flow_of(safetensors.numpy.load(given.flow.read_bytes())),
    )
    given.out.parent.mkdir(parents=True, exist_ok=True)
    save_model(given.out, finished)
    write_json(given.out.parent / "card.json", card)
    print(f"{given.out}: {given.out.stat().st_size / 1e6:.1f} MB, uncertainty × {finished.uncertainty_scale:.2f}")


if __name__ == "__main__":
    main()
