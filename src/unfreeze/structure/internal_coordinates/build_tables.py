"""Tables for building residues: which amino acid each is built as, its atoms in slots, and the geometry of each step.

A slot is a place in the canonical order of an amino acid's atoms, OXT in the last. Private to
:mod:`unfreeze.structure.internal_coordinates.rebuild`, which does the building.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.chemistry.atom_lookup import AtomLookup, atoms_by_parent_name
from unfreeze.structure.chemistry.ideal_geometry import BACKBONE_GEOMETRY, BOND_LENGTHS, BUILD_GEOMETRY
from unfreeze.structure.chemistry.residues import AMINO_ACIDS, TORSION_NAMES, BuildStep
from unfreeze.structure.complex import Complex

__all__ = [
    "FIXED",
    "NO_ATOM",
    "N_FRAME_ATOMS",
    "N_SLOTS",
    "OXT_SLOT",
    "chi_slots",
    "ideal_backbone",
    "residue_templates",
    "slot_atoms",
    "step_tables",
]

MAX_ATOMS = 14
OXT_SLOT = MAX_ATOMS
N_SLOTS = MAX_ATOMS + 1
N_FRAME_ATOMS = 3
FIXED, NO_ATOM = -1, -2
TERMINAL_ANGLE = 2.0508
"""CA-C-OXT, 117.5 degrees."""


def residue_templates(system: Complex) -> NDArray[np.str_]:
    """Amino acid each residue is built as: its parent; else alanine or glycine, by whether it has CB."""
    known = np.isin(system.residue_parent_name, list(AMINO_ACIDS))
    beta = np.where(system.atom_of_residue("CB") >= 0, "ALA", "GLY")
    return np.where(known, system.residue_parent_name, beta)


def slot_atoms(system: Complex, template: NDArray[np.str_], residues: NDArray[np.int64]) -> NDArray[np.int64]:
    """Atom of the complex in every slot, -1 for none: [n_built, 15]."""
    lookup = AtomLookup(system, atoms_by_parent_name(system))
    atoms = np.full((len(residues), N_SLOTS), -1, dtype=np.int64)
    for name, acid in AMINO_ACIDS.items():
        rows = np.flatnonzero(template == name)
        atoms[rows, : len(acid.atoms)] = lookup.of(residues[rows], *acid.atoms)
        atoms[rows, OXT_SLOT] = lookup.of(residues[rows], "OXT")[:, 0]
    return atoms


def step_tables(
    template: NDArray[np.str_],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """References [n, 15, 3] as slots, driving torsion [n, 15] (or FIXED, NO_ATOM), geometry [n, 15, 3]."""
    references = np.zeros((len(template), N_SLOTS, 3), dtype=np.int64)
    driver = np.full((len(template), N_SLOTS), NO_ATOM, dtype=np.int64)
    geometry = np.full((len(template), N_SLOTS, 3), np.nan)
    for name, acid in AMINO_ACIDS.items():
        rows = template == name
        slot_of = {atom: slot for slot, atom in enumerate(acid.atoms)}
        steps = [*acid.build, BuildStep("OXT", ("N", "CA", "C"), "psi")]
        terminal = (BOND_LENGTHS[name]["C", "OXT"][0], TERMINAL_ANGLE, 0.0)
        for step in steps:
            slot = slot_of.get(step.atom, OXT_SLOT)
            references[rows, slot] = [slot_of[atom] for atom in step.references]
            driver[rows, slot] = TORSION_NAMES.index(step.torsion) if step.torsion else FIXED
            geometry[rows, slot] = terminal if step.atom == "OXT" else BUILD_GEOMETRY[name][step.atom]
    return references, driver, geometry


def chi_slots(
    template: NDArray[np.str_],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Row, torsion column and slot of the last atom of every chi: [n_chi] each."""
    first = TORSION_NAMES.index("chi1")
    rows, columns, slots = [], [], []
    for name, acid in AMINO_ACIDS.items():
        here = np.flatnonzero(template == name)
        for column, quad in enumerate(acid.chi, start=first):
            rows.append(here)
            columns.append(np.full(len(here), column))
            slots.append(np.full(len(here), acid.atoms.index(quad[3])))
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(slots)


def ideal_backbone(template: NDArray[np.str_]) -> NDArray[np.float64]:
    """N, CA and C in the backbone frame with ideal lengths and angle: [n, 3, 3]."""
    local = np.zeros((len(template), N_FRAME_ATOMS, 3))
    for name, (nitrogen, carbon, angle) in BACKBONE_GEOMETRY.items():
        rows = template == name
        local[rows, 0] = (nitrogen * np.cos(angle), nitrogen * np.sin(angle), 0.0)
        local[rows, 2] = (carbon, 0.0, 0.0)
    return local
