"""Machine code of the Shrake–Rupley surface; what calls it is :mod:`unfreeze.structure.observables.shrake_rupley`.

Whether a point of an atom's sphere lies inside another atom is decided in single precision, in the order of
operations of mdtraj, so that the counts are the same. Most points need no such test: the points are sorted into
patches, and an occluder that covers or misses the cap around a whole patch, by more than rounding could change,
decides for all of its points.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from unfreeze.structure.compiled import compiled

__all__ = ["carry_over", "count_accessible", "decide_groups"]

# One cell list holds at most this many cells an atom; a stray atom far away makes cells larger, not many.
_CELLS_PER_ATOM = 8


@compiled
def _sort_into_cells(frame: Any, edge: float) -> Any:
    """Atoms by cell: lowest corner [3], edge, cells a side [3], first row of every cell, atom of every row."""
    n_atoms = len(frame)
    low = np.empty(3, np.float64)
    extent = np.empty(3, np.float64)
    for axis in range(3):
        least = most = np.float64(frame[0, axis])
        for atom in range(n_atoms):
            least = min(least, np.float64(frame[atom, axis]))
            most = max(most, np.float64(frame[atom, axis]))
        low[axis], extent[axis] = least, most - least
    while (extent[0] / edge + 1.0) * (extent[1] / edge + 1.0) * (extent[2] / edge + 1.0) > _CELLS_PER_ATOM * (
        n_atoms + 8.0
    ):
        edge *= 1.5
    shape = np.empty(3, np.int64)
    for axis in range(3):
        shape[axis] = np.int64(extent[axis] / edge) + 1
    cell = np.empty(n_atoms, np.int64)
    start = np.zeros(shape[0] * shape[1] * shape[2] + 1, np.int64)
    for atom in range(n_atoms):
        row = np.int64(0)
        for axis in range(3):
            row = row * shape[axis] + np.int64((np.float64(frame[atom, axis]) - low[axis]) / edge)
        cell[atom] = row
        start[row + 1] += 1
    for row in range(1, len(start)):
        start[row] += start[row - 1]
    place = start[:-1].copy()
    order = np.empty(n_atoms, np.int64)
    for atom in range(n_atoms):
        order[place[cell[atom]]] = atom
        place[cell[atom]] += 1
    return low, edge, shape, start, order


@compiled
def _find_occluders(atom: int, frame: Any, radius: Any, cells: Any, rows: Any, reach: float, near: Any) -> int:
    """Put the atoms that may occlude the sphere of `atom` into `near`, centre and radius, close ones first.

    `rows` has centre and radius of the atoms in the order of the cells. `near` float32 [9, n_atoms] has one occluder
    a column: centre (0–2), radius (3) and what :func:`_find_caps` adds. Returns their number.
    """
    low, edge, shape, start, order = cells
    x, y, z, r = frame[atom, 0], frame[atom, 1], frame[atom, 2], radius[atom]
    first = np.empty(3, np.int64)
    last = np.empty(3, np.int64)
    for axis in range(3):
        at = np.float64(frame[atom, axis]) - low[axis]
        first[axis] = np.int64((at - reach) / edge) if at > reach else 0
        last[axis] = min(np.int64((at + reach) / edge), shape[axis] - 1)
    n = n_close = 0
    for i in range(first[0], last[0] + 1):
        for j in range(first[1], last[1] + 1):
            base = (i * shape[1] + j) * shape[2]
            for row in range(start[base + first[2]], start[base + last[2] + 1]):
                dx, dy, dz = x - rows[row, 0], y - rows[row, 1], z - rows[row, 2]
                both = r + rows[row, 3]
                square = (dx * dx + dy * dy) + dz * dz
                if square < both * both and order[row] != atom:
                    place = n
                    if square < r * r:
                        for field in range(4):
                            near[field, n] = near[field, n_close]
                        place = n_close
                        n_close += 1
                    near[0, place], near[1, place], near[2, place] = rows[row, 0], rows[row, 1], rows[row, 2]
                    near[3, place] = rows[row, 3]
                    n += 1
    return n


@compiled
def _find_caps(
    x: float, y: float, z: float, r: float, near: Any, n: int, slack: float, cos_cap: float, sin_cap: float
) -> None:
    """Which part of a sphere each occluder holds: fills rows 4–8 of `near`.

    These are the direction from the atom to the occluder (4–6) and the cosine between that and the centre of a cap of
    points above which the whole cap is inside the occluder (7) and below which it is outside (8).
    """
    R = np.float64(r)
    for k in range(n):
        # u: unit vector to a point of the sphere; d: from the atom to the occluder of radius s, D long.
        # |R u − d|² < s²  ⇔  u·d/D > (R² + D² − s²) / 2RD, to within what rounding can do to a point
        ex = np.float64(near[0, k]) - np.float64(x)
        ey = np.float64(near[1, k]) - np.float64(y)
        ez = np.float64(near[2, k]) - np.float64(z)
        s = np.float64(near[3, k])
        D2 = ex * ex + ey * ey + ez * ez
        inverse = 1.0 / np.sqrt(max(D2, 1e-12))
        scale = 0.5 * inverse / R
        cosine = (R * R + D2 - s * s) * scale
        doubt = (2.0 * s * slack + slack * slack + 1e-6 * (R * R + D2 + s * s)) * scale + 1e-5
        most = max(min(cosine + doubt, 1.0), -1.0)
        least = max(min(cosine - doubt, 1.0), -1.0)
        inside = most * cos_cap + np.sqrt(1.0 - most * most) * sin_cap
        outside = least * cos_cap - np.sqrt(1.0 - least * least) * sin_cap
        # 2 and −2 are cosines that no direction reaches: never surely inside, never surely outside
        inside = inside if most < cos_cap else 2.0
        inside = inside if most > -1.0 else -2.0
        outside = outside if least > -cos_cap else -2.0
        near[4, k], near[5, k], near[6, k] = ex * inverse, ey * inverse, ez * inverse
        near[7, k] = inside if D2 > 1e-12 else 2.0
        near[8, k] = outside if D2 > 1e-12 else -2.0


@compiled
def _accessible(
    x: float, y: float, z: float, r: float, near: Any, n: int, points: Any, patch_start: Any, patch_centre: Any,
    part: Any, enough: Any,
) -> int:  # fmt: skip
    """Number of points of a sphere that no occluder holds; counting stops once there are `enough`."""
    count = 0
    last = 0
    for patch in range(len(patch_centre)):
        ax, ay, az = patch_centre[patch, 0], patch_centre[patch, 1], patch_centre[patch, 2]
        if n and near[4, last] * ax + near[5, last] * ay + near[6, last] * az > near[7, last]:
            continue
        m = 0
        covered = False
        for k in range(n):
            along = near[4, k] * ax + near[5, k] * ay + near[6, k] * az
            if along > near[7, k]:
                covered = True
                last = k
                break
            # no branch: the processor could not foresee it
            part[m] = k
            m += np.int64(along > near[8, k])
        if covered:
            continue
        begin, end = patch_start[patch], patch_start[patch + 1]
        if m == 0:
            count += end - begin
        else:
            held_by = 0
            for p in range(begin, end):
                px, py, pz = x + r * points[p, 0], y + r * points[p, 1], z + r * points[p, 2]
                free = True
                for step in range(m):
                    # the occluder of the last point first: points of a patch are neighbours
                    q = held_by + step
                    if q >= m:
                        q -= m
                    k = part[q]
                    dx, dy, dz = px - near[0, k], py - near[1, k], pz - near[2, k]
                    if (dx * dx + dy * dy) + dz * dz < near[3, k] * near[3, k]:
                        free = False
                        held_by = q
                        break
                if free:
                    count += 1
        if count >= enough:
            break
    return count


@compiled
def _count(
    atom: int, frame: Any, radius: Any, prepared: Any, reach: float, points: Any, patch_start: Any, patch_centre: Any,
    cos_cap: float, sin_cap: float, near: Any, part: Any, enough: Any,
) -> int:  # fmt: skip
    """Accessible points of one atom, or at least `enough`."""
    cells, rows, slack = prepared
    x, y, z, r = frame[atom, 0], frame[atom, 1], frame[atom, 2], radius[atom]
    n = _find_occluders(atom, frame, radius, cells, rows, reach, near)
    _find_caps(x, y, z, r, near, n, slack, cos_cap, sin_cap)
    return _accessible(x, y, z, r, near, n, points, patch_start, patch_centre, part, enough)


@compiled
def _prepare(frame: Any, radius: Any, reach: float) -> Any:
    """Cells of a frame, its atoms in their order [n_atoms, 4], and how far rounding can move a point."""
    cells = _sort_into_cells(frame, 0.5 * reach)
    order = cells[4]
    rows = np.empty((len(order), 4), np.float32)
    farthest = 0.0
    for row in range(len(order)):
        atom = order[row]
        for axis in range(3):
            rows[row, axis] = frame[atom, axis]
            farthest = max(farthest, abs(np.float64(frame[atom, axis])))
        rows[row, 3] = radius[atom]
    return cells, rows, 2.5e-7 * (farthest + reach)


@compiled
def count_accessible(
    frames: Any, radius: Any, measured: Any, reach: float, points: Any, patch_start: Any, patch_centre: Any,
    cos_cap: float, sin_cap: float, counts: Any,
) -> None:  # fmt: skip
    """Accessible points of the measured atoms: fills `counts` int32 [n_frames, n_measured]; see the caller."""
    n_atoms = frames.shape[1]
    near = np.empty((9, n_atoms), np.float32)
    part = np.empty(n_atoms + 1, np.int64)
    for f in range(len(frames)):
        frame = frames[f]
        prepared = _prepare(frame, radius, reach)
        for column in range(len(measured)):
            counts[f, column] = _count(
                measured[column], frame, radius, prepared, reach, points, patch_start, patch_centre, cos_cap, sin_cap,
                near, part, len(points) + 1,
            )  # fmt: skip


@compiled
def decide_groups(
    frames: Any, radius: Any, measured: Any, group_start: Any, area_of_point: Any, threshold: float, reach: float,
    points: Any, patch_start: Any, patch_centre: Any, cos_cap: float, sin_cap: float, exposed: Any,
) -> None:  # fmt: skip
    """Groups whose atoms together expose more than a threshold: fills `exposed` bool [n_frames, n_groups].

    `measured` lists the atoms group by group. Areas are summed in single precision in that order, as mdtraj and
    numpy do; the sum stops once it is above the threshold by more than rounding.
    """
    n_atoms = frames.shape[1]
    near = np.empty((9, n_atoms), np.float32)
    part = np.empty(n_atoms + 1, np.int64)
    clear = threshold * (1.0 + 1e-5)
    for f in range(len(frames)):
        frame = frames[f]
        prepared = _prepare(frame, radius, reach)
        for group in range(len(group_start) - 1):
            total = np.float32(0.0)
            for column in range(group_start[group], group_start[group + 1]):
                atom = measured[column]
                enough = min(np.int64(max(clear - total, 0.0) / area_of_point[atom]), len(points)) + 1
                count = _count(
                    atom, frame, radius, prepared, reach, points, patch_start, patch_centre, cos_cap, sin_cap, near,
                    part, enough,
                )  # fmt: skip
                total = np.float32(total + np.float32(count) * area_of_point[atom])
                if total > clear:
                    break
            exposed[f, group] = total > np.float32(threshold)


@compiled
def carry_over(counts: Any, order: Any, area_of_point: Any, areas: Any) -> None:
    """Areas when the counter of an atom starts at its area in the frame before; fills float32 [n, n_atoms]."""
    for step in range(len(order)):
        for atom in range(counts.shape[1]):
            area = areas[step - 1, atom] if step else np.float32(0.0)
            # one at a time: above 2, 4, 8 … the fraction that is carried loses a digit
            for _ in range(counts[order[step], atom]):
                area += np.float32(1.0)
            areas[step, atom] = area * area_of_point[atom]
