"""`prepare`: a structure that can be simulated, and a report of every change that was made to come by it.

The steps are in modules of their own; here is their order. Heavy atoms that were read stay where they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gemmi
import numpy as np

from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex
from unfreeze.structure.load import load
from unfreeze.structure.openmm_topology import from_openmm, require_openmm, to_openmm
from unfreeze.structure.prepare.changes import Changes
from unfreeze.structure.prepare.choices import find_disulfides, find_mutations, find_states
from unfreeze.structure.prepare.draft import Bond, Draft, Residue
from unfreeze.structure.prepare.ends import add_ace, add_nme, charge_end
from unfreeze.structure.prepare.gaps import Gap, find_gaps
from unfreeze.structure.prepare.hydrogens import choose_states, put_hydrogens
from unfreeze.structure.prepare.peptide import build_peptides
from unfreeze.structure.prepare.relaxation import checked_system, net_charge, relax, template_names
from unfreeze.structure.prepare.selection import replace_modified, select_residues
from unfreeze.structure.prepare.settings import PreparationSettings
from unfreeze.structure.prepare.side_chains import add_carbonyl, complete_side_chain, lacks

__all__ = ["Prepared", "prepare", "prepare_sequence"]

SCHEMA = "unfreeze-preparation/1"


@dataclass(frozen=True, eq=False)
class Prepared:
    """A structure that can be simulated.

    Attributes
    ----------
    complex
        All atoms, hydrogens included; waters that were kept are residues of the kind ``ligand``. The state of a
        residue is told by its hydrogens; its name is the plain one (``HIS``).
    report
        Input, settings, versions, counts, ``changes`` (each with ``kind``, ``residue`` and ``text``) and
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
    changes = Changes()
    source = complex.source
    if source.n_alternates_dropped:
        changes.add(
            "alternates",
            "",
            f"{source.n_alternates_dropped} atoms of alternate locations were dropped; of each residue the location of "
            "the highest occupancy stays.",
        )
    return _prepare(Draft.of(complex), settings, changes)


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
    changes = Changes()
    return _prepare(build_peptides(sequence, settings, changes), settings, changes)


def _prepare(draft: Draft, settings: PreparationSettings, changes: Changes) -> Prepared:
    templates = template_names(settings.force_field_files)
    _drop_hydrogens(draft, templates, changes)
    mutations = find_mutations(draft, settings.mutations)
    mutated = {id(residue) for residue, _ in mutations}
    select_residues(draft, settings, templates, changes)
    states = replace_modified(draft, settings, templates, mutated, changes)
    for residue, wanted in mutations:
        _mutate(residue, wanted, changes)
    _find_bonds(draft, settings, changes)
    states |= find_states(draft, settings.states)
    _mend_chains(draft, settings, changes)
    _complete(draft, changes)
    return _finish(draft, settings, states, changes)


def _drop_hydrogens(draft: Draft, templates: frozenset[str], changes: Changes) -> None:
    n_dropped = 0
    for residue in draft.residues:
        if residue.name in templates and not residue.polymer:
            continue
        heavy = {name: atom for name, atom in residue.atoms.items() if atom.element not in ("H", "D")}
        n_dropped += len(residue.atoms) - len(heavy)
        residue.atoms = heavy
    draft.drop([residue for residue in draft.residues if not residue.atoms])
    if n_dropped:
        changes.add("hydrogens", "", f"{n_dropped} hydrogens of the input were dropped; all are put on anew.")


def _mutate(residue: Residue, wanted: str, changes: Changes) -> None:
    before = residue.label
    kept = ("N", "CA", "C", "O", "OXT") if wanted == "GLY" else ("N", "CA", "C", "O", "OXT", "CB")
    if gemmi.find_tabulated_residue(residue.name).kind == gemmi.ResidueKind.AAD:
        kept = ("N", "CA", "C", "O", "OXT")
    residue.atoms = {name: atom for name, atom in residue.atoms.items() if name in kept}
    residue.name, residue.kind = wanted, "protein"
    changes.add("mutated", residue.label, f"{before} was mutated to {wanted}.")


def _find_bonds(draft: Draft, settings: PreparationSettings, changes: Changes) -> None:
    """Disulfides by choice; any other bond between side chains has no force field."""
    found: list[Bond] = []
    others: list[str] = []
    for bond in draft.bonds:
        one, x, other, y = bond
        if x == y == "SG":
            if {one.name, other.name} == {"CYS"}:
                found.append(bond)
        elif x in one.atoms and y in other.atoms:
            others.append(f"{one.label}/{x} to {other.label}/{y}")
    if others:
        raise InputError(
            f"{draft.source.name or 'structure'}: no force field for the bond{'s' if len(others) > 1 else ''} "
            f"{'; '.join(others[:6])}. Only bonds along chains and disulfides are known; leave out a "
            "chain, or mutate a residue."
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


def _mend_chains(draft: Draft, settings: PreparationSettings, changes: Changes) -> None:
    gaps, incomplete = find_gaps(draft)
    for residue in incomplete:
        changes.add("dropped", residue.label, f"{residue.label} has no whole backbone and counts as missing.")
    draft.drop(incomplete)
    if not any(residue.kind in ("protein", "nucleic") for residue in draft.residues):
        raise InputError(
            f"{draft.source.name or 'structure'}: no residue has its whole backbone (N, CA, C); a model of "
            "representative atoms cannot be prepared"
        )
    cut: dict[int, Gap] = {}
    for gap in gaps:
        if gap.stretched and gap.after is not None:
            gap.after.joined = True
            changes.add("joined", gap.label, f"{gap.label} are bound, although {gap.distance_nm:.2f} nm apart.")
            changes.warn(f"The bond {gap.label} is {gap.distance_nm:.2f} nm long in the input.")
            continue
        for residue in (gap.before, gap.after):
            if residue is not None:
                cut[id(residue)] = gap
        if gap.before is not None and gap.after is not None:
            changes.add("gap", gap.label, f"The chain is open between {gap.label} ({gap.note}).")
    for residue in draft.residues:
        if residue.kind == "protein" and "O" not in residue.atoms:
            _carbonyl(draft, residue, changes)
    for segment in draft.segments():
        _end_segment(draft, segment, cut, settings, changes)


def _carbonyl(draft: Draft, residue: Residue, changes: Changes) -> None:
    at = draft.residues.index(residue)
    following = draft.residues[at + 1] if at + 1 < len(draft.residues) else None
    add_carbonyl(residue, following, draft.heavy_positions(without=[residue]))
    changes.add("built", residue.label, f"{residue.label}: O was built.")


def _end_segment(
    draft: Draft, segment: list[Residue], cut: dict[int, Gap], settings: PreparationSettings, changes: Changes
) -> None:
    first, last = segment[0], segment[-1]
    if first.kind == "protein":
        if _capped(first, cut, settings, is_start=True):
            cap = add_ace(draft, first)
            changes.add("capped", cap.label, f"ACE was put before {first.label}.")
    elif first.kind == "nucleic":
        gone = [name for name in ("P", "OP1", "OP2", "OP3") if first.atoms.pop(name, None)]
        if gone:
            changes.add("terminus", first.label, f"{first.label}: the 5' phosphate was taken off ({' '.join(gone)}).")
    if last.kind == "protein":
        if _capped(last, cut, settings, is_start=False):
            cap = add_nme(draft, last)
            changes.add("capped", cap.label, f"NME was put after {last.label}.")
        elif charge_end(last):
            changes.add("built", last.label, f"{last.label}: OXT was built.")


def _capped(residue: Residue, cut: dict[int, Gap], settings: PreparationSettings, *, is_start: bool) -> bool:
    gap = cut.get(id(residue))
    if gap is not None and (gap.after is residue) != is_start and gap.before is not gap.after:
        gap = None if (gap.before is residue) == is_start else gap
    inner = gap is not None and gap.before is not None and gap.after is not None
    if inner:
        return settings.gap_ends == "capped"
    if settings.termini == "auto":
        return gap is not None
    return settings.termini == "capped"


def _complete(draft: Draft, changes: Changes) -> None:
    for residue in draft.residues:
        if residue.kind != "protein" or not lacks(residue):
            continue
        built = complete_side_chain(residue, draft.heavy_positions(without=[residue]))
        if built and not residue.built:
            changes.add("built", residue.label, f"{residue.label}: {' '.join(built)} {_were(built)} built.")


def _were(names: list[str]) -> str:
    return "were" if len(names) > 1 else "was"


def _finish(draft: Draft, settings: PreparationSettings, states: dict[int, str], changes: Changes) -> Prepared:
    name = draft.source.name or "structure"
    metals = [
        next(iter(residue.atoms.values())).position
        for residue in draft.residues
        if residue.kind == "ion" and next(iter(residue.atoms.values())).element not in ("CL", "BR", "I", "F")
    ]
    chosen, reasons = choose_states(draft, settings.pH, states, np.array(metals).reshape(-1, 3))
    for residue, _, reason in reasons:
        changes.add("state", residue.label, reason)
    heavy = draft.complex()
    ordered = _ordered(draft)
    variants = [{"CYM": "CYX"}.get(chosen.get(id(residue), ""), chosen.get(id(residue))) for residue in ordered]
    topology, positions = put_hydrogens(*to_openmm(heavy), variants, pH=settings.pH, seed=settings.seed)
    complex = from_openmm(topology, positions, like=heavy)
    built = {(row, atom) for row, residue in enumerate(ordered) for atom, item in residue.atoms.items() if item.built}
    keys = zip(complex.residue_index.tolist(), complex.atom_name.tolist(), strict=True)
    movable = np.array([key in built for key in keys], dtype=bool) | (complex.element == "H")
    system = checked_system(topology, settings.force_field_files, name)
    charge = net_charge(system)
    complex = complex.with_coordinates(relax(system, complex.coordinates_nm, movable))
    complex = replace(complex, source=replace(complex.source, missing_residues=(), missing_atoms=()))
    return Prepared(complex, _report(draft, complex, settings, changes, charge))


def _ordered(draft: Draft) -> list[Residue]:
    """Residues in the order of :meth:`Draft.complex`."""
    chains = dict.fromkeys(residue.chain for residue in draft.residues)
    return [residue for name in chains for residue in draft.residues if residue.chain == name]


def _report(
    draft: Draft, complex: Complex, settings: PreparationSettings, changes: Changes, charge: int
) -> dict[str, Any]:
    from importlib.metadata import version

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
        "changes": changes.changes,
        "summary": changes.counts(),
        "warnings": changes.warnings,
    }
