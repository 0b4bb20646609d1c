"""Frames as people want to see them: molecules whole, a complex in one piece, the solute in the middle of its water.

OpenMM keeps a molecule whole but lets each wander into another image of the box. Which image of a chain is shown
follows from the frame alone and from where the chains stood at the start.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from unfreeze.simulate.system import MolecularSystem

__all__ = ["Imaging"]


class Imaging:
    """Chooses images for one system.

    Parameters
    ----------
    molecular
        The system.
    saved : int64 [n_saved]
        Rows of the atoms that are saved.
    whole_box
        Whether water and ions are saved, too, and are to be put around the solute.
    """

    def __init__(self, molecular: MolecularSystem, saved: NDArray[np.int64], *, whole_box: bool) -> None:
        self._saved = saved
        self._solute = molecular.solute_atoms
        self._periodic = molecular.box_nm is not None
        self._whole_box = whole_box
        if not self._periodic:
            return
        molecule = _molecules(molecular)
        self._molecule = molecule
        self._n_molecules = int(molecule.max()) + 1
        self._size = np.bincount(molecule)[:, None].astype(np.float64)
        self._of_solute = np.zeros(self._n_molecules, dtype=bool)
        self._of_solute[molecule[self._solute]] = True
        self._first = int(molecule[self._solute[0]])
        start = self._centres(molecular.positions_nm)
        self._from_first = start - start[self._first]

    def frame(self, positions_nm: NDArray[np.float64], box_nm: NDArray[np.float64] | None) -> NDArray[np.float32]:
        """Saved coordinates: [n_saved, 3], nm, the centre of the solute at the origin.

        Parameters
        ----------
        positions_nm : [n_atoms, 3]
            As OpenMM gives them, not wrapped.
        box_nm : [3, 3] or None
            Box vectors in rows, in OpenMM's reduced form.
        """
        if not self._periodic or box_nm is None:
            centred = positions_nm[self._saved] - positions_nm[self._solute].mean(axis=0)
            return centred.astype("<f4")
        centres = self._centres(positions_nm)
        shift = np.zeros_like(centres)
        chains = self._of_solute
        # Each chain to the image that is nearest to its place beside the first chain at the start.
        astray = centres[chains] - centres[self._first] - self._from_first[chains]
        shift[chains] = -_lattice_vectors(astray, box_nm)
        middle = (positions_nm[self._solute] + shift[self._molecule[self._solute]]).mean(axis=0)
        if self._whole_box:
            shift[~chains] = -_lattice_vectors(centres[~chains] - middle, box_nm)
        return (positions_nm[self._saved] + shift[self._molecule[self._saved]] - middle).astype("<f4")

    def _centres(self, positions_nm: NDArray[np.float64]) -> NDArray[np.float64]:
        sums = [np.bincount(self._molecule, positions_nm[:, axis], self._n_molecules) for axis in range(3)]
        return np.stack(sums, axis=1) / self._size


def _molecules(molecular: MolecularSystem) -> NDArray[np.int64]:
    """Number of the molecule of every particle, virtual sites with their parents: [n_atoms]."""
    n_atoms = len(molecular.positions_nm)
    pairs = [(bond[0].index, bond[1].index) for bond in molecular.topology.bonds()]
    system = molecular.system
    for index in range(n_atoms):
        if system.isVirtualSite(index):
            pairs.append((index, system.getVirtualSite(index).getParticle(0)))
    # Rigid water may have no bonds in the topology, but always has constraints.
    for index in range(system.getNumConstraints()):
        one, other, _ = system.getConstraintParameters(index)
        pairs.append((one, other))
    rows = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    graph = sparse.coo_array((np.ones(len(rows), dtype=bool), (rows[:, 0], rows[:, 1])), shape=(n_atoms, n_atoms))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _lattice_vectors(offset_nm: NDArray[np.float64], box_nm: NDArray[np.float64]) -> NDArray[np.float64]:
    """The lattice vector that lies nearest to each offset, in reduced boxes to a good approximation: [n, 3]."""
    rest = offset_nm.copy()
    total = np.zeros_like(offset_nm)
    for axis in (2, 1, 0):  # reduced vectors: c first, as OpenMM does
        moved = np.round(rest[:, axis] / box_nm[axis, axis])[:, None] * box_nm[axis]
        rest -= moved
        total += moved
    return total
