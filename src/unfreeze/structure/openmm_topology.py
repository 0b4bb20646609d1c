"""A :class:`Complex` as OpenMM's topology and positions, and back.

OpenMM tells the ends of chains by its own chains, so every stretch of residues that are bound to each other becomes
one there; names and author numbers travel along. Nothing is added, dropped or moved, and no files are read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.structure.chemistry.elements import is_element, is_metal
from unfreeze.structure.chemistry.links import covalent_bonds
from unfreeze.structure.chemistry.polymers import is_water, polymer_kind, residue_parent
from unfreeze.structure.complex import Complex, Source

if TYPE_CHECKING:
    from openmm.app import Topology

__all__ = ["from_openmm", "require_openmm", "to_openmm"]

_HALIDES = ("F", "CL", "BR", "I")


def require_openmm() -> None:
    """Refuse with one clear sentence where OpenMM or PDBFixer is not installed.

    Raises
    ------
    InputError
        If one of the two cannot be imported.
    """
    try:
        import openmm  # noqa: F401
        import pdbfixer  # noqa: F401
    except ImportError as error:
        raise InputError(f"This needs OpenMM ({error}): pip install 'unfreeze[openmm]'") from None


def to_openmm(complex: Complex) -> tuple[Topology, NDArray[np.float64]]:
    """Topology and positions of a complex, atom for atom in the same order.

    Parameters
    ----------
    complex
        Any complex, with or without hydrogens.

    Returns
    -------
    topology
        With all bonds: those that OpenMM knows for its standard residues, by distance for all others, and
        :attr:`Complex.links`. A disulfide of which a sulfur carries a hydrogen is none.
    positions_nm : float64 [n_atoms, 3]
        In nm.

    Raises
    ------
    InputError
        If OpenMM is not installed.
    """
    require_openmm()
    from openmm.app import Element, Topology

    topology = Topology()
    chain_starts = _new_chain(complex)
    residues: list[Any] = []
    chain: Any = None
    for row in range(complex.n_residues):
        if chain_starts[row]:
            chain = topology.addChain(str(complex.chain_name[complex.chain_index[row]]))
        name, number = str(complex.residue_name[row]), str(complex.residue_number[row])
        residues.append(topology.addResidue(name, chain, number, str(complex.residue_insertion_code[row])))
    elements = {symbol: _element(Element, symbol) for symbol in np.unique(complex.element).tolist()}
    columns = zip(complex.atom_name.tolist(), complex.element.tolist(), complex.residue_index.tolist(), strict=True)
    atoms = [topology.addAtom(name, elements[symbol], residues[row]) for name, symbol, row in columns]
    topology.createStandardBonds()
    have = {(first.index, second.index) for first, second in topology.bonds()}
    have |= {(second, first) for first, second in have}
    for first, second in _other_bonds(complex, have).tolist():
        if (first, second) not in have:
            topology.addBond(atoms[first], atoms[second])
    return topology, np.array(complex.coordinates_nm, dtype=np.float64)


def from_openmm(topology: Topology, positions_nm: Any, *, like: Complex | None = None, name: str = "") -> Complex:
    """A complex from OpenMM's topology, atom for atom in the same order.

    Parameters
    ----------
    topology
        Chains that follow each other under one name become one chain; a name that returns later gets a number.
    positions_nm : [n_atoms, 3]
        In nm; OpenMM's quantities are taken, too.
    like
        Where B-factors, occupancies, kinds and the source of residues and atoms that it has, too, are taken from.
    name
        Name of the source; that of `like` by default.

    Returns
    -------
    Complex
        Author numbering as in the topology; label numbering and entities are left open.
    """
    if hasattr(positions_nm, "unit"):
        from openmm import unit

        positions_nm = positions_nm.value_in_unit_system(unit.md_unit_system)
    residues = list(topology.residues())
    chain_name, chain_index = _chains([str(residue.chain.id) for residue in residues])
    residue_name = np.array([residue.name for residue in residues], dtype=np.str_)
    sizes = np.array([len(list(residue.atoms())) for residue in residues], dtype=np.int64)
    residue_index = np.repeat(np.arange(len(residues)), sizes)
    atoms = list(topology.atoms())
    element = np.array([atom.element.symbol.upper() if atom.element is not None else "X" for atom in atoms])
    kind = np.array([_kind(residue.name, list(residue.atoms())) for residue in residues], dtype="U7")
    polymer = np.isin(kind, ["protein", "nucleic"])
    bonds = np.array([(a.index, b.index) for a, b in topology.bonds()], dtype=np.int64).reshape(-1, 2)
    links = bonds[residue_index[bonds[:, 0]] != residue_index[bonds[:, 1]]]
    n_atoms, n_residues = len(atoms), len(residues)
    complex = Complex(
        coordinates_nm=np.array(positions_nm, dtype=np.float64).reshape(n_atoms, 3),
        atom_name=np.array([atom.name for atom in atoms], dtype=np.str_),
        element=element.astype(np.str_),
        residue_index=residue_index,
        atom_b_factor=np.zeros(n_atoms),
        atom_occupancy=np.ones(n_atoms),
        atom_charge=np.zeros(n_atoms, dtype=np.int64),
        atom_altloc=np.full(n_atoms, ""),
        residue_name=residue_name,
        residue_parent_name=np.where(polymer, [residue_parent(str(item)) for item in residue_name], residue_name),
        residue_kind=kind,
        residue_hetero=~polymer & ~np.isin(residue_name, ["ACE", "NME"]),
        residue_number=np.array([_number(residue.id, row) for row, residue in enumerate(residues)], dtype=np.int64),
        residue_insertion_code=np.array([(residue.insertionCode or "").strip() for residue in residues], dtype="U8"),
        residue_label_number=np.zeros(n_residues, dtype=np.int64),
        residue_label_chain=np.full(n_residues, ""),
        residue_entity=np.full(n_residues, ""),
        chain_index=chain_index,
        chain_name=chain_name,
        links=np.unique(np.sort(links, axis=1), axis=0),
        source=Source(name=name),
    )
    return complex if like is None else _alike(complex, like, name)


def _element(table: Any, symbol: str) -> Any:
    """OpenMM's element, None for what is none (virtual sites)."""
    if symbol == "X" or not is_element(symbol):
        return None
    return table.getBySymbol("H" if symbol == "D" else symbol.capitalize())


def _new_chain(complex: Complex) -> NDArray[np.bool_]:
    """Whether a residue begins a chain of OpenMM: [n_residues]."""
    pairs = complex.residue_index[complex.links]
    ends = complex.atom_name[complex.links]
    along = np.isin(ends, ["C", "N"]).all(axis=1) | np.isin(ends, ["O3'", "P"]).all(axis=1)
    pairs = pairs[along & (pairs[:, 1] == pairs[:, 0] + 1)] if len(pairs) else pairs
    joined = np.zeros(complex.n_residues, dtype=bool)
    joined[pairs[:, 1]] = True
    # waters and ions share a chain: nothing can be taken for a bond there
    size = np.diff(complex.residue_start)
    loose = (size == 1) | np.array([is_water(str(name)) for name in complex.residue_name], dtype=bool)
    joined[1:] |= loose[1:] & loose[:-1]
    same = np.concatenate([[False], complex.chain_index[1:] == complex.chain_index[:-1]])
    return ~(joined & same[: complex.n_residues])


def _other_bonds(complex: Complex, have: set[tuple[int, int]]) -> NDArray[np.int64]:
    """Bonds by distance in residues with an atom that has none yet, and the links that chemistry allows: [n, 2]."""
    bound = np.zeros(complex.n_atoms, dtype=bool)
    bound[[atom for pair in have for atom in pair]] = True
    size = np.diff(complex.residue_start)
    lonely = np.unique(complex.residue_index[~bound])
    lonely = lonely[size[lonely] > 1]
    links = complex.links[~_reduced_disulfides(complex)]
    if len(lonely) == 0:
        return links
    rows = np.flatnonzero(np.isin(complex.residue_index, lonely))
    inner = rows[covalent_bonds(complex.take_atoms(rows))]
    inner = inner[complex.residue_index[inner[:, 0]] == complex.residue_index[inner[:, 1]]]
    return np.concatenate([inner, links])


def _reduced_disulfides(complex: Complex) -> NDArray[np.bool_]:
    """Links between sulfurs of which one has a hydrogen: [n_links]."""
    has_hydrogen = np.zeros(complex.n_residues, dtype=bool)
    has_hydrogen[complex.residue_index[complex.atom_name == "HG"]] = True
    sulfurs = (complex.atom_name[complex.links] == "SG").all(axis=1)
    return sulfurs & has_hydrogen[complex.residue_index[complex.links]].any(axis=1)


def _kind(name: str, atoms: list[Any]) -> str:
    if len(atoms) == 1 and atoms[0].element is not None:
        symbol = atoms[0].element.symbol.upper()
        if is_metal(symbol) or symbol in _HALIDES:
            return "ion"
    return polymer_kind(name) or "ligand"


def _number(text: str, row: int) -> int:
    try:
        return int(text)
    except (TypeError, ValueError):
        return row + 1


def _chains(ids: list[str]) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    """Names of the chains, each once, and the chain of every residue."""
    names: list[str] = []
    index, last = [], None
    for text in ids:
        if text != last:
            name, count = text or "A", 1
            while name in names:
                count += 1
                name = f"{text or 'A'}-{count}"
            names.append(name)
            last = text
        index.append(len(names) - 1)
    return np.array(names, dtype=np.str_), np.array(index, dtype=np.int64)


def _alike(complex: Complex, like: Complex, name: str) -> Complex:
    """What the topology does not carry, from a complex that has the same residues and atoms."""

    def residue_keys(one: Complex) -> list[tuple]:
        columns = (one.chain_name[one.chain_index], one.residue_number, one.residue_insertion_code, one.residue_name)
        return list(zip(*(column.tolist() for column in columns), strict=True))

    row_of = {key: row for row, key in enumerate(residue_keys(like))}
    source_row = np.array([row_of.get(key, -1) for key in residue_keys(complex)], dtype=np.int64)
    known = source_row >= 0
    changed: dict[str, Any] = {"source": replace(like.source, name=name or like.source.name)}
    for column in ("residue_kind", "residue_hetero", "residue_parent_name"):
        mine, theirs = getattr(complex, column), getattr(like, column)
        changed[column] = np.where(known, theirs[np.maximum(source_row, 0)], mine) if len(theirs) else mine
    atom_of = {
        key: row for row, key in enumerate(zip(like.residue_index.tolist(), like.atom_name.tolist(), strict=True))
    }
    keys = zip(source_row[complex.residue_index].tolist(), complex.atom_name.tolist(), strict=True)
    atom_row = np.array([atom_of.get(key, -1) for key in keys], dtype=np.int64)
    for column in ("atom_b_factor", "atom_occupancy", "atom_charge"):
        mine, theirs = getattr(complex, column), getattr(like, column)
        changed[column] = np.where(atom_row >= 0, theirs[np.maximum(atom_row, 0)], mine) if len(theirs) else mine
    return replace(complex, **changed)
