"""Which residues go into the simulation: waters, ions, ligands and modified residues, each by the user's choice.

What has no force field is refused by name, all of it in one message. Coordinates are not touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container

import gemmi
import numpy as np
from scipy.spatial import KDTree

from unfreeze.errors import InputError
from unfreeze.structure.chemistry.polymers import standard_kind
from unfreeze.structure.chemistry.residues import AMINO_ACIDS, MODIFIED_ATOM_NAMES
from unfreeze.structure.prepare.changes import Changes
from unfreeze.structure.prepare.draft import Draft, Residue
from unfreeze.structure.prepare.ends import methyl_of_amide
from unfreeze.structure.prepare.settings import PreparationSettings
from unfreeze.structure.reading.missing import HEAVY_ATOMS

__all__ = ["ADDITIVES", "KEPT_IONS", "replace_modified", "select_residues"]

ADDITIVES = frozenset(
    "GOL EDO PEG PGE PG4 1PE P6G 2PE PE4 PE8 12P 15P PEU MPD MRD SO4 PO4 PI ACT ACY FMT CIT FLC TRS MES EPE BTB B3P "
    "BME DTT DTV DMS IPA EOH MOH BU3 BUD PGO PDO NO3 NH4 SCN AZI TLA TAR MLI MLA MLT IMD BCT CO3 CAC CCN ACN UNX UNL "
    "IOH POL 1BO TBU BOG BNG LDA SPD SPM NHE CPS HED DIO OXL SIN SUC GLC-SUC CAD".split()
)
"""Remains of purification and crystallisation: buffers, precipitants, cryoprotectants, detergents."""

KEPT_IONS = frozenset("LI NA K RB CS MG CA SR BA ZN CD MN CO NI CU CL BR F I".split())
"""Elements of single atoms for which force fields have one template and no other."""

_STATE_NAMES = {
    **dict.fromkeys(("HID", "HSD", "HISD", "HISA"), "HID"),
    **dict.fromkeys(("HIE", "HSE", "HISE", "HISB"), "HIE"),
    **dict.fromkeys(("HIP", "HSP", "HISH", "HISP"), "HIP"),
    **dict.fromkeys(("ASH", "ASPP", "ASPH"), "ASH"),
    **dict.fromkeys(("GLH", "GLUP", "GLUH"), "GLH"),
    **dict.fromkeys(("LYN", "LSN", "LYSN"), "LYN"),
    "CYM": "CYM",
}
_COORDINATION_NM = 0.28


def select_residues(draft: Draft, settings: PreparationSettings, templates: Container[str], changes: Changes) -> None:
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
    refused: list[Residue] = []
    gone: dict[str, list[Residue]] = defaultdict(list)
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
        raise InputError(_refusal(draft, refused))
    words = {
        "ion": "ions are not kept",
        "additive": "of the crystallisation",
        "ligand": "ligands are dropped by choice",
    }
    for kind, residues in gone.items():
        for residue in residues:
            changes.add("dropped", residue.label, f"{residue.label} was dropped ({words[kind]}).")
    draft.drop([residue for residues in gone.values() for residue in residues])
    _select_waters(draft, settings, changes)


def _refusal(draft: Draft, refused: list[Residue]) -> str:
    by_name: dict[str, list[Residue]] = defaultdict(list)
    for residue in refused:
        by_name[residue.name].append(residue)
    texts = [
        f"{residues[0].label}{f' and {len(residues) - 1} more {name}' if len(residues) > 1 else ''}"
        for name, residues in by_name.items()
    ]
    ions = all(residue.kind == "ion" for residue in refused)
    advice = (
        "--ions drop leaves ions out."
        if ions
        else "OpenFF and GAFF parameters, written as an OpenMM force-field XML with openmmforcefields, are taken by "
        "--force-field-file FILE.xml; --ligands drop leaves them out."
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


def _select_waters(draft: Draft, settings: PreparationSettings, changes: Changes) -> None:
    waters = [residue for residue in draft.residues if residue.water]
    if not waters:
        return
    kept: list[Residue] = []
    if settings.keep_waters == "all":
        kept = waters
    elif settings.keep_waters == "interface":
        groups: dict[str, list[np.ndarray]] = defaultdict(list)
        for residue in draft.residues:
            if residue.water or residue.kind == "ion":
                continue
            key = residue.chain if residue.polymer else residue.label
            groups[key] += [atom.position for name, atom in residue.atoms.items() if atom.element not in ("H", "D")]
        trees = [KDTree(np.array(points)) for points in groups.values()]
        for water in waters:
            oxygen = next((atom.position for atom in water.atoms.values() if atom.element == "O"), None)
            if oxygen is not None:
                near = sum(tree.query(oxygen)[0] < settings.water_distance_nm for tree in trees)
                if near >= 2:
                    kept.append(water)
    chosen = {id(residue) for residue in kept}
    for water in kept:
        water.name = "HOH"
        oxygen = next(atom for atom in water.atoms.values() if atom.element == "O")
        water.atoms = {"O": oxygen}
    n_gone = len(waters) - len(kept)
    if n_gone:
        changes.add("water", "", f"{n_gone} water{'s' if n_gone > 1 else ''} dropped.")
    if kept:
        where = "all" if settings.keep_waters == "all" else f"within {settings.water_distance_nm:g} nm of two chains"
        changes.add("water", "", f"{len(kept)} water{'s' if len(kept) > 1 else ''} kept ({where}).")
    draft.drop([water for water in waters if id(water) not in chosen])


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
    refused: list[str] = []
    states: dict[int, str] = {}
    for at, residue in enumerate(draft.residues):
        if not residue.polymer or residue.name in templates:
            continue
        if residue.name in ("ACE", "NME", "NH2"):
            _tidy_cap(residue, draft.residues[at - 1], changes)
            continue
        if standard_kind(residue.name) or id(residue) in mutated:
            continue
        parent = residue.parent
        if residue.name in _STATE_NAMES:
            states[id(residue)] = _STATE_NAMES[residue.name]
        is_d = gemmi.find_tabulated_residue(residue.name).kind == gemmi.ResidueKind.AAD
        if is_d:
            refused.append(f"{residue.label} is a D-amino acid (mutate it, such as {residue.chain}:{_short(residue)})")
            continue
        if not standard_kind(parent):
            refused.append(f"{residue.label} derives from no standard residue")
            continue
        renaming = set(residue.heavy()) <= set(HEAVY_ATOMS[parent]) | {"OXT", "OP3"}
        if settings.nonstandard == "refuse" and not renaming:
            refused.append(f"{residue.label} is a modified {parent} (--nonstandard replace makes it one)")
            continue
        before = residue.label
        _become(residue, parent)
        if not renaming:
            changes.add("replaced", before, f"{before} was replaced by {parent}, from which it derives.")
        elif before != residue.label:
            changes.add("renamed", before, f"{before} is called {parent}.")
    if refused:
        name = draft.source.name or "structure"
        raise InputError(
            f"{name}: no force field for {'; '.join(refused)}. A force-field XML with a template of that name is taken "
            "by --force-field-file."
        )
    return states


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
        new = MODIFIED_ATOM_NAMES.get((residue.name, name), name)
        if new in allowed:
            if new != name:
                atom.element = new[0]
            atoms[new] = atom
    residue.name, residue.atoms = parent, atoms
