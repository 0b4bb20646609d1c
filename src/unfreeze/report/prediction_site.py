"""A small picture of a mutated residue and its neighbours: the wild type and the mutant, seen from the same side.

The view is along the thinnest direction of the site. Dashed lines are contacts that the mutation breaks (wild type) or
makes (mutant), between the nearest heavy atoms of the two residues.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from unfreeze.report.svg import tag
from unfreeze.structure.complex import Complex

__all__ = ["site_pictures"]

_WIDTH, _HEIGHT, _MARGIN = 330, 230, 26
_MOST_NEIGHBOURS = 7
_BOND_NM = 0.195
_MAIN_CHAIN = ("N", "C", "O", "OXT")
_ELEMENT_CLASS = {"N": "n", "O": "o", "S": "s", "SE": "s"}
_MADE_BY = {"hydrogen bond": ("N", "O", "S"), "salt bridge": ("N", "O"), "hydrophobic": ("C", "S"), "aromatic": ("C",),
            "disulfide": ("S",)}  # fmt: skip
_SEPARATION_PX = 13.0


def site_pictures(
    wild_type: Complex, mutant: Complex | None, effect: Mapping[str, Any]
) -> list[dict[str, str | Markup]]:
    """Pictures of the site before and after: title and SVG each; none where a residue is not found.

    Parameters
    ----------
    wild_type
        The structure.
    mutant
        The structure of the mutant, in the same frame; None to leave its picture out.
    effect
        An effect with reasons, as in the record.
    """
    reasons = effect["reasons"]
    lost, gained = _contacts(reasons["lost"]), _contacts(reasons["gained"])
    names = list(dict.fromkeys(name for name, _ in [*lost, *gained]))[:_MOST_NEIGHBOURS]
    view = _View.of(((wild_type, lost), (mutant, gained)), effect["sites"], names)
    if view is None:
        return []
    pictures: list[dict[str, str | Markup]] = []
    for title, molecule, contacts in (("Wild type", wild_type, lost), ("Mutant", mutant, gained)):
        if molecule is not None:
            svg = view.draw(molecule, contacts, f"{title} of {effect['mutations']}")
            pictures.append({"title": title, "svg": svg})
    return pictures


def _contacts(found: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(str(contact["residue"]), str(contact["kind"])) for contact in found]


class _View:
    """A direction to look from, and what is looked at."""

    def __init__(
        self, sites: Sequence[Mapping[str, Any]], names: list[str], whole: set[str], points: NDArray[np.float64]
    ) -> None:
        self.sites, self.names, self.whole = sites, names, whole
        self.centre = points.mean(axis=0)
        _, _, self.axes = np.linalg.svd(points - self.centre, full_matrices=True)
        flat = (points - self.centre) @ self.axes[:2].T
        self.low, self.high = flat.min(axis=0), flat.max(axis=0)
        span = np.maximum(self.high - self.low, 0.3)
        self.scale = float(min((_WIDTH - 2 * _MARGIN) / span[0], (_HEIGHT - 2 * _MARGIN) / span[1], 260.0))

    @classmethod
    def of(
        cls,
        states: Sequence[tuple[Complex | None, Sequence[tuple[str, str]]]],
        sites: Sequence[Mapping[str, Any]],
        names: list[str],
    ) -> _View | None:
        """Look at all states together; neighbours that are touched at the main chain are shown with it."""
        shown: list[NDArray[np.float64]] = []
        whole: set[str] = set()
        for molecule, contacts in states:
            if molecule is None:
                continue
            mutated, rows = _mutated(molecule, sites), _named(molecule, names)
            if len(mutated) < len(sites):
                return None
            for name, kind in contacts:
                if name in rows and molecule.atom_name[_nearest(molecule, mutated, rows[name], kind)[1]] in _MAIN_CHAIN:
                    whole.add(name)
        for molecule in (molecule for molecule, _ in states if molecule is not None):
            mutated, rows = _mutated(molecule, sites), _named(molecule, names)
            atoms = [_atoms(molecule, row, whole=True) for row in mutated]
            atoms += [_atoms(molecule, row, whole=name in whole) for name, row in rows.items()]
            shown += [molecule.coordinates_nm[chosen] for chosen in atoms]
        points = np.concatenate(shown)
        return cls(sites, names, whole, points) if len(points) >= 3 else None

    def draw(self, molecule: Complex, contacts: Sequence[tuple[str, str]], title: str) -> Markup:
        mutated, neighbours = _mutated(molecule, self.sites), _named(molecule, self.names)
        parts: list[Markup] = [tag("title", None, title)]
        labels: list[tuple[float, float, str, str]] = []
        for name, row in neighbours.items():
            atoms = _atoms(molecule, row, whole=name in self.whole)
            parts += self._residue(molecule, atoms, "near")
            labels.append((*self._label_place(molecule, atoms), name, "near"))
        for row in mutated:
            parts += self._residue(molecule, _atoms(molecule, row, whole=True), "own")
            side = _atoms(molecule, row)
            labels.append((*self._label_place(molecule, side), molecule.residue_label(row), "own"))
        for name, kind in contacts:
            if name in neighbours:
                parts.append(self._contact(molecule, mutated, neighbours[name], kind))
        taken: list[tuple[float, float]] = []
        for x, y, name, kind in sorted(labels, key=lambda label: label[3] == "near"):
            while any(abs(y - other) < _SEPARATION_PX and abs(x - across) < 62.0 for across, other in taken):
                y += _SEPARATION_PX
            taken.append((x, y))
            x = float(np.clip(x, 30.0, _WIDTH - 30.0))
            parts.append(tag("text", {"class": kind, "x": f"{x:.0f}", "y": f"{y:.0f}", "text-anchor": "middle"}, name))
        return tag("svg", {"class": "site", "role": "img", "viewBox": f"0 0 {_WIDTH} {_HEIGHT}"}, *parts)

    def _place(self, points_nm: NDArray[np.float64]) -> NDArray[np.float64]:
        flat = (points_nm - self.centre) @ self.axes[:2].T
        middle = 0.5 * (self.low + self.high)
        return (flat - middle) * self.scale * [1.0, -1.0] + [0.5 * _WIDTH, 0.5 * _HEIGHT]

    def _residue(self, molecule: Complex, atoms: NDArray[np.int64], kind: str) -> list[Markup]:
        points = molecule.coordinates_nm[atoms]
        distance = np.linalg.norm(points[:, None] - points[None], axis=2)
        first, second = np.nonzero(np.triu(distance < _BOND_NM, 1))
        flat = self._place(points)
        lines = "".join(
            f"M{flat[a, 0]:.1f} {flat[a, 1]:.1f}L{flat[b, 0]:.1f} {flat[b, 1]:.1f}"
            for a, b in zip(first.tolist(), second.tolist(), strict=True)
        )
        parts = [tag("path", {"class": f"bond {kind}", "d": lines})] if lines else []
        for symbol in sorted(set(molecule.element[atoms].tolist())):
            spots = flat[molecule.element[atoms] == symbol]
            marks = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in spots.tolist())
            parts.append(tag("path", {"class": f"atom {kind} {_ELEMENT_CLASS.get(symbol, 'c')}", "d": marks}))
        return parts

    def _label_place(self, molecule: Complex, atoms: NDArray[np.int64]) -> tuple[float, float]:
        flat = self._place(molecule.coordinates_nm[atoms])
        outside = flat[np.argmax(np.abs(flat - [0.5 * _WIDTH, 0.5 * _HEIGHT]).sum(axis=1))]
        down = 14.0 if outside[1] > 0.5 * _HEIGHT else -7.0
        return float(outside[0]), float(np.clip(outside[1] + down, 11.0, _HEIGHT - 4.0))

    def _contact(self, molecule: Complex, mutated: list[int], row: int, kind: str) -> Markup:
        ends = self._place(molecule.coordinates_nm[list(_nearest(molecule, mutated, row, kind))])
        line = {"x1": ends[0, 0], "y1": ends[0, 1], "x2": ends[1, 0], "y2": ends[1, 1]}
        shown = {key: f"{value:.1f}" for key, value in line.items()}
        return tag("line", {"class": f"contact {kind.replace(' ', '-')}", **shown}, tag("title", None, kind))


def _mutated(molecule: Complex, sites: Sequence[Mapping[str, Any]]) -> list[int]:
    found = []
    for site in sites:
        match = (
            (molecule.residue_number == site["number"])
            & (np.char.upper(molecule.residue_insertion_code) == site["insertion_code"])
            & (molecule.chain_name[molecule.chain_index] == site["chain"])
            & (molecule.residue_kind == "protein")
        )
        found += np.flatnonzero(match)[:1].tolist()
    return found


def _named(molecule: Complex, names: Sequence[str]) -> dict[str, int]:
    if not names:
        return {}
    chains = {name.rpartition(":")[0] for name in names}
    rows = np.flatnonzero(np.isin(molecule.chain_name[molecule.chain_index], list(chains)))
    labels = {molecule.residue_label(row): row for row in rows.tolist()}
    return {name: labels[name] for name in names if name in labels}


def _nearest(molecule: Complex, mutated: list[int], row: int, kind: str) -> tuple[int, int]:
    """The nearest heavy atoms of the mutated side chains and of a neighbour, of elements that make such a contact."""
    side = np.concatenate([_atoms(molecule, own) for own in mutated if own != row or len(mutated) == 1])
    other = _atoms(molecule, row, whole=True)
    wanted = _MADE_BY.get(kind)
    if wanted is not None:
        side, other = (
            kept if len(kept := atoms[np.isin(molecule.element[atoms], wanted)]) else atoms for atoms in (side, other)
        )
    distance = np.linalg.norm(molecule.coordinates_nm[side][:, None] - molecule.coordinates_nm[other][None], axis=2)
    a, b = np.unravel_index(int(distance.argmin()), distance.shape)
    return int(side[a]), int(other[b])


def _atoms(molecule: Complex, row: int, *, whole: bool = False) -> NDArray[np.int64]:
    """Heavy atoms of a residue, without its main chain but for the Cα."""
    own = (molecule.residue_index == row) & ~np.isin(molecule.element, ("H", "D"))
    if not whole and molecule.residue_kind[row] == "protein":
        own &= ~np.isin(molecule.atom_name, _MAIN_CHAIN)
    atoms = np.flatnonzero(own)
    return atoms if len(atoms) else np.flatnonzero(molecule.residue_index == row)
