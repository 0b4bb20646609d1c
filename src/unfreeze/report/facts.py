"""The tables of a report that are words and single numbers: validity, input, conditions, provenance.

Everything comes from the record of the ensemble (``ensemble.json``). A key that is absent leaves its row out, and
text is handed on as it is: the template escapes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["condition_rows", "conditions_text", "input_rows", "provenance_rows", "validity_rows"]


def _share(value: Any) -> str:
    if not isinstance(value, (int, float)):
        return "–"
    if value >= 1.0:
        return "100 %"
    # never rounds up to a hundred
    return f"{min(100.0 * value, 99.999):.3f} %" if value > 0.99 else f"{100.0 * value:.1f} %"


def _count(value: Any) -> str:
    return f"{value:,.0f}" if isinstance(value, (int, float)) else "–"


_CHECKS: tuple[tuple[str, str, str, Callable[[Any], str]], ...] = (
    ("frames_valid_share", "Frames that pass every check", "no fault that the input does not have", _share),
    ("peptide_bonds_valid_share", "Peptide bonds of the right length", "C–N 1.329 ± 0.10 Å", _share),
    (
        "consecutive_ca_valid_share",
        "Consecutive Cα at the right distance",
        "3.80 (trans) or 2.95 (cis) ± 0.20 Å",
        _share,
    ),
    ("bond_lengths_valid_share", "Bond lengths within 5 σ of ideal", "all covalent bonds with an ideal value", _share),
    ("n_inverted_centres", "Inverted chiral centres", "D instead of L, over all frames", _count),
    ("n_new_cis_peptides", "New cis peptide bonds", "trans in the input, not before proline", _count),
    ("n_new_clashes", "New clashes", "heavy atoms closer than 2.2 Å that are not so in the input", _count),
    ("n_nonplanar_groups", "Bent planar groups", "rings, carboxyl, amide and guanidinium groups, bases", _count),
)


_REPAIRS = (
    ("n_frames_eased", "Frames eased", "the draw was smoothed within two contacts of a fault"),
    ("n_frames_damped", "Frames damped", "drawn with smaller displacements after several failures"),
    ("n_frames_still", "Frames that are the input", "no draw passed the checks"),
)


def validity_rows(record: Mapping[str, Any]) -> list[dict[str, str]]:
    """Rows of the validity table: label, note, ensemble, input."""
    checks = _mapping(record.get("checks"))
    own = _mapping(checks.get("input"))
    rows = [
        {"label": label, "note": note, "ensemble": show(checks.get(key)), "input": show(own.get(key))}
        for key, label, note, show in _CHECKS
        if checks.get(key) is not None or own.get(key) is not None
    ]
    drawn, replaced = checks.get("n_frames_drawn"), checks.get("n_frames_replaced")
    if drawn is not None:
        note = f"{_count(replaced)} replaced by another draw" if replaced is not None else ""
        rows.append({"label": "Frames drawn", "note": note, "ensemble": _count(drawn), "input": "–"})
    for key, label, note in _REPAIRS:
        if checks.get(key):
            rows.append({"label": label, "note": note, "ensemble": _count(checks[key]), "input": "–"})
    share = checks.get("side_chains_drawn_share")
    if share is not None:
        note = "torsions drawn anew; the others keep the input's, since nothing drawn fitted"
        rows.append({"label": "Side chains drawn", "note": note, "ensemble": _share(share), "input": "–"})
    return rows


def conditions_text(record: Mapping[str, Any]) -> tuple[str, str]:
    """Temperature and observation time for people: ``300 K`` and ``100 ns``; empty when the record is silent."""
    conditions = _mapping(record.get("conditions"))
    temperature, nanoseconds = conditions.get("temperature_K"), conditions.get("timescale_ns")
    time = ""
    if isinstance(nanoseconds, (int, float)):
        time = f"{nanoseconds / 1000.0:g} µs" if nanoseconds >= 1000.0 else f"{nanoseconds:g} ns"
    return (f"{temperature:g} K" if isinstance(temperature, (int, float)) else "", time)


def condition_rows(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Conditions, model and seed as label and value."""
    conditions = dict(_mapping(record.get("conditions")))
    temperature, time = conditions_text(record)
    conditions.pop("temperature_K", None)
    conditions.pop("timescale_ns", None)
    model = _mapping(record.get("model"))
    rows = [("Temperature", temperature), ("Observation time", time)]
    rows += [(_label(key), _text(value)) for key, value in conditions.items()]
    rows.append(("Model", " ".join(filter(None, (_text(model.get("name")), _text(model.get("version")))))))
    weights = _mapping(model.get("weights"))
    rows += [("Weights", _text(weights.get("name"))), ("Weights SHA-256", _text(weights.get("sha256")))]
    error = _mapping(model.get("matching")).get("rms_log_error")
    if isinstance(error, (int, float)):
        rows.append(("Springs reach the prediction within", f"{100.0 * error:.1f} %"))
    rows += [(_label(key), _text(value)) for key, value in _mapping(model.get("parameters")).items()]
    rows.append(("Seed", _text(record.get("seed"))))
    return [(label, value) for label, value in rows if value]


def input_rows(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The input and what reading it found, as label and value."""
    names = {"sha256": "SHA-256", "name": "File", "n_atoms": "Atoms", "n_residues": "Residues"}
    return [
        (names.get(key, _label(key)), text)
        for key, value in _mapping(record.get("input")).items()
        if (text := _text(value)) and not (key.startswith("n_") and value == 0)
    ]


def provenance_rows(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Who made it, with what and when, as label and value."""
    rows = [
        ("Created", _text(record.get("created"))),
        ("Command", _text(record.get("command"))),
        ("unfreeze", _text(record.get("unfreeze_version"))),
        *((str(key), _text(value)) for key, value in _mapping(record.get("versions")).items()),
        *((f"{_label(key)} file", _text(_mapping(value).get("name"))) for key, value in _files(record)),
        *((f"{_label(key)} SHA-256", _text(_mapping(value).get("sha256"))) for key, value in _files(record)),
    ]
    return [(label, value) for label, value in rows if value]


def _files(record: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return list(_mapping(record.get("files")).items())


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _label(key: str) -> str:
    for ending, unit in (("_K", " (K)"), ("_ns", " (ns)"), ("_nm", " (nm)"), ("_kT", " (kT)")):
        if key.endswith(ending):
            key = key.removesuffix(ending) + unit
    words = key.removeprefix("n_").replace("_", " ")
    return words[:1].upper() + words[1:]


def _text(value: Any) -> str:
    if value is None or value == "" or value == [] or value == {}:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{_label(str(key))}: {_text(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        shown = [_text(item) for item in value[:40]]
        return ", ".join(shown) + (f" … and {len(value) - 40} more" if len(value) > 40 else "")
    return str(value)
