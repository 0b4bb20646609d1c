"""`build_mutant`: a complex with side chains exchanged.

Backbone and the direction of CB stay, and so does everything else but flexible side chains that would be in the way.
All tables of the complex are kept right: names, links (a disulfide of a mutated cysteine goes), notes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.mutations import Mutation
from unfreeze.properties.mutants.packing import PackedSideChain, Packing
from unfreeze.properties.mutants.sites import Sites
from unfreeze.properties.mutants.surroundings import Surroundings
from unfreeze.structure.complex import Complex, Source

__all__ = ["MutantBuilder", "build_mutant"]

_STAYS = ("N", "CA", "C", "O", "OXT")
_STAYS_OF_MOVED = ("H", "HN", "H1", "H2", "H3", "HA", "HXT")
_DISULFIDE_NM = 0.25


class MutantBuilder:
    """Builds mutants of one complex; prepared once for any number of them.

    Parameters
    ----------
    molecule
        The wild type.
    """

    def __init__(self, molecule: Complex) -> None:
        self.molecule = molecule
        self.sites = Sites(molecule)
        self.around = Surroundings.of(molecule)
        self._packing = Packing(self.around)

    def build(self, mutations: Sequence[Mutation], *, n_rounds: int = 2) -> Complex:
        """Build one mutant; see :func:`build_mutant`."""
        wanted = self.sites.find(mutations)
        if not wanted:
            return self.molecule
        placed, moved = self._packing.place(wanted, n_rounds)
        changed = [mutation for mutation in mutations if mutation.mutant != mutation.wild_type]
        return _assemble(self.molecule, wanted, placed, moved, changed)


def build_mutant(molecule: Complex, mutations: Sequence[Mutation], *, n_rounds: int = 2) -> Complex:
    """Exchange side chains of a complex.

    Parameters
    ----------
    molecule
        The wild type.
    mutations
        All of one mutant. Those of a residue to itself change nothing; with no others, the complex comes back as it is.
    n_rounds
        Times that several side chains are chosen again among each other.

    Returns
    -------
    Complex
        New side chains have ideal geometry (CB stays where it is, except to and from proline), no hydrogens, and the
        B-factor of their CA. A side chain that made room keeps its lengths and angles and loses its hydrogens.

    Raises
    ------
    InputError
        If a mutation does not fit the structure (chain or residue absent, another residue there, no N, CA or C,
        D-amino acid), or two are of one residue.
    """
    return MutantBuilder(molecule).build(mutations, n_rounds=n_rounds)


def _assemble(
    molecule: Complex,
    wanted: Mapping[int, str],
    placed: Mapping[int, PackedSideChain],
    moved: Mapping[int, PackedSideChain],
    mutations: Sequence[Mutation],
) -> Complex:
    """The complex with side chains put in."""
    at = np.array(molecule.coordinates_nm)
    keep = np.ones(molecule.n_atoms, dtype=bool)
    starts = molecule.residue_start
    new: list[tuple[int, float, str, NDArray[np.float64]]] = []  # residue, place in the old order, atom, point
    hydrogen = np.isin(molecule.element, ("H", "D"))
    for row, side_chain in moved.items():
        atoms = np.arange(starts[row], starts[row + 1])
        names = molecule.atom_name[atoms]
        keep[atoms[hydrogen[atoms] & ~np.isin(names, _STAYS_OF_MOVED)]] = False
        for name, point in zip(side_chain.tables.atoms, side_chain.points, strict=True):
            at[atoms[names == name]] = point
    for row, side_chain in placed.items():
        atoms = np.arange(starts[row], starts[row + 1])
        names = molecule.atom_name[atoms]
        stays = np.isin(names, _STAYS)
        keep[atoms[~stays]] = False
        # after the last atom of the backbone that is no OXT, in canonical order
        last = float(atoms[stays & (names != "OXT")][-1])
        for k, (name, point) in enumerate(zip(side_chain.tables.atoms, side_chain.points, strict=True), start=1):
            new.append((row, last + k / 100.0, name, point))
    old = np.flatnonzero(keep)
    n_new = len(new)
    order = np.argsort(np.concatenate([old.astype(np.float64), [place for _, place, _, _ in new]]), kind="stable")
    residue = np.concatenate([molecule.residue_index[old], np.array([row for row, *_ in new], dtype=np.int64)])
    alpha = molecule.atom_of_residue("CA")[residue[len(old) :]]
    names = [name for _, _, name, _ in new]
    tail = {
        "coordinates_nm": np.array([point for *_, point in new]).reshape(-1, 3),
        "atom_name": np.array(names, dtype=np.str_),
        "element": np.array([name[0] for name in names], dtype=np.str_),
        "residue_index": residue[len(old) :],
        "atom_b_factor": molecule.atom_b_factor[alpha],
        "atom_occupancy": molecule.atom_occupancy[alpha],
        "atom_charge": np.zeros(n_new, dtype=np.int64),
        "atom_altloc": np.full(n_new, "", dtype=molecule.atom_altloc.dtype),
    }
    head = {name: (at if name == "coordinates_nm" else getattr(molecule, name))[old] for name in tail}
    atoms_table = {name: np.concatenate([head[name], tail[name]])[order] if n_new else head[name] for name in tail}
    residue_name, parent = (_wide(molecule.residue_name), _wide(molecule.residue_parent_name))
    hetero, kind = np.array(molecule.residue_hetero), np.array(molecule.residue_kind)
    for row, name in wanted.items():
        residue_name[row] = parent[row] = name
        hetero[row] = False
    assert set(tail) <= {item.name for item in fields(Complex)}
    made = replace(
        molecule,
        **atoms_table,
        residue_name=residue_name,
        residue_parent_name=parent,
        residue_hetero=hetero,
        residue_kind=kind,
        links=np.zeros((0, 2), dtype=np.int64),
        source=_source(molecule, wanted, moved, mutations),
    )
    new_row = np.full(molecule.n_atoms + n_new, -1, dtype=np.int64)
    new_row[np.concatenate([old, molecule.n_atoms + np.arange(n_new)])[order]] = np.arange(len(order))
    links = new_row[molecule.links]
    links = links[(links >= 0).all(axis=1)].reshape(-1, 2)
    return replace(made, links=_with_disulfides(made, links, [row for row, name in wanted.items() if name == "CYS"]))


def _wide(names: NDArray[np.str_]) -> NDArray[np.str_]:
    """A copy with room for three letters."""
    return names.astype(np.promote_types(names.dtype, "<U3"))


def _with_disulfides(made: Complex, links: NDArray[np.int64], cysteines: Sequence[int]) -> NDArray[np.int64]:
    """Links, with disulfides of new cysteines beside free ones."""
    sulphur = made.atom_of_residue("SG")
    bound = set(links.ravel().tolist())
    for row in cysteines:
        mine = int(sulphur[row])
        others = [int(atom) for atom in sulphur if atom >= 0 and atom != mine and int(atom) not in bound]
        if not others or mine in bound:
            continue
        gap = np.linalg.norm(made.coordinates_nm[others] - made.coordinates_nm[mine], axis=1)
        if gap.min() < _DISULFIDE_NM:
            pair = sorted((mine, others[int(gap.argmin())]))
            links = np.concatenate([links, [pair]])
            bound |= set(pair)
    return links[np.lexsort((links[:, 1], links[:, 0]))]


def _source(
    molecule: Complex,
    wanted: Mapping[int, str],
    moved: Mapping[int, PackedSideChain],
    mutations: Sequence[Mutation],
) -> Source:
    """The source with what was done in its notes."""
    labels = tuple(f"{molecule.residue_label(row)} lacks" for row in wanted)
    note = f"Mutated: {', '.join(str(mutation) for mutation in mutations)}."
    if moved:
        note += f" Made room: {', '.join(molecule.residue_label(row) for row in sorted(moved))}."
    cut = [
        f"{molecule.atom_label(int(a))}-{molecule.atom_label(int(b))}"
        for a, b in molecule.links
        if any(
            int(molecule.residue_index[atom]) in wanted and molecule.atom_name[atom] not in _STAYS for atom in (a, b)
        )
    ]
    if cut:
        note += f" Bonds that went: {', '.join(cut)}."
    return replace(
        molecule.source,
        notes=(*molecule.source.notes, note),
        missing_atoms=tuple(text for text in molecule.source.missing_atoms if not text.startswith(labels)),
    )
