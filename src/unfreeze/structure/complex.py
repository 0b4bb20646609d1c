"""`Complex`: one molecular system as a few flat arrays.

Atoms, residues and chains are three tables of equally long, read-only numpy arrays; an atom points to its
residue and a residue to its chain. There is no tree of objects: a selection is an index array, and a whole
complex of a million atoms is some twenty arrays. Reading and writing files is not done here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError

__all__ = ["RESIDUE_KINDS", "Complex", "Source"]

RESIDUE_KINDS = ("protein", "nucleic", "ligand", "ion")


@dataclass(frozen=True)
class Source:
    """Where a complex came from and what reading it changed or found.

    Attributes
    ----------
    name
        File name or PDB id as the user gave it; empty when made in memory.
    sha256
        Checksum of the bytes that were read; empty when made in memory.
    title
        Title in the file.
    n_models, model
        Number of models in the file, and the number of the one that was taken.
    assembly
        Name of the biological assembly that was built, or empty.
    n_waters_dropped, n_alternates_dropped, n_hydrogens_dropped
        Atoms left out: waters, alternate locations other than the kept one, hydrogens.
    missing_residues
        One text a residue that the sequence record has and the coordinates lack, e.g. ``A:GLY12``.
    missing_atoms
        One text a residue with heavy atoms missing, e.g. ``A:LYS13 lacks CG CD CE NZ``.
    notes
        Anything else a reader should know, one sentence each.
    """

    name: str = ""
    sha256: str = ""
    title: str = ""
    n_models: int = 1
    model: int = 1
    assembly: str = ""
    n_waters_dropped: int = 0
    n_alternates_dropped: int = 0
    n_hydrogens_dropped: int = 0
    missing_residues: tuple[str, ...] = ()
    missing_atoms: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def _is_atom_field(name: str) -> bool:
    return name.startswith("atom_") or name in ("coordinates_nm", "residue_index")


@dataclass(frozen=True, eq=False)
class Complex:
    """Chains of protein and nucleic acid, ligands and ions, in one set of coordinates.

    Arrays are read-only. Residues are contiguous in the atom table and chains are contiguous in the residue
    table; both are checked. Use :meth:`take_atoms` and :meth:`with_coordinates` to derive another complex.

    Attributes
    ----------
    coordinates_nm : float64 [n_atoms, 3]
        Cartesian coordinates in nm.
    atom_name, element : str [n_atoms]
        PDB atom name (``CA``) and element symbol (``C``, ``ZN`` upper case).
    residue_index : int64 [n_atoms]
        Row of the atom's residue in the residue table; non-decreasing.
    atom_b_factor, atom_occupancy : float64 [n_atoms]
        B-factor in Å² and occupancy, as in the file.
    atom_charge : int64 [n_atoms]
        Formal charge in elementary charges.
    atom_altloc : str [n_atoms]
        Label of the alternate location that was kept, or empty.
    residue_name : str [n_residues]
        Component name (``ALA``, ``MSE``, ``DA``, ``HEM``).
    residue_parent_name : str [n_residues]
        The standard residue a modified one derives from (``MET`` for ``MSE``); equal to ``residue_name`` otherwise.
    residue_kind : str [n_residues]
        One of :data:`RESIDUE_KINDS`.
    residue_hetero : bool [n_residues]
        Whether the file calls it HETATM.
    residue_number, residue_insertion_code : int64, str [n_residues]
        Author numbering (``auth_seq_id`` and insertion code, empty for none).
    residue_label_number : int64 [n_residues]
        ``label_seq_id``: one-based position in the entity's sequence; 0 for none.
    residue_label_chain : str [n_residues]
        ``label_asym_id``; empty for none.
    residue_entity : str [n_residues]
        Entity id; empty for none.
    chain_index : int64 [n_residues]
        Row of the residue's chain in the chain table; non-decreasing.
    chain_name : str [n_chains]
        Author chain name (``auth_asym_id``), unique.
    links : int64 [n_links, 2]
        Pairs of atoms of different residues that are covalently bound (peptide, phosphodiester, disulfide,
        ligand and glycan links), sorted, each once.
    source
        What file this is and what reading it found.
    """

    coordinates_nm: NDArray[np.float64]
    atom_name: NDArray[np.str_]
    element: NDArray[np.str_]
    residue_index: NDArray[np.int64]
    atom_b_factor: NDArray[np.float64]
    atom_occupancy: NDArray[np.float64]
    atom_charge: NDArray[np.int64]
    atom_altloc: NDArray[np.str_]
    residue_name: NDArray[np.str_]
    residue_parent_name: NDArray[np.str_]
    residue_kind: NDArray[np.str_]
    residue_hetero: NDArray[np.bool_]
    residue_number: NDArray[np.int64]
    residue_insertion_code: NDArray[np.str_]
    residue_label_number: NDArray[np.int64]
    residue_label_chain: NDArray[np.str_]
    residue_entity: NDArray[np.str_]
    chain_index: NDArray[np.int64]
    chain_name: NDArray[np.str_]
    links: NDArray[np.int64]
    source: Source = field(default_factory=Source)

    def __post_init__(self) -> None:
        n_atoms, n_residues = len(self.atom_name), len(self.residue_name)
        for item in fields(self):
            value = getattr(self, item.name)
            if not isinstance(value, np.ndarray):
                continue
            if _is_atom_field(item.name) or item.name == "element":
                expected = n_atoms
            elif item.name.startswith("residue_") or item.name == "chain_index":
                expected = n_residues
            else:
                expected = len(value)
            if len(value) != expected:
                raise ValueError(f"Complex.{item.name} has {len(value)} rows, expected {expected}")
            read_only = value.view()
            read_only.flags.writeable = False
            object.__setattr__(self, item.name, read_only)
        if self.coordinates_nm.shape != (n_atoms, 3):
            raise ValueError(f"coordinates_nm has shape {self.coordinates_nm.shape}, expected {(n_atoms, 3)}")
        _check_pointer("residue_index", self.residue_index, n_residues)
        _check_pointer("chain_index", self.chain_index, len(self.chain_name))

    @property
    def n_atoms(self) -> int:
        """Number of atoms."""
        return len(self.atom_name)

    @property
    def n_residues(self) -> int:
        """Number of residues, ligands and ions included."""
        return len(self.residue_name)

    @property
    def n_chains(self) -> int:
        """Number of chains."""
        return len(self.chain_name)

    @property
    def residue_start(self) -> NDArray[np.int64]:
        """First atom of every residue and, last, the number of atoms: [n_residues + 1]."""
        return np.searchsorted(self.residue_index, np.arange(self.n_residues + 1))

    @property
    def atom_chain_index(self) -> NDArray[np.int64]:
        """Row of every atom's chain: [n_atoms]."""
        return self.chain_index[self.residue_index]

    def atom_of_residue(self, name: str) -> NDArray[np.int64]:
        """Index of the atom called `name` in every residue, -1 where there is none: [n_residues]."""
        found = np.full(self.n_residues, -1, dtype=np.int64)
        atoms = np.flatnonzero(self.atom_name == name)
        found[self.residue_index[atoms]] = atoms
        return found

    def residue_label(self, residue: int) -> str:
        """A residue as people write it: ``A:GLY12`` or ``A:GLY12A`` with an insertion code."""
        chain = self.chain_name[self.chain_index[residue]]
        number = f"{self.residue_number[residue]}{self.residue_insertion_code[residue]}"
        return f"{chain}:{self.residue_name[residue]}{number}"

    def atom_label(self, atom: int) -> str:
        """An atom as people write it: ``A:GLY12/CA``."""
        return f"{self.residue_label(int(self.residue_index[atom]))}/{self.atom_name[atom]}"

    def representative_atoms(self) -> NDArray[np.int64]:
        """One atom a polymer residue, in order: CA of amino acids, P (else C1') of nucleotides; [n_representatives]."""
        wanted = np.full(self.n_residues, -1, dtype=np.int64)
        protein, nucleic = self.residue_kind == "protein", self.residue_kind == "nucleic"
        alpha, phosphorus, sugar = (self.atom_of_residue(name) for name in ("CA", "P", "C1'"))
        wanted[protein] = alpha[protein]
        wanted[nucleic] = np.where(phosphorus[nucleic] >= 0, phosphorus[nucleic], sugar[nucleic])
        return wanted[wanted >= 0]

    def with_coordinates(self, coordinates_nm: NDArray[np.floating]) -> Complex:
        """The same complex in other coordinates: [n_atoms, 3], nm."""
        return replace(self, coordinates_nm=np.asarray(coordinates_nm, dtype=np.float64))

    def take_atoms(self, atoms: NDArray[np.int64] | NDArray[np.bool_]) -> Complex:
        """Keep the atoms given as indices or as a mask, in file order; empty residues and chains go."""
        chosen = np.asarray(atoms)
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else np.unique(chosen)
        residues, residue_index = np.unique(self.residue_index[chosen], return_inverse=True)
        chains, chain_index = np.unique(self.chain_index[residues], return_inverse=True)
        new_row = np.full(self.n_atoms, -1, dtype=np.int64)
        new_row[chosen] = np.arange(len(chosen))
        links = new_row[self.links]
        values: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name == "residue_index":
                value = residue_index.astype(np.int64)
            elif item.name == "chain_index":
                value = chain_index.astype(np.int64)
            elif item.name == "chain_name":
                value = value[chains]
            elif item.name == "links":
                value = links[(links >= 0).all(axis=1)]
            elif _is_atom_field(item.name) or item.name == "element":
                value = value[chosen]
            elif item.name.startswith("residue_"):
                value = value[residues]
            values[item.name] = value
        return Complex(**values)

    def take_residues(self, residues: NDArray[np.int64] | NDArray[np.bool_]) -> Complex:
        """Keep whole residues, given as indices or as a mask."""
        keep = np.zeros(self.n_residues, dtype=bool)
        keep[np.asarray(residues)] = True
        return self.take_atoms(keep[self.residue_index])

    def take_chains(self, names: Iterable[str]) -> Complex:
        """Keep the chains with these author names.

        Raises
        ------
        InputError
            If a name is not a chain of this complex.
        """
        wanted = list(dict.fromkeys(names))
        unknown = [name for name in wanted if name not in self.chain_name]
        if unknown or not wanted:
            raise InputError(
                f"{self.source.name or 'complex'}: no chain {', '.join(map(repr, unknown)) or 'given'}; "
                f"it has {', '.join(self.chain_name)}. Name chains as in the file, separated by commas."
            )
        return self.take_residues(np.isin(self.chain_name, wanted)[self.chain_index])


def _check_pointer(name: str, pointer: NDArray[np.int64], n_rows: int) -> None:
    """Every row must be pointed to, in order, so that residues and chains are contiguous."""
    expected = np.arange(n_rows)
    if len(pointer) == 0 and n_rows == 0:
        return
    if len(pointer) == 0 or (np.diff(pointer) < 0).any() or not np.array_equal(np.unique(pointer), expected):
        raise ValueError(f"Complex.{name} must run through 0..{n_rows - 1} in order, each at least once")
