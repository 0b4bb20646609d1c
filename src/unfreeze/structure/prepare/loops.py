"""Short missing stretches of a chain: backbones of ideal geometry that close the gap and keep clear of the rest.

Torsions are drawn from the favoured regions and the chain is closed by cyclic coordinate descent (Canutescu and
Dunbrack 2003, Protein Sci. 12, 963). Peptide bonds are trans and residues L throughout; it is a start, not a model of
the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.structure.chemistry.ideal_geometry import BACKBONE_GEOMETRY, BUILD_GEOMETRY
from unfreeze.structure.geometry import torsion_angles
from unfreeze.structure.internal_coordinates.rebuild import place_atoms
from unfreeze.structure.prepare.draft import Draft, Residue
from unfreeze.structure.prepare.faults import find_faults
from unfreeze.structure.prepare.gaps import Gap
from unfreeze.structure.prepare.side_chains import add_carbonyl, clash_scores, complete_side_chain

__all__ = ["build_loop"]

Points = NDArray[np.float64]

_CN_NM, _CA_C_N, _C_N_CA, _CO_NM, _CA_C_O = 0.1329, np.radians(116.8), np.radians(121.7), 0.1231, np.radians(120.5)
_STEP_NM = 0.381  # CA to CA over a trans peptide bond
_N_STARTS, _N_SWEEPS, _N_ROUNDS, _ENOUGH = 128, 8, 6, 24
_FEW, _N_DRAWS = 4, 3  # longer stretches are drawn several times over
_CLOSED_NM = 0.012
_REACH_NM = 0.31
_WORST_OVERLAP = 4.0
_AROUND_NM = 1.2
_ANCHOR_ATOMS = frozenset(("N", "CA", "C", "O", "OXT", "CB"))
# Centres of the favoured regions (phi, psi) in degrees, and how often each is drawn.
_BASINS = ((-63.0, -43.0, 0.35), (-115.0, 130.0, 0.3), (-68.0, 145.0, 0.3), (57.0, 40.0, 0.05))
_GLYCINE_BASINS = (*_BASINS[:3], (63.0, 43.0, 0.3), (115.0, -130.0, 0.2), (80.0, 180.0, 0.3), (-80.0, 180.0, 0.2))
_PROLINE_BASINS = ((-63.0, -35.0, 0.4), (-66.0, 147.0, 0.6))
_SPREAD = 18.0
# How many residues on either side are built anew with the missing ones, in the order in which it is tried.
_FLANKS = ((0, 0), (1, 1), (0, 1), (1, 0), (1, 2), (2, 1), (2, 2), (0, 2), (2, 0))


@dataclass(frozen=True)
class _Chain:
    """Names of the residues to be built, the residue before them and the one after."""

    before: Residue
    names: list[str]
    after: Residue


def build_loop(draft: Draft, gap: Gap, rng: np.random.Generator) -> list[Residue] | None:
    """Close a gap.

    Parameters
    ----------
    draft
        Gets the residues if the gap can be closed; its side chains may still lack atoms.
    gap
        Within a chain of protein, its residues known.
    rng
        Draws the torsions.

    Returns
    -------
    list of Residue or None
        Residues next to the gap that were built anew with it; None if no clash-free closure was found, and then
        nothing has changed.
    """
    assert gap.before is not None and gap.after is not None and gap.names is not None
    segments = {id(residue): segment for segment in draft.segments() for residue in segment}
    left, right = segments[id(gap.before)], segments[id(gap.after)]
    for n_left, n_right in _FLANKS:
        if len(gap.names) + n_left + n_right < 3 or n_left >= len(left) or n_right >= len(right):
            continue
        redone = [*(left[-n_left:] if n_left else []), *right[:n_right]]
        bridged = {id(residue) for one, _, other, _ in draft.bonds for residue in (one, other)}
        if any(one.kind != "protein" or one.name not in BACKBONE_GEOMETRY or id(one) in bridged for one in redone):
            continue
        before, after = left[-1 - n_left], right[n_right]
        if before.kind != "protein" or after.kind != "protein" or after.name not in BACKBONE_GEOMETRY:
            continue
        names = [residue.name for residue in redone[:n_left]] + gap.names + [one.name for one in redone[n_left:]]
        chain = _Chain(before, names, after)
        for _ in range(_N_DRAWS if len(names) > _FEW else 1):
            found = _close(draft, chain, redone, rng)
            if found is None:
                continue
            undo = _snapshot(draft, [gap.before, gap.after, before, after, *redone])
            new = _insert(draft, gap, chain, redone, n_left, found)
            if _sound(draft, new):
                return redone
            undo()
    return None


def _snapshot(draft: Draft, residues: list[Residue]) -> Callable[[], None]:
    """A function that makes these residues, and the list of all, what they are now."""
    order = list(draft.residues)
    states = [(residue, dict(residue.atoms), residue.joined) for residue in residues]

    def restore() -> None:
        draft.residues = order
        for residue, atoms, joined in states:
            residue.atoms, residue.joined = atoms, joined

    return restore


def _sound(draft: Draft, new: list[Residue]) -> bool:
    """Whether what was built is free of faults, its surroundings considered."""
    points = np.array([residue.at("CA") for residue in new])
    near = {id(residue) for residue in new}
    for residue in draft.residues:
        place = next(iter(residue.atoms.values())).position
        if np.linalg.norm(points - place, axis=1).min() < _AROUND_NM:
            near.add(id(residue))
    local = Draft([])
    for before, residue in zip([None, *draft.residues[:-1]], draft.residues, strict=True):
        if id(residue) in near:
            local.residues.append(replace(residue, joined=residue.joined and id(before) in near))
    built = np.array([atom.built for residue in local.ordered() for atom in residue.atoms.values()], dtype=bool)
    return not any(fault.built and fault.kind != "bond" for fault in find_faults(local.complex(), built))


def _close(draft: Draft, chain: _Chain, redone: list[Residue], rng: np.random.Generator) -> Points | None:
    """N, CA and C of the residues between: [n, 3, 3] in nm, or None."""
    span = float(np.linalg.norm(chain.before.at("CA") - chain.after.at("CA")))
    if span > _STEP_NM * (len(chain.names) + 1):
        return None
    target = np.array([chain.after.at(name) for name in ("N", "CA", "C")])
    turns = _draw(chain, rng)
    points = _grow(chain, turns)
    points = _closed(points, _rotatable(chain), target)
    if len(points) == 0:
        return None
    overlap = _overlap(draft, chain, redone, points)
    best = int((_strain(chain, points) + 2 * overlap).argmin())
    if overlap[best] > _WORST_OVERLAP:
        return None
    return points[best, 3:-3].reshape(-1, 3, 3)


def _closed(points: Points, bonds: list[int], target: Points) -> Points:
    """Those of the starts that come to meet the target; the hopeless are left behind round by round."""
    done = [points[:0]]
    for _ in range(_N_ROUNDS):
        for bond in bonds * _N_SWEEPS:
            _rotate(points, bond, target)
        off = np.sqrt(((points[:, -3:] - target) ** 2).sum(axis=2).mean(axis=1))
        done.append(points[off < _CLOSED_NM])
        points, off = points[off >= _CLOSED_NM], off[off >= _CLOSED_NM]
        points = points[off.argsort()[: max(len(off) * 3 // 4, 8)]]
        if sum(map(len, done)) >= _ENOUGH or len(points) == 0:
            break
    return np.concatenate(done)


def _basins(name: str) -> tuple[tuple[float, float, float], ...]:
    return {"GLY": _GLYCINE_BASINS, "PRO": _PROLINE_BASINS}.get(name, _BASINS)


def _draw(chain: _Chain, rng: np.random.Generator) -> Points:
    """Phi and psi of the residue before, those between and the one after: [n_starts, n + 2, 2], rad."""
    drawn = []
    for name in (chain.before.name, *chain.names, chain.after.name):
        table = np.array(_basins(name))
        which = rng.choice(len(table), size=_N_STARTS, p=table[:, 2] / table[:, 2].sum())
        spread = rng.normal(scale=_SPREAD, size=(_N_STARTS, 2))
        if name == "PRO":
            spread[:, 0] /= 3
        drawn.append(np.radians(table[which, :2] + spread))
    if chain.after.name == "PRO" and "CD" in chain.after.atoms:
        delta, nitrogen, alpha, carbon = (chain.after.at(atom) for atom in ("CD", "N", "CA", "C"))
        drawn[-1][:, 0] = torsion_angles(delta, nitrogen, alpha, carbon) + np.pi
    return np.stack(drawn, axis=1)


def _grow(chain: _Chain, turns: Points) -> Points:
    """N, CA and C from the residue before up to the one after: [n_starts, 3 (n + 2), 3]."""
    n = len(turns)
    start = [np.broadcast_to(chain.before.at(name), (n, 3)) for name in ("N", "CA", "C")]
    points = list(start)
    for at, name in enumerate([*chain.names, chain.after.name], start=1):
        n_ca, ca_c, angle = BACKBONE_GEOMETRY[name]
        for length, bend, turn in (
            (_CN_NM, _CA_C_N, turns[:, at - 1, 1]),
            (n_ca, _C_N_CA, np.full(n, np.pi)),
            (ca_c, angle, turns[:, at, 0]),
        ):
            points.append(place_atoms(points[-3], points[-2], points[-1], np.full(n, length), np.full(n, bend), turn))
    return np.stack(points, axis=1)


def _rotatable(chain: _Chain) -> list[int]:
    """Bonds that may turn, as the row of their first atom: N-CA (phi) and CA-C (psi)."""
    names = [chain.before.name, *chain.names, chain.after.name]
    bonds = []
    for at, name in enumerate(names):
        if at > 0 and name != "PRO":
            bonds.append(3 * at)
        if at < len(names) - 1:
            bonds.append(3 * at + 1)
    return bonds


def _rotate(points: Points, bond: int, target: Points) -> None:
    """Turn what follows a bond so that the last three atoms come as near to the target as they can."""
    origin = points[:, bond + 1]
    axis = origin - points[:, bond]
    axis = axis / np.linalg.norm(axis, axis=1, keepdims=True)
    moving = points[:, -3:] - origin[:, None]
    moving = moving - (moving * axis[:, None]).sum(axis=2, keepdims=True) * axis[:, None]
    wanted = target - origin[:, None]
    across = np.cross(axis[:, None], moving)
    angle = np.arctan2((across * wanted).sum(axis=(1, 2)), (moving * wanted).sum(axis=(1, 2)))
    rest = points[:, bond + 2 :] - origin[:, None]
    along = (rest * axis[:, None]).sum(axis=2, keepdims=True) * axis[:, None]
    cosine, sine = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    turned = along + cosine * (rest - along) + sine * np.cross(axis[:, None], rest)
    points[:, bond + 2 :] = turned + origin[:, None]


def _strain(chain: _Chain, points: Points) -> Points:
    """How far phi and psi are from the favoured regions, summed over the residues: [n]."""
    n = len(chain.names) + 2
    backbone = points.reshape(len(points), n, 3, 3)
    total = np.zeros(len(points))
    for at, name in enumerate([chain.before.name, *chain.names, chain.after.name]):
        offs = []
        nitrogen, alpha, carbon = (backbone[:, at, k] for k in range(3))
        phi = psi = None
        if at > 0:
            phi = np.degrees(torsion_angles(backbone[:, at - 1, 2], nitrogen, alpha, carbon))
        if at < n - 1:
            psi = np.degrees(torsion_angles(nitrogen, alpha, carbon, backbone[:, at + 1, 0]))
        for basin_phi, basin_psi, weight in _basins(name):
            off = np.zeros(len(points))
            for value, centre in ((phi, basin_phi), (psi, basin_psi)):
                if value is not None:
                    off += (((value - centre + 180.0) % 360.0 - 180.0) / 30.0) ** 2
            offs.append(off + (1.0 if weight < 0.1 else 0.0))
        total += np.minimum(np.min(offs, axis=0), 6.0)
    return total / 2


def _overlap(draft: Draft, chain: _Chain, redone: list[Residue], points: Points) -> Points:
    """Clashes of backbone and CB with the rest of the structure and among themselves: [n]."""
    n = len(chain.names)
    backbone = points.reshape(len(points), n + 2, 3, 3)
    inner = backbone[:, 1:-1]
    atoms = [inner[:, at, k] for at in range(n) for k in range(3)]
    owner = [at for at in range(n) for _ in range(3)]
    ones = np.ones(len(points))
    for at, name in enumerate(chain.names):
        nitrogen, alpha, carbon = (inner[:, at, k] for k in range(3))
        following = backbone[:, at + 2, 0]
        turn = torsion_angles(nitrogen, alpha, carbon, following) + np.pi
        atoms.append(place_atoms(nitrogen, alpha, carbon, _CO_NM * ones, _CA_C_O * ones, turn))
        owner.append(at)
        if name != "GLY":
            length, angle, offset = BUILD_GEOMETRY[name]["CB"]
            atoms.append(place_atoms(carbon, nitrogen, alpha, length * ones, angle * ones, offset * ones))
            owner.append(at)
    for residue, at in ((chain.before, -1), (chain.after, n)):
        for atom in sorted(_ANCHOR_ATOMS & residue.atoms.keys()):
            atoms.append(np.broadcast_to(residue.at(atom), (len(points), 3)))
            owner.append(at)
    cloud, owners = np.stack(atoms, axis=1), np.array(owner)
    around = draft.heavy_positions(without=[*redone, chain.before, chain.after])
    sides = [
        atom.position
        for residue in (chain.before, chain.after)
        for name, atom in residue.atoms.items()
        if name not in _ANCHOR_ATOMS
    ]
    around = np.concatenate([around, np.array(sides).reshape(-1, 3)])
    near = around[np.linalg.norm(around - inner.mean(axis=(0, 1, 2)), axis=1) < 0.4 * n + 1.5]
    made = (owners >= 0) & (owners < n)
    score = clash_scores(cloud[:, made], KDTree(near) if len(near) else None, _REACH_NM)
    apart = np.abs(owners[:, None] - owners[None]) >= 2
    first, second = np.nonzero(np.triu(apart))
    gaps = _REACH_NM - np.linalg.norm(cloud[:, first] - cloud[:, second], axis=2)
    return score + ((np.maximum(gaps, 0.0) / 0.1) ** 2).sum(axis=1)


def _insert(draft: Draft, gap: Gap, chain: _Chain, redone: list[Residue], n_left: int, found: Points) -> list[Residue]:
    """Put the residues in, those built anew in the place of the old ones, with carbonyls and side chains."""
    new: list[Residue] = []
    n_missing = len(chain.names) - len(redone)
    assert gap.before is not None and gap.after is not None
    numbers = iter(_numbers(draft, gap.before, gap.after, n_missing))
    for at, name in enumerate(chain.names):
        if n_left <= at < n_left + n_missing:
            number, code = next(numbers)
            residue = Residue(chain.before.chain, number, code, name, "protein", built=True)
        else:
            residue = redone[at if at < n_left else at - n_missing]
            residue.atoms = {}
        residue.joined = True
        for atom, point in zip(("N", "CA", "C"), found[at], strict=True):
            residue.put(atom, point)
        new.append(residue)
    chain.after.joined = True
    chain.before.atoms.pop("O", None)
    chain.before.atoms.pop("OXT", None)
    start, stop = draft.residues.index(chain.before) + 1, draft.residues.index(chain.after)
    draft.residues[start:stop] = new
    for residue, following in zip([chain.before, *new], [*new, chain.after], strict=True):
        add_carbonyl(residue, following, np.empty((0, 3)))
    for residue in new:
        complete_side_chain(residue, draft.heavy_positions(without=[residue]))
    return new


def _numbers(draft: Draft, before: Residue, after: Residue, n_missing: int) -> list[tuple[int, str]]:
    """Author numbers for residues between two others: those that are free, then insertion codes."""
    taken = {(one.number, one.code) for one in draft.residues if one.chain == before.chain}
    found: list[tuple[int, str]] = []
    number, letters = before.number, iter(())
    for _ in range(n_missing):
        following = (number + 1, "")
        if following not in taken and (number + 1 < after.number or after.number <= before.number):
            number += 1
            found.append(following)
            continue
        letters = (letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if (number, letter) not in taken)
        found.append((number, next(letters)))
        taken.add(found[-1])
    return found
