"""What a structure lacks: residues of its sequence that are not modelled, and heavy atoms of modelled ones.

The findings are texts for people; nothing is built here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import gemmi
import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.complex import Complex

__all__ = ["HEAVY_ATOMS", "missing_atoms", "missing_residues"]

_SUGAR = "P OP1 OP2 O5' C5' C4' O4' C3' O3' C2' C1'"
_BASE = {
    "A": "N9 C8 N7 C5 C6 N6 N1 C2 N3 C4",
    "G": "N9 C8 N7 C5 C6 O6 N1 C2 N2 N3 C4",
    "C": "N1 C2 O2 N3 C4 N4 C5 C6",
    "U": "N1 C2 O2 N3 C4 O4 C5 C6",
    "T": "N1 C2 O2 N3 C4 O4 C5 C7 C6",
}
_SIDE_CHAIN = {
    "ALA": "CB",
    "ARG": "CB CG CD NE CZ NH1 NH2",
    "ASN": "CB CG OD1 ND2",
    "ASP": "CB CG OD1 OD2",
    "CYS": "CB SG",
    "GLN": "CB CG CD OE1 NE2",
    "GLU": "CB CG CD OE1 OE2",
    "GLY": "",
    "HIS": "CB CG ND1 CD2 CE1 NE2",
    "ILE": "CB CG1 CG2 CD1",
    "LEU": "CB CG CD1 CD2",
    "LYS": "CB CG CD CE NZ",
    "MET": "CB CG SD CE",
    "PHE": "CB CG CD1 CD2 CE1 CE2 CZ",
    "PRO": "CB CG CD",
    "SER": "CB OG",
    "THR": "CB OG1 CG2",
    "TRP": "CB CG CD1 CD2 NE1 CE2 CE3 CZ2 CZ3 CH2",
    "TYR": "CB CG CD1 CD2 CE1 CE2 CZ OH",
    "VAL": "CB CG1 CG2",
}

HEAVY_ATOMS: dict[str, tuple[str, ...]] = {
    **{name: tuple(f"N CA C O {side}".split()) for name, side in _SIDE_CHAIN.items()},
    **{base: tuple(f"{_SUGAR} O2' {_BASE[base]}".split()) for base in "ACGU"},
    **{f"D{base}": tuple(f"{_SUGAR} {_BASE[base]}".split()) for base in "ACGT"},
}
"""Heavy atoms of the 20 amino acids and 8 nucleotides inside a chain, by residue name."""

# What other programs and older files call the same atom.
_SYNONYMS = {("ILE", "CD1"): ("CD",), ("*", "O"): ("OT1", "O1", "OC1"), ("DT", "C7"): ("C5M",)}
_LONGEST_ALIGNMENT = 2e8
_LONGEST_GAP = 100
_MISMATCH_SHARE = 0.5
_COARSE_SHARE = 0.9


def missing_atoms(complex: Complex) -> tuple[str, ...]:
    """One text for every standard residue with heavy atoms missing, e.g. ``A:LYS13 lacks CG CD CE NZ``.

    The phosphate of a nucleotide that begins a chain is not missed, and models of one atom a residue lack so
    much that nothing is listed.
    """
    parent = complex.residue_parent_name
    expected = {name: set(atoms) for name, atoms in HEAVY_ATOMS.items()}
    wanted = np.array([len(HEAVY_ATOMS.get(str(name), ())) for name in parent])
    # Only residues with fewer atoms than wanted, or unusual ones, need a look at their names.
    known = np.zeros(complex.n_residues, dtype=np.int64)
    for name in np.unique(parent):
        if str(name) in expected:
            residues = parent == name
            atoms = residues[complex.residue_index] & np.isin(complex.atom_name, list(HEAVY_ATOMS[str(name)]))
            known += np.bincount(complex.residue_index[atoms], minlength=complex.n_residues)
    modified = (complex.residue_name != parent) & ~np.isin(complex.residue_kind, ["protein", "nucleic"])
    incomplete = np.flatnonzero((known < wanted) & np.isin(complex.residue_kind, ["protein", "nucleic"]) & ~modified)
    polymer = np.isin(complex.residue_kind, ["protein", "nucleic"])
    if polymer.any() and (np.bincount(complex.residue_index)[polymer] == 1).mean() > _COARSE_SHARE:
        return ()
    bound = set(complex.links.ravel().tolist())
    start = complex.residue_start
    found = []
    for residue in incomplete:
        name = str(parent[residue])
        atoms = range(start[residue], start[residue + 1])
        have = {str(complex.atom_name[atom]) for atom in atoms}
        lacking = [atom for atom in HEAVY_ATOMS[name] if not _has(name, atom, have)]
        if str(complex.residue_name[residue]) != name:
            # Modifications replace atoms; only the backbone is certain.
            lacking = [atom for atom in lacking if atom in ("N", "CA", "C", "P", "O5'", "C5'", "C4'", "C3'", "C1'")]
        sugar = next((atom for atom in atoms if complex.atom_name[atom] == "O5'"), None)
        if "P" in lacking and (sugar is not None and sugar not in bound) and not have & {"OP1", "OP2"}:
            lacking = [atom for atom in lacking if atom not in ("P", "OP1", "OP2")]
        if lacking:
            found.append(f"{complex.residue_label(int(residue))} lacks {' '.join(lacking)}")
    return tuple(found)


def _has(residue: str, atom: str, have: set[str]) -> bool:
    others = _SYNONYMS.get((residue, atom), ()) or _SYNONYMS.get(("*", atom), ())
    return atom in have or any(other in have for other in others)


def missing_residues(
    complex: Complex, sequences: Mapping[str, Sequence[str]], uses_entities: bool, notes: list[str]
) -> tuple[str, ...]:
    """One text for every residue that is in the sequence record but not modelled, e.g. ``A:GLY12``.

    mmCIF files number the residues by their place in the sequence, which is exact; PDB files need an alignment
    of the SEQRES record. Without any record, residues missing by number are reported where the chain is also
    broken, without a name: ``A:12``.

    Parameters
    ----------
    complex
        The structure with its links.
    sequences
        Full sequences by entity id or by chain name.
    uses_entities
        Which of the two it is.
    notes
        Breaks in a chain that have no missing number are reported here.
    """
    found: list[str] = []
    bound = np.zeros(complex.n_residues, dtype=bool)
    bound[complex.residue_index[complex.links].ravel()] = True
    for chain in range(complex.n_chains):
        residues = np.flatnonzero(complex.chain_index == chain)
        in_polymer = np.isin(complex.residue_kind[residues], ["protein", "nucleic"])
        if uses_entities:
            in_polymer |= (complex.residue_label_number[residues] > 0) & np.isin(
                complex.residue_entity[residues], list(sequences)
            )
        else:
            # Caps such as ACE and NH2 stand in the record but are no amino acids.
            in_record = np.isin(complex.residue_name[residues], sequences.get(str(complex.chain_name[chain]), ()))
            in_polymer |= in_record & bound[residues]
        residues = residues[in_polymer]
        groups = _by_label_chain(complex, residues) if uses_entities else [residues][: len(residues)]
        for group in groups:
            key = str(complex.residue_entity[group[0]] if uses_entities else complex.chain_name[chain])
            sequence = sequences.get(key)
            if sequence and uses_entities and (complex.residue_label_number[group] > 0).all():
                places = complex.residue_label_number[group]
            elif sequence and not uses_entities:
                places = _align(complex, group, sequence, notes)
            else:
                places = None
            if places is None or sequence is None:
                found += _gaps(complex, group, notes)
            else:
                found += _absent(complex, group[places > 0], places[places > 0], sequence)
    return tuple(found)


def _by_label_chain(complex: Complex, residues: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    labels = complex.residue_label_chain[residues]
    return [residues[labels == label] for label in dict.fromkeys(labels.tolist())]


def _absent(
    complex: Complex, residues: NDArray[np.int64], places: NDArray[np.int64], sequence: Sequence[str]
) -> list[str]:
    """Names of the sequence's other places, with the author numbers that they would have."""
    chain = complex.chain_name[complex.chain_index[residues[0]]]
    modelled = set(places.tolist())
    number = dict(zip(places.tolist(), complex.residue_number[residues].tolist(), strict=True))
    sorted_places = np.array(sorted(modelled))
    texts = []
    for place, name in enumerate(sequence, start=1):
        if place in modelled:
            continue
        at = int(np.searchsorted(sorted_places, place))
        anchor = int(sorted_places[at - 1] if at > 0 else sorted_places[0])
        texts.append(f"{chain}:{name}{number[anchor] + place - anchor}")
    return texts


def _align(
    complex: Complex, residues: NDArray[np.int64], sequence: Sequence[str], notes: list[str]
) -> NDArray[np.int64] | None:
    """One-based place in the sequence of every residue, 0 for none; None if the record does not fit."""
    chain = complex.chain_name[complex.chain_index[residues[0]]]
    names = complex.residue_name[residues].tolist()
    if len(names) == len(sequence) and names == list(sequence):
        return np.arange(1, len(names) + 1)
    if len(names) * len(sequence) > _LONGEST_ALIGNMENT:
        notes.append(f"Chain {chain} is too long to be aligned with its SEQRES record.")
        return None
    linked = _linked_to_next(complex, residues)
    scoring = gemmi.AlignmentScoring("p")
    opening = [scoring.good_gapo, *(scoring.bad_gapo if bound else scoring.good_gapo for bound in linked[:-1])]
    opening.append(scoring.good_gapo)
    result = gemmi.align_string_sequences(list(sequence), names, opening, scoring)
    gapped = result.add_gaps("s" * len(sequence), 1), result.add_gaps("m" * len(names), 2)
    place = np.cumsum([letter == "s" for letter in gapped[0]])
    is_model = np.array([letter == "m" for letter in gapped[1]])
    in_sequence = np.array([letter == "s" for letter in gapped[0]])
    if result.match_count < _MISMATCH_SHARE * len(names):
        notes.append(f"The SEQRES record of chain {chain} does not fit its residues and was not used.")
        return None
    return np.where(in_sequence, place, 0)[is_model]


def _linked_to_next(complex: Complex, residues: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each residue is bound to the next of the list; the last is not: [n]."""
    pairs = complex.residue_index[complex.links]
    codes = pairs.min(axis=1) * complex.n_residues + pairs.max(axis=1)
    wanted = np.minimum(residues[:-1], residues[1:]) * complex.n_residues + np.maximum(residues[:-1], residues[1:])
    return np.append(np.isin(wanted, codes), False)


def _gaps(complex: Complex, residues: NDArray[np.int64], notes: list[str]) -> list[str]:
    """Missing numbers where the chain is broken, and a note on breaks without one."""
    if len(residues) < 2:
        return []
    chain = complex.chain_name[complex.chain_index[residues[0]]]
    number = complex.residue_number[residues]
    step = np.diff(number)
    broken = ~_linked_to_next(complex, residues)[:-1]
    texts: list[str] = []
    for at in np.flatnonzero(broken & (step > 1)):
        if step[at] - 1 > _LONGEST_GAP:
            notes.append(f"Numbers of chain {chain} jump from {number[at]} to {number[at + 1]}, where it is broken.")
        else:
            texts += [f"{chain}:{missing}" for missing in range(number[at] + 1, number[at + 1])]
    # Chains of representative atoms only have no bonds to judge by.
    carbon, nitrogen = complex.atom_of_residue("C")[residues], complex.atom_of_residue("N")[residues]
    odd = np.flatnonzero(broken & (step <= 1) & (carbon[:-1] >= 0) & (nitrogen[1:] >= 0))
    for at in odd[:3]:
        pair = [complex.residue_label(int(residue)) for residue in residues[at : at + 2]]
        distance = float(np.linalg.norm(complex.coordinates_nm[carbon[at]] - complex.coordinates_nm[nitrogen[at + 1]]))
        notes.append(
            f"There is no bond between {pair[0]} and {pair[1]}, whose C and N are {distance:.2f} nm apart "
            "(another chain, missing residues, or a molecule cut by a periodic box)."
        )
    if len(odd) > 3:
        notes.append(f"Chain {chain} is broken at {len(odd) - 3} more places.")
    return texts
