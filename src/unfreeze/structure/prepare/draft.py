"""`Draft`: a structure that is being prepared, as residues that can be changed one by one.

A :class:`Complex` is read-only columns; here residues and atoms come and go. Only the modules of this folder use it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.chemistry.polymers import is_water, residue_parent
from unfreeze.structure.complex import Complex, Source

__all__ = ["CAPS", "Atom", "Bond", "Draft", "Residue"]

CAPS = ("ACE", "NME", "NH2")
"""Names of the caps of chains."""

Point = NDArray[np.float64]


@dataclass
class Atom:
    """One atom.

    Attributes
    ----------
    element
        Upper-case symbol.
    position : float64 [3]
        In nm.
    b_factor, occupancy
        As in the file.
    built
        Whether it was made here and not read.
    """

    element: str
    position: Point
    b_factor: float = 0.0
    occupancy: float = 1.0
    built: bool = False


@dataclass(eq=False)
class Residue:
    """One residue.

    Attributes
    ----------
    chain, number, code
        Author numbering.
    name, kind
        As in :class:`Complex`.
    atoms
        By name.
    joined
        Whether it is bound to the residue before it along the chain.
    built
        Whether the whole residue was made here.
    """

    chain: str
    number: int
    code: str
    name: str
    kind: str
    atoms: dict[str, Atom] = field(default_factory=dict)
    joined: bool = False
    built: bool = False

    @property
    def label(self) -> str:
        """As people write it: ``A:LYS13``."""
        return f"{self.chain}:{self.name}{self.number}{self.code}"

    @property
    def parent(self) -> str:
        """Name of the standard residue."""
        return residue_parent(self.name) if self.kind in ("protein", "nucleic") else self.name

    @property
    def polymer(self) -> bool:
        """Whether it is of protein or nucleic acid, caps included."""
        return self.kind in ("protein", "nucleic") or self.name in CAPS

    @property
    def water(self) -> bool:
        """Whether it is water."""
        return self.kind == "ligand" and is_water(self.name)

    def at(self, name: str) -> Point:
        """Position of an atom in nm."""
        return self.atoms[name].position

    def heavy(self) -> list[str]:
        """Names of the atoms that are not hydrogens."""
        return [name for name, atom in self.atoms.items() if atom.element not in ("H", "D")]

    def put(self, name: str, position: Point, element: str | None = None) -> None:
        """Add an atom that was made here; its element is the first letter of its name by default."""
        self.atoms[name] = Atom(element or name[0], np.asarray(position, dtype=np.float64), built=True)


Bond = tuple[Residue, str, Residue, str]


@dataclass
class Draft:
    """Residues in order, and bonds between them that are not along a chain (disulfides, glycans, cross-links)."""

    residues: list[Residue]
    bonds: list[Bond] = field(default_factory=list)
    source: Source = field(default_factory=Source)

    @classmethod
    def of(cls, complex: Complex) -> Draft:
        """A draft of a complex; bonds are its links."""
        start = complex.residue_start
        residues = []
        for row in range(complex.n_residues):
            residue = Residue(
                str(complex.chain_name[complex.chain_index[row]]),
                int(complex.residue_number[row]),
                str(complex.residue_insertion_code[row]),
                str(complex.residue_name[row]),
                str(complex.residue_kind[row]),
            )
            for at in range(start[row], start[row + 1]):
                residue.atoms[str(complex.atom_name[at])] = Atom(
                    str(complex.element[at]),
                    np.array(complex.coordinates_nm[at]),
                    float(complex.atom_b_factor[at]),
                    float(complex.atom_occupancy[at]),
                )
            residues.append(residue)
        bonds: list[Bond] = []
        for first, second in complex.links.tolist():
            one, other = (int(complex.residue_index[at]) for at in (first, second))
            names = str(complex.atom_name[first]), str(complex.atom_name[second])
            if (
                other == one + 1
                and names in (("C", "N"), ("O3'", "P"))
                and residues[one].chain == residues[other].chain
            ):
                residues[other].joined = True
            else:
                bonds.append((residues[one], names[0], residues[other], names[1]))
        return cls(residues, bonds, complex.source)

    def segments(self) -> list[list[Residue]]:
        """Stretches of polymer residues that are bound to each other along the chain."""
        found: list[list[Residue]] = []
        for residue in self.residues:
            if not residue.polymer:
                continue
            if residue.joined and found:
                found[-1].append(residue)
            else:
                found.append([residue])
        return found

    def drop(self, gone: Iterable[Residue]) -> None:
        """Take residues out, with their bonds; the chain is open there."""
        out = {id(residue) for residue in gone}
        kept: list[Residue] = []
        open_here = False
        for residue in self.residues:
            if id(residue) in out:
                open_here = True
                continue
            if open_here:
                residue.joined = False
                open_here = False
            kept.append(residue)
        self.residues = kept
        self.bonds = [bond for bond in self.bonds if id(bond[0]) not in out and id(bond[2]) not in out]

    def heavy_positions(self, without: Iterable[Residue] = ()) -> Point:
        """Positions of all heavy atoms, those of some residues left out: [n, 3], nm."""
        out = {id(residue) for residue in without}
        points = [
            atom.position
            for residue in self.residues
            if id(residue) not in out
            for atom in residue.atoms.values()
            if atom.element not in ("H", "D")
        ]
        return np.array(points, dtype=np.float64).reshape(-1, 3)

    def ordered(self) -> list[Residue]:
        """Residues with those of one chain together, as the complex has them."""
        chains = dict.fromkeys(residue.chain for residue in self.residues)
        return [residue for name in chains for residue in self.residues if residue.chain == name]

    def complex(self) -> Complex:
        """The complex; links are the bonds of the draft. Residues of one chain come together, in order."""
        residues = self.ordered()
        names = list(dict.fromkeys(residue.chain for residue in residues))
        sizes = [len(residue.atoms) for residue in residues]
        atoms = [(name, atom) for residue in residues for name, atom in residue.atoms.items()]
        start = np.cumsum([0, *sizes])
        row_of = {id(residue): row for row, residue in enumerate(residues)}

        def atom_row(residue: Residue, name: str) -> int:
            return int(start[row_of[id(residue)]]) + list(residue.atoms).index(name)

        links = [(atom_row(a, x), atom_row(b, y)) for a, x, b, y in self.bonds if x in a.atoms and y in b.atoms]
        for before, residue in itertools.pairwise(residues):
            if residue.joined:
                ends = ("O3'", "P") if residue.kind == "nucleic" else ("C", "N")
                links.append((atom_row(before, ends[0]), atom_row(residue, ends[1])))
        n_atoms, n_residues = len(atoms), len(residues)
        return Complex(
            coordinates_nm=np.array([atom.position for _, atom in atoms], dtype=np.float64).reshape(n_atoms, 3),
            atom_name=np.array([name for name, _ in atoms], dtype=np.str_),
            element=np.array([atom.element for _, atom in atoms], dtype=np.str_),
            residue_index=np.repeat(np.arange(n_residues), sizes),
            atom_b_factor=np.array([atom.b_factor for _, atom in atoms], dtype=np.float64),
            atom_occupancy=np.array([atom.occupancy for _, atom in atoms], dtype=np.float64),
            atom_charge=np.zeros(n_atoms, dtype=np.int64),
            atom_altloc=np.full(n_atoms, ""),
            residue_name=np.array([residue.name for residue in residues], dtype=np.str_),
            residue_parent_name=np.array([residue.parent for residue in residues], dtype=np.str_),
            residue_kind=np.array([residue.kind for residue in residues], dtype=np.str_),
            residue_hetero=np.array([not residue.polymer for residue in residues], dtype=bool),
            residue_number=np.array([residue.number for residue in residues], dtype=np.int64),
            residue_insertion_code=np.array([residue.code for residue in residues], dtype=np.str_),
            residue_label_number=np.zeros(n_residues, dtype=np.int64),
            residue_label_chain=np.full(n_residues, ""),
            residue_entity=np.full(n_residues, ""),
            chain_index=np.array([names.index(residue.chain) for residue in residues], dtype=np.int64),
            chain_name=np.array(names, dtype=np.str_),
            links=np.unique(np.sort(np.array(links, dtype=np.int64).reshape(-1, 2), axis=1), axis=0),
            source=self.source,
        )
