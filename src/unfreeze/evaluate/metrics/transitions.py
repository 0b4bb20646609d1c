"""Whether an ensemble sampled from one state of a molecule reaches another.

Distances are RMSD over representative atoms (Cα) after superposition. The progress of a frame x from state a to state
b is its projection on the difference, (x − a)·(b − a) / |b − a|², with a and x superposed on b: 0 in a, 1 in b.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, Metric, NotMeasurableError
from unfreeze.evaluate.metrics.interface_rmsd import fitted_rmsd_nm
from unfreeze.evaluate.metrics.order_statistics import Weighted, best, quantile, share_of, single
from unfreeze.evaluate.metrics.selection import representatives
from unfreeze.evaluate.metrics.walking import evenly_spaced, stretches
from unfreeze.evaluate.samples import FrameValues
from unfreeze.structure.geometry import superpose

__all__ = [
    "HIT_SHARE",
    "REACHED_NM",
    "StartState",
    "goal_rmsd_A",
    "progress",
    "start_rmsd_A",
    "transition_metrics",
]

REACHED_NM = 0.3
"""A state is reached within 3 Å of Cα RMSD, as in BioEmu's coverage (Lewis et al. 2025, Science 389, eadv9817)."""
HIT_SHARE = 0.001
"""Weight of frames that must reach a state for it to count as covered."""
_MAX_STATES = 100


@dataclass(frozen=True, eq=False)
class StartState:
    """The state that the ensemble started from.

    Attributes
    ----------
    points_nm : float64 [n_atoms, 3]
        The input, superposed on the other state, nm.
    rmsd_A
        Its own RMSD to the other state, Å.
    """

    points_nm: NDArray[np.float64]
    rmsd_A: float = float("nan")

    @classmethod
    def of(cls, start: Side, reference: Side) -> StartState:
        """From the input, one frame, and the other state."""
        points = np.asarray(start.frames_nm[0], dtype=np.float64)
        return cls(points, float(goal_rmsd_A(start, reference).values[0]))


def goal_rmsd_A(side: Side, reference: Side) -> FrameValues:
    """RMSD of every frame to the nearest structure of the other state (at most 100 of them): [n_frames], Å."""
    nodes = representatives(reference)
    states = reference.frames_nm[evenly_spaced(reference.n_frames, _MAX_STATES)]
    return _values(side, 10.0 * np.min([fitted_rmsd_nm(side.frames_nm, state, nodes) for state in states], axis=0))


def start_rmsd_A(side: Side, start: StartState) -> FrameValues:
    """RMSD of every frame to the input: [n_frames], Å."""
    return _values(side, 10.0 * fitted_rmsd_nm(side.frames_nm, start.points_nm, representatives(side)))


def progress(side: Side, start: StartState) -> FrameValues:
    """How far every frame is on the way from the input to the reference structure: [n_frames].

    Parameters
    ----------
    side
        Frames; its molecule is the goal.
    start
        The input.

    Raises
    ------
    NotMeasurableError
        If the two are the same.
    """
    nodes = representatives(side)
    goal = np.asarray(side.molecule.coordinates_nm[nodes], dtype=np.float64)
    origin = superpose(start.points_nm[nodes][None], goal)[0]
    way = goal - origin
    length = float((way**2).sum())
    if length < 1e-6 * len(nodes):
        raise NotMeasurableError("the input and the other state are the same")
    found = [np.tensordot(superpose(frames, goal) - origin, way, 2) for _, _, frames in stretches(side, nodes)]
    return _values(side, np.concatenate(found) / length)


def transition_metrics(start: StartState) -> tuple[Metric, ...]:
    """The metrics of an ensemble that was made from a given state.

    Parameters
    ----------
    start
        That state.
    """
    limit = 10.0 * REACHED_NM

    def rmsd(statistic: Callable[[Weighted], float]) -> Callable[[Side, Side], Measurement]:
        return lambda ours, theirs: _measurement(ours.once(goal_rmsd_A, theirs), statistic)

    def home(statistic: Callable[[Weighted], float]) -> Callable[[Side, Side], Measurement]:
        return lambda ours, _: _measurement(ours.once(start_rmsd_A, start), statistic)

    def way(statistic: Callable[[Weighted], float]) -> Callable[[Side, Side], Measurement]:
        return lambda ours, _: _measurement(ours.once(progress, start), statistic)

    def both(statistic: Callable[[Weighted], float]) -> Callable[[Side, Side], Measurement]:
        def measure(ours: Side, theirs: Side) -> Measurement:
            distances = ours.once(start_rmsd_A, start).values, ours.once(goal_rmsd_A, theirs).values
            return _measurement(_values(ours, np.stack(distances, axis=1)), statistic)

        return measure

    unbounded, share = (0.0, float("inf")), (0.0, 1.0)
    return (
        Metric("rmsd_input_A", "Cα RMSD to the other state, input", rmsd(lambda _: start.rmsd_A), unit="Å",
               better="lower", perfect=0.0, bounds=unbounded, group="states"),
        Metric("rmsd_best_A", "Cα RMSD to the other state, best frame", rmsd(best), unit="Å",
               better="lower", perfect=0.0, bounds=unbounded, group="states"),
        Metric("rmsd_p5_A", "Cα RMSD to the other state, 5th percentile", rmsd(lambda side: quantile(*side, 0.05)),
               unit="Å", better="lower", perfect=0.0, bounds=unbounded, group="states"),
        Metric("progress_max", "Way to the other state, farthest frame",
               way(lambda side: -best((-side[0], side[1]))), perfect=1.0, group="states"),
        Metric("progress_p95", "Way to the other state, 95th percentile",
               way(lambda side: quantile(*side, 0.95)), perfect=1.0, group="states"),
        Metric("share_reached", "Share of frames within 3 Å of the other state",
               rmsd(share_of(lambda values: values <= limit)), bounds=share, group="states"),
        Metric("share_kept", "Share of frames within 3 Å of the input",
               home(share_of(lambda values: values <= limit)), bounds=share, group="states"),
        Metric("share_nearer_other", "Share of frames nearer to the other state than to the input",
               both(share_of(lambda values: values[:, 1] < values[:, 0])),
               bounds=share, group="states"),
        Metric("states_covered", "Share of the two states that 0.1 % of the frames reach within 3 Å",
               both(lambda side: float(np.mean(side[1] @ (side[0] <= limit) >= HIT_SHARE - 1e-9))),
               perfect=1.0, bounds=share, group="states"),
    )  # fmt: skip


def _values(side: Side, values: NDArray[np.floating]) -> FrameValues:
    return FrameValues(values, side.weights, side.block)


def _measurement(ensemble: FrameValues, statistic: Callable[[Weighted], float]) -> Measurement:
    return Measurement(ensemble, single(), lambda ours, _: statistic(ours))
