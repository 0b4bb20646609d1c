"""One name for each force field and solvent, however sets spell them, so that equals are found and others kept apart.

What is not in the tables keeps the name that the source gives: an unknown force field is one of its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unfreeze.corpus.schema import Conditions

__all__ = [
    "FORCE_FIELDS",
    "SOLVENTS",
    "conditions_words",
    "force_field_name",
    "is_known_force_field",
    "solvent_name",
]

FORCE_FIELDS: dict[str, tuple[str, ...]] = {
    "amber94": ("ff94", "parm94"),
    "amber96": ("ff96", "parm96"),
    "amber99": ("ff99", "parm99"),
    "amber99sb": ("ff99sb", "parm99sb"),
    "amber99sb-ildn": ("ff99sb-ildn", "ff99sbildn", "amber99sbildn", "a99sb-ildn", "99sb-ildn"),
    "amber99sb-star-ildn": ("ff99sb*-ildn", "amber99sb*-ildn", "a99sb*-ildn", "ff99sb-star-ildn"),
    "a99sb-disp": ("amber99sb-disp", "a99sbdisp", "ff99sb-disp", "amber99sbdisp"),
    "amber03": ("ff03", "parm03"),
    "amber03ws": ("ff03ws",),
    "amber14": ("ff14sb", "amber14sb", "amber14-all", "amber14-all.xml", "amber14/protein.ff14sb", "amberff14sb",
                "protein.ff14sb", "amber ff14sb", "amber14/protein.ff14sb.xml", "ff14"),
    "amber15ipq": ("ff15ipq",),
    "amber19": ("ff19sb", "amber19sb", "amberff19sb", "protein.ff19sb", "amber ff19sb", "amber14/protein.ff19sb.xml"),
    "charmm22": ("c22",),
    "charmm22-star": ("charmm22*", "c22*", "charmm22star"),
    "charmm27": ("charmm22/cmap", "charmm22-cmap", "c27"),
    "charmm36": ("c36",),
    "charmm36m": ("c36m", "charmm36-m", "charmm 36m"),
    "opls-aa": ("oplsaa", "opls", "opls-aa/l", "oplsaal"),
    "opls3": (),
    "opls4": (),
    "gromos54a7": ("g54a7", "54a7", "gromos 54a7"),
    "des-amber": ("desamber",),
}  # fmt: skip
"""Names here, and other spellings of each; case, spaces and underscores do not count."""

SOLVENTS: dict[str, tuple[str, ...]] = {
    "explicit:tip3p": ("tip3p", "amber14/tip3p"),
    "explicit:tip3p-charmm": ("ctip3p", "mtip3p", "charmmtip3p", "tip3pcharmm", "charmm-modified tip3p"),
    "explicit:tip3p-fb": ("tip3pfb", "amber14/tip3pfb"),
    "explicit:tip4p": ("tip4p",),
    "explicit:tip4p-ew": ("tip4pew", "amber14/tip4pew"),
    "explicit:tip4p-d": ("tip4pd", "tip4pdisp", "a99sbdispwater", "tip4pddisp"),
    "explicit:tip4p-2005": ("tip4p2005", "tip4p/2005", "tip4p2005s"),
    "explicit:tip5p": ("tip5p",),
    "explicit:opc": ("opc",),
    "explicit:opc3": ("opc3",),
    "explicit:spc": ("spc",),
    "explicit:spce": ("spce", "spc/e", "amber14/spce"),
    "implicit:hct": ("hct", "gbhct"),
    "implicit:obc1": ("obc1", "obc", "gbobc1", "amber99obc", "igb2"),
    "implicit:obc2": ("obc2", "gbobc2", "igb5"),
    "implicit:gbn": ("gbn", "igb7"),
    "implicit:gbn2": ("gbn2", "igb8", "gbneck2"),
    "vacuum": ("none", "gas", "gasphase", "invacuo"),
}
"""Names here, and other spellings of each."""

_KINDS = ("explicit", "implicit", "vacuum")
_UNKNOWN = ("", "unknown", "none", "n/a", "na", "null", "-", "?")


def _key(text: str) -> str:
    return re.sub(r"[\s_\-]+", "", text.strip().lower().removesuffix(".xml"))


_FORCE_FIELD_OF = {_key(alias): name for name, aliases in FORCE_FIELDS.items() for alias in (name, *aliases)}
_SOLVENT_OF = {_key(alias): name for name, aliases in SOLVENTS.items() for alias in (name, *aliases)}
_SOLVENT_OF["explicit"] = "explicit"


def force_field_name(text: str) -> str | None:
    """The usual name of a force field; the text itself where it is not known, None where it says nothing.

    Examples
    --------
    >>> force_field_name("ff99SB-ILDN"), force_field_name("CHARMM36m"), force_field_name("my own 3")
    ('amber99sb-ildn', 'charmm36m', 'my own 3')
    """
    if text.strip().lower() in _UNKNOWN:
        return None
    return _FORCE_FIELD_OF.get(_key(text), " ".join(text.split()))


def is_known_force_field(text: str) -> bool:
    """Whether a force field is in the table."""
    return _key(text) in _FORCE_FIELD_OF


def solvent_name(text: str) -> str | None:
    """The usual name of a solvent, ``kind:model``; the text itself where it is not known, None where it says nothing.

    Examples
    --------
    >>> solvent_name("TIP3P"), solvent_name("explicit: SPC/E"), solvent_name("OBC2"), solvent_name("octanol")
    ('explicit:tip3p', 'explicit:spce', 'implicit:obc2', 'octanol')
    """
    plain = " ".join(text.split())
    if plain.lower() in ("", "unknown", "n/a", "na", "null", "-", "?"):
        return None
    kind, _, model = plain.lower().partition(":")
    if kind.strip() in _KINDS and model.strip():
        known = _SOLVENT_OF.get(_key(model))
        same_kind = known is not None and known.partition(":")[0] == kind.strip()
        return known if same_kind else f"{kind.strip()}:{model.strip()}"
    return _SOLVENT_OF.get(_key(plain), plain)


def conditions_words(conditions: Conditions) -> str:
    """Conditions in a line: ``300 K, amber14, explicit:tip3p``; ``not known`` where nothing is."""
    parts = [] if conditions.kind == "md" else [conditions.kind]
    if conditions.temperature_K is not None:
        parts.append(f"{conditions.temperature_K:g} K")
    parts += [text for text in (conditions.force_field, conditions.solvent) if text]
    return ", ".join(parts) or "not known"
