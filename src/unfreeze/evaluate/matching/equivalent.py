"""Names of chemically equivalent atoms as a function of geometry, so that labels that were exchanged change nothing.

Planar groups: of the two labellings of a frame the one whose torsion is closest to that of the reference structure,
which itself is first labelled by the IUPAC rule (χ2 of Phe, Tyr and Asp, χ3 of Glu within ±90°; NH1 of Arg cis to Cδ;
IUPAC-IUB 1970, Biochemistry 9, 3471). Methyls of Leu and Val and the phosphate oxygens: by handedness, which is the
meaning of their names. Groups that lack an atom, or that something else is bound to, are left as they are.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.chemistry.atom_lookup import AtomLookup, atoms_by_parent_name
from unfreeze.structure.chemistry.residues import AMINO_ACIDS
from unfreeze.structure.complex import Complex

__all__ = ["EquivalentAtoms", "relabel_equivalent_atoms"]

_ATOMS_PER_BLOCK = 500_000
_BOND_NM = 0.2

_PLANAR: dict[str, tuple[tuple[str, str, str], tuple[tuple[str, str], ...]]] = {
    "PHE": (("CA", "CB", "CG"), (("CD1", "CD2"), ("CE1", "CE2"))),
    "TYR": (("CA", "CB", "CG"), (("CD1", "CD2"), ("CE1", "CE2"))),
    "ASP": (("CA", "CB", "CG"), (("OD1", "OD2"),)),
    "GLU": (("CB", "CG", "CD"), (("OE1", "OE2"),)),
    "ARG": (("CD", "NE", "CZ"), (("NH1", "NH2"),)),
}
"""First three atoms of the torsion whose fourth is an atom of the first pair, and the pairs that change together."""
_TERMINUS = (("N", "CA", "C"), (("O", "OXT"),))
_TETRAHEDRAL = {"LEU": ("CG", "CB", "CD2", "CD1"), "VAL": ("CB", "CA", "CG2", "CG1")}
"""o, a, b, c such that (a − o) · ((b − o) × (c − o)) > 0, where pro-R is named before pro-S."""
_PHOSPHATE = ("P", "O5'", "OP2", "OP1")


@dataclass(frozen=True, eq=False)
class _Groups:
    """Groups of one sort: four or three atoms that decide [n_groups, k], and pairs that are exchanged with a group."""

    deciding: NDArray[np.int64]
    group: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]


class EquivalentAtoms:
    """The equivalent atoms of a molecule; prepared once, relabels any number of frames.

    Parameters
    ----------
    molecule
        Reference structure; what labels it has makes no difference.

    Attributes
    ----------
    structure_nm : float64 [n_atoms, 3]
        Its coordinates, labelled by the rule.
    """

    def __init__(self, molecule: Complex) -> None:
        self._planar, self._tetrahedral = _find_groups(molecule)
        structure = np.array(molecule.coordinates_nm, dtype=np.float64)[None]
        # of two opposite torsions the one within ±90° is closest to zero
        at_zero = np.zeros((len(self._planar.deciding), 2))
        at_zero[:, 0] = 1.0
        self._relabel(structure, at_zero)
        self.structure_nm = structure[0]
        self._goal = _directions(structure, self._planar.deciding[:, :3], self._planar.deciding[:, 3])[0]

    def relabel(self, frames_nm: NDArray[np.floating]) -> NDArray[np.floating]:
        """Exchange coordinates of equivalent atoms in place where a frame [n, n_atoms, 3] names them otherwise."""
        step = max(1, _ATOMS_PER_BLOCK // max(frames_nm.shape[1], 1))
        for start in range(0, len(frames_nm), step):
            self._relabel(frames_nm[start : start + step], self._goal)
        return frames_nm

    def _relabel(self, frames: NDArray[np.floating], goal: NDArray[np.float64]) -> None:
        planar = self._planar
        if len(planar.deciding):
            axis = planar.deciding[:, :3]
            near, far = (
                (_directions(frames, axis, planar.deciding[:, column]) * goal).sum(axis=-1) for column in (3, 4)
            )
            _exchange(frames, planar, far > near)
        if len(self._tetrahedral.deciding):
            o, a, b, c = (frames[:, self._tetrahedral.deciding[:, k]] for k in range(4))
            volume = ((a - o) * np.cross(b - o, c - o)).sum(axis=-1)
            _exchange(frames, self._tetrahedral, volume < 0.0)


def relabel_equivalent_atoms(
    frames_nm: NDArray[np.floating], molecule: Complex, *, in_place: bool = False
) -> NDArray[np.floating]:
    """Name equivalent atoms by geometry.

    Parameters
    ----------
    frames_nm : [n_frames, n_atoms, 3]
        Frames, nm.
    molecule
        Reference structure of the same atoms.
    in_place
        Whether to work on `frames_nm` itself and not on a copy.

    Returns
    -------
    [n_frames, n_atoms, 3]
        The frames, with coordinates of equivalent atoms exchanged where the rule asks for it.
    """
    return EquivalentAtoms(molecule).relabel(frames_nm if in_place else np.array(frames_nm))


def _directions(
    frames: NDArray[np.floating], axis: NDArray[np.int64], fourth: NDArray[np.int64]
) -> NDArray[np.floating]:
    """Cosine and sine of torsions about the second and third of three atoms: [n_frames, n_groups, 2]."""
    first, second, third = (frames[:, axis[:, k]] for k in range(3))
    along = third - second
    along /= np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-12)
    back = first - second
    back -= (back * along).sum(axis=-1, keepdims=True) * along
    back /= np.maximum(np.linalg.norm(back, axis=-1, keepdims=True), 1e-12)
    out = frames[:, fourth] - third
    cosine, sine = (out * back).sum(axis=-1), (out * np.cross(along, back)).sum(axis=-1)
    return np.stack([cosine, sine], axis=-1) / np.maximum(np.hypot(cosine, sine), 1e-12)[..., None]


def _exchange(frames: NDArray[np.floating], groups: _Groups, wrong: NDArray[np.bool_]) -> None:
    mask = wrong[:, groups.group][..., None]
    first, second = frames[:, groups.first], frames[:, groups.second]
    frames[:, groups.first] = np.where(mask, second, first)
    frames[:, groups.second] = np.where(mask, first, second)


def _find_groups(molecule: Complex) -> tuple[_Groups, _Groups]:
    lookup = AtomLookup(molecule, atoms_by_parent_name(molecule))
    bound = _substituted(molecule)
    protein = molecule.residue_kind == "protein"
    planar: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    rules = [(np.flatnonzero(protein & (molecule.residue_parent_name == name)), rule) for name, rule in _PLANAR.items()]
    rules.append((np.flatnonzero(protein), _TERMINUS))
    for residues, (axis, pairs) in rules:
        flat = tuple(itertools.chain.from_iterable(pairs))
        table = lookup.whole(residues, *axis, *flat)
        table = table[~bound[table[:, 3:]].any(axis=1)]
        planar.append((table[:, :5], table[:, 3:].reshape(len(table), len(pairs), 2)))
    tetrahedral: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    for name, names in _TETRAHEDRAL.items():
        table = lookup.whole(np.flatnonzero(protein & (molecule.residue_parent_name == name)), *names)
        table = table[~bound[table[:, 2:]].any(axis=1)]
        tetrahedral.append((table, table[:, 2:].reshape(len(table), 1, 2)))
    # three oxygens of a terminal phosphate have no handedness that two names could follow
    nucleic = (molecule.residue_kind == "nucleic") & (molecule.atom_of_residue("OP3") < 0)
    table = lookup.whole(np.flatnonzero(nucleic), *_PHOSPHATE)
    tetrahedral.append((table, table[:, 2:].reshape(len(table), 1, 2)))
    return _collect(planar, 5), _collect(tetrahedral, 4)


def _collect(parts: list[tuple[NDArray[np.int64], NDArray[np.int64]]], width: int) -> _Groups:
    deciding = np.concatenate([np.zeros((0, width), dtype=np.int64), *(table for table, _ in parts)])
    starts = np.cumsum([0, *(len(table) for table, _ in parts)])
    group = np.concatenate([np.repeat(np.arange(len(pairs)) + start, pairs.shape[1])
                            for start, (_, pairs) in zip(starts, parts, strict=False)])  # fmt: skip
    pairs = np.concatenate([np.zeros((0, 2), dtype=np.int64), *(pairs.reshape(-1, 2) for _, pairs in parts)])
    return _Groups(deciding, group.astype(np.int64), pairs[:, 0], pairs[:, 1])


def _substituted(molecule: Complex) -> NDArray[np.bool_]:
    """Atoms that something besides the parent residue is bound to, so that they have no equivalent: [n_atoms]."""
    bound = np.zeros(molecule.n_atoms, dtype=bool)
    bound[molecule.links.ravel()] = True
    modified = (molecule.residue_kind == "protein") & (molecule.residue_name != molecule.residue_parent_name)
    names, start = atoms_by_parent_name(molecule), molecule.residue_start
    for residue in np.flatnonzero(modified).tolist():
        rows = np.arange(start[residue], start[residue + 1])
        parent = AMINO_ACIDS.get(str(molecule.residue_parent_name[residue]))
        added = rows[~np.isin(names[rows], [*parent.atoms, "OXT"] if parent else [])]
        points = molecule.coordinates_nm
        distance = np.linalg.norm(points[rows][:, None] - points[added][None], axis=-1)
        bound[rows] |= (distance < _BOND_NM).any(axis=1)
    return bound
