"""What training needs of the topology of an entry, as small arrays of numbers.

About 40 bytes an atom, so that thousands of entries stay in memory; names, numbering and everything else are in the
:class:`~unfreeze.structure.complex.Complex` that they are made from.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.loader import vocabulary
from unfreeze.structure.complex import Complex
from unfreeze.structure.observables.interfaces import CONTACT_NM, find_parties

__all__ = ["EntryArrays", "entry_arrays"]

_EXPOSED_SHARE = 1 / 3
_CROWD_NM = 1.0
_LAST_POLYMER = 1  # number of the kind `nucleic`, behind `protein`


@dataclass(frozen=True, eq=False)
class EntryArrays:
    """The topology of an entry in numbers.

    Attributes
    ----------
    reference_nm : float32 [n_atoms, 3]
        Coordinates of the topology.
    atom_residue : int32 [n_atoms]
        Row of the residue of every atom.
    atom_name, atom_element : int16, uint8 [n_atoms]
        As in :mod:`unfreeze.corpus.loader.vocabulary`.
    atom_b_factor_A2 : float32 [n_atoms]
        As in the topology.
    residue_start : int32 [n_residues + 1]
        First atom of every residue.
    residue_name, residue_kind, residue_chain : int16, int8, int32 [n_residues]
        Number of the name, number of the kind, row of the chain.
    residue_atom : int32 [n_residues]
        The atom that stands for it: CA, P or C1'; -1 where there is none.
    residue_point_nm : float32 [n_residues, 3]
        Place of that atom, or the middle of all atoms.
    residue_partner : int32 [n_residues]
        Residue of another party (chain or free ligand) in contact with it, the closest; -1 for none.
    residue_exposed : bool [n_residues]
        The third of the polymer's residues with the fewest neighbours.
    neighbour_start, neighbours : int32 [n_residues + 1], int32
        Residues near residue r are ``neighbours[neighbour_start[r]:neighbour_start[r + 1]]``.
    links : int32 [n_links, 2]
        Covalent bonds between residues, as pairs of atoms.
    """

    reference_nm: NDArray[np.float32]
    atom_residue: NDArray[np.int32]
    atom_name: NDArray[np.int16]
    atom_element: NDArray[np.uint8]
    atom_b_factor_A2: NDArray[np.float32]
    residue_start: NDArray[np.int32]
    residue_name: NDArray[np.int16]
    residue_kind: NDArray[np.int8]
    residue_chain: NDArray[np.int32]
    residue_atom: NDArray[np.int32]
    residue_point_nm: NDArray[np.float32]
    residue_partner: NDArray[np.int32]
    residue_exposed: NDArray[np.bool_]
    neighbour_start: NDArray[np.int32]
    neighbours: NDArray[np.int32]
    links: NDArray[np.int32]

    @property
    def n_atoms(self) -> int:
        """Number of atoms."""
        return len(self.atom_residue)

    @property
    def n_residues(self) -> int:
        """Number of residues, ligands and ions included."""
        return len(self.residue_name)

    @property
    def nbytes(self) -> int:
        """Memory of all arrays."""
        # rows of centres are made later: no more than three a residue
        return sum(getattr(self, item.name).nbytes for item in fields(self)) + 24 * self.n_residues

    def centres(self, place: str) -> NDArray[np.int64]:
        """Residues about which a crop of this place can be; any of the polymer where there are none such."""
        return {"interface": self._at_interface, "surface": self._at_surface}.get(place, self._anywhere)

    @cached_property
    def _at_interface(self) -> NDArray[np.int64]:
        rows = np.flatnonzero(self.residue_partner >= 0)
        return rows if len(rows) else self._anywhere

    @cached_property
    def _at_surface(self) -> NDArray[np.int64]:
        rows = np.flatnonzero(self.residue_exposed)
        return rows if len(rows) else self._anywhere

    @cached_property
    def _anywhere(self) -> NDArray[np.int64]:
        rows = np.flatnonzero(self.residue_kind <= _LAST_POLYMER)
        return rows if len(rows) else np.arange(self.n_residues)


def entry_arrays(molecule: Complex, margin_nm: float = 1.2) -> EntryArrays:
    """The arrays of a complex.

    Parameters
    ----------
    molecule
        With the coordinates of the reference. Residues are in contact when atoms other than hydrogen are within 0.5 nm.
    margin_nm
        Residues are neighbours when their points are within this distance.
    """
    from scipy.spatial import KDTree

    from unfreeze.corpus.loader.contact_kernels import nearest_partners

    n_residues = molecule.n_residues
    start = molecule.residue_start
    counts = np.diff(start)
    points = np.add.reduceat(molecule.coordinates_nm, start[:-1], axis=0) / counts[:, None]
    representative = np.full(n_residues, -1, dtype=np.int64)
    chosen = molecule.representative_atoms()
    representative[molecule.residue_index[chosen]] = chosen
    has = representative >= 0
    points[has] = molecule.coordinates_nm[representative[has]]
    polymer = np.isin(molecule.residue_kind, ("protein", "nucleic"))
    tree = KDTree(points)
    crowd = tree.query_ball_point(points, _CROWD_NM, return_length=True)
    pairs = tree.query_pairs(margin_nm, output_type="ndarray")
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    exposed = np.zeros(n_residues, dtype=bool)
    if polymer.any():
        exposed[polymer] = crowd[polymer] <= np.quantile(crowd[polymer], _EXPOSED_SHARE)
    heavy = ~np.isin(molecule.element, ("H", "D"))
    found = nearest_partners(
        molecule.coordinates_nm[heavy],
        find_parties(molecule).of_residue[molecule.residue_index[heavy]],
        molecule.residue_index[heavy],
        CONTACT_NM,
    )
    partner = np.full(n_residues, -1, dtype=np.int32)
    partner[: len(found)] = found
    return EntryArrays(
        reference_nm=np.ascontiguousarray(molecule.coordinates_nm, dtype=np.float32),
        atom_residue=molecule.residue_index.astype(np.int32),
        atom_name=np.where(
            polymer[molecule.residue_index], vocabulary.atom_codes(molecule.atom_name), np.int16(0)
        ).astype(np.int16),
        atom_element=vocabulary.element_codes(molecule.element),
        atom_b_factor_A2=molecule.atom_b_factor.astype(np.float32),
        residue_start=start.astype(np.int32),
        residue_name=np.where(polymer, vocabulary.residue_codes(molecule.residue_parent_name), 0).astype(np.int16),
        residue_kind=vocabulary.kind_codes(molecule.residue_kind),
        residue_chain=molecule.chain_index.astype(np.int32),
        residue_atom=representative.astype(np.int32),
        residue_point_nm=points.astype(np.float32),
        residue_partner=partner,
        residue_exposed=exposed,
        neighbour_start=np.searchsorted(both[:, 0], np.arange(n_residues + 1)).astype(np.int32),
        neighbours=np.ascontiguousarray(both[:, 1]).astype(np.int32),
        links=molecule.links.astype(np.int32).reshape(-1, 2),
    )
