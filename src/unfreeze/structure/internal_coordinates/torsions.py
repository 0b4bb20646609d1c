"""Backbone and side-chain torsions of proteins: which atoms make them, and their values in any number of frames.

The columns are :data:`unfreeze.structure.chemistry.residues.TORSION_NAMES`. Neighbours are those joined by a peptide
bond in the complex's links, never those with adjacent numbers. Nucleic acid torsions are not here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.chemistry.atom_lookup import AtomLookup, atoms_by_parent_name
from unfreeze.structure.chemistry.covalent import peptide_links
from unfreeze.structure.chemistry.residues import AMINO_ACIDS, TORSION_NAMES
from unfreeze.structure.complex import Complex
from unfreeze.structure.geometry import torsion_angles

__all__ = ["torsion_atoms", "torsions"]


def torsion_atoms(system: Complex) -> NDArray[np.int64]:
    """The four atoms of every torsion.

    Parameters
    ----------
    system
        The complex.

    Returns
    -------
    int64 [n_residues, 8, 4]
        Atoms of phi, psi, omega and chi1 to chi5 of every residue, -1 where a torsion is not defined: not an amino
        acid, chain end or break, atom missing, or no such chi. Omega is about the peptide bond *before* the residue,
        so that a cis proline has the cis omega.
    """
    quads = np.full((system.n_residues, len(TORSION_NAMES), 4), -1, dtype=np.int64)
    alpha, carbon, nitrogen = (system.atom_of_residue(name) for name in ("CA", "C", "N"))
    peptides = peptide_links(system)
    before, after = system.residue_index[peptides].T
    quads[after, 0] = np.stack([peptides[:, 0], peptides[:, 1], alpha[after], carbon[after]], axis=1)
    quads[before, 1] = np.stack([nitrogen[before], alpha[before], peptides[:, 0], peptides[:, 1]], axis=1)
    quads[after, 2] = np.stack([alpha[before], peptides[:, 0], peptides[:, 1], alpha[after]], axis=1)

    lookup = AtomLookup(system, atoms_by_parent_name(system))
    protein = system.residue_kind == "protein"
    for acid in AMINO_ACIDS.values():
        residues = np.flatnonzero(protein & (system.residue_parent_name == acid.name))
        for column, quad in enumerate(acid.chi, start=TORSION_NAMES.index("chi1")):
            quads[residues, column] = lookup.of(residues, *quad)
    quads[(quads < 0).any(axis=-1)] = -1
    return quads


def torsions(system: Complex, coordinates_nm: NDArray[np.floating] | None = None) -> NDArray[np.float64]:
    """Values of all torsions.

    Parameters
    ----------
    system
        The complex.
    coordinates_nm
        [n_frames, n_atoms, 3]; the complex's own as one frame when None.

    Returns
    -------
    float64 [n_frames, n_residues, 8]
        Radians in (-π, π], IUPAC sign; NaN where not defined.
    """
    frames = system.coordinates_nm[None] if coordinates_nm is None else np.asarray(coordinates_nm, dtype=np.float64)
    quads = torsion_atoms(system)
    defined = quads[..., 0] >= 0
    values = np.full((len(frames), *defined.shape), np.nan)
    values[:, defined] = torsion_angles(*(frames[:, quads[defined, place]] for place in range(4)))
    return values
