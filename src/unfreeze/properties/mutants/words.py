"""Plain sentences about a mutation, the most important first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unfreeze.properties.effects import Contact
from unfreeze.structure.chemistry.residues import AMINO_ACIDS

__all__ = ["Circumstances", "words_of"]

_WORTH = {"disulfide": 10.0, "salt bridge": 6.0, "hydrogen bond": 4.0, "aromatic": 3.0, "hydrophobic": 1.0}
_PLURAL = {
    "disulfide": ("the disulfide bond", "disulfide bonds"),
    "salt bridge": ("the salt bridge", "salt bridges"),
    "hydrogen bond": ("the hydrogen bond", "hydrogen bonds"),
    "aromatic": ("the stacked rings", "stacked rings"),
    "hydrophobic": ("the hydrophobic contact", "hydrophobic contacts"),
}
_NAMED = 3
_AREA_NM2, _RMSF, _BURIED = 0.05, 0.03, 0.85
_CHARGED = ("ARG", "ASP", "GLU", "LYS")


@dataclass(frozen=True)
class Circumstances:
    """Where a mutated residue is.

    Attributes
    ----------
    label
        Such as ``A:LYS15``.
    old, new
        Three-letter codes.
    buried_share, new_buried_share
        Share of the residue's surface that others cover, in the wild type and in the mutant.
    phi
        Backbone torsion, rad; NaN where there is none.
    lost_backbone_bond
        Whether proline takes away a hydrogen bond of the backbone.
    """

    label: str
    old: str
    new: str
    buried_share: float
    new_buried_share: float
    phi: float
    lost_backbone_bond: bool


def words_of(
    lost: Sequence[Contact],
    gained: Sequence[Contact],
    area_nm2: float,
    rmsf_change: float,
    residues: Sequence[Circumstances],
    made_room: Sequence[str],
    of_binding: bool,
) -> tuple[str, ...]:
    """Sentences; what each is worth decides their order.

    Parameters
    ----------
    lost, gained
        Contacts.
    area_nm2
        Change of the buried area.
    rmsf_change
        Relative change of the RMSF.
    residues
        The mutated residues.
    made_room
        Labels of side chains that were packed anew.
    of_binding
        Whether an interface was asked about.
    """
    said: list[tuple[float, str]] = []
    for verb, contacts in (("loses", lost), ("gains", gained)):
        for kind, worth in _WORTH.items():
            for across in (True, False):
                labels = [one.residue for one in contacts if one.kind == kind and one.across == across]
                if labels:
                    # within a partner a contact matters less to binding
                    share = 0.4 if of_binding and not across else 1.0
                    said.append((worth * share * min(len(labels), 3), f"{verb} {_contacts(kind, labels, across)}"))
    clashes = [one.residue for one in gained if one.kind == "clash"]
    if clashes:
        said.append((8.0, f"is too close to {_listed(clashes)}, which cannot make enough room"))
    if abs(area_nm2) >= _AREA_NM2:
        where = " at the interface" if of_binding else ""
        said.append(
            (
                6.0 * abs(area_nm2),
                f"buries {area_nm2:.2f} nm² more{where}"
                if area_nm2 > 0.0
                else f"leaves {-area_nm2:.2f} nm² less buried{where}",
            )
        )
    if abs(rmsf_change) >= _RMSF:
        manner = "softer" if rmsf_change > 0.0 else "stiffer"
        said.append((12.0 * abs(rmsf_change), f"its surroundings become {manner}: RMSF {100 * rmsf_change:+.0f} %"))
    for one in residues:
        said += _special(one, len(residues) > 1)
    if made_room:
        said.append((2.0, f"{_listed(made_room)} {'turns' if len(made_room) == 1 else 'turn'} aside to make room"))
    if not said:
        return ("hardly anything changes: no contact, no buried surface, no stiffness",)
    order = sorted(range(len(said)), key=lambda k: (-said[k][0], k))
    return tuple(said[k][1].replace("RMSF -", "RMSF −") for k in order)


def _contacts(kind: str, labels: Sequence[str], across: bool) -> str:
    one, several = _PLURAL[kind]
    where = " across the interface" if across else ""
    with_whom = "with" if kind in ("aromatic", "hydrophobic") else "to"
    return f"{one if len(labels) == 1 else several} {with_whom} {_listed(labels)}{where}"


def _listed(labels: Sequence[str]) -> str:
    named = list(dict.fromkeys(labels))
    if len(named) > _NAMED + 1:
        return f"{', '.join(named[:_NAMED])} and {len(named) - _NAMED} others"
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def _special(one: Circumstances, several: bool) -> list[tuple[float, str]]:
    """What is known of single amino acids."""
    who = f"{one.label}: " if several else ""
    said: list[tuple[float, str]] = []
    buried = one.buried_share > _BURIED
    smaller = len(AMINO_ACIDS[one.old].atoms) - len(AMINO_ACIDS[one.new].atoms) if one.old in AMINO_ACIDS else 0
    if buried and smaller >= 2:
        said.append((1.5 * smaller, f"{who}leaves a hole of {smaller} heavy atoms inside"))
    if one.new_buried_share > _BURIED and one.new in _CHARGED and one.old not in _CHARGED:
        said.append((7.0, f"{who}puts a charge where hardly any water reaches"))
    if one.new == "PRO":
        text = "proline stiffens the backbone"
        if one.lost_backbone_bond:
            text += " and takes away a hydrogen bond of its own backbone"
        said.append((7.0 if one.lost_backbone_bond else 3.0, who + text))
    if one.new == "GLY":
        said.append((2.0, f"{who}glycine lets the unfolded chain and this backbone turn more freely"))
    if one.old == "GLY" and np.isfinite(one.phi) and one.phi > 0.0:
        degrees = np.degrees(one.phi)
        said.append((6.0, f"{who}only glycine is at ease with the turn of the backbone here (φ = {degrees:.0f}°)"))
    return said
