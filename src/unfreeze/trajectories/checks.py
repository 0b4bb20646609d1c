"""What can be wrong with frames that were read: numbers that are none, units, another molecule, torn chains."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex

__all__ = ["FrameChecks"]

_LARGEST_NM = 1e4
_BOUND_CA_NM = 0.45  # consecutive Cα atoms closer than this in the topology are taken for neighbours
_ANGSTROM_RANGE_NM = (2.6, 4.6)  # 0.29 nm (cis) and 0.38 nm (trans), ten times too long
_ANGSTROM_SHARE = 0.8  # of the distances are in that range; those of mixed-up atoms are anywhere
_LIKELY_NM = 0.6  # a median beyond this is no chain
_TORN_NM = 1.0


class FrameChecks:
    """Checks of frames as they are read, block by block.

    Parameters
    ----------
    molecule
        What the frames are of, in the coordinates of the topology.
    name
        What messages call the frames.
    own_topology
        Whether the frames come from one file with the names of their atoms, so that these cannot be mixed up.
    """

    def __init__(self, molecule: Complex, name: str, *, own_topology: bool = False) -> None:
        self._molecule = molecule
        self._name = name
        self._own_topology = own_topology
        self._neighbours = _neighbouring_alphas(molecule)
        self._bonds = np.concatenate([self._neighbours, _bonds(molecule)])
        self._n_frames = 0
        self._n_torn = 0

    def look_at(self, block_nm: NDArray[np.float32], frames: NDArray[np.int64], name: str = "") -> None:
        """Look at frames: [n, n_atoms, 3], nm, and their numbers in the file: [n].

        Raises
        ------
        InputError
            If a coordinate is no number, the unit is not nm, or the atoms are others than the topology's.
        """
        name = name or self._name
        # A sum is not finite when any number is not; only then is it worth looking where.
        with np.errstate(over="ignore", invalid="ignore"):
            wrong = not np.isfinite(block_nm.sum(dtype=np.float64)) or np.abs(block_nm).max(initial=0.0) > _LARGEST_NM
        if wrong:
            self._refuse_numbers(block_nm, frames, name)
        if self._n_frames == 0:
            self._check_scale(block_nm, name)
        if len(self._bonds):
            lengths = np.linalg.norm(block_nm[:, self._bonds[:, 0]] - block_nm[:, self._bonds[:, 1]], axis=-1)
            self._n_torn += int((lengths > _TORN_NM).any(axis=1).sum())
        self._n_frames += len(block_nm)

    def notes(self) -> tuple[str, ...]:
        """Remarks about all frames seen."""
        if not self._n_torn:
            return ()
        return (
            f"{self._n_torn} of {self._n_frames} frames are torn across the periodic box, or have chains that came "
            f"apart (bonded atoms more than {_TORN_NM:g} nm from each other): make molecules whole first.",
        )

    def _refuse_numbers(self, block_nm: NDArray[np.float32], frames: NDArray[np.int64], name: str) -> None:
        wrong = ~(np.abs(block_nm) <= _LARGEST_NM).all(axis=2)
        at, atom = (int(index) for index in np.argwhere(wrong)[0])
        n_frames = len(np.unique(np.nonzero(wrong)[0]))
        values = ", ".join(f"{value:g}" for value in block_nm[at, atom])
        raise InputError(
            f"{name}: frame {frames[at] + 1}: atom {self._molecule.atom_label(atom)} has the coordinates ({values}) "
            f"nm; finite numbers below {_LARGEST_NM:g} nm were expected ({n_frames} such frames near this one). "
            "Leave out these frames or write the file again."
        )

    def _check_scale(self, block_nm: NDArray[np.float32], name: str) -> None:
        """Consecutive Cα are 0.38 nm apart whatever the fold, so their median tells units and mixed-up atoms."""
        if len(self._neighbours) == 0:
            return
        one, other = self._neighbours.T
        lengths = np.linalg.norm(block_nm[:, one] - block_nm[:, other], axis=-1)
        median = float(np.median(lengths))
        least, most = _ANGSTROM_RANGE_NM
        if ((lengths > least) & (lengths < most)).mean() > _ANGSTROM_SHARE:
            raise InputError(
                f"{name}: consecutive Cα atoms are {median:.2f} nm apart (median), ten times the 0.38 nm of a chain: "
                "the coordinates seem to be in Å where the format has nm. Divide them by 10 and write the file again."
            )
        if median > _LIKELY_NM and not self._own_topology:
            raise InputError(
                f"{name}: consecutive Cα atoms are {median:.2f} nm apart (median; 0.38 nm was expected), so the "
                "atoms are not those of the topology in its order, or the frames are torn. Give the topology that "
                "belongs to the trajectory; frames that really look like this can be given as PDB models."
            )


def _neighbouring_alphas(molecule: Complex) -> NDArray[np.int64]:
    """Pairs of Cα of consecutive residues of a chain that are neighbours in the topology: [n, 2]."""
    alpha = molecule.atom_of_residue("CA")
    protein = (molecule.residue_kind == "protein") & (alpha >= 0)
    first = np.flatnonzero(protein[:-1] & protein[1:] & (molecule.chain_index[:-1] == molecule.chain_index[1:]))
    pairs = np.stack([alpha[first], alpha[first + 1]], axis=1)
    return pairs[_lengths(molecule, pairs) < _BOUND_CA_NM]


def _bonds(molecule: Complex) -> NDArray[np.int64]:
    """Bonds between residues of polymers: [n, 2]."""
    polymer = np.isin(molecule.residue_kind, ["protein", "nucleic"])[molecule.residue_index]
    return molecule.links[polymer[molecule.links].all(axis=1)]


def _lengths(molecule: Complex, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.linalg.norm(molecule.coordinates_nm[pairs[:, 0]] - molecule.coordinates_nm[pairs[:, 1]], axis=1)
