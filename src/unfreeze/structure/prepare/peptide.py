"""Peptides from their sequence: an extended or helical backbone of ideal geometry, chains side by side.

Only the 20 L-amino acids are known. What comes out is a start for simulations, not a prediction.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.structure.chemistry.ideal_geometry import BACKBONE_GEOMETRY
from unfreeze.structure.chemistry.residues import AMINO_ACIDS
from unfreeze.structure.complex import Source
from unfreeze.structure.internal_coordinates.rebuild import place_atoms
from unfreeze.structure.prepare.changes import Changes
from unfreeze.structure.prepare.draft import Draft, Residue
from unfreeze.structure.prepare.settings import PreparationSettings
from unfreeze.structure.prepare.side_chains import add_carbonyl, complete_side_chain

__all__ = ["build_peptides", "parse_sequence"]

Points = NDArray[np.float64]

_LETTERS = {acid.letter: name for name, acid in AMINO_ACIDS.items()}
_CHAINS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MOST_RESIDUES = 1000
_TORSIONS = {"extended": (-135.0, 135.0), "helix": (-60.0, -45.0)}
_PROLINE_PHI = -65.0
_CN_NM, _CA_C_N, _C_N_CA = 0.1329, np.radians(116.8), np.radians(121.7)
_APART_NM = 1.2


def parse_sequence(text: str) -> list[list[str]]:
    """Residue names of every chain of a sequence such as ``GYDPETGTWG:KLVFF``.

    Raises
    ------
    InputError
        If a letter is none of the 20 L-amino acids, naming its place, or a chain is empty.
    """
    chains = []
    for at, part in enumerate(text.split(":"), start=1):
        letters = "".join(part.split())
        where = f" of chain {at}" if ":" in text else ""
        if not letters:
            raise InputError(f"sequence {text!r}: chain {at} is empty; write letters, chains separated by ':'")
        for place, letter in enumerate(letters, start=1):
            if letter in _LETTERS:
                continue
            if letter.upper() in _LETTERS:
                reason = "small letters stand for D-amino acids, which are not built; write capitals for L"
            else:
                reason = f"it is none of the 20 amino acids ({''.join(sorted(_LETTERS))})"
            raise InputError(f"sequence {text!r}: {letter!r} at position {place}{where}: {reason}")
        chains.append([_LETTERS[letter] for letter in letters])
    if len(chains) > len(_CHAINS):
        raise InputError(f"sequence of {len(chains)} chains; at most {len(_CHAINS)} are built")
    if sum(map(len, chains)) > _MOST_RESIDUES:
        raise InputError(f"sequence of {sum(map(len, chains))} residues; at most {_MOST_RESIDUES} are built")
    return chains


def build_peptides(sequence: str, settings: PreparationSettings, changes: Changes) -> Draft:
    """A draft of the chains of a sequence, with all heavy atoms but those of the ends.

    Raises
    ------
    InputError
        If the sequence cannot be built, or a choice does not fit it.
    """
    chains = parse_sequence(sequence)
    for option in ("chains", "assembly"):
        if getattr(settings, option) is not None:
            raise InputError(f"{option} cannot be chosen of a sequence; write the chains that are wanted")
    for name, residues in zip(_CHAINS, chains, strict=False):
        if len(residues) == 1 and settings.termini != "capped":
            raise InputError(
                f"sequence {sequence!r}: chain {name} is one residue, for which force fields have no charged form; "
                "cap it (--termini capped)"
            )
    draft = Draft([], source=Source(name="".join(sequence.split())))
    edge = 0.0
    for name, residues in zip(_CHAINS, chains, strict=False):
        built = _build_chain(name, residues, *_TORSIONS[settings.conformation])
        edge = _lay_beside(built, edge)
        draft.residues += built
        text = f"Chain {name} of {len(residues)} residues was built, {settings.conformation}, from its sequence."
        changes.add("built", "", text)
    return draft


def _build_chain(chain: str, names: list[str], phi: float, psi: float) -> list[Residue]:
    """Residues with all heavy atoms but the ends."""

    def put(a: Points, b: Points, c: Points, length: float, angle: float, degrees: float) -> Points:
        return place_atoms(a, b, c, np.array(length), np.array(angle), np.array(np.radians(degrees)))

    residues: list[Residue] = []
    for number, name in enumerate(names, start=1):
        n_ca, ca_c, angle = BACKBONE_GEOMETRY[name]
        residue = Residue(chain, number, "", name, "protein", joined=number > 1, built=True)
        turn = _PROLINE_PHI if name == "PRO" else phi
        if not residues:
            nitrogen, alpha = np.zeros(3), np.array([n_ca, 0.0, 0.0])
            carbon = alpha + ca_c * np.array([-np.cos(angle), np.sin(angle), 0.0])
        else:
            last = residues[-1]
            nitrogen = put(last.at("N"), last.at("CA"), last.at("C"), _CN_NM, _CA_C_N, psi)
            alpha = put(last.at("CA"), last.at("C"), nitrogen, n_ca, _C_N_CA, 180.0)
            carbon = put(last.at("C"), nitrogen, alpha, ca_c, angle, turn)
        for atom, point in (("N", nitrogen), ("CA", alpha), ("C", carbon)):
            residue.put(atom, point)
        residues.append(residue)
    draft = Draft(residues)
    for at, residue in enumerate(residues):
        following = residues[at + 1] if at + 1 < len(residues) else None
        if following is None:
            oxygen = put(residue.at("N"), residue.at("CA"), residue.at("C"), 0.1231, np.radians(120.5), psi + 180.0)
            residue.put("O", oxygen)
        else:
            add_carbonyl(residue, following, np.empty((0, 3)))
    for residue in residues:
        complete_side_chain(residue, draft.heavy_positions(without=[residue]))
    return residues


def _lay_beside(residues: list[Residue], edge_nm: float) -> float:
    """Turn a chain so that it is long along z, and put it beyond an edge on x; the new edge is returned."""
    atoms = [atom for residue in residues for atom in residue.atoms.values()]
    points = np.array([atom.position for atom in atoms])
    points -= points.mean(axis=0)
    _, _, axes = np.linalg.svd(points, full_matrices=False)
    axes = axes[::-1].copy()
    if np.linalg.det(axes) < 0:
        axes[0] *= -1
    points = points @ axes.T
    # the ends get caps and hydrogens, which need room, too
    points[:, 0] += edge_nm - points[:, 0].min() + (_APART_NM if edge_nm > 0 else 0.0)
    for atom, point in zip(atoms, points, strict=True):
        atom.position = point
    return float(points[:, 0].max())
