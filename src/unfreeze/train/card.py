"""The card of a model: what it is, what it learned from, how good it is and where its limits are; JSON and Markdown.

Of a private corpus the card has alias and numbers only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

import unfreeze
from unfreeze.corpus.privacy import PublicView
from unfreeze.corpus.store import Corpus
from unfreeze.files.atomic import plain
from unfreeze.train.examples import Example
from unfreeze.train.recipe import Recipe
from unfreeze.train.table import ScoreTable
from unfreeze.train.table_view import table_markdown

__all__ = ["card_markdown", "make_card"]


def make_card(
    recipe: Recipe,
    examples: Sequence[Example],
    held_out: Sequence[Example],
    *,
    members: Sequence[Mapping[str, Any]],
    scores: ScoreTable | None,
    before: ScoreTable | None,
    start: Mapping[str, Any] | None,
    n_parameters: int,
) -> dict[str, Any]:
    """The card as JSON.

    Parameters
    ----------
    recipe
        Of the training.
    examples, held_out
        What was trained and validated on.
    members
        State in which every network ended.
    scores, before
        Of the model, and of what it was started from, on what was held out.
    start
        Card of the model that it was started from.
    n_parameters
        Of one network.
    """
    shown = recipe.model_dump(mode="json")
    shown["data"]["corpora"] = [PublicView(Corpus.open(path)).name for path in recipe.data.corpora]
    shown["data"]["exclude"] = len(recipe.data.exclude)
    if recipe.model.start not in (None, "base"):
        shown["model"]["start"] = str((start or {}).get("name", "another model"))
    document = {
        "name": recipe.name,
        "version": f"{datetime.now(UTC):%Y-%m-%d}",
        "description": recipe.description,
        "made_with": f"unfreeze {unfreeze.__version__}",
        "started_from": None if start is None else {key: start.get(key) for key in ("name", "version")},
        "networks": {"members": len(members), "parameters_each": n_parameters},
        "data": {"train": _data(examples), "held_out": _data(held_out)},
        "scores": None if scores is None else scores.to_dict(),
        "scores_before": None if before is None else before.to_dict(),
        "training": [
            {key: one.get(key) for key in ("total", "best_step", "skipped", "returns", "seconds", "verdict")}
            for one in members
        ],
        "limits": _limits(examples, start),
        "recipe": shown,
    }  # fmt: skip
    return plain(document)


def _data(examples: Sequence[Example]) -> dict[str, Any]:
    """Numbers, sets, licences and citations of examples, as others may see them."""
    counts: Counter[str] = Counter()
    licences: set[str] = set()
    citations: set[str] = set()
    views = {path: PublicView(Corpus.open(path)) for path in {example.source.corpus for example in examples}}
    for example in examples:
        view = views[example.source.corpus]
        name = view.name if view.is_private else example.source.dataset
        counts[f"{name} ({example.source.kind})"] += 1
        for record in view.corpus.entry(example.source.entry).manifest.trajectories:
            licences.add(record.source.licence)
            if record.source.citation and not view.is_private:
                citations.add(record.source.citation)
    return {
        "entries": len({(example.source.corpus, example.source.entry) for example in examples}),
        "blocks": sum(example.n_blocks for example in examples),
        "sets": dict(sorted(counts.items())),
        "licences": sorted(licences),
        "citations": sorted(citations),
    }


def _limits(examples: Sequence[Example], start: Mapping[str, Any] | None) -> dict[str, Any]:
    """Ranges of what was learned from, and of what was started from: what is beyond them is a guess."""
    motions = [example.motion for example in examples if example.motion is not None]
    found: dict[str, Any] = {}
    for key, name in (("temperature_K", "temperature_K"), ("timescale_ns", "time_ns")):
        values = np.concatenate([getattr(one, name) for one in motions]) if motions else np.empty(0)
        values = values[np.isfinite(values)]
        if len(values):
            found[key] = [float(values.min()), float(values.max())]
    lengths = _chain_lengths(examples)
    if lengths:
        found["longest_chain"] = max(lengths)
    old = dict((start or {}).get("limits") or {})
    for key, value in old.items():
        if key in ("temperature_K", "timescale_ns") and isinstance(value, list) and len(value) == 2:
            mine = found.get(key, value)
            found[key] = [min(value[0], mine[0]), max(value[1], mine[1])]
        elif key == "longest_chain" and isinstance(value, int):
            found[key] = max(value, found.get(key, 0))
        else:
            found.setdefault(key, value)
    return found


def _chain_lengths(examples: Sequence[Example]) -> list[int]:
    corpora = {path: Corpus.open(path) for path in {example.source.corpus for example in examples}}
    return [
        len(sequence)
        for example in examples
        for sequence in corpora[example.source.corpus].summary(example.source.entry).sequences
    ]


def card_markdown(card: Mapping[str, Any]) -> str:
    """The card for people."""
    lines = [f"# {card['name']}, {card['version']}", "", card["description"] or "A model of unfreeze.", ""]
    networks = card["networks"]
    lines.append(
        f"{networks['members']} network{'s' if networks['members'] != 1 else ''} of {networks['parameters_each']:,} "
        f"parameters, made with {card['made_with']}."
    )
    if card["started_from"]:
        lines.append(f"Started from {card['started_from']['name']}, {card['started_from']['version']}.")
    for words, part in (("Learned from", "train"), ("Held out", "held_out")):
        data = card["data"][part]
        sets = ", ".join(f"{name} {number:,}" for name, number in data["sets"].items())
        lines += [
            "",
            f"## {words}",
            "",
            f"{data['entries']:,} entries, {data['blocks']:,} residues: {sets or 'nothing'}.",
        ]
        if data["licences"]:
            lines.append(f"Licences: {', '.join(data['licences'])}.")
        lines += [f"- {citation}" for citation in data["citations"]]
    if card["scores"]:
        before = None if card["scores_before"] is None else ScoreTable(card["scores_before"])
        lines += ["", "## On what was held out", "", table_markdown(ScoreTable(card["scores"]), before)]
        lines.append(
            "Means over targets. *harmonic* is the untrained elastic network, *one amplitude* the same with the one "
            "factor that is best for these very targets."
        )
    lines += ["", "## Training", ""]
    lines += [
        f"- member {k + 1}: {one['total']:,} steps, kept that of step {one['best_step']:,}; {one['verdict']}"
        for k, one in enumerate(card["training"])
    ]
    lines += ["", "## Limits", ""]
    limits = card["limits"]
    lines += [f"- {name}: {limits[name]}" for name in sorted(limits)] or ["- none are known"]
    return "\n".join(lines) + "\n"
