"""What `prediction.json` and `predictions.csv` say: everything that was predicted, from what, with what."""

from __future__ import annotations

import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unfreeze.properties.effects import ClassPrediction, MutationEffect
    from unfreeze.properties.wording import Task

__all__ = [
    "SCHEMA",
    "begin_record",
    "class_entry",
    "class_rows",
    "effect_entry",
    "effect_rows",
    "effect_weights",
]

SCHEMA = "unfreeze-prediction/1"
_LEAST_SHOWN = 0.005  # of classes that were not chosen; there may be thousands


def begin_record(task: str, about: dict[str, Any], weights: Sequence[Path]) -> dict[str, Any]:
    """The head of a record: what, from what, by which program and with which weights, of those that are there."""
    from unfreeze import __version__

    return {
        "schema": SCHEMA,
        "task": task,
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "unfreeze_version": __version__,
        "versions": {"python": platform.python_version(), **_versions("numpy", "scipy", "gemmi")},
        "command": shlex.join(["unfreeze", *(_short(argument) for argument in sys.argv[1:])]),
        "input": about,
        "weights": [entry for path in weights if (entry := _file(path))],
    }


def effect_weights(task: Task, model: Path | None, *, mutated: bool = True) -> list[Path]:
    """Files of weights that were used: the models of mutations, if there were any, of binding and of motion."""
    from unfreeze.model import weights as motion
    from unfreeze.properties import effect_model
    from unfreeze.properties.binding import model_file as binding

    effects = [model or effect_model.SHIPPED] if mutated else []
    return [*effects, *([binding.SHIPPED] if task == "affinity" else []), motion.SHIPPED]


def effect_entry(effect: MutationEffect, task: Task) -> dict[str, Any]:
    """One mutation, or several at once, as JSON."""
    from unfreeze.properties.wording import effect_words, interval_95

    value, error = float(effect.delta_delta_g_kJ_mol), float(effect.error_kJ_mol)
    low, high = interval_95(value, error)
    return {
        "mutations": "+".join(map(str, effect.mutations)),
        "sites": [asdict(mutation) for mutation in effect.mutations],
        "delta_delta_g_kJ_mol": value,
        "error_kJ_mol": error,
        "low_95_kJ_mol": low,
        "high_95_kJ_mol": high,
        "delta_tm_K": effect.delta_tm_K,
        "error_tm_K": effect.error_tm_K,
        "words": effect_words(value, error, task),
        "outside": effect.outside,
        "reasons": asdict(effect.reasons) if effect.reasons else None,
    }


def effect_rows(entries: Sequence[Mapping[str, Any]], task: Task) -> list[dict[str, Any]]:
    """The table of effects, in the order that was asked for."""
    keys = ["mutations", "delta_delta_g_kJ_mol", "error_kJ_mol", "low_95_kJ_mol", "high_95_kJ_mol"]
    if task == "stability":
        keys += ["delta_tm_K", "error_tm_K"]
    return [
        {
            **{key: entry[key] for key in [*keys, "words", "outside"]},
            "reasons": "; ".join((entry["reasons"] or {}).get("words", ())),
        }
        for entry in entries
    ]


def class_entry(name: str, sequence: str, found: ClassPrediction) -> dict[str, Any]:
    """One protein as JSON; classes that are far from being chosen are left out where there are many."""
    probabilities = {key: float(value) for key, value in found.probabilities.items()}
    few = len(probabilities) <= 50
    kept = {
        key: value
        for key, value in sorted(probabilities.items(), key=lambda item: -item[1])
        if few or value >= _LEAST_SHOWN or key in found.chosen
    }
    return {
        "name": name,
        "sequence": sequence,
        "chosen": list(found.chosen),
        # of numbers such as 3, 3.4 and 3.4.23 the last says it all
        "specific": [key for key in found.chosen if not any(other.startswith(f"{key}.") for other in found.chosen)],
        "probabilities": kept,
        "threshold": {key: float(found.threshold[key]) for key in kept if key in found.threshold},
        "n_classes": len(probabilities),
        "outside": found.outside,
        "notes": list(found.notes),
    }


def class_rows(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row a protein and class, the most probable first."""
    return [
        {
            "name": entry["name"],
            "class": key,
            "probability": value,
            "threshold": entry["threshold"].get(key, ""),
            "chosen": int(key in entry["chosen"]),
            "outside": entry["outside"],
        }
        for entry in entries
        for key, value in entry["probabilities"].items()
    ]


def _file(path: Path) -> dict[str, str] | None:
    import hashlib

    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return {"name": path.name, "sha256": hashlib.file_digest(stream, "sha256").hexdigest()}


def _short(argument: str) -> str:
    return argument if len(argument) <= 200 else argument[:200] + "…"


def _versions(*names: str) -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
