"""Compiled loops of :mod:`unfreeze.model.side_chain_scan` and :mod:`unfreeze.model.flow`."""

from __future__ import annotations

import numpy as np

from unfreeze.structure.compiled import compiled

__all__ = ["draw_side_chain", "draw_torsions", "scan_torsion"]

_OVERLAP_NM, _POLAR_OVERLAP_NM, _CONTACT_NM, _BOND_NM = 0.33, 0.28, 0.45, 0.34
_MAX_OVERLAP = 6.0


@compiled
def _turned(point, origin, axis, cosine, sine):  # type: ignore[no-untyped-def]
    arm = point - origin
    along = arm[0] * axis[0] + arm[1] * axis[1] + arm[2] * axis[2]
    result = np.empty(3)
    for d in range(3):
        e, f = (d + 1) % 3, (d + 2) % 3
        across = axis[e] * arm[f] - axis[f] * arm[e]
        result[d] = origin[d] + along * axis[d] * (1.0 - cosine) + arm[d] * cosine + across * sine
    return result


@compiled
def scan_torsion(  # type: ignore[no-untyped-def]
    outer_start, outer_end, outer_turns, start, end, turns, atoms, polar, near, near_polar, found
):
    """Fill [n_outer, n_turns, 3] with overlap, contacts and hydrogen bonds of atoms turned about two bonds."""
    outer_axis = outer_end - outer_start
    outer_axis = outer_axis / np.sqrt((outer_axis * outer_axis).sum())
    axis = end - start
    axis = axis / np.sqrt((axis * axis).sum())
    n_atoms = len(atoms)
    placed = np.empty((n_atoms, 3))
    for b in range(len(turns)):
        cosine, sine = np.cos(turns[b]), np.sin(turns[b])
        for i in range(n_atoms):
            placed[i] = _turned(atoms[i], start, axis, cosine, sine)
        for c in range(len(outer_turns)):
            outer_cosine, outer_sine = np.cos(outer_turns[c]), np.sin(outer_turns[c])
            overlap, contact, bond = 0.0, 0.0, 0.0
            for i in range(n_atoms):
                point = _turned(placed[i], outer_start, outer_axis, outer_cosine, outer_sine)
                for j in range(len(near)):
                    x, y, z = point[0] - near[j, 0], point[1] - near[j, 1], point[2] - near[j, 2]
                    squared = x * x + y * y + z * z
                    if squared < _CONTACT_NM * _CONTACT_NM:
                        contact += 1.0
                        pair = polar[i] and near_polar[j]
                        limit = _POLAR_OVERLAP_NM if pair else _OVERLAP_NM
                        if squared < limit * limit:
                            depth = (limit - np.sqrt(squared)) / 0.05
                            overlap += depth * depth
                        if pair and squared < _BOND_NM * _BOND_NM:
                            bond += 1.0
            found[c, b, 0] = min(np.sqrt(overlap), _MAX_OVERLAP) / 2.0
            found[c, b, 1] = contact / (5.0 * max(n_atoms, 1))
            found[c, b, 2] = min(bond, 3.0)


@compiled
def draw_side_chain(cumulative, defined, uniform, drawn):  # type: ignore[no-untyped-def]
    """Torsions of one side chain from uniform numbers [4] by its cumulative distributions [4, n_before, n_bins + 1]."""
    n_before, n_bins = cumulative.shape[1], cumulative.shape[2] - 1
    before = 0
    for k in range(len(drawn)):
        drawn[k] = 0.0
        if not defined[k]:
            break
        steps = cumulative[k, before]
        low, high = 0, n_bins - 1
        while low < high:  # the first bin that ends beyond the number
            middle = (low + high) // 2
            if uniform[k] < steps[middle + 1]:
                high = middle
            else:
                low = middle + 1
        begin, end = np.float64(steps[low]), np.float64(steps[low + 1])
        within = (uniform[k] - begin) / (end - begin) if end > begin else 0.5
        turn = (low + min(max(within, 0.0), 1.0)) / n_bins
        drawn[k] = turn * 2.0 * np.pi - np.pi
        before = min(int(turn * n_before), n_before - 1)


@compiled
def draw_torsions(cumulative, defined, rows, uniform, drawn):  # type: ignore[no-untyped-def]
    """The same for several: rows [n], uniform and drawn [n, 4]."""
    for i in range(len(rows)):
        draw_side_chain(cumulative[rows[i]], defined[rows[i]], uniform[i], drawn[i])
