"""Slow coordinates of a reference: TICA of its torsions.

Time-lagged independent component analysis finds the linear combinations of features that decorrelate most slowly
(Pérez-Hernández et al. 2013, J. Chem. Phys. 139, 015102). It is fitted on the reference alone, which must have a
clock; the ensemble that is projected on it need not have one. Needs deeptime (extra ``analysis``).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import NotMeasurableError
from unfreeze.evaluate.metrics.torsions import BACKBONE, chosen_torsions, walk_torsions

__all__ = [
    "SlowCoordinates",
    "TicaSettings",
    "deeptime_module",
    "fit_slow_coordinates",
    "lag_in_frames",
    "lag_note",
    "replica_spans",
]

_FEWEST_PAIRS = 20
_PAIRS_PER_FEATURE = 10
_STILL = 1e-10  # variance of sines and cosines under which nothing moves
_KINETIC_SHARE = 0.95


@dataclass(frozen=True)
class TicaSettings:
    """What decides the slow coordinates and their histograms; one object for each protocol.

    Attributes
    ----------
    names, fold
        Torsions whose sines and cosines are the features, see :func:`chosen_torsions`.
    lag_ps
        Lag time, ps. It becomes the nearest whole number of frames, at least one: where frames are further apart than
        the lag, one frame is the lag (:func:`lag_note` says so).
    max_features
        With more features than this, or than a tenth of the lagged pairs, their leading principal components take
        their place: more parameters than data give slow coordinates of noise.
    n_bins, n_bins_2d
        Bins along the first coordinate, and along each of the first two.
    reach
        ``both``: bins span the values of both sides, as in MDGen; ``reference``: those of the reference, and what lies
        beyond falls into one outer bin on each side, so that one stray frame does not coarsen the bins.
    """

    names: tuple[str, ...] = BACKBONE
    fold: bool = True
    lag_ps: float = 1000.0
    max_features: int = 100
    n_bins: int = 30
    n_bins_2d: int = 10
    reach: str = "reference"


@dataclass(frozen=True, eq=False)
class SlowCoordinates:
    """Slow coordinates fitted on a reference.

    Attributes
    ----------
    settings
        What they were fitted with.
    lag_frames
        Lag in frames of the reference.
    mean, components
        [n_features] and [n_features, n_kept]: features minus mean, times components, go into the model.
    model
        deeptime's transfer operator model.
    timescales_ps
        −τ/ln|λ| of each coordinate, ps, slowest first.
    n_kinetic
        Coordinates that hold 95 % of the kinetic variance Σλ² (Noé & Clementi 2015, J. Chem. Theory Comput. 11, 5002).
    """

    settings: TicaSettings
    lag_frames: int
    mean: NDArray[np.float64]
    components: NDArray[np.float64]
    model: Any
    timescales_ps: NDArray[np.float64]
    n_kinetic: int

    @property
    def n_coordinates(self) -> int:
        """How many there are."""
        return len(self.timescales_ps)

    def project(self, side: Side) -> NDArray[np.float64]:
        """Frames of a side on the coordinates, in their kinetic-map scale: [n_frames, n_coordinates]."""
        return side.once(_projected, self)


def lag_in_frames(side: Side, lag_ps: float, who: str = "reference") -> int:
    """A lag in whole frames, at least one.

    Raises
    ------
    NotMeasurableError
        If the side has no clock.
    """
    if not side.time_step_ps:
        raise NotMeasurableError(f"the {who} has no clock")
    return max(1, round(lag_ps / side.time_step_ps))


def lag_note(side: Side, lag_ps: float) -> str | None:
    """What to tell where the lag that is used is not the one asked for by more than a tenth of it."""
    if not side.time_step_ps:
        return None
    used = lag_in_frames(side, lag_ps) * side.time_step_ps
    if abs(used - lag_ps) <= 0.1 * lag_ps:
        return None
    return f"The lag is {used:g} ps, not {lag_ps:g} ps: the reference has a frame every {side.time_step_ps:g} ps."


def replica_spans(side: Side) -> list[slice]:
    """The frames of every replica."""
    bounds = [*side.replica_start.tolist(), side.n_frames]
    return [slice(begin, end) for begin, end in itertools.pairwise(bounds) if end > begin]


def fit_slow_coordinates(reference: Side, settings: TicaSettings) -> SlowCoordinates:
    """Fit TICA on the sines and cosines of torsions of a reference.

    Solves C(τ) v = λ C(0) v with time-symmetrised covariances over all pairs of frames a lag apart; pairs never join
    two replicas. All frames count alike (weights of a reference are honoured in histograms, not in the fit).

    Parameters
    ----------
    reference
        Frames with a clock.
    settings
        Torsions, lag, and how many features at most.

    Raises
    ------
    NotMeasurableError
        If there is no clock, deeptime is missing, there are too few pairs of frames, or nothing moves.
    """
    lag = lag_in_frames(reference, settings.lag_ps)
    spans = replica_spans(reference)
    n_pairs = sum(max(0, span.stop - span.start - lag) for span in spans)
    if n_pairs < _FEWEST_PAIRS:
        raise NotMeasurableError(
            f"the reference has {n_pairs} pairs of frames {lag * (reference.time_step_ps or 0.0):g} ps apart, fewer "
            f"than {_FEWEST_PAIRS}"
        )
    decomposition = deeptime_module("decomposition")
    n_kept = max(2, min(settings.max_features, n_pairs // _PAIRS_PER_FEATURE))
    mean, components = _basis(reference, settings, n_kept)
    if components.shape[1] == 0:
        raise NotMeasurableError("no torsion of the reference moves")
    values = _reduced(reference, settings, mean, components)
    tica = decomposition.TICA(lagtime=lag, scaling="kinetic_map")
    for span in spans:
        if span.stop - span.start > lag:
            tica.partial_fit((values[span.start : span.stop - lag], values[span.start + lag : span.stop]))
    model = tica.fetch_model()
    eigenvalues = np.abs(np.asarray(model.singular_values, dtype=np.float64))[: model.output_dimension]
    with np.errstate(divide="ignore"):
        timescales = -lag * float(reference.time_step_ps or 0.0) / np.log(np.minimum(eigenvalues, 1.0))
    kinetic = np.cumsum(eigenvalues**2)
    n_kinetic = 1 + int(np.searchsorted(kinetic, _KINETIC_SHARE * kinetic[-1]))
    return SlowCoordinates(settings, lag, mean, components, model, timescales, n_kinetic)


def deeptime_module(module: str) -> Any:
    """A module of deeptime; where it is missing, the reason why nothing can be measured."""
    import importlib

    try:
        return importlib.import_module(f"deeptime.{module}")
    except ImportError as problem:
        raise NotMeasurableError("needs deeptime: pip install 'unfreeze[analysis]'") from problem


def _features(angles: NDArray[np.float64], symmetric: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Cosines and sines, of twice the angle where half a turn changes nothing: [n_frames, 2 n_torsions]."""
    turned = angles * np.where(symmetric, 2.0, 1.0)
    return np.concatenate([np.cos(turned), np.sin(turned)], axis=1)


def _basis(side: Side, settings: TicaSettings, n_kept: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean of the features, and what they are multiplied with: [n_features] and [n_features, n ≤ n_kept].

    That picks those that move where they fit, and projects on leading principal components otherwise.
    """
    torsions = chosen_torsions(side.molecule, settings.names, settings.fold)
    if len(torsions) == 0:
        raise NotMeasurableError("the atoms that are in both make no such torsions")

    def walk(origin: NDArray[np.float64] | float = 0.0) -> Iterator[NDArray[np.float64]]:
        return (_features(angles, torsions.symmetric) - origin for _, angles in walk_torsions(side, torsions))

    mean = np.sum([part.sum(axis=0) for part in walk()], axis=0) / side.n_frames
    variance = np.sum([(part**2).sum(axis=0) for part in walk(mean)], axis=0) / side.n_frames
    moving = np.flatnonzero(variance > _STILL)
    if len(moving) <= n_kept:
        directions = np.eye(len(moving))
    elif side.n_frames <= len(moving):
        values = np.concatenate([part[:, moving] for part in walk(mean)])
        directions = np.linalg.svd(values, full_matrices=False)[2][:n_kept].T
    else:
        covariance = np.zeros((len(moving), len(moving)))
        for part in walk(mean):
            covariance += part[:, moving].T @ part[:, moving]
        first = len(moving) - n_kept
        directions = eigh(covariance, subset_by_index=(first, len(moving) - 1), overwrite_a=True)[1][:, ::-1]
    components = np.zeros((len(mean), directions.shape[1]))
    components[moving] = directions
    return mean, components


def _reduced(
    side: Side, settings: TicaSettings, mean: NDArray[np.float64], components: NDArray[np.float64]
) -> NDArray[np.float64]:
    torsions = chosen_torsions(side.molecule, settings.names, settings.fold)
    values = np.empty((side.n_frames, components.shape[1]))
    for chosen, angles in walk_torsions(side, torsions):
        values[chosen] = (_features(angles, torsions.symmetric) - mean) @ components
    return values


def _projected(side: Side, slow: SlowCoordinates) -> NDArray[np.float64]:
    values = _reduced(side, slow.settings, slow.mean, slow.components)
    return np.asarray(slow.model.transform(values), dtype=np.float64)[:, : slow.n_coordinates]
