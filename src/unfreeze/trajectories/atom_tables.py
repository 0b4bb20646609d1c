"""Atoms that other programs' topologies list, as the table that our own reading goes on from.

So the same rules hold for GRO, PSF, PRMTOP and HDF5 as for PDB and mmCIF: what is dropped, what is a protein, what is
bound to what.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.structure.chemistry.elements import infer_element, is_element
from unfreeze.structure.chemistry.polymers import is_water, polymer_kind
from unfreeze.structure.reading.atom_table import AtomTable

if TYPE_CHECKING:
    import mdtraj

__all__ = ["AtomNames", "names_of_json", "names_of_mdtraj"]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_CHAIN_ENDS = ("OXT", "OC2", "OT2", "O2")  # terminal oxygens as force fields call them
_TWO_LETTERS = ("CL", "BR", "SE")


@dataclass(frozen=True, eq=False)
class AtomNames:
    """What the atoms of a topology are called; every array has n_atoms rows except `bonds`.

    Attributes
    ----------
    residue : int64 [n_atoms]
        Residue of every atom, counted from 0.
    number : int64 [n_atoms]
        Residue number.
    residue_name, atom_name : str [n_atoms]
    chain : str [n_atoms]
        Chain name; empty everywhere if the format has none.
    element : str [n_atoms]
        Symbol; empty where the format has none.
    bonds : int64 [n_bonds, 2] or None
    """

    residue: NDArray[np.int64]
    number: NDArray[np.int64]
    residue_name: NDArray[np.str_]
    atom_name: NDArray[np.str_]
    chain: NDArray[np.str_]
    element: NDArray[np.str_]
    bonds: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.residue)

    def table(self, position_nm: NDArray[np.floating], notes: list[str]) -> AtomTable:
        """The table of atoms in these places: [n_atoms, 3], nm."""
        n_atoms = len(self)
        names, inverse = np.unique(self.residue_name, return_inverse=True)
        polymer = np.array([bool(polymer_kind(str(name))) for name in names], dtype=bool)[inverse]
        chain = self.chain if (self.chain != "").all() else self._named_chains(polymer, notes)
        return AtomTable(
            row=np.arange(1, n_atoms + 1),
            model=np.zeros(n_atoms, dtype=np.int64),
            position=np.asarray(position_nm, dtype=np.float64) * 10,
            chain=chain,
            number=self.number,
            insertion_code=np.full(n_atoms, ""),
            residue_name=self.residue_name,
            atom_name=self.atom_name,
            altloc=np.full(n_atoms, ""),
            element=self._elements(),
            label_chain=np.full(n_atoms, ""),
            label_number=self.residue + 1,  # keeps residues apart that share a number
            entity=np.full(n_atoms, ""),
            occupancy=np.ones(n_atoms),
            b_factor=np.zeros(n_atoms),
            charge=np.zeros(n_atoms, dtype=np.int64),
            hetero=~polymer,
        )

    def _elements(self) -> NDArray[np.str_]:
        keys = np.stack(
            [self.atom_name.astype("U8"), self.residue_name.astype("U8"), self.element.astype("U8")], axis=1
        )
        unique, inverse = np.unique(keys, axis=0, return_inverse=True)
        symbols = np.array([_element(*(str(text) for text in key)) for key in unique], dtype="U2")
        return symbols[inverse.ravel()]

    def _named_chains(self, polymer: NDArray[np.bool_], notes: list[str]) -> NDArray[np.str_]:
        """Letters for chains that have no name: a run of bound residues, or without bonds of rising numbers.

        What is no polymer shares one more letter.
        """
        first = np.unique(self.residue, return_index=True)[1]
        same = np.zeros(len(first), dtype=bool)
        if self.bonds is not None and len(self.bonds):
            one, other = np.sort(self.residue[self.bonds], axis=1).T
            same[other[other == one + 1]] = True
        else:
            ends = np.zeros(len(first), dtype=bool)
            ends[self.residue[np.isin(self.atom_name, _CHAIN_ENDS) & polymer]] = True
            same[1:] = (np.diff(self.number[first]) > 0) & ~ends[:-1]
        segment = np.cumsum(~same) - 1
        has_polymer = np.zeros(segment[-1] + 1, dtype=bool)
        has_polymer[segment[polymer[first]]] = True
        rank = np.where(has_polymer, np.cumsum(has_polymer) - 1, has_polymer.sum())
        n_chains = int(has_polymer.sum())
        letters = np.array([_LETTERS[at] if at < len(_LETTERS) else f"Z{at}" for at in range(n_chains + 1)])
        if n_chains:
            notes.append(f"The topology has no chain names; its chains were called {', '.join(letters[:n_chains])}.")
        return letters[rank[segment]][self.residue]


def _element(atom_name: str, residue_name: str, symbol: str) -> str:
    if symbol and is_element(symbol):
        return symbol.upper()
    if is_water(residue_name):
        return "H" if atom_name[:1] == "H" else "O"
    # As PDB columns have it: symbols of one letter begin at the second column.
    return infer_element(atom_name if atom_name[:2].upper() in _TWO_LETTERS else f" {atom_name}", residue_name)


def names_of_mdtraj(topology: mdtraj.Topology, *, number_residues: bool = False) -> AtomNames:
    """Names of a topology that mdtraj read.

    Parameters
    ----------
    topology
        The topology.
    number_residues
        Whether to number residues from 1, for formats that have no numbers.
    """
    residues = list(topology.residues)
    chains = [str(chain.chain_id or "").strip() for chain in topology.chains]
    segments = [str(residue.segment_id or "").strip() for residue in residues]
    if not all(chains) and all(segments):
        names = segments
    elif not all(chains) and topology.n_chains > 1:
        names = [_LETTERS[at] if at < len(_LETTERS) else f"Z{at}" for at in (r.chain.index for r in residues)]
    else:
        names = [chains[residue.chain.index] for residue in residues]
    atoms = list(topology.atoms)
    residue = np.array([atom.residue.index for atom in atoms], dtype=np.int64)
    numbers = [residue.index + 1 if number_residues else residue.resSeq for residue in residues]
    return AtomNames(
        residue=residue,
        number=np.array(numbers, dtype=np.int64)[residue],
        residue_name=np.array([str(item.name).strip() for item in residues], dtype=np.str_)[residue],
        atom_name=np.array([str(atom.name).strip() for atom in atoms], dtype=np.str_),
        chain=np.array(names, dtype=np.str_)[residue],
        element=np.array(["" if atom.element is None else str(atom.element.symbol) for atom in atoms], dtype=np.str_),
        bonds=np.array([(one.index, other.index) for one, other in topology.bonds], dtype=np.int64).reshape(-1, 2),
    )


def names_of_json(name: str, value: dict[str, Any]) -> AtomNames:
    """Names of a topology as mdtraj writes it into HDF5.

    Raises
    ------
    InputError
        If the text has not that form.
    """
    residue, number, residue_name, atom_name, chain, element, index = ([] for _ in range(7))
    try:
        chains = value["chains"]
        ids = [str(item.get("chain_id") or "").strip() for item in chains]
        if not all(ids) and len(ids) > 1:
            ids = [_LETTERS[at] if at < len(_LETTERS) else f"Z{at}" for at in range(len(ids))]
        n_residues = 0
        for item, chain_id in zip(chains, ids, strict=True):
            for one in item["residues"]:
                for atom in one["atoms"]:
                    residue.append(n_residues)
                    number.append(int(one.get("resSeq", n_residues + 1)))
                    residue_name.append(str(one["name"]).strip())
                    atom_name.append(str(atom["name"]).strip())
                    chain.append(chain_id)
                    element.append(str(atom.get("element") or "").strip())
                    index.append(int(atom["index"]))
                n_residues += 1
        bonds = np.array([pair[:2] for pair in value.get("bonds") or []], dtype=np.int64).reshape(-1, 2)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f"{name}: the topology in the file cannot be understood ({error}). Give --topology.") from None
    n_atoms = len(index)
    if n_atoms == 0 or not np.array_equal(index, np.arange(n_atoms)) or (bonds.size and not _inside(bonds, n_atoms)):
        raise InputError(f"{name}: the atoms of the topology in the file are not numbered in order. Give --topology.")
    return AtomNames(
        residue=np.array(residue, dtype=np.int64),
        number=np.array(number, dtype=np.int64),
        residue_name=np.array(residue_name, dtype=np.str_),
        atom_name=np.array(atom_name, dtype=np.str_),
        chain=np.array(chain, dtype=np.str_),
        element=np.array(element, dtype=np.str_),
        bonds=bonds,
    )


def _inside(bonds: NDArray[np.int64], n_atoms: int) -> bool:
    return bool(bonds.min() >= 0 and bonds.max() < n_atoms)
