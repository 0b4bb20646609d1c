"""Missing heavy atoms of nucleotides, built by PDBFixer; and DNA that old files write with the names of RNA.

Amino acids are dealt with in :mod:`unfreeze.structure.prepare.side_chains`.
"""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.openmm_topology import to_openmm
from unfreeze.structure.prepare.draft import Draft, Residue
from unfreeze.structure.prepare.hydrogens import single_thread
from unfreeze.structure.reading.missing import HEAVY_ATOMS

__all__ = ["complete_nucleotides", "lacking_nucleotides", "name_old_dna"]

_PHOSPHATE = ("P", "OP1", "OP2")
_PO_NM, _POD_NM, _OPO = 0.160, 0.149, np.radians(120.0)
_STAND_IN = "ATOM      1  CA  ALA A   1       0.000   0.000   0.000  1.00  0.00           C\nEND\n"


def name_old_dna(draft: Draft) -> list[str]:
    """Call nucleotides DA, DC, DG where a stretch has no O2' at all; the chains of such stretches."""
    chains: list[str] = []
    for segment in draft.segments():
        if segment[0].kind != "nucleic" or any("O2'" in residue.atoms for residue in segment):
            continue
        if sum("C2'" in residue.atoms for residue in segment) == 0:
            continue
        for residue in segment:
            if residue.name in ("A", "C", "G"):
                residue.name = f"D{residue.name}"
                chains.append(residue.chain)
            elif residue.name == "U" and "C7" in residue.atoms:
                residue.name = "DT"
    return list(dict.fromkeys(chains))


def lacking_nucleotides(draft: Draft) -> list[tuple[Residue, list[str]]]:
    """Nucleotides with heavy atoms missing, and which; those that begin a stretch need no phosphate."""
    found = []
    for segment in draft.segments():
        for at, residue in enumerate(segment):
            if residue.kind != "nucleic" or residue.name not in HEAVY_ATOMS:
                continue
            missing = [name for name in HEAVY_ATOMS[residue.name] if name not in residue.atoms]
            if at == 0:
                missing = [name for name in missing if name not in _PHOSPHATE]
            if missing:
                found.append((residue, missing))
    return found


def complete_nucleotides(draft: Draft, seed: int) -> list[tuple[Residue, list[str]]]:
    """Build the heavy atoms that nucleotides lack.

    Parameters
    ----------
    draft
        Changed in place; stretches begin without a phosphate.
    seed
        Of the dynamics with which PDBFixer parts atoms that overlap.

    Returns
    -------
    list of (Residue, list of str)
        What was built.
    """
    lacking = lacking_nucleotides(draft)
    if not lacking:
        return []
    from openmm import Vec3, unit
    from pdbfixer import PDBFixer

    for before, residue in pairwise(draft.residues):
        if residue.kind == "nucleic" and residue.joined:
            _complete_phosphate(before, residue)
    chosen = Draft([residue for residue in draft.residues if residue.kind == "nucleic"])
    topology, positions = to_openmm(chosen.complex())
    with single_thread() as platform:
        # PDBFixer begins from a file only; the molecule takes its place
        fixer = PDBFixer(pdbfile=io.StringIO(_STAND_IN))
        fixer.platform = platform
        fixer.topology, fixer.sequences, fixer.missingResidues = topology, [], {}
        fixer.positions = [Vec3(*point) for point in positions.tolist()] * unit.nanometers  # pyright: ignore
        fixer.findMissingAtoms()
        fixer.missingTerminals = {}
        fixer.addMissingAtoms(seed=seed)
        built = np.array(fixer.positions.value_in_unit_system(unit.md_unit_system))
    for residue, made in zip(chosen.ordered(), fixer.topology.residues(), strict=True):
        for atom in made.atoms():
            if atom.name not in residue.atoms:
                residue.put(atom.name, built[atom.index], atom.element.symbol.upper())
        order = {name: at for at, name in enumerate(HEAVY_ATOMS.get(residue.name, ()))}
        residue.atoms = dict(sorted(residue.atoms.items(), key=lambda item: order.get(item[0], -1)))
    return lacking


def _complete_phosphate(before: Residue, residue: Residue) -> None:
    """Build P between two nucleotides, and the oxygens of its two hands."""
    if "P" not in residue.atoms:
        residue.put("P", _phosphorus(before, residue))
    arms = np.array([before.at("O3'"), residue.at("O5'")]) - residue.at("P")
    arms /= np.linalg.norm(arms, axis=1, keepdims=True)
    outward, across = -arms.sum(axis=0), np.cross(arms[0], arms[1])
    outward, across = outward / np.linalg.norm(outward), across / np.linalg.norm(across)
    for name, side in (("OP1", 1.0), ("OP2", -1.0)):
        if name not in residue.atoms:
            direction = np.cos(_OPO / 2) * outward + side * np.sin(_OPO / 2) * across
            residue.put(name, residue.at("P") + _POD_NM * direction)


def _phosphorus(before: Residue, residue: Residue) -> NDArray[np.float64]:
    """Where P belongs between two nucleotides: [3], nm."""
    oxygens, carbons = (
        np.array([before.at(one), residue.at(other)]) for one, other in (("O3'", "O5'"), ("C3'", "C5'"))
    )
    along = oxygens[1] - oxygens[0]
    outward = oxygens.mean(axis=0) - carbons.mean(axis=0)
    outward -= along * (outward @ along) / (along @ along)
    height = np.sqrt(max(_PO_NM**2 - (along @ along) / 4, 0.05**2))
    return oxygens.mean(axis=0) + height * outward / np.linalg.norm(outward)
