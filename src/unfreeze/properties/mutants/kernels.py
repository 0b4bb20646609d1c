"""Compiled loops of :mod:`unfreeze.properties.mutants.rotamers`: side chains placed and weighed among other atoms."""

from __future__ import annotations

import numpy as np

from unfreeze.structure.compiled import compiled

__all__ = ["weigh_rotamers"]

_REACH_NM, _PAIR_NM, _SALT_NM = 0.6, 0.45, 0.40
_N_PARTS = 10
_BOND_NM, _BOND_END_NM, _BOND_SIZE_NM = 0.30, 0.36, 0.285
_METAL_NM, _DISULFIDE_NM, _DISULFIDE = 0.21, 0.25, 60.0
_HARD = 0.8
_COULOMB = 138.935 / 20.0
_BRANCH_KJ_MOL = 60.0


@compiled
def _place(a, b, c, length, angle, turn, out):  # type: ignore[no-untyped-def]
    ux, uy, uz = c[0] - b[0], c[1] - b[1], c[2] - b[2]
    size = np.sqrt(ux * ux + uy * uy + uz * uz)
    ux, uy, uz = ux / size, uy / size, uz / size
    vx, vy, vz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    nx, ny, nz = vy * uz - vz * uy, vz * ux - vx * uz, vx * uy - vy * ux
    size = np.sqrt(nx * nx + ny * ny + nz * nz)
    nx, ny, nz = nx / size, ny / size, nz / size
    wx, wy, wz = ny * uz - nz * uy, nz * ux - nx * uz, nx * uy - ny * ux
    along, radius = -length * np.cos(angle), length * np.sin(angle)
    cosine, sine = radius * np.cos(turn), radius * np.sin(turn)
    out[0] = c[0] + along * ux + cosine * wx + sine * nx
    out[1] = c[1] + along * uy + cosine * wy + sine * ny
    out[2] = c[2] + along * uz + cosine * wz + sine * nz


@compiled
def _facing(cosine):  # type: ignore[no-untyped-def]
    return min(max((cosine + 0.2) / 0.7, 0.0), 1.0)


@compiled
def _one_atom(  # type: ignore[no-untyped-def]
    point, away, polar_here, own, skip, points, values, codes, away_there, polar_there, n_near, sums
):
    """Add what one atom feels to the parts (`site.PARTS`)."""
    radius, depth, charge = own[0], own[1], own[2]
    kind = own[3]  # 0 carbon, 1 polar, 2 sulphur, 3 metal, 4 other
    donor, acceptor = polar_here[0], polar_here[1]
    for j in range(n_near):
        x, y, z = points[j, 0] - point[0], points[j, 1] - point[1], points[j, 2] - point[2]
        squared = x * x + y * y + z * z
        if squared >= _REACH_NM * _REACH_NM:
            continue
        if skip[codes[j]]:
            continue
        distance = np.sqrt(squared)
        distance = max(distance, 0.02)
        sums[6] += 1.0
        there = values[j, 3]
        if distance < _PAIR_NM:
            if kind == 0.0 and there == 0.0:
                sums[4] += 1.0
            elif (kind == 0.0 and there == 1.0) or (kind == 1.0 and there == 0.0):
                sums[5] += 1.0
            if own[4] and values[j, 4]:
                sums[8] += 1.0
        size, eps = radius + values[j, 0], depth * values[j, 1]
        bonding = (donor and polar_there[j, 1]) or (acceptor and polar_there[j, 0])
        if bonding:
            size = _BOND_SIZE_NM
            if distance < _BOND_END_NM:
                share = 1.0
                if distance > _BOND_NM:
                    share = (_BOND_END_NM - distance) / (_BOND_END_NM - _BOND_NM)
                here = (away[0] * x + away[1] * y + away[2] * z) / distance
                from_there = -(away_there[j, 0] * x + away_there[j, 1] * y + away_there[j, 2] * z) / distance
                sums[2] += share * _facing(here) * _facing(from_there)
        elif there == 3.0 and (kind == 1.0 or kind == 2.0):
            size = _METAL_NM
        elif kind == 2.0 and there == 2.0 and distance < _DISULFIDE_NM:
            sums[0] -= _DISULFIDE
            continue
        ratio = size / distance
        if distance < _HARD * size:
            # straight on from here: atoms can give way
            sixth = 1.0 / _HARD**6
            steep = 12.0 * (sixth * sixth - sixth) / (_HARD * size)
            push = eps * (sixth * sixth - 2.0 * sixth + 1.0 + steep * (_HARD * size - distance))
            sums[1] += push
            if not values[j, 5]:
                sums[9] += push
            sums[0] -= eps
        else:
            sixth = ratio**6
            if distance < size:
                push = eps * (sixth * sixth - 2.0 * sixth + 1.0)
                sums[1] += push
                if not values[j, 5]:
                    sums[9] += push
                sums[0] -= eps
            else:
                sums[0] += eps * (sixth * sixth - 2.0 * sixth)
        if charge != 0.0 and values[j, 2] != 0.0:
            if charge * values[j, 2] < 0.0 and distance < _SALT_NM:
                sums[7] += 1.0
            sums[3] += _COULOMB * charge * values[j, 2] * (1.0 / max(distance, 0.25) - 1.0 / _REACH_NM)


@compiled
def weigh_rotamers(  # type: ignore[no-untyped-def]
    backbone, beta, keep_beta, references, column, geometry, level, own, polar, bases, skip,
    chi, cost, weights, points, values, codes, away_there, polar_there, n_near, placed, parts, energy,
):  # fmt: skip
    """Place every rotamer and weigh it; those that are hopeless half-way are not finished.

    Parameters
    ----------
    backbone, beta, keep_beta
        N, CA, C [3, 3] and CB [3] that stays where it is, if it does.
    references, column, geometry, level, own, polar, bases, skip
        Tables of the amino acid (`amino_acid_tables`).
    chi, cost, weights
        [n_rotamers, n_chi] rad, [n_rotamers] kJ/mol, [10] what the parts are worth.
    points, values, codes, away_there, polar_there, n_near
        The atoms around, the first `n_near` of them.
    placed, parts, energy
        Results: [n_rotamers, n_atoms, 3], [n_rotamers, 10], [n_rotamers].
    """
    n_atoms, n_chi = len(column), chi.shape[1]
    local = np.empty((n_atoms + 3, 3))
    local[:3] = backbone
    sums = np.zeros((n_atoms, _N_PARTS))
    away = np.zeros(3)
    best = np.inf
    done = -1  # level up to which `local` and `sums` are those of this rotamer
    for r in range(len(chi)):
        if r > 0:
            same = 0
            while same < n_chi and chi[r, same] == chi[r - 1, same]:
                same += 1
            done = min(done, same)
        for i in range(n_atoms):
            if level[i] <= done:
                continue
            if i == 0 and keep_beta:
                local[3] = beta
                continue
            turn = geometry[i, 2]
            if column[i] >= 0:
                turn += chi[r, column[i]]
            _place(
                local[references[i, 0]], local[references[i, 1]], local[references[i, 2]],
                geometry[i, 0], geometry[i, 1], turn, local[i + 3],
            )  # fmt: skip
        total, finished = cost[r], True
        reached = level[n_atoms - 1] if n_atoms else 0
        for i in range(n_atoms):
            if level[i] > done:
                sums[i] = 0.0
                if polar[i, 0] or polar[i, 1]:
                    n = 0
                    away[:] = 0.0
                    for k in range(2):
                        if bases[i, k] >= 0:
                            away += local[bases[i, k]]
                            n += 1
                    away = local[i + 3] - away / max(n, 1)
                    away /= np.sqrt((away * away).sum())
                _one_atom(
                    local[i + 3], away, polar[i], own[i], skip[i], points, values, codes, away_there, polar_there,
                    n_near, sums[i],
                )  # fmt: skip
            for k in range(_N_PARTS):
                total += weights[k] * sums[i, k]
            if total > best + _BRANCH_KJ_MOL and i + 1 < n_atoms and level[i + 1] > level[i]:
                finished, reached = False, level[i]
                break
        done = reached
        energy[r] = total
        parts[r] = 0.0
        for i in range(n_atoms):
            if level[i] <= reached:
                for k in range(_N_PARTS):
                    parts[r, k] += sums[i, k]
            for k in range(3):
                placed[r, i, k] = local[i + 3, k]
        if finished:
            best = min(best, total)
        else:
            energy[r] += _BRANCH_KJ_MOL
