"""Does the molecule hold together: bond lengths, torn chains, chirality, cis peptides, frame by frame.

The limits are those of molecular dynamics at up to 600 K, far beyond those of refined structures: what is outside is a
fault of the integration or of imaging and no thermal motion. Which bonds and centres there are follows from
:mod:`unfreeze.structure.chemistry.covalent`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from unfreeze.simulate.quality.data import Finding, Report, SegmentData, Verdict
from unfreeze.simulate.quality.solute import Solute
from unfreeze.structure.chemistry.covalent import (
    MIN_CENTRE_VOLUME_NM3,
    ideal_bonds,
    ideal_centres,
    metal_atoms,
    peptide_links,
    signed_volumes,
)
from unfreeze.structure.chemistry.elements import covalent_radius_nm
from unfreeze.structure.geometry import torsion_angles

__all__ = ["CovalentCheck"]

BOND_TOLERANCE_NM = 0.05
"""A bond that is this much longer or shorter than it should be is broken. The softest bond between heavy atoms, the
disulfide (k = 2 x 166 kcal/mol/Å², Cornell et al. 1995, doi:10.1021/ja00124a002), spreads by sqrt(kT/k) = 0.006 nm at
600 K, so that this is eight standard deviations; it leaves room for what force fields and tables differ by."""
TORN_NM = 0.2
"""A peptide bond (0.133 nm) that is longer joins nothing any more; its spread is 0.003 nm at 600 K."""
SHORTEST_PEPTIDE_NM = 0.09
CIS_RADIANS = np.radians(60.0)
"""A peptide bond is cis within 60° of 0. The well of trans peptides spreads by 15° at 600 K and the barrier is at 90°:
beyond 60° from it a bond has gone over, and does not merely swing."""
STRAIN_NM = 0.03
"""A bond that no table has and that is further from the sum of covalent radii at the start is expected at that sum."""
_MOST_NAMED = 4


class CovalentCheck:
    """Checks bonds, peptide bonds, chiral centres and cis peptides of the solute.

    Broken: a bond more than 0.05 nm from its length, a peptide bond over 0.2 nm (torn), a centre of the other hand
    than at the start. Suspect: a peptide bond that is cis, was not at the start, and is not before proline.

    Parameters
    ----------
    solute
        Heavy atoms; their coordinates are those of the start.
    """

    def __init__(self, solute: Solute) -> None:
        molecule = solute.molecule
        self._molecule = molecule
        start = np.asarray(molecule.coordinates_nm, dtype=np.float64)[None]
        self._peptides = peptide_links(molecule)
        bonds = ideal_bonds(molecule)
        # what holds a metal is mostly not a bond of the force field
        kept = bonds.checked & ~metal_atoms(molecule)[bonds.atoms].any(axis=1)
        self._bonds, self._length = bonds.atoms[kept], bonds.length_nm[kept]
        radii = covalent_radius_nm(molecule.element)[self._bonds].sum(axis=1)
        strained = np.abs(self._length - radii) > STRAIN_NM
        self._length = np.where(strained, radii, self._length)
        # a link between residues that is no bond at the start (two cysteines that hold a zinc) need not become one
        between = np.diff(molecule.residue_index[self._bonds], axis=1)[:, 0] != 0
        loose = between & (np.abs(_distances(start, self._bonds)[0] - self._length) > BOND_TOLERANCE_NM)
        self._bonds, self._length = self._bonds[~loose], self._length[~loose]
        centres = ideal_centres(molecule, bonds)
        volume = signed_volumes(start, centres.atoms)[0]
        # what the start is decides, D-amino acids under an L name too
        self._centres = centres.atoms
        self._hand = np.where(np.abs(volume) > MIN_CENTRE_VOLUME_NM3, np.sign(volume), centres.sign)
        self._omega, may_be_cis = _omega_atoms(solute, self._peptides)
        self._may_be_cis = may_be_cis | (np.abs(self._angles(start)[0]) < CIS_RADIANS)

    def check(self, data: SegmentData, frames: NDArray[np.float64]) -> Report:
        """Check frames of the solute's heavy atoms: [n_frames, n_atoms, 3], finite."""
        label = self._molecule.atom_label
        peptide, bond = _distances(frames, self._peptides), _distances(frames, self._bonds)
        findings: list[Finding] = []
        measures: dict[str, float] = {}

        torn = peptide > TORN_NM
        findings += _told(
            torn, data, "broken",
            lambda f, k: self._torn(data, f, self._peptides[k], float(peptide[f, k])),
        )  # fmt: skip
        squeezed = peptide < SHORTEST_PEPTIDE_NM
        findings += _told(
            squeezed, data, "broken",
            lambda f, k: f"the peptide bond {label(self._peptides[k, 0])}-{label(self._peptides[k, 1])} is only "
            f"{peptide[f, k]:.3f} nm long",
        )  # fmt: skip
        off = np.abs(bond - self._length)
        findings += _told(
            off > BOND_TOLERANCE_NM, data, "broken",
            lambda f, k: f"the bond {label(self._bonds[k, 0])}-{label(self._bonds[k, 1])} is {bond[f, k]:.3f} nm long, "
            f"expected {self._length[k]:.3f} ± {BOND_TOLERANCE_NM:g} nm",
        )  # fmt: skip
        hand = signed_volumes(frames, self._centres) * self._hand
        findings += _told(
            hand < -MIN_CENTRE_VOLUME_NM3, data, "broken",
            lambda f, k: f"{label(self._centres[k, 0])} has turned into the other hand",
        )  # fmt: skip
        omega = np.abs(self._angles(frames))
        cis = (omega < CIS_RADIANS) & ~self._may_be_cis
        findings += _told(
            cis, data, "suspect",
            lambda f, k: f"the peptide bond {label(self._omega[k, 1])}-{label(self._omega[k, 2])} has become cis",
        )  # fmt: skip
        if peptide.size:
            measures["largest_peptide_bond_nm"] = float(peptide.max())
        if not self._may_be_cis.all():
            measures["least_trans_omega_deg"] = float(np.degrees(omega[:, ~self._may_be_cis].min()))
        if off.size:
            measures["largest_bond_error_nm"] = float(off.max())
        return Report(tuple(findings), measures)

    def _torn(self, data: SegmentData, row: int, atoms: NDArray[np.int64], length: float) -> str:
        first, second = (int(atom) for atom in atoms)
        label, molecule = self._molecule.atom_label, self._molecule
        chain = molecule.chain_name[molecule.chain_index[molecule.residue_index[first]]]
        across = data.box_nm is not None and length > 0.4 * float(np.linalg.norm(data.box_nm[row], axis=1).min())
        how = "split across the box" if across else "torn"
        return f"chain {chain} is {how} between {label(first)} and {label(second)}, which are {length:.3f} nm apart"

    def _angles(self, frames: NDArray[np.float64]) -> NDArray[np.float64]:
        return torsion_angles(*(frames[:, self._omega[:, k]] for k in range(4)))


def _told(
    faulty: NDArray[np.bool_], data: SegmentData, verdict: Verdict, words: Callable[[int, int], str]
) -> list[Finding]:
    """A finding for each faulty item, at the first frame that has it: faulty is [n_frames, n_items]."""
    items = np.flatnonzero(faulty.any(axis=0))
    first = faulty[:, items].argmax(axis=0)
    order = np.argsort(first, kind="stable")
    found = []
    for k, f in zip(items[order][:_MOST_NAMED].tolist(), first[order][:_MOST_NAMED].tolist(), strict=True):
        n_frames = int(faulty[:, k].sum())
        often = "" if n_frames == 1 else f" and in {n_frames - 1} more of this segment"
        found.append(Finding(verdict, f"{words(f, k)} in {data.when(f)}{often}"))
    if len(items) > _MOST_NAMED:
        found.append(Finding(verdict, f"the same holds for {len(items) - _MOST_NAMED} other places"))
    return found


def _omega_atoms(solute: Solute, peptides: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """CA, C, N, CA of the peptide bonds that have them, [n, 4], and whether proline follows, [n]."""
    molecule = solute.molecule
    alpha = molecule.atom_of_residue("CA")
    residues = molecule.residue_index[peptides]
    omega = np.stack([alpha[residues[:, 0]], peptides[:, 0], peptides[:, 1], alpha[residues[:, 1]]], axis=1)
    whole = (omega >= 0).all(axis=1)
    return omega[whole], (molecule.residue_parent_name[residues[:, 1]] == "PRO")[whole]


def _distances(frames: NDArray[np.float64], pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    difference = frames[:, pairs[:, 0]] - frames[:, pairs[:, 1]]
    return np.sqrt(np.einsum("fpi,fpi->fp", difference, difference))
