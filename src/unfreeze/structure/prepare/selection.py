"""Which ions and ligands go into the simulation, by the user's choice.

What has no force field is refused by name, all of it in one message. Coordinates are not touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

import numpy as np

from unfreeze.errors import InputError
from unfreeze.structure.prepare.changes import Changes
from unfreeze.structure.prepare.draft import CAPS, Draft, Residue
from unfreeze.structure.prepare.settings import PreparationSettings

__all__ = ["ADDITIVES", "KEPT_IONS", "select_residues"]

ADDITIVES = frozenset(
    "GOL EDO PEG PGE PG4 1PE P6G 2PE PE4 PE8 12P 15P PEU MPD MRD SO4 PO4 PI ACT ACY FMT CIT FLC TRS MES EPE BTB B3P "
    "BME DTT DTV DMS IPA EOH MOH BU3 BUD PGO PDO NO3 NH4 SCN AZI TLA TAR MLI MLA MLT IMD BCT CO3 CAC CCN ACN UNX UNL "
    "IOH POL 1BO TBU BOG BNG LDA NHE CPS HED DIO OXL".split()
)
"""Remains of purification and crystallisation: buffers, precipitants, cryoprotectants, detergents."""

KEPT_IONS = frozenset("LI NA K RB CS MG CA SR BA ZN CD MN CO NI CU CL BR F I".split())
"""Elements of single atoms for which force fields have one template and no other."""

_COORDINATION_NM = 0.28


def select_residues(draft: Draft, settings: PreparationSettings, templates: Collection[str], changes: Changes) -> None:
    """Drop what is not wanted and refuse what cannot be kept.

    Parameters
    ----------
    draft
        Changed in place.
    settings
        The choices.
    templates
        Names of residues that the user's force-field files know.
    changes
        Told what is dropped.

    Raises
    ------
    InputError
        If there is a ligand without a force field that was not chosen to be dropped, or nothing is left.
    """
    _free_amino_acids(draft)
    refused: list[Residue] = []
    gone: dict[str, list[Residue]] = defaultdict(list)
    gone["cap"] = _loose_caps(draft)
    polymer = [residue for residue in draft.residues if residue.polymer]
    if not any(residue.kind in ("protein", "nucleic") for residue in polymer):
        raise InputError(f"{draft.source.name or 'structure'}: there is no protein or nucleic acid to prepare")
    for residue in draft.residues:
        if residue.polymer or residue.water:
            continue
        if residue.kind == "ion":
            symbol = next(iter(residue.atoms.values())).element
            if settings.ions == "drop":
                gone["ion"].append(residue)
                _warn_of_metal(draft, residue, polymer, changes)
            elif symbol not in KEPT_IONS:
                refused.append(residue)
        elif residue.name in templates:
            changes.add("ligand", residue.label, f"{residue.label} is kept, with the force field given for it.")
        elif residue.name in ADDITIVES:
            gone["additive"].append(residue)
        elif settings.ligands == "drop":
            gone["ligand"].append(residue)
        else:
            refused.append(residue)
    if refused:
        raise InputError(_refusal(draft, refused, templates))
    words = {
        "cap": "a cap of no chain",
        "ion": "ions are not kept",
        "additive": "of the crystallisation",
        "ligand": "ligands are dropped by choice",
    }
    bound = {id(a): b for one, _, two, _ in draft.bonds for a, b in ((one, two), (two, one))}
    for kind, residues in gone.items():
        for residue in residues:
            partner = bound.get(id(residue))
            words_on = f"; it was bound to {partner.label}" if partner is not None and partner.polymer else ""
            changes.add("dropped", residue.label, f"{residue.label} was dropped ({words[kind]}{words_on}).")
    draft.drop([residue for residues in gone.values() for residue in residues])


def _free_amino_acids(draft: Draft) -> None:
    """An amino acid with OXT that is bound to no other is a ligand, whatever record it is in."""
    for at, residue in enumerate(draft.residues):
        following = draft.residues[at + 1] if at + 1 < len(draft.residues) else None
        alone = not residue.joined and (following is None or not following.joined)
        if alone and residue.kind == "protein" and "OXT" in residue.atoms:
            residue.kind = "ligand"


def _loose_caps(draft: Draft) -> list[Residue]:
    """Caps that no chain is bound to."""
    loose = []
    for at, residue in enumerate(draft.residues):
        following = draft.residues[at + 1] if at + 1 < len(draft.residues) else None
        is_bound = following is not None and following.joined if residue.name == "ACE" else residue.joined
        if residue.name in CAPS and not is_bound:
            loose.append(residue)
    return loose


def _refusal(draft: Draft, refused: list[Residue], templates: Collection[str]) -> str:
    by_name: dict[str, list[Residue]] = defaultdict(list)
    for residue in refused:
        by_name[residue.name].append(residue)
    texts = [
        f"{residues[0].label}{f' and {len(residues) - 1} more {name}' if len(residues) > 1 else ''}"
        for name, residues in by_name.items()
    ]
    ligands = [name for name, residues in by_name.items() if residues[0].kind != "ion"]
    if not ligands:
        advice = "--ions drop leaves ions out."
    elif templates:
        advice = (
            f"The force-field files that were given know {', '.join(sorted(templates)[:4])}. A ligand is found by its "
            f'name: write <Residue name="{ligands[0]}"> in the XML. --ligands drop leaves them out.'
        )
    else:
        advice = (
            "OpenFF and GAFF parameters, written as an OpenMM force-field XML with openmmforcefields (conda-forge; "
            "docs/simulate.md says how), are taken by --force-field-file FILE.xml; --ligands drop leaves them out."
        )
    name = draft.source.name or "structure"
    return f"{name}: no force field for {'; '.join(texts)}. {advice}"


def _warn_of_metal(draft: Draft, ion: Residue, polymer: list[Residue], changes: Changes) -> None:
    atom = next(iter(ion.atoms.values()))
    if atom.element in ("NA", "K", "CL", "BR", "I", "F", "LI", "CS", "RB"):
        return
    bound = [
        residue.label
        for residue in polymer
        if any(
            other.element in ("N", "O", "S") and np.linalg.norm(other.position - atom.position) < _COORDINATION_NM
            for other in residue.atoms.values()
        )
    ]
    if len(bound) >= 2:
        changes.warn(f"{ion.label} is bound by {', '.join(bound)} and was dropped; keep it with --ions keep.")
