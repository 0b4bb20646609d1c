"""Compiled loops over frames of an import: what is looked at, and making molecules whole. Numbers only, no words."""

from __future__ import annotations

import numpy as np

from unfreeze.structure.compiled import compiled

__all__ = ["bring_together", "look_at_frames", "make_whole"]


@compiled
def look_at_frames(
    frames, previous, largest, bonds, longest, centres, sign, omegas, is_cis, anchors,
    wrong_atom, torn_bond, is_same, inverted, first_inverted, cis, apart, squares,
):  # fmt: skip
    """Look at every frame once.

    Parameters
    ----------
    frames : float32 [n, n_atoms, 3]
    previous : float32 [n_atoms, 3]
        The frame before the first; not finite where there is none.
    largest : float
        Coordinates beyond it are wrong.
    bonds, longest : int32 [n_bonds, 2], float32 [n_bonds]
        Longer bonds are torn.
    centres, sign, omegas, is_cis
        As in :class:`unfreeze.corpus.importing.molecule.Expected`.
    anchors : int64 [n_joined, 2, n_anchors]
    wrong_atom, torn_bond : int64 [n]
        Out: first of them, or -1.
    is_same : bool [n]
        Out: whether the frame equals the one before.
    inverted, first_inverted, cis : int64 [n_centres], [n_centres], [n_omegas]
        In and out: frames with the other hand, the first of them in this block (-1 for none), frames newly cis.
    apart : float32 [n, n_joined]
        Out: distance of the middles of anchors.
    squares : float64 [n]
        Out: sum of the squared lengths of all bonds, of frames that are not torn.
    """
    n, n_atoms = frames.shape[0], frames.shape[1]
    n_anchors = anchors.shape[2]
    for f in range(n):
        x = frames[f]
        before = previous if f == 0 else frames[f - 1]
        flat = x.reshape(3 * n_atoms)
        n_good = 0
        for k in range(3 * n_atoms):  # counted, as a sum of whole numbers is done several at a time
            n_good += np.int32(abs(flat[k]) <= largest)
        wrong_atom[f] = -1
        torn_bond[f] = -1
        if n_good < 3 * n_atoms:
            for a in range(n_atoms):
                if not (abs(x[a, 0]) <= largest and abs(x[a, 1]) <= largest and abs(x[a, 2]) <= largest):
                    wrong_atom[f] = a
                    break
            is_same[f] = False
            continue
        same = n_atoms > 0
        for a in range(n_atoms):
            if x[a, 0] != before[a, 0] or x[a, 1] != before[a, 1] or x[a, 2] != before[a, 2]:
                same = False
                break
        is_same[f] = same
        total = 0.0
        for b in range(bonds.shape[0]):
            i, j = bonds[b, 0], bonds[b, 1]
            u, v, w = x[i, 0] - x[j, 0], x[i, 1] - x[j, 1], x[i, 2] - x[j, 2]
            square = u * u + v * v + w * w
            total += square
            if square > longest[b] * longest[b]:
                torn_bond[f] = b
                break
        squares[f] = total
        if torn_bond[f] >= 0:
            continue
        for c in range(centres.shape[0]):
            o, i, j, k = centres[c, 0], centres[c, 1], centres[c, 2], centres[c, 3]
            ax, ay, az = x[i, 0] - x[o, 0], x[i, 1] - x[o, 1], x[i, 2] - x[o, 2]
            bx, by, bz = x[j, 0] - x[o, 0], x[j, 1] - x[o, 1], x[j, 2] - x[o, 2]
            cx, cy, cz = x[k, 0] - x[o, 0], x[k, 1] - x[o, 1], x[k, 2] - x[o, 2]
            volume = ax * (by * cz - bz * cy) + ay * (bz * cx - bx * cz) + az * (bx * cy - by * cx)
            if volume * sign[c] <= 0:
                inverted[c] += 1
                if first_inverted[c] < 0:
                    first_inverted[c] = f
        for p in range(omegas.shape[0]):
            if is_cis[p]:
                continue
            i, j, k, m = omegas[p, 0], omegas[p, 1], omegas[p, 2], omegas[p, 3]
            ax, ay, az = x[j, 0] - x[i, 0], x[j, 1] - x[i, 1], x[j, 2] - x[i, 2]
            bx, by, bz = x[k, 0] - x[j, 0], x[k, 1] - x[j, 1], x[k, 2] - x[j, 2]
            cx, cy, cz = x[m, 0] - x[k, 0], x[m, 1] - x[k, 1], x[m, 2] - x[k, 2]
            ux, uy, uz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
            vx, vy, vz = by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx
            if ux * vx + uy * vy + uz * vz > 0:
                cis[p] += 1
        for m in range(anchors.shape[0]):
            dx = dy = dz = 0.0
            for k in range(n_anchors):
                i, j = anchors[m, 0, k], anchors[m, 1, k]
                dx += x[i, 0] - x[j, 0]
                dy += x[i, 1] - x[j, 1]
                dz += x[i, 2] - x[j, 2]
            apart[f, m] = np.sqrt(dx * dx + dy * dy + dz * dz) / n_anchors


@compiled
def _nearest_image(vector, box, inverse):
    """Shortest of the images of a vector: lattice vector to add, float64 [3]."""
    shift = np.zeros(3)
    rest = vector.copy()
    fraction = np.zeros(3)
    for k in range(3):
        fraction[k] = rest[0] * inverse[0, k] + rest[1] * inverse[1, k] + rest[2] * inverse[2, k]
    for k in range(3):
        whole = np.rint(fraction[k])
        for d in range(3):
            rest[d] -= whole * box[k, d]
            shift[d] -= whole * box[k, d]
    best = rest[0] ** 2 + rest[1] ** 2 + rest[2] ** 2
    best_i = best_j = best_k = 0
    for i in range(-1, 2):
        for j in range(-1, 2):
            for k in range(-1, 2):
                size = 0.0
                for d in range(3):
                    size += (rest[d] + i * box[0, d] + j * box[1, d] + k * box[2, d]) ** 2
                if size < best - 1e-12:
                    best, best_i, best_j, best_k = size, i, j, k
    for d in range(3):
        shift[d] += best_i * box[0, d] + best_j * box[1, d] + best_k * box[2, d]
    return shift


@compiled
def make_whole(frames, boxes, inverses, chosen, tree_atom, tree_parent, near):
    """Put every atom at the image next to the atom it is bound to, in place, in the frames `chosen`.

    Parameters
    ----------
    frames : float32 [n, n_atoms, 3]
    boxes, inverses : float64 [n, 3, 3]
        Rows are box vectors, and the inverse matrices.
    chosen : int64 [n_chosen]
    tree_atom, tree_parent : int64 [n_bound]
    near : float
        Bonds shorter than this need no image, nm.
    """
    vector = np.zeros(3)
    for f in chosen:
        x = frames[f]
        for t in range(len(tree_atom)):
            a, p = tree_atom[t], tree_parent[t]
            size = 0.0
            for d in range(3):
                vector[d] = x[a, d] - x[p, d]
                size += vector[d] * vector[d]
            if size > near * near:
                shift = _nearest_image(vector, boxes[f], inverses[f])
                for d in range(3):
                    x[a, d] += shift[d]


@compiled
def bring_together(frames, boxes, inverses, joined, anchors, apart, distance, slack, gain, molecule, moved):
    """Put molecules that stand apart at the image nearest to the molecule they belong to, in place.

    Parameters
    ----------
    frames, boxes, inverses
        As in :func:`make_whole`.
    joined, anchors, distance, molecule
        As in :class:`unfreeze.corpus.importing.molecule.Expected`.
    apart : float32 [n, n_joined]
        In and out: distances of the middles of anchors.
    slack, gain : float
        A molecule farther than its distance in the reference by more than `slack` is moved if that brings it nearer
        by `gain`, nm.
    moved : bool [n]
        Out: whether something was moved.
    """
    n_anchors = anchors.shape[2]
    vector = np.zeros(3)
    for f in range(frames.shape[0]):
        x = frames[f]
        moved[f] = False
        for m in range(joined.shape[0]):
            vector[:] = 0.0
            for k in range(n_anchors):
                for d in range(3):
                    vector[d] += (x[anchors[m, 0, k], d] - x[anchors[m, 1, k], d]) / n_anchors
            size = np.sqrt(vector[0] ** 2 + vector[1] ** 2 + vector[2] ** 2)
            apart[f, m] = size
            if size <= distance[m] + slack:
                continue
            shift = _nearest_image(vector, boxes[f], inverses[f])
            new = np.sqrt((vector[0] + shift[0]) ** 2 + (vector[1] + shift[1]) ** 2 + (vector[2] + shift[2]) ** 2)
            if new > size - gain:
                continue
            moved[f] = True
            apart[f, m] = new
            for a in range(x.shape[0]):
                if molecule[a] == joined[m, 0]:
                    for d in range(3):
                        x[a, d] += shift[d]
