"""Compiled loop of :mod:`unfreeze.properties.mutants.stiffness`: a side chain's springs as a matrix."""

from __future__ import annotations

import numpy as np

from unfreeze.structure.compiled import compiled

__all__ = ["add_springs"]


@compiled
def _add_one(delta, here, there, stiffness, point, other, centre_here, centre_there):  # type: ignore[no-untyped-def]
    wrench = np.empty(12)
    ux, uy, uz = other[0] - point[0], other[1] - point[1], other[2] - point[2]
    size = np.sqrt(ux * ux + uy * uy + uz * uz)
    ux, uy, uz = ux / size, uy / size, uz / size
    for end in range(2):
        centre = centre_here if end == 0 else centre_there
        sign = -1.0 if end == 0 else 1.0
        x, y, z = point[0] - centre[0], point[1] - centre[1], point[2] - centre[2]
        wrench[6 * end] = sign * ux
        wrench[6 * end + 1] = sign * uy
        wrench[6 * end + 2] = sign * uz
        wrench[6 * end + 3] = sign * (y * uz - z * uy)
        wrench[6 * end + 4] = sign * (z * ux - x * uz)
        wrench[6 * end + 5] = sign * (x * uy - y * ux)
    for a in range(12):
        row = 6 * here + a if a < 6 else 6 * there + a - 6
        weighted = stiffness * wrench[a]
        for b in range(12):
            column = 6 * here + b if b < 6 else 6 * there + b - 6
            delta[row, column] += weighted * wrench[b]


@compiled
def add_springs(  # type: ignore[no-untyped-def]
    points, others, block, centres, cutoff, contact, distance, floor, close_factor, partners, partner_block, stiff,
    sign, delta,
):  # fmt: skip
    """Add the springs between the atoms of block 0 and others to delta [6 n, 6 n], times `sign`.

    Parameters
    ----------
    points
        Atoms of block 0, [n, 3]; the first is CB.
    others, block
        Atoms of other blocks, [m, 3], and their block, counted from 1.
    centres
        [n_blocks, 3].
    cutoff, contact, distance, floor, close_factor
        As in `physics.springs.SpringConstants`.
    partners, partner_block, stiff
        Atoms that CB is joined to beside, their blocks, and how stiffly.
    sign
        1 to add, −1 to take away.
    delta
        Changed in place.
    """
    for i in range(len(points)):
        for j in range(len(others)):
            squared = 0.0
            for k in range(3):
                step = others[j, k] - points[i, k]
                squared += step * step
            if squared <= cutoff * cutoff and squared > 1e-12:
                length = np.sqrt(squared)
                share = distance / max(length, floor)
                stiffness = contact * share * share
                if length < distance:
                    stiffness *= close_factor
                _add_one(delta, 0, block[j], sign * stiffness, points[i], others[j], centres[0], centres[block[j]])
    for j in range(len(partners)):
        _add_one(
            delta, 0, partner_block[j], sign * stiff, points[0], partners[j], centres[0], centres[partner_block[j]]
        )
