"""Modified residues, caps and the names of other programs: every residue of a chain becomes one that force fields know.

What has no parent is refused by name. Ligands, ions and waters are dealt with in
:mod:`unfreeze.structure.prepare.selection`.
"""

from __future__ import annotations

from collections.abc import Container

import gemmi

from unfreeze.errors import InputError
from unfreeze.structure.chemistry.polymers import standard_kind
from unfreeze.structure.chemistry.residues import AMINO_ACIDS, MODIFIED_ATOM_NAMES
from unfreeze.structure.prepare.changes import Changes
from unfreeze.structure.prepare.draft import CAPS, Draft, Residue
from unfreeze.structure.prepare.ends import methyl_of_amide
from unfreeze.structure.prepare.settings import PreparationSettings
from unfreeze.structure.reading.missing import HEAVY_ATOMS

__all__ = ["replace_modified"]

_MANY_LOST = 3
_ANOTHER_GLYCOSIDE = ("PSU", "B8N", "3TD")  # the sugar is bound to a carbon of the base
_STATE_NAMES = {
    **dict.fromkeys(("HID", "HSD", "HISD", "HISA"), "HID"),
    **dict.fromkeys(("HIE", "HSE", "HISE", "HISB"), "HIE"),
    **dict.fromkeys(("HIP", "HSP", "HISH", "HISP"), "HIP"),
    **dict.fromkeys(("ASH", "ASPP", "ASPH"), "ASH"),
    **dict.fromkeys(("GLH", "GLUP", "GLUH"), "GLH"),
    **dict.fromkeys(("LYN", "LSN", "LYSN"), "LYN"),
    "CYM": "CYM",
}
# What simulation packages call atoms.
_SYNONYMS = {"ILE": {"CD": "CD1"}, "DT": {"C5M": "C7"}}
_END_SYNONYMS = {
    **dict.fromkeys(("OT1", "O1", "OC1", "O'"), "O"),
    **dict.fromkeys(("OT2", "O2", "OC2", "OT", "O''"), "OXT"),
}


def replace_modified(
    draft: Draft, settings: PreparationSettings, templates: Container[str], mutated: Container[int], changes: Changes
) -> dict[int, str]:
    """Replace modified residues by their parents.

    Parameters
    ----------
    draft
        Changed in place; side chains may lack atoms afterwards.
    settings, templates
        The choices, and residues that the user's force field knows.
    mutated
        Ids of residues that will be mutated anyway.
    changes
        Told what is replaced.

    Returns
    -------
    dict
        States that residue names stand for (``HIP``), by id of the residue.

    Raises
    ------
    InputError
        If a residue cannot be replaced, naming all such.
    """
    refused: dict[tuple[str, str], list[Residue]] = {}
    states: dict[int, str] = {}
    for at, residue in enumerate(draft.residues):
        if not residue.polymer or residue.name in templates or id(residue) in mutated:
            continue
        if residue.name in CAPS:
            _tidy_cap(residue, draft.residues[at - 1], changes)
        elif standard_kind(residue.name):
            _tidy_atoms(residue, changes)
        elif reason := _obstacle(residue, settings):
            refused.setdefault((residue.name, reason), []).append(residue)
        else:
            state = _replace(residue, changes)
            if state:
                states[id(residue)] = state
    if refused:
        texts = [
            f"{residues[0].label}{f' and {len(residues) - 1} more {name}' if len(residues) > 1 else ''} ({reason})"
            for (name, reason), residues in refused.items()
        ]
        raise InputError(
            f"{draft.source.name or 'structure'}: no force field for {'; '.join(texts)}. A force-field XML with a "
            "template of that name is taken by --force-field-file."
        )
    return states


def _is_renamed(residue: Residue) -> bool:
    """Whether only the name is another program's, and not the molecule another one."""
    known = set(HEAVY_ATOMS[residue.parent]) | {"OXT", "OP3"}
    own = {_synonym(residue.parent, residue, name) for name in residue.heavy()}
    tabulated = gemmi.find_tabulated_residue(residue.name).found() and residue.name not in _STATE_NAMES
    return own <= known and not tabulated


def _obstacle(residue: Residue, settings: PreparationSettings) -> str:
    """Why a residue cannot be replaced by its parent; empty if it can."""
    parent = residue.parent
    if gemmi.find_tabulated_residue(residue.name).kind == gemmi.ResidueKind.AAD:
        return f"a D-amino acid; mutate it, such as {residue.chain}:{_short(residue)}"
    if not standard_kind(parent) or residue.name in _ANOTHER_GLYCOSIDE:
        return "no standard residue is known to be its parent"
    if settings.nonstandard == "refuse" and not _is_renamed(residue):
        return f"a modified {parent}; --nonstandard replace makes it one"
    return ""


def _replace(residue: Residue, changes: Changes) -> str:
    """Make a residue its parent; the state that its name stands for, if any."""
    before, parent, renamed = residue.label, residue.parent, _is_renamed(residue)
    n_before, phosphorus = len(residue.heavy()), any(atom.element == "P" for atom in residue.atoms.values())
    state = _STATE_NAMES.get(residue.name, "") if renamed else ""
    _become(residue, parent)
    n_lost = n_before - len(residue.atoms)
    if residue.kind == "protein" and (phosphorus or n_lost > _MANY_LOST):
        changes.warn(f"{before} loses {n_lost} heavy atoms as {parent}, and what they do.")
    if not renamed:
        changes.add("replaced", before, f"{before} was replaced by {parent}, from which it derives.")
    else:
        changes.add("renamed", before, f"{before} is called {parent}.")
    return state


def _synonym(standard: str, residue: Residue, name: str) -> str:
    """Name of an atom in the PDB."""
    wanted = _SYNONYMS.get(standard, {}).get(name, name)
    if wanted == name and residue.kind == "protein":
        wanted = _END_SYNONYMS.get(name, name)
    return wanted if wanted not in residue.atoms else name


def _tidy_atoms(residue: Residue, changes: Changes) -> None:
    """Give atoms their names in the PDB, and drop those that the residue does not have."""
    allowed = {*HEAVY_ATOMS[residue.name], "OXT", "OP3"}
    for name in list(residue.atoms):
        wanted = _synonym(residue.name, residue, name)
        if wanted != name:
            residue.atoms[wanted] = residue.atoms.pop(name)
    odd = [name for name in residue.atoms if name not in allowed]
    for name in odd:
        del residue.atoms[name]
    if odd:
        text = f"{residue.label}: {' '.join(odd)} dropped; {residue.name} has no such atom."
        changes.add("dropped", residue.label, text)


def _tidy_cap(residue: Residue, before: Residue, changes: Changes) -> None:
    """Give a cap Amber's atom names, and an amide its methyl."""
    if residue.name == "NH2":
        label, residue.name = residue.label, "NME"
        changes.add("replaced", label, f"{label} was replaced by the cap NME.")
        residue.atoms = {name: atom for name, atom in residue.atoms.items() if name == "N"}
    methyl, others = ("C", {"N"}) if residue.name == "NME" else ("CH3", {"C", "O"})
    residue.atoms = {name if name in others else methyl: atom for name, atom in residue.atoms.items()}
    if residue.name == "NME" and "C" not in residue.atoms and "N" in residue.atoms and residue.joined:
        residue.put("C", methyl_of_amide(before, residue.at("N")))


def _short(residue: Residue) -> str:
    parent = residue.parent
    letter = AMINO_ACIDS[parent].letter if parent in AMINO_ACIDS else "A"
    return f"{residue.name}{residue.number}{residue.code}{letter}"


def _become(residue: Residue, parent: str) -> None:
    """Rename a residue and keep the atoms that its parent has, too."""
    allowed = {*HEAVY_ATOMS[parent], "OXT"}
    atoms = {}
    for name, atom in residue.atoms.items():
        name = _synonym(parent, residue, name)
        new = MODIFIED_ATOM_NAMES.get((residue.name, name), name)
        if new in allowed:
            if new != name:
                atom.element = new[0]
            atoms[new] = atom
    residue.name, residue.atoms = parent, atoms
