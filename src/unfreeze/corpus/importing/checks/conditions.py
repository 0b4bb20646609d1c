"""Conditions of a part: what must be known before frames of molecular dynamics are taken, and whence it may come."""

from __future__ import annotations

from unfreeze.corpus.conditions import force_field_name, solvent_name
from unfreeze.corpus.schema import Conditions
from unfreeze.errors import InputError

__all__ = ["settled_conditions"]

_NEEDED = {
    "force_field": ("force field", "--force-field NAME"),
    "temperature_K": ("temperature", "--temperature KELVIN"),
}
_FILLABLE = ("force_field", "solvent", "temperature_K", "pressure_bar", "ionic_strength_M", "pH")


def settled_conditions(known: Conditions, given: Conditions | None, name: str) -> tuple[Conditions, tuple[str, ...]]:
    """Conditions under their usual names, gaps filled with what the user gave, and remarks.

    Parameters
    ----------
    known
        What the source says.
    given
        What the user says; where the source says something else it is refused, not overruled.
    name
        What messages call the part.

    Raises
    ------
    InputError
        If molecular dynamics has no force field or no temperature, or the user and the source disagree.
    """
    notes: list[str] = []
    if known.kind != "md":
        return known, ()
    known = _named(known)
    if given is not None:
        given = _named(given)
        changes = {}
        for field in _FILLABLE:
            mine, theirs = getattr(given, field), getattr(known, field)
            if mine is None or mine == theirs:
                continue
            if theirs is not None:
                word = field.partition("_")[0] if field.endswith(("_K", "_M", "_bar")) else field.replace("_", " ")
                raise InputError(
                    f"{name}: the source says {word} {theirs} and you say {mine}. Leave yours out to take the "
                    "source's, or put the source right; the two are never pooled."
                )
            changes[field] = mine
        if changes:
            known = known.model_copy(update=changes)
            notes.append(
                "Given at import: " + ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in changes.items())
            )
    missing = [words for field, words in _NEEDED.items() if getattr(known, field) is None]
    if missing:
        raise InputError(
            f"{name}: {' and '.join(word for word, _ in missing)} not known; trajectories of unknown conditions are "
            f"never pooled with others. Give {' and '.join(option for _, option in missing)}, or write "
            f"{'them' if len(missing) > 1 else 'it'} into metadata.yaml beside the data."
        )
    return known, tuple(notes)


def _named(conditions: Conditions) -> Conditions:
    changes = {}
    if conditions.force_field is not None:
        changes["force_field"] = force_field_name(conditions.force_field)
    if conditions.solvent is not None:
        changes["solvent"] = solvent_name(conditions.solvent)
    return conditions.model_copy(update=changes)
