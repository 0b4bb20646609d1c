"""`match`: the atoms that a reference and an ensemble have in common, and the record of how they were found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.evaluate.frames import Frames
from unfreeze.evaluate.matching.atoms import common_atoms, standard_atom_names
from unfreeze.evaluate.matching.chains import Pairing, Unit, pair_units, polymer_units
from unfreeze.evaluate.matching.copies import Assignment, assign_copies, representative_of_residue
from unfreeze.evaluate.matching.ligands import pair_ligands
from unfreeze.evaluate.matching.superposition import mean_positions, sampled_frames
from unfreeze.structure.complex import Complex

__all__ = ["Matching", "match"]

_MAX_SHOWN = 6


@dataclass(frozen=True, eq=False)
class Matching:
    """How the atoms of an ensemble were found in its reference.

    Attributes
    ----------
    reference_atoms, ensemble_atoms : int64 [n_matched]
        Matched heavy atoms as rows of the two molecules; those of the reference increase.
    chain_map
        One entry a pair of chains: ``reference``, ``ensemble`` (names), ``identity`` (share of matched residues with
        equal parents), ``n_matched``, ``n_reference``, ``n_ensemble`` (residues).
    n_reference_atoms, n_ensemble_atoms
        Heavy atoms of the two molecules.
    n_residues
        Matched residues, ligands and ions included.
    n_mutated
        Matched residues whose parents differ.
    n_missing_atoms
        Heavy atoms of matched reference residues that the ensemble lacks.
    missing_residues
        Residues of the reference that the ensemble lacks, as texts (``A:GLY12``).
    extra_residues
        Number of residues of the ensemble that the reference lacks.
    notes
        What a reader of scores should know, one sentence each.
    """

    reference_atoms: NDArray[np.int64]
    ensemble_atoms: NDArray[np.int64]
    chain_map: tuple[dict[str, Any], ...]
    n_reference_atoms: int
    n_ensemble_atoms: int
    n_residues: int = 0
    n_mutated: int = 0
    n_missing_atoms: int = 0
    missing_residues: tuple[str, ...] = ()
    extra_residues: int = 0
    notes: tuple[str, ...] = ()

    @property
    def n_atoms(self) -> int:
        """Matched atoms."""
        return len(self.reference_atoms)

    def describe(self) -> str:
        """The match in one line."""
        chains = ", ".join(f"{entry['reference']}={entry['ensemble']} ({100 * entry['identity']:.0f} %)"
                           for entry in self.chain_map)  # fmt: skip
        text = f"{self.n_atoms} of {self.n_reference_atoms} heavy atoms, {self.n_residues} residues"
        text += f"; chains {chains}" if chains else ""
        lacking = [
            f"{len(self.missing_residues)} residues missing" if self.missing_residues else "",
            f"{self.n_missing_atoms} atoms missing" if self.n_missing_atoms else "",
            f"{self.extra_residues} residues left out" if self.extra_residues else "",
            f"{self.n_mutated} mutated" if self.n_mutated else "",
        ]
        return "; ".join([text, *filter(None, lacking)])

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, without the rows of the atoms."""
        return {
            "chains": [dict(entry) for entry in self.chain_map],
            "n_atoms": self.n_atoms,
            "n_reference_atoms": self.n_reference_atoms,
            "n_ensemble_atoms": self.n_ensemble_atoms,
            "n_residues": self.n_residues,
            "n_mutated": self.n_mutated,
            "n_missing_atoms": self.n_missing_atoms,
            "missing_residues": list(self.missing_residues),
            "extra_residues": self.extra_residues,
            "notes": list(self.notes),
        }


def match(reference: Frames, ensemble: Frames) -> Matching:
    """Find the atoms that two sets of frames have in common.

    Chains are paired by number or sequence (numbering, names and order may differ), equal chains by their places,
    ligands and ions by component, atoms by name.

    Parameters
    ----------
    reference, ensemble
        The two sides; frames are used only to tell equal chains and ligands apart.

    Returns
    -------
    Matching

    Raises
    ------
    InputError
        If no chain and no ligand of one is in the other.
    """
    molecules = reference.molecule, ensemble.molecule
    pairing = pair_units(polymer_units(molecules[0]), polymer_units(molecules[1]))
    chosen, ambiguous = assign_copies(pairing, reference, ensemble)
    chosen = dict(sorted(chosen.items()))
    pairs = _polymer_pairs(pairing, chosen)
    chain_of = {pairing.reference[i].chain: pairing.ensemble[j].chain for i, j in chosen.items()}
    ligands = pair_ligands(*molecules, chain_of, _places(reference, ensemble, pairs))
    rows = np.array([*zip(*(p.tolist() for p in pairs), strict=True), *ligands], dtype=np.int64).reshape(-1, 2)
    rows = rows[np.argsort(rows[:, 0])]
    residues = rows[:, 0], rows[:, 1]
    polymers = any(len(units) for units in (pairing.reference, pairing.ensemble))
    atoms = common_atoms(*molecules, residues)
    if len(atoms[0]) == 0 or (polymers and not chosen):
        raise InputError(_no_match(reference, ensemble, pairing))

    found = [np.zeros(m.n_residues, dtype=bool) for m in molecules]
    found[0][residues[0]], found[1][residues[1]] = True, True
    heavy = [~np.isin(m.element, ["H", "D"]) for m in molecules]
    missing = [molecules[0].residue_label(at) for at in np.flatnonzero(~found[0]).tolist()]
    parents = molecules[0].residue_parent_name[residues[0]], molecules[1].residue_parent_name[residues[1]]
    mutated = rows[(parents[0] != parents[1]) & np.isin(molecules[0].residue_kind[residues[0]], ["protein", "nucleic"])]
    n_missing_atoms = int((found[0][molecules[0].residue_index] & heavy[0]).sum()) - len(atoms[0])
    return Matching(
        reference_atoms=atoms[0],
        ensemble_atoms=atoms[1],
        chain_map=tuple(_entry(pairing, i, j) for i, j in chosen.items()),
        n_reference_atoms=int(heavy[0].sum()),
        n_ensemble_atoms=int(heavy[1].sum()),
        n_residues=len(rows),
        n_mutated=len(mutated),
        n_missing_atoms=n_missing_atoms,
        missing_residues=tuple(missing),
        extra_residues=int((~found[1]).sum()),
        notes=tuple(_notes(molecules, pairing, chosen, ambiguous, mutated, missing, n_missing_atoms, ~found[1])),
    )


def _polymer_pairs(pairing: Pairing, chosen: Assignment) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    none = np.zeros(0, dtype=np.int64)
    found = [(pairing.reference[i], pairing.ensemble[j], pairing.candidates[i, j]) for i, j in chosen.items()]
    return (np.concatenate([none, *(one.residues[each.first] for one, _, each in found)]),
            np.concatenate([none, *(other.residues[each.second] for _, other, each in found)]))  # fmt: skip


def _places(
    reference: Frames, ensemble: Frames, pairs: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Mean positions of all atoms of both sides, superposed on matched polymers; None if there is nothing to place."""
    if not all(
        (~np.isin(m.residue_kind, ["protein", "nucleic"])).any() for m in (reference.molecule, ensemble.molecule)
    ):
        return None
    atoms = [representative_of_residue(side.molecule)[rows]
             for side, rows in ((reference, pairs[0]), (ensemble, pairs[1]))]  # fmt: skip
    both = (atoms[0] >= 0) & (atoms[1] >= 0)
    if both.sum() < 3:
        return None
    target = np.asarray(reference.molecule.coordinates_nm)[atoms[0][both]]
    first, second = (mean_positions(sampled_frames(side), rows[both], target)
                     for side, rows in ((reference, atoms[0]), (ensemble, atoms[1])))  # fmt: skip
    return first, second


def _entry(pairing: Pairing, i: int, j: int) -> dict[str, Any]:
    found = pairing.candidates[i, j]
    return {
        "reference": pairing.reference[i].name,
        "ensemble": pairing.ensemble[j].name,
        "identity": found.n_identical / len(found.first),
        "n_matched": len(found.first),
        "n_reference": len(pairing.reference[i]),
        "n_ensemble": len(pairing.ensemble[j]),
    }


def _notes(
    molecules: tuple[Complex, Complex], pairing: Pairing, chosen: Assignment, ambiguous: bool,
    mutated: NDArray[np.int64], missing: Sequence[str], n_missing_atoms: int, extra: NDArray[np.bool_],
) -> list[str]:  # fmt: skip
    notes = []
    names = [(pairing.reference[i].name, pairing.ensemble[j].name) for i, j in chosen.items()]
    renamed = [f"{a}={b}" for a, b in names if a != b]
    if renamed:
        how = ", equal chains by their places" if ambiguous else ""
        notes.append(f"Chains of the ensemble are named otherwise (reference=ensemble: {', '.join(renamed)}{how}).")
    for side, units, used in (("reference", pairing.reference, set(chosen)),
                              ("ensemble", pairing.ensemble, set(chosen.values()))):  # fmt: skip
        left = [_describe(unit) for at, unit in enumerate(units) if at not in used]
        if left:
            notes.append(f"No counterpart for {_listed(left)} of the {side}.")
    if mutated.size:
        texts = [f"{molecules[0].residue_label(a)} is {molecules[1].residue_name[b]}" for a, b in mutated.tolist()]
        notes.append(
            f"{len(texts)} matched residues differ ({_listed(texts)}): only atoms that both have are compared."
        )
    if missing:
        notes.append(f"{len(missing)} residues of the reference are not in the ensemble ({_listed(missing)}).")
    if n_missing_atoms:
        notes.append(f"{n_missing_atoms} heavy atoms of matched residues are not in the ensemble.")
    if extra.any():
        texts = [molecules[1].residue_label(at) for at in np.flatnonzero(extra)[: _MAX_SHOWN + 1].tolist()]
        notes.append(f"{int(extra.sum())} residues of the ensemble are not in the reference ({_listed(texts)}).")
    n_renamed = [standard_atom_names(molecule)[1] for molecule in molecules]
    if any(n_renamed):
        notes.append(f"{sum(n_renamed)} atoms were matched by the PDB's names in place of a simulation program's.")
    return notes


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(texts[:_MAX_SHOWN]) + (" …" if len(texts) > _MAX_SHOWN else "")


def _describe(unit: Unit) -> str:
    return f"chain {unit.name or '(no name)'} ({unit.kind}, {len(unit)} residues)"


def _no_match(reference: Frames, ensemble: Frames, pairing: Pairing) -> str:
    def listed(frames: Frames, units: Sequence[Unit]) -> str:
        found = _listed([_describe(unit) for unit in units]) or "no protein or nucleic acid"
        return f"{frames.name} has {found}"

    return (
        f"{listed(ensemble, pairing.ensemble)}; {listed(reference, pairing.reference)}: no chain of one is like a "
        "chain of the other (30 % identical residues were expected at least). Check that both are the same complex, "
        "and give the topology that belongs to each trajectory."
    )
