"""`prepare`: a structure that can be simulated, and a report of every change that was made to come by it.

The steps are in modules of their own; here is their order. Heavy atoms that were read stay where they are, but for
those at gaps that are built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gemmi
import numpy as np

from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex
from unfreeze.structure.load import load
from unfreeze.structure.openmm_topology import from_openmm, require_openmm, to_openmm
from unfreeze.structure.prepare.chains import make_whole
from unfreeze.structure.prepare.changes import Changes
from unfreeze.structure.prepare.choices import find_disulfides, find_mutations, find_states
from unfreeze.structure.prepare.draft import Bond, Draft, Residue
from unfreeze.structure.prepare.faults import find_faults
from unfreeze.structure.prepare.hydrogens import choose_states, put_hydrogens
from unfreeze.structure.prepare.modified import replace_modified
from unfreeze.structure.prepare.peptide import build_peptides
from unfreeze.structure.prepare.relaxation import Template, checked_system, net_charge, read_templates, relax
from unfreeze.structure.prepare.selection import select_residues
from unfreeze.structure.prepare.settings import PreparationSettings
from unfreeze.structure.prepare.waters import drop_overlapping_waters, select_waters

__all__ = ["SCHEMA", "Prepared", "prepare", "prepare_sequence"]

SCHEMA = "unfreeze-preparation/1"
_MOST_WARNINGS = 8
_LOWEST_PH, _HIGHEST_PH = 3.5, 8.5  # what model compounds of the two chain ends titrate at


@dataclass(frozen=True, eq=False)
class Prepared:
    """A structure that can be simulated.

    Attributes
    ----------
    complex
        All atoms, hydrogens included; waters that were kept are residues of the kind ``ligand``. The state of a
        residue is told by its hydrogens; its name is the plain one (``HIS``).
    report
        Input, settings, versions, counts, chains, ``changes`` (each with ``kind``, ``residue`` and ``text``) and
        ``warnings``; JSON-able.
    """

    complex: Complex
    report: dict[str, Any]


def prepare(structure: Complex | str | Path, settings: PreparationSettings | None = None) -> Prepared:
    """Prepare a structure for simulation.

    Parameters
    ----------
    structure
        A file, a PDB id, or a complex in memory (read with its waters, should some be kept).
    settings
        The choices; all defaults if None.

    Raises
    ------
    InputError
        If OpenMM is not installed, the structure cannot be read, a choice does not fit it, or a residue has no force
        field.
    """
    settings = settings or PreparationSettings()
    require_openmm()
    if isinstance(structure, Complex):
        if settings.assembly is not None or settings.model != 1:
            raise InputError("assembly and model are chosen when a file is read; give the file, or leave them out")
        complex = structure if settings.chains is None else structure.take_chains(settings.chains)
    else:
        complex = load(
            structure,
            chains=settings.chains,
            assembly=settings.assembly,
            model=settings.model,
            keep_hydrogens=True,
            keep_waters=True,
        )

    def begin() -> tuple[Draft, Changes]:
        changes = Changes()
        if n_dropped := complex.source.n_alternates_dropped:
            text = (
                f"{n_dropped} atoms of alternate locations were dropped; the location of the highest occupancy stays."
            )
            changes.add("alternates", "", text)
        return Draft.of(complex), changes

    return _prepare(begin, settings)


def prepare_sequence(sequence: str, settings: PreparationSettings | None = None) -> Prepared:
    """Build peptides and prepare them for simulation.

    Parameters
    ----------
    sequence
        One-letter codes, chains separated by ``:``, such as ``GYDPETGTWG:KLVFF``; they are called A, B, ... and
        numbered from 1.
    settings
        Termini, pH, states, mutations and the conformation matter here. Sequences end where they end, so that
        ``auto`` termini are charged.

    Raises
    ------
    InputError
        If the sequence cannot be built, or a choice does not fit it.
    """
    settings = settings or PreparationSettings()
    require_openmm()

    def begin() -> tuple[Draft, Changes]:
        changes = Changes()
        return build_peptides(sequence, settings, changes), changes

    return _prepare(begin, settings)


def _prepare(begin: Callable[[], tuple[Draft, Changes]], settings: PreparationSettings) -> Prepared:
    """Prepare; a gap whose residues turn out faulty is left open in the next attempt."""
    given_up: set[str] = set()
    while True:
        draft, changes = begin()
        states, made = _make_heavy(draft, settings, changes, given_up)
        complex, charge, faulty = _finish(draft, settings, states, made, changes)
        if not faulty:
            return Prepared(complex, _report(draft, complex, settings, changes, charge))
        given_up |= faulty


def _make_heavy(
    draft: Draft, settings: PreparationSettings, changes: Changes, given_up: set[str]
) -> tuple[dict[int, str], dict[int, str]]:
    """All heavy atoms that are simulated; states that were chosen, and which residue was built for which gap."""
    templates = read_templates(settings.force_field_files)
    _drop_hydrogens(draft, templates, changes)
    mutations = find_mutations(draft, settings.mutations)
    mutated = {id(residue) for residue, _ in mutations}
    select_residues(draft, settings, templates, changes)
    select_waters(draft, settings, changes)
    states = replace_modified(draft, settings, templates, mutated, changes)
    for residue, wanted in mutations:
        _mutate(residue, wanted, changes)
    _find_bonds(draft, settings, changes)
    states |= find_states(draft, settings.states)
    made = make_whole(draft, settings, changes, given_up)
    drop_overlapping_waters(draft, changes)
    return states, made


def _drop_hydrogens(draft: Draft, templates: Mapping[str, Template], changes: Changes) -> None:
    """Drop all hydrogens but those of ligands whose heavy atoms are named otherwise than in their template."""
    n_dropped = 0
    for residue in draft.residues:
        if residue.name in templates and templates[residue.name].heavy != set(residue.heavy()):
            continue
        heavy = {name: atom for name, atom in residue.atoms.items() if atom.element not in ("H", "D")}
        n_dropped += len(residue.atoms) - len(heavy)
        residue.atoms = heavy
    draft.drop([residue for residue in draft.residues if not residue.atoms])
    if n_dropped:
        changes.add("hydrogens", "", f"{n_dropped} hydrogens of the input were dropped; all are put on anew.")


def _mutate(residue: Residue, wanted: str, changes: Changes) -> None:
    """Leave the backbone, and CB where its hand is right."""
    before = residue.label
    kept = {"N", "CA", "C", "O", "OXT", "CB"}
    if wanted == "GLY" or gemmi.find_tabulated_residue(residue.name).kind == gemmi.ResidueKind.AAD:
        kept.remove("CB")
    residue.atoms = {name: atom for name, atom in residue.atoms.items() if name in kept}
    residue.name, residue.kind = wanted, "protein"
    changes.add("mutated", residue.label, f"{before} was mutated to {wanted}.")


def _find_bonds(draft: Draft, settings: PreparationSettings, changes: Changes) -> None:
    """Disulfides by choice; any other bond between side chains has no force field."""
    found: list[Bond] = []
    others: list[str] = []
    for one, x, other, y in draft.bonds:
        if x == y == "SG":
            if {one.name, other.name} == {"CYS"}:
                found.append((one, x, other, y))
            else:
                text = f"{one.label} and {other.label} are no longer bridged."
                changes.add("disulfide", one.label, text)
        elif x in one.atoms and y in other.atoms:
            others.append(f"{one.label}/{x} to {other.label}/{y}")
    if others:
        raise InputError(
            f"{draft.source.name or 'structure'}: no force field for the bond{'s' if len(others) > 1 else ''} "
            f"{'; '.join(others[:6])}. Only bonds along chains and disulfides are known; leave out a chain, or "
            "mutate a residue."
        )
    if settings.disulfides == "none":
        for one, _, other, _ in found:
            changes.add("disulfide", one.label, f"No disulfide {one.label}-{other.label}, by choice.")
        found = []
    elif settings.disulfides != "auto":
        found = find_disulfides(draft, settings.disulfides)
    for one, _, other, _ in found:
        changes.add("disulfide", one.label, f"Disulfide {one.label}-{other.label}.")
    draft.bonds = found


def _finish(
    draft: Draft, settings: PreparationSettings, states: dict[int, str], made: dict[int, str], changes: Changes
) -> tuple[Complex, int, set[str]]:
    """Hydrogens, and a look at the whole: the complex, its charge, and the gaps whose residues are faulty."""
    metals = [
        atom.position
        for residue in draft.residues
        for atom in residue.atoms.values()
        if residue.kind == "ion" and atom.element not in ("CL", "BR", "I", "F")
    ]
    templates = read_templates(settings.force_field_files)
    chosen, reasons = choose_states(draft, settings.pH, states, np.array(metals).reshape(-1, 3))
    for residue, _, reason in reasons:
        changes.add("state", residue.label, reason)
    if not _LOWEST_PH <= settings.pH <= _HIGHEST_PH:
        changes.warn(
            f"At pH {settings.pH:g} ends of chains, tyrosines and arginines would change, too; they are as at pH 7: "
            "force fields have nothing else."
        )
    ordered, heavy = draft.ordered(), draft.complex()
    variants = [_variant(residue, chosen.get(id(residue)), templates) for residue in ordered]
    topology, positions = put_hydrogens(*to_openmm(heavy), variants, pH=settings.pH, seed=settings.seed)
    complex = from_openmm(topology, positions, like=heavy)
    made_atoms = {(row, name) for row, one in enumerate(ordered) for name, atom in one.atoms.items() if atom.built}
    keys = zip(complex.residue_index.tolist(), complex.atom_name.tolist(), strict=True)
    built = np.array([key in made_atoms for key in keys], dtype=bool)
    system = checked_system(topology, settings.force_field_files, draft.source.name or "structure")
    charge = net_charge(system)
    complex = complex.with_coordinates(relax(system, complex.coordinates_nm, complex.element == "H", built))
    complex = replace(complex, source=replace(complex.source, missing_residues=(), missing_atoms=()))
    faulty: set[str] = set()
    texts = []
    for fault in find_faults(complex, built):
        gaps = {made[id(ordered[row])] for row in fault.residues if id(ordered[row]) in made}
        faulty |= gaps
        if not gaps:
            texts.append(fault.text + (" It was built here." if fault.built else ""))
    for text in texts[:_MOST_WARNINGS]:
        changes.warn(text)
    if len(texts) > _MOST_WARNINGS:
        changes.warn(f"{len(texts) - _MOST_WARNINGS} more faults of this kind.")
    return complex, charge, faulty


def _variant(residue: Residue, state: str | None, templates: Mapping[str, Template]) -> Any:
    """What OpenMM's modeller takes for a residue: a state, a list of hydrogens with their atoms, or None."""
    if residue.name in templates:
        template = templates[residue.name]
        return list(template.hydrogens) if template.heavy == set(residue.heavy()) else None
    return "CYX" if state == "CYM" else state


def _chain_record(complex: Complex, chain: int) -> dict[str, Any]:
    """Name, number of residues and sequence of a chain; what is open in it, is a dash."""
    rows = np.flatnonzero((complex.chain_index == chain) & np.isin(complex.residue_kind, ["protein", "nucleic"]))
    pairs = complex.residue_index[complex.links]
    bound = {(int(one), int(other)) for one, other in np.sort(pairs, axis=1)}
    letters = [
        gemmi.find_tabulated_residue(str(name)).one_letter_code.strip().upper() for name in complex.residue_name[rows]
    ]
    sequence = ""
    for at, (row, letter) in enumerate(zip(rows.tolist(), letters, strict=True)):
        is_open = at > 0 and (int(rows[at - 1]), row) not in bound
        sequence += ("-" if is_open else "") + (letter or "X")
    return {"name": str(complex.chain_name[chain]), "n_residues": len(rows), "sequence": sequence}


def _report(
    draft: Draft, complex: Complex, settings: PreparationSettings, changes: Changes, charge: int
) -> dict[str, Any]:
    source = draft.source
    is_water = complex.residue_name == "HOH"
    return {
        "schema": SCHEMA,
        "input": {
            "name": source.name,
            "sha256": source.sha256,
            "title": source.title,
            "model": source.model,
            "assembly": source.assembly,
        },
        "settings": settings.model_dump(mode="json"),
        "versions": {name: version(name) for name in ("unfreeze", "openmm", "pdbfixer")},
        "counts": {
            "atoms": complex.n_atoms,
            "hydrogens": int((complex.element == "H").sum()),
            "residues": int((~is_water).sum()),
            "chains": complex.n_chains,
            "waters": int(is_water.sum()),
            "ions": int((complex.residue_kind == "ion").sum()),
            "net_charge_e": charge,
        },
        "chains": [_chain_record(complex, chain) for chain in range(complex.n_chains)],
        "changes": changes.changes,
        "summary": changes.counts(),
        "warnings": changes.warnings,
    }
