"""Build a biological assembly: copies of a complex's chains under the operators that the file gives."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import gemmi
import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.structure.chemistry.links import find_links
from unfreeze.structure.chemistry.overlaps import drop_copies
from unfreeze.structure.complex import Complex

__all__ = ["Assembly", "build_assembly"]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_MOST_ATOMS = 20_000_000


@dataclass(frozen=True, eq=False)
class Assembly:
    """An assembly and how to make it from the coordinates of the file.

    Attributes
    ----------
    complex
        The assembly.
    origin : int64 [n_atoms]
        Atom of the original complex of which each atom is a copy.
    rotation : float64 [n_atoms, 3, 3]
    shift_nm : float64 [n_atoms, 3]
        The operator of each atom.
    copy_of
        Original chain name of every chain name.
    """

    complex: Complex
    origin: NDArray[np.int64]
    rotation: NDArray[np.float64]
    shift_nm: NDArray[np.float64]
    copy_of: dict[str, str]

    def apply(self, coordinates_nm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Coordinates of the assembly from coordinates of the original: [n_original, 3] to [n_atoms, 3]."""
        return np.einsum("aij,aj->ai", self.rotation, coordinates_nm[self.origin]) + self.shift_nm


def build_assembly(complex: Complex, structure: gemmi.Structure, name: str, notes: list[str]) -> Assembly:
    """Copies of chains as the assembly `name` of the file has them; copies get new, unique chain names.

    Raises
    ------
    InputError
        If the file has no such assembly, or it has none of the atoms that were read.
    """
    file = complex.source.name
    there = [item.name for item in structure.assemblies]
    found = next((item for item in structure.assemblies if item.name == str(name)), None)
    if found is None:
        exist = f"it has {', '.join(there)}" if there else "it has none"
        raise InputError(
            f"{file}: no biological assembly {name!r}; {exist}. Name one of these, or none for the file as is."
        )
    parts = list(_parts(complex, found))
    if sum(len(atoms) for atoms, _, _ in parts) > _MOST_ATOMS:
        raise InputError(f"{file}: assembly {name} would have more than {_MOST_ATOMS:,} atoms; it is too large.")
    if not parts:
        raise InputError(f"{file}: assembly {name} has none of the chains in the file. Use the file as is.")
    pieces, copy_of = _name_copies([complex.take_atoms(atoms) for atoms, _, _ in parts], complex, notes)
    origin = np.concatenate([atoms for atoms, _, _ in parts])
    lengths = [len(atoms) for atoms, _, _ in parts]
    rotation = np.repeat(np.stack([matrix for _, matrix, _ in parts]), lengths, axis=0)
    shift = np.repeat(np.stack([vector for _, _, vector in parts]), lengths, axis=0)
    joined, order = _join(pieces)
    origin, rotation, shift = origin[order], rotation[order], shift[order]
    assembly = Assembly(joined, origin, rotation, shift, copy_of)
    joined = joined.with_coordinates(assembly.apply(complex.coordinates_nm))
    keep = np.flatnonzero(drop_copies(joined, notes))
    joined = joined.take_atoms(keep)
    links = np.unique(np.concatenate([joined.links, find_links(joined)]), axis=0)
    joined = replace(joined, links=links, source=replace(complex.source, assembly=str(name)))
    return Assembly(joined, origin[keep], rotation[keep], shift[keep], copy_of)


def _parts(complex: Complex, assembly: gemmi.Assembly) -> Any:
    """Atoms, rotation and shift (nm) of every operator of every generator."""
    chain = complex.chain_name[complex.chain_index]
    for generator in assembly.generators:
        mask = np.isin(chain, list(generator.chains)) | np.isin(complex.residue_label_chain, list(generator.subchains))
        atoms = np.flatnonzero(mask[complex.residue_index])
        if len(atoms) == 0:
            continue
        for operator in generator.operators:
            matrix = np.array(operator.transform.mat.tolist(), dtype=np.float64)
            vector = np.array(operator.transform.vec.tolist(), dtype=np.float64) / 10
            yield atoms, matrix, vector


def _name_copies(pieces: list[Complex], complex: Complex, notes: list[str]) -> tuple[list[Complex], dict[str, str]]:
    """Give every copy of a chain after the first a name of its own: a free letter while there are any."""
    taken = set(complex.chain_name.tolist())
    copies: dict[tuple[str, int], str] = {}
    done: dict[tuple[str, str], int] = {}
    texts, named = [], []
    for piece in pieces:
        names = []
        present = {(str(piece.chain_name[c]), str(label)) for c, label in _chain_labels(piece)}
        for chain in piece.chain_name.tolist():
            # One chain may come in parts, each with its own label: the same copy of each goes together.
            count = max(done.get(key, 0) for key in present if key[0] == chain)
            if count == 0:
                copies[chain, 0] = chain
            elif (chain, count) not in copies:
                free = (letter for letter in _LETTERS if letter not in taken and len(chain) == 1)
                copies[chain, count] = next(free, f"{chain}-{count + 1}")
                while copies[chain, count] in taken:
                    copies[chain, count] += "x"
                taken.add(copies[chain, count])
                texts.append(f"{copies[chain, count]} is copy {count + 1} of {chain}")
            names.append(copies[chain, count])
        for key in present:
            done[key] = done.get(key, 0) + 1
        renamed = np.array(names)
        label = piece.residue_label_chain
        changed = renamed[piece.chain_index] != piece.chain_name[piece.chain_index]
        copied = np.strings.add(np.strings.add(label, "-"), renamed[piece.chain_index])
        new_label = np.where(changed & (label != ""), copied, label)
        named.append(replace(piece, chain_name=renamed, residue_label_chain=new_label))
    if texts:
        notes.append(f"Chains of the assembly: {', '.join(texts)}.")
    return named, {name: chain for (chain, _), name in copies.items()}


def _chain_labels(piece: Complex) -> set[tuple[int, str]]:
    return set(zip(piece.chain_index.tolist(), piece.residue_label_chain.tolist(), strict=True))


def _join(pieces: list[Complex]) -> tuple[Complex, NDArray[np.int64]]:
    """One complex of all pieces, chains of one name together; and the atom order that this takes."""
    chain_of_atom = np.concatenate([piece.chain_name[piece.atom_chain_index] for piece in pieces])
    names, first = np.unique(chain_of_atom, return_index=True)
    names = names[np.argsort(first)]
    rank = {str(name): at for at, name in enumerate(names)}
    chain_rank = [np.array([rank[name] for name in piece.chain_name.tolist()]) for piece in pieces]
    residue_chain = np.concatenate([ranks[piece.chain_index] for ranks, piece in zip(chain_rank, pieces, strict=True)])
    residue_order = np.argsort(residue_chain, kind="stable")
    residue_rank = np.empty(len(residue_order), dtype=np.int64)
    residue_rank[residue_order] = np.arange(len(residue_order))
    shifts = np.cumsum([0, *(piece.n_residues for piece in pieces)])
    atom_shifts = np.cumsum([0, *(piece.n_atoms for piece in pieces)])
    residue_of_atom = residue_rank[
        np.concatenate([piece.residue_index + shift for piece, shift in zip(pieces, shifts[:-1], strict=True)])
    ]
    order = np.argsort(residue_of_atom, kind="stable")
    atom_rank = np.empty(len(order), dtype=np.int64)
    atom_rank[order] = np.arange(len(order))
    values: dict[str, Any] = {"source": pieces[0].source}
    for item in fields(Complex):
        if item.name == "source":
            continue
        column = np.concatenate([getattr(piece, item.name) for piece in pieces])
        if item.name == "residue_index":
            column = residue_of_atom[order]
        elif item.name == "chain_index":
            column = residue_chain[residue_order]
        elif item.name == "chain_name":
            column = names
        elif item.name == "links":
            moved = [piece.links + shift for piece, shift in zip(pieces, atom_shifts[:-1], strict=True)]
            column = np.unique(np.sort(atom_rank[np.concatenate(moved)], axis=1), axis=0)
        elif item.name.startswith("residue_"):
            column = column[residue_order]
        else:
            column = column[order]
        values[item.name] = column
    return Complex(**values), order
