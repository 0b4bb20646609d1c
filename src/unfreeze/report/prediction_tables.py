"""Sentences, tiles, rows and bars of the page of a prediction."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from unfreeze.report.evaluation_charts import Domain
from unfreeze.report.svg import percent, tag

__all__ = ["MOST_ROWS", "class_bars", "effect_table", "known_table", "lead", "molar", "reasons_of", "tiles"]

MOST_ROWS = 200
_MOST_BARS = 24
_SIGN = {"affinity": ("weaken", "strengthen"), "stability": ("destabilise", "stabilise")}
_NEUTRAL = ("little effect", "probably little effect", "unclear")


def molar(constant: float) -> str:
    """A dissociation constant for people: ``12 nM``."""
    for unit, size in (("M", 1.0), ("mM", 1e-3), ("µM", 1e-6), ("nM", 1e-9), ("pM", 1e-12)):
        if constant >= size:
            return f"{_two_digits(constant / size)} {unit}" if constant < 1e3 else "more than 1000 M"
    return f"{_two_digits(constant / 1e-15)} fM"


def _two_digits(value: float) -> str:
    """``580`` for 575: errors of binding are factors, and more digits would be pretence."""
    return f"{float(f'{value:.1e}'):g}"


def lead(record: Mapping[str, Any]) -> list[str]:
    """What came out, in a few sentences."""
    task, said = record["task"], []
    binding = record.get("affinity")
    if binding is not None:
        said.append(_binding_sentence(binding))
    if task == "stability":
        source = "the structure" if record["stability"]["source"] == "structure" else "the sequence alone"
        said.append(f"Predicted from {source}.")
    if record.get("known"):
        said.append(_known_sentence(record["known"], bool(record.get("effects"))))
    if record.get("effects"):
        said.append(_effects_sentence(record["effects"], task))
    proteins = record.get("proteins")
    if proteins is not None:
        chosen = sum(bool(protein["chosen"]) for protein in proteins)
        count = f"{len(proteins):,} protein{'' if len(proteins) == 1 else 's'}"
        said.append(f"{count}; {chosen:,} with a predicted {task}.")
    return said


def _binding_sentence(binding: Mapping[str, Any]) -> str:
    names = " and ".join(binding["partners"])
    value = binding["delta_g_kJ_mol"]
    if value is None:
        return f"The free energy of binding of {names} was not predicted."
    number = _with_error(value, binding["error_kJ_mol"])
    constant = molar(binding["dissociation_constant_M"])
    return (
        f"{names} bind with ΔG = {number} kJ/mol at {binding['temperature_K']:g} K, "
        f"which is a dissociation constant of {constant}."
    )


def _known_sentence(known: Mapping[str, Any], moved: bool) -> str:
    n = known["n_values"]
    said = f"{n:,} measured value{' was' if n == 1 else 's were'} given"
    if not moved:
        return f"{said}."
    mean, largest = _number(known["mean_move_kJ_mol"]), _number(known["largest_move_kJ_mol"])
    return f"{said}, which moved the predictions by {mean} kJ/mol on average and by {largest} at most."


def known_table(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """What was measured beside what is said without it; None where nothing was given."""
    known = record.get("known")
    if not known:
        return None
    names = {"ddg": "ΔΔG", "dg": "ΔG", "dtm": "ΔTm", "tm": "Tm"}
    rows = [
        {
            "name": one["mutations"],
            "kind": f"{names[one['kind']]}, {one['unit']}",
            "measured": _with_error(one["measured"], one["error"]),
            "others": _number(one["from_the_others"]),
            "alone": _number(one["model_alone"]),
            "off": _number(one["measured"] - one["from_the_others"], signed=True),
        }
        for one in known["values"][:MOST_ROWS]
    ]
    tested = [
        f"Each left out in turn, the {names[kind]} of {one['n']:,} mutants is off by "
        f"{_number(one['rms_from_the_others'])} {'K' if kind in ('dtm', 'tm') else 'kJ/mol'} (root mean square); by "
        f"the model alone, {_number(one['rms_model_alone'])}."
        for kind, one in known["left_out_in_turn"].items()
    ]
    return {"rows": rows, "n": known["n_values"], "tested": tested, "source": str(known["source"] or "")}


def _effects_sentence(effects: Sequence[Mapping[str, Any]], task: str) -> str:
    worse, better = _SIGN[task]
    last = [effect["words"].split(" ")[-1] for effect in effects]
    strong = sum(effect["words"].startswith("strongly") for effect in effects)
    unclear = sum(effect["words"] in _NEUTRAL for effect in effects)
    what = "it" if task == "affinity" else "the fold"
    certainty = f" ({strong:,} of them strongly)" if strong else ""
    if len(effects) == 1:
        return ""
    return (
        f"Of {len(effects):,} mutations, {last.count(f'{worse}s'):,} certainly or probably {worse} {what} and "
        f"{last.count(f'{better}s'):,} {better} {what}{certainty}; of {unclear:,} the effect is "
        f"small or its direction unclear."
    )


def tiles(record: Mapping[str, Any]) -> list[dict[str, str]]:
    """Large numbers for the top of the page."""
    made = []
    binding = record.get("affinity") or {}
    if binding.get("delta_g_kJ_mol") is not None:
        error, ends = binding["error_kJ_mol"], binding.get("dissociation_constant_95_M")
        spread = f"± {error:.1f} (one standard deviation)" if error is not None else ""
        made.append(_tile("ΔG of binding", f"{_number(binding['delta_g_kJ_mol'])} kJ/mol", spread))
        span = f"95 %: {molar(ends[0])} to {molar(ends[1])}" if ends else ""
        made.append(_tile("Dissociation constant", molar(binding["dissociation_constant_M"]), span))
    interface = record.get("interface")
    if interface:
        counts = [len(interface[side]) for side in ("first", "second")]
        names = " and ".join(f"{n} of {name}" for n, name in zip(counts, binding["partners"], strict=True))
        made.append(_tile("Interface", f"{sum(counts)} residues", names))
    effects = record.get("effects") or []
    worse = 1 if record["task"] == "affinity" else -1
    order = sorted(effects, key=lambda effect: -worse * effect["delta_delta_g_kJ_mol"])
    titles = ("Weakens most", "Strengthens most") if worse > 0 else ("Destabilises most", "Stabilises most")
    if order and worse * order[-1]["delta_delta_g_kJ_mol"] >= 0:
        titles = (titles[0], titles[0].replace("most", "least"))
    elif order and worse * order[0]["delta_delta_g_kJ_mol"] <= 0:
        titles = (titles[1].replace("most", "least"), titles[1])
    if len(order) == 1:
        titles, order = (str(order[0]["words"]).capitalize(), ""), [order[0]]
    for title, effect in zip(titles, [order[0], order[-1]][: len(order)] if order else [], strict=False):
        value = _with_error(effect["delta_delta_g_kJ_mol"], effect["error_kJ_mol"], signed=True)
        clear = len(order) == 1 or effect["words"] not in _NEUTRAL
        name, note = str(effect["mutations"]), f"ΔΔG {value} kJ/mol"
        made.append(_tile(title, name, note) if clear else _tile(title, "None clearly", f"{name}: {note}"))
    return made


def _tile(label: str, value: str, note: str) -> dict[str, str]:
    return {"label": label, "value": value, "note": note}


def effect_table(record: Mapping[str, Any]) -> dict[str, Any]:
    """Rows of mutations, the worst first; of many, the strongest."""
    effects = list(record.get("effects") or [])
    worse = 1 if record["task"] == "affinity" else -1
    strongest = sorted(effects, key=lambda effect: -abs(effect["delta_delta_g_kJ_mol"]))[:MOST_ROWS]
    shown = sorted(strongest, key=lambda effect: -worse * effect["delta_delta_g_kJ_mol"])
    ends = [end for effect in shown for end in (effect["low_95_kJ_mol"], effect["high_95_kJ_mol"])]
    domain = Domain.of([*ends, 0.0])
    rows = []
    for effect in shown:
        value, error = effect["delta_delta_g_kJ_mol"], effect["error_kJ_mol"]
        tm = effect.get("delta_tm_K")
        words = effect["words"]
        tone = "none" if words in _NEUTRAL else ("worse" if worse * value > 0 else "better")
        rows.append(
            {
                "name": effect["mutations"],
                "value": value,
                "text": _with_error(value, error, signed=True),
                "interval": f"{_number(effect['low_95_kJ_mol'])} to {_number(effect['high_95_kJ_mol'])}",
                "tm": None if tm is None else _with_error(tm, effect.get("error_tm_K"), signed=True),
                "tm_value": tm,
                "words": words,
                "tone": tone,
                "outside": effect["outside"],
                "known": _beside(effect),
                "picture": _interval(domain, effect, tone) if domain else "",
            }
        )
    return {"rows": rows, "n": len(effects), "with_tm": any(row["tm"] is not None for row in rows)}


def _beside(effect: Mapping[str, Any]) -> str:
    """What the model alone says, and what was measured, where values were given."""
    alone = effect.get("model_alone_kJ_mol")
    if alone is None:
        return ""
    measured = effect.get("measured_kJ_mol")
    said = "" if measured is None else f"measured {_number(measured, signed=True)}; "
    constant = effect.get("dissociation_constant_M")
    kd = "" if constant is None else f"; Kd {molar(constant)}"
    return f"{said}model alone {_number(alone, signed=True)}{kd}"


def class_bars(protein: Mapping[str, Any], title: str) -> Markup:
    """Probabilities as bars, the most probable first; an upright is the threshold, a full bar is chosen."""
    shown = list(protein["probabilities"].items())[:_MOST_BARS]
    parts, told = [], []
    for k, (name, value) in enumerate(shown):
        y = 36 * k
        chosen = name in protein["chosen"]
        threshold = protein["threshold"].get(name)
        limit = f", threshold {threshold:.2f}" if threshold is not None else ""
        parts.append(tag("text", {"x": 0, "y": y + 12, "class": "chosen" if chosen else None}, str(name)))
        parts.append(tag("text", {"x": "100%", "y": y + 12, "text-anchor": "end"}, f"{value:.2f}{limit}"))
        parts.append(tag("rect", {"class": "track", "x": 0, "y": y + 17, "width": "100%", "height": 9, "rx": 3}))
        kind = "amount chosen" if chosen else "amount"
        parts.append(tag("rect", {"class": kind, "x": 0, "y": y + 17, "width": percent(value), "height": 9, "rx": 3}))
        if threshold is not None:
            x = percent(min(threshold, 1.0))
            parts.append(tag("line", {"class": "threshold", "x1": x, "x2": x, "y1": y + 14, "y2": y + 29}))
        told.append(f"{name} {value:.2f}{limit}{', chosen' if chosen else ''}")
    head = [tag("title", None, title), tag("desc", None, "; ".join(told))]
    return tag("svg", {"class": "chart bars", "role": "img", "width": "100%", "height": 36 * len(shown)}, *head, *parts)


def _interval(domain: Domain, effect: Mapping[str, Any], tone: str) -> Markup:
    x1, x2, x, zero = (
        percent(domain.share(value))
        for value in (effect["low_95_kJ_mol"], effect["high_95_kJ_mol"], effect["delta_delta_g_kJ_mol"], 0.0)
    )
    return tag(
        "svg",
        {"class": "interval", "width": "100%", "height": 16, "aria-hidden": "true"},
        tag("line", {"class": "zero", "x1": zero, "x2": zero, "y1": 0, "y2": 16}),
        tag("line", {"class": f"bar {tone}", "x1": x1, "x2": x2, "y1": 8, "y2": 8}),
        tag("circle", {"class": f"value {tone}", "cx": x, "cy": 8, "r": 3.6}),
    )


def _with_error(value: float, error: float | None, *, signed: bool = False) -> str:
    return _number(value, signed=signed) + (f" ± {error:.1f}" if error is not None else "")


def _number(value: float, *, signed: bool = False) -> str:
    """With a true minus sign."""
    if not math.isfinite(value):
        return "–"
    text = f"{value:+.1f}" if signed else f"{value:.1f}"
    return text.replace("-", "\N{MINUS SIGN}")


def reasons_of(effects: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The effects that have reasons, the strongest first."""
    found = [effect for effect in effects if effect.get("reasons")]
    return sorted(found, key=lambda effect: -abs(effect["delta_delta_g_kJ_mol"]))
