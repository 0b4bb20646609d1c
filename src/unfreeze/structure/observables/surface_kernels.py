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
def _occluders(
    atom: int, frame: Any, radius: Any, cells: Any, rows: Any, reach: float, slack: float, cos_cap: float,
    sin_cap: float, near: Any,
) -> int:  # fmt: skip
    """Fill `near` with the atoms that may occlude the sphere of `atom`; their number, or −1 if one covers it all.

    Columns of `near` (one occluder a row): centre (0–2), squared radius (3), direction from the atom (4–6), cosine
    above which a cap of points is inside (7) and below which it is outside (8). `rows` has centre and radius of the
    atoms in the order of the cells.
    """
    low, edge, shape, start, order = cells
    two = np.float32(2.0)
    x, y, z, r = frame[atom, 0], frame[atom, 1], frame[atom, 2], radius[atom]
    R = np.float64(r)
    first = np.empty(3, np.int64)
    last = np.empty(3, np.int64)
    for axis in range(3):
        at = np.float64(frame[atom, axis]) - low[axis]
        first[axis] = max(np.int64((at - reach) / edge), 0) if at > reach else 0
        last[axis] = min(np.int64((at + reach) / edge), shape[axis] - 1)
    n = 0
    for i in range(first[0], last[0] + 1):
        for j in range(first[1], last[1] + 1):
            base = (i * shape[1] + j) * shape[2]
            for row in range(start[base + first[2]], start[base + last[2] + 1]):
                dx, dy, dz = x - rows[row, 0], y - rows[row, 1], z - rows[row, 2]
                other = rows[row, 3]
                both = r + other
                if (dx * dx + dy * dy) + dz * dz >= both * both or order[row] == atom:
                    continue
                # u: unit vector to a point of the sphere; d: from this atom to the other, D long.
                # |R u − d|² < s²  ⇔  u·d/D > (R² + D² − s²) / 2RD, to within what rounding can do to a point
                ex, ey, ez = (
                    np.float64(rows[row, 0]) - np.float64(x),
                    np.float64(rows[row, 1]) - np.float64(y),
                    np.float64(rows[row, 2]) - np.float64(z),
                )
                s = np.float64(other)
                D2 = ex * ex + ey * ey + ez * ez
                D = np.sqrt(D2)
                inside, outside = two, -two
                if D > 1e-6:
                    scale = 0.5 / (R * D)
                    cosine = (R * R + D2 - s * s) * scale
                    doubt = (2.0 * s * slack + slack * slack + 1e-6 * (R * R + D2 + s * s)) * scale + 1e-5
                    least = cosine - doubt
                    most = cosine + doubt
                    if least >= 1.0:
                        continue
                    if most <= -1.0:
                        return -1
                    if most < cos_cap:
                        inside = np.float32(most * cos_cap + np.sqrt(1.0 - most * most) * sin_cap)
                    if least > -cos_cap:
                        outside = np.float32(least * cos_cap - np.sqrt(1.0 - least * least) * sin_cap)
                else:
                    D = 1.0
                near[n, 0], near[n, 1], near[n, 2], near[n, 3] = rows[row, 0], rows[row, 1], rows[row, 2], other * other
                near[n, 4], near[n, 5], near[n, 6] = ex / D, ey / D, ez / D
                near[n, 7], near[n, 8] = inside, outside
                n += 1
    return n


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
        if n and near[last, 4] * ax + near[last, 5] * ay + near[last, 6] * az > near[last, 7]:
            continue
        m = 0
        covered = False
        for k in range(n):
            along = near[k, 4] * ax + near[k, 5] * ay + near[k, 6] * az
            if along > near[k, 8]:
                if along > near[k, 7]:
                    covered = True
                    last = k
                    break
                part[m] = k
                m += 1
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
                    dx, dy, dz = px - near[k, 0], py - near[k, 1], pz - near[k, 2]
                    if (dx * dx + dy * dy) + dz * dz < near[k, 3]:
                        free = False
                        held_by = q
                        break
                if free:
                    count += 1
        if count >= enough:
            break
    return count


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
    near = np.empty((n_atoms, 9), np.float32)
    part = np.empty(n_atoms, np.int64)
    for f in range(len(frames)):
        frame = frames[f]
        cells, rows, slack = _prepare(frame, radius, reach)
        for column in range(len(measured)):
            atom = measured[column]
            n = _occluders(atom, frame, radius, cells, rows, reach, slack, cos_cap, sin_cap, near)
            if n < 0:
                counts[f, column] = 0
                continue
            counts[f, column] = _accessible(
                frame[atom, 0], frame[atom, 1], frame[atom, 2], radius[atom], near, n, points, patch_start,
                patch_centre, part, len(points) + 1,
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
    near = np.empty((n_atoms, 9), np.float32)
    part = np.empty(n_atoms, np.int64)
    clear = threshold * (1.0 + 1e-5)
    for f in range(len(frames)):
        frame = frames[f]
        cells, rows, slack = _prepare(frame, radius, reach)
        for group in range(len(group_start) - 1):
            total = np.float32(0.0)
            for column in range(group_start[group], group_start[group + 1]):
                atom = measured[column]
                n = _occluders(atom, frame, radius, cells, rows, reach, slack, cos_cap, sin_cap, near)
                if n < 0:
                    continue
                enough = min(np.int64(max(clear - total, 0.0) / area_of_point[atom]), len(points)) + 1
                count = _accessible(
                    frame[atom, 0], frame[atom, 1], frame[atom, 2], radius[atom], near, n, points, patch_start,
                    patch_centre, part, enough,
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
