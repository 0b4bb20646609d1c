"""Compiled loop of :mod:`unfreeze.sample.side_chains`."""

from __future__ import annotations

import numpy as np

from unfreeze.model.side_chain_kernels import draw_side_chain
from unfreeze.structure.compiled import compiled

__all__ = ["turn_side_chains"]


@compiled
def _turn(frame, begin, end, angle, atoms):  # type: ignore[no-untyped-def]
    """Turn atoms about the line between two atoms, in place."""
    cosine, sine = np.cos(angle), np.sin(angle)
    ox, oy, oz = frame[end, 0], frame[end, 1], frame[end, 2]
    x, y, z = ox - frame[begin, 0], oy - frame[begin, 1], oz - frame[begin, 2]
    length = np.sqrt(x * x + y * y + z * z)
    x, y, z = x / length, y / length, z / length
    for atom in atoms:
        a, b, c = frame[atom, 0] - ox, frame[atom, 1] - oy, frame[atom, 2] - oz
        along = (a * x + b * y + c * z) * (1.0 - cosine)
        frame[atom, 0] = ox + along * x + cosine * a + sine * (y * c - z * b)
        frame[atom, 1] = oy + along * y + cosine * b + sine * (z * a - x * c)
        frame[atom, 2] = oz + along * z + cosine * c + sine * (x * b - y * a)


@compiled
def _fits(frame, own, inner, block, near, bounds, heavy, pivot, reach, apart):  # type: ignore[no-untyped-def]
    """Whether atoms of a side chain are apart from each other and from all of the blocks near it."""
    limit = apart * apart
    for p in range(len(inner)):
        squared = 0.0
        for d in range(3):
            squared += (frame[inner[p, 0], d] - frame[inner[p, 1], d]) ** 2
        if squared < limit:
            return False
    for other in near:
        squared = 0.0
        for d in range(3):
            squared += (frame[pivot[block], d] - frame[pivot[other], d]) ** 2
        if squared > (reach[block] + reach[other] + apart) ** 2:
            continue
        for at in range(bounds[other], bounds[other + 1]):
            x, y, z = frame[heavy[at], 0], frame[heavy[at], 1], frame[heavy[at], 2]
            for atom in own:
                u, v, w = frame[atom, 0] - x, frame[atom, 1] - y, frame[atom, 2] - z
                if u * u + v * v + w * w < limit:
                    return False
    return True


@compiled
def turn_side_chains(  # type: ignore[no-untyped-def]
    frame, order, uniform, cumulative, defined, symmetric, reference, axes, move_start, move_atom, own_start, own_atom,
    inner_start, inner, block, near_start, near, bounds, heavy, pivot, reach, apart, n_rounds,
):  # fmt: skip
    """Turn the side chains of one frame in place; how many stayed as they were.

    Arrays are those of :class:`unfreeze.sample.side_chains.SideChainDraws`; `uniform` is [n, n_tries, 4].
    """
    n_tries = uniform.shape[1] // n_rounds
    waiting = np.ones(len(order), dtype=np.bool_)
    drawn = np.empty(4)
    for attempt in range(n_rounds):
        for i in order:
            if not waiting[i]:
                continue
            whole = move_atom[move_start[4 * i] : move_start[4 * i + 1]]
            kept = np.empty((len(whole), 3))
            for a in range(len(whole)):
                kept[a] = frame[whole[a]]
            for t in range(attempt * n_tries, (attempt + 1) * n_tries):
                draw_side_chain(cumulative[i], defined[i], uniform[i, t], drawn)
                for k in range(4):
                    if defined[i, k]:
                        atoms = move_atom[move_start[4 * i + k] : move_start[4 * i + k + 1]]
                        angle = drawn[k] - reference[i, k]
                        if symmetric[i, k]:  # half a turn more would only exchange names
                            angle -= np.pi * np.round(angle / np.pi)
                        _turn(frame, axes[i, k, 0], axes[i, k, 1], angle, atoms)
                if _fits(
                    frame, own_atom[own_start[i] : own_start[i + 1]], inner[inner_start[i] : inner_start[i + 1]],
                    block[i], near[near_start[block[i]] : near_start[block[i] + 1]],
                    bounds, heavy, pivot, reach, apart,
                ):  # fmt: skip
                    waiting[i] = False
                    break
                for a in range(len(whole)):
                    frame[whole[a]] = kept[a]
    return waiting.sum()
