"""Push apart blocks whose atoms have run into each other.

Each overlap is resolved by a rigid-body impulse along the line of the two atoms, shared between translation and
rotation by the blocks' masses and moments of inertia (position-based rigid bodies: Müller et al. 2020, Comput. Graph.
Forum 39, 101). Pushing and covalent projection alternate; frames that have no clash are left as they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.physics.projection import CovalentProjector
from unfreeze.structure.geometry import rotation_matrices
from unfreeze.structure.validity import CLASH_NM, FrameChecker

__all__ = ["resolve_clashes"]

_GAIN = 2.0  # found by trial: fewest rounds without overshooting the peptide bonds
_ROUNDS_A_LIST = 8  # rounds that use one list of close pairs
_LIST_NM = 0.27  # atoms do not come closer by more than this less the clash limit in that many rounds
_MARGIN_NM = 0.006  # push a little past the limit, so that projection does not bring the clash back


def resolve_clashes(
    projector: CovalentProjector,
    checker: FrameChecker,
    frames_nm: NDArray[np.float64],
    *,
    n_rounds: int = 16,
    n_iterations: int = 2,
) -> NDArray[np.float64]:
    """Push clashing blocks apart and restore covalent geometry, in turn, until no frame clashes.

    Parameters
    ----------
    projector, checker
        Made for the complex of the frames.
    frames_nm
        [n_frames, n_atoms, 3], nm, of rigid blocks.
    n_rounds
        Rounds at most.
    n_iterations
        Iterations of projection a round.

    Returns
    -------
    float64 [n_frames, n_atoms, 3]
        Some frames may still clash; the checker tells.
    """
    frames = frames_nm.copy()
    solved = frames[:, projector.solved]
    anchors = solved.copy()
    open_frames = np.arange(len(frames))
    for begin in range(0, n_rounds, _ROUNDS_A_LIST):
        frame, first, second = checker.clashing_pairs(frames[open_frames], _LIST_NM)
        pairs = (open_frames[frame], first, second)
        touched = np.zeros(len(frames), dtype=bool)
        for _ in range(min(_ROUNDS_A_LIST, n_rounds - begin)):
            frame, first, second = _overlapping(frames, *pairs)
            clashing, row = np.unique(frame, return_inverse=True)
            if len(clashing) == 0:
                break
            touched[clashing] = True
            push = _push(projector, frames[clashing], row, first, second)
            # pushes add up in the anchors, so that one that projection undoes comes back stronger in the next round
            anchors[clashing] += push
            solved[clashing] = projector.relax(anchors[clashing], n_iterations, solved[clashing] + push)
            frames[clashing] = projector.placement.rigidify(solved[clashing])
        open_frames = np.flatnonzero(touched)
        if len(open_frames) == 0:
            break
    return frames


def _overlapping(
    frames: NDArray[np.float64], frame: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The pairs of a list that clash: frame, first and second atom."""
    apart = np.linalg.norm(frames[frame, first] - frames[frame, second], axis=1)
    clash = apart < CLASH_NM + 0.5 * _MARGIN_NM
    return frame[clash], first[clash], second[clash]


def _push(
    projector: CovalentProjector,
    frames: NDArray[np.float64],
    frame: NDArray[np.int64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Displacement of the solved atoms by one impulse a clash: [n_frames, n_solved, 3], nm."""
    blocks = projector.blocks
    n_frames, n_blocks = len(frames), blocks.n_blocks
    one, sign_one = _handles(projector, first, second)
    two, sign_two = _handles(projector, second, first)
    placement = projector.placement
    mass, size_squared = placement.n_members, placement.squared_radius_nm2
    centre = placement.centres(frames)
    separation = frames[frame, first] - frames[frame, second]
    distance = np.maximum(np.linalg.norm(separation, axis=1), 1e-4)
    direction = separation / distance[:, None]
    depth = np.maximum(CLASH_NM + _MARGIN_NM - distance, 0.0)
    turn_one = np.asarray(np.cross(frames[frame, first] - centre[frame, one], direction), dtype=np.float64)
    turn_two = np.asarray(np.cross(frames[frame, second] - centre[frame, two], direction), dtype=np.float64)
    give = _compliance(mass, size_squared, one, turn_one) + _compliance(mass, size_squared, two, turn_two)
    impulse = (depth / give)[:, None]
    key = np.concatenate([frame * n_blocks + one, frame * n_blocks + two])
    body = np.concatenate([one, two])
    impulses = np.concatenate([sign_one, -sign_two])[:, None] * np.tile(impulse, (2, 1))
    shift = np.concatenate([direction, direction]) * impulses / mass[body, None]
    turn = np.concatenate([turn_one, turn_two]) * impulses
    turn /= (mass * size_squared)[body, None]
    counts = np.bincount(key, minlength=n_frames * n_blocks)
    moves = np.stack([np.bincount(key, column, n_frames * n_blocks) for column in (*shift.T, *turn.T)], axis=1)
    # several overlaps of one block partly repeat each other: between their mean and their sum
    moves = (_GAIN * moves / np.sqrt(np.maximum(counts, 1))[:, None]).reshape(n_frames, n_blocks, 6)
    owner = blocks.atom_block[projector.solved]
    arms = frames[:, projector.solved] - centre[:, owner]
    turned = np.matmul(rotation_matrices(moves[..., 3:])[:, owner], arms[..., None])[..., 0]
    return moves[:, owner, :3] + turned - arms


def _handles(
    projector: CovalentProjector, atom: NDArray[np.int64], other: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The block by which an atom is moved, and in which direction that block has to go.

    A peptide oxygen moves against its own residue when its plane turns about Cα–C: the next residue, at the other end
    of the plane, goes the other way.
    """
    block = projector.blocks.atom_block
    own, next_one = block[atom], projector.placement.next_block[atom]
    turns = (next_one >= 0) & (own == block[other])
    return np.where(turns, next_one, own), np.where(turns, -1.0, 1.0)


def _compliance(
    mass: NDArray[np.float64], size_squared: NDArray[np.float64], block: NDArray[np.int64], turn: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Displacement along the impulse that a unit impulse causes: 1/m + (r × n)²/I."""
    return (1.0 + (turn * turn).sum(axis=1) / size_squared[block]) / mass[block]
