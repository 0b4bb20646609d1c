"""Has a simulation seen what there is to see: errors of means within a replica, and whether replicas agree.

What is followed is the RMSD from the start, the share of the start's contacts, and all backbone and first side-chain
torsions. Replicas that agree may still all have missed something; that they do not agree is certain knowledge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.simulate.quality.interfaces import interface_shares, internal_contacts, start_interfaces
from unfreeze.simulate.quality.jumps import chosen_atoms, pair_rmsd_nm
from unfreeze.simulate.quality.series import (
    BlockAverage,
    block_average,
    effective_sample_size,
    equilibration_start,
    statistical_inefficiency,
)
from unfreeze.simulate.quality.solute import Solute, heavy_solute
from unfreeze.structure.chemistry.residues import TORSION_NAMES
from unfreeze.structure.complex import Complex
from unfreeze.structure.geometry import torsion_angles
from unfreeze.structure.internal_coordinates.torsions import torsion_atoms

__all__ = [
    "BlockAverage",
    "Convergence",
    "Divergence",
    "Observables",
    "SeriesError",
    "block_average",
    "convergence",
    "effective_sample_size",
    "equilibration_start",
    "jensen_shannon",
    "observe",
    "replica_divergence",
    "series_error",
    "statistical_inefficiency",
]

_ANGLE_BINS, _BINS = 36, 30
_FOLLOWED = ("phi", "psi", "chi1")
_FEWEST_FRAMES = 8
"""Frames of a replica below which its halves have no distribution."""


@dataclass(frozen=True, eq=False)
class Observables:
    """What is followed of one replica.

    Attributes
    ----------
    series : dict of float64 [n_frames]
        RMSD from the start in nm (``RMSD``), and the share of the start's contacts, by name.
    torsions : float64 [n_frames, n_torsions]
        phi, psi and chi1 in rad.
    """

    series: dict[str, NDArray[np.float64]]
    torsions: NDArray[np.float64]


@dataclass(frozen=True)
class SeriesError:
    """Mean of one series and how well it is known.

    Attributes
    ----------
    mean
        Mean over all frames.
    sem
        Standard error by block averaging (Flyvbjerg & Petersen 1989).
    plateau
        Whether block averages level off; if not, the run is too short and `sem` a lower bound.
    inefficiency, n_effective
        Statistical inefficiency in frames, and frames over it (Chodera 2016).
    equilibrated_from
        Frame from which the effective sample is largest.
    """

    mean: float
    sem: float
    plateau: bool
    inefficiency: float
    n_effective: float
    equilibrated_from: int


@dataclass(frozen=True)
class Divergence:
    """Jensen-Shannon divergence of distributions within and between replicas, in bits: 0 the same, 1 disjoint.

    All are between halves of replicas, so that samples are equally large and the numbers can be compared.

    Attributes
    ----------
    within
        Of both halves of each replica.
    between
        Mean over pairs of halves of each two replicas; None on the diagonal.
    """

    within: list[float]
    between: list[list[float | None]]

    @property
    def within_mean(self) -> float:
        """Mean over replicas."""
        return float(np.mean(self.within))

    @property
    def between_mean(self) -> float | None:
        """Mean over pairs of replicas; None of a single replica."""
        found = [value for row in self.between for value in row if value is not None]
        return float(np.mean(found)) if found else None


@dataclass(frozen=True)
class Convergence:
    """How far one or several replicas have come.

    Attributes
    ----------
    n_frames
        Frames of every replica.
    series
        For every series, one error a replica.
    torsion_n_effective
        For every replica, effective samples of its slowest torsion and of the median one.
    divergence
        Of ``torsions`` (the mean over them) and of every series; none of replicas of fewer than eight frames.
    """

    n_frames: list[int]
    series: dict[str, list[SeriesError]] = field(default_factory=dict)
    torsion_n_effective: list[tuple[float, float]] = field(default_factory=list)
    divergence: dict[str, Divergence] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return asdict(self)


def observe(reference: Complex | Solute, coordinates_nm: NDArray[np.floating]) -> Observables:
    """Follow one replica.

    Parameters
    ----------
    reference
        Complex of the saved atoms in the coordinates of the start.
    coordinates_nm
        [n_frames, n_saved, 3], nm, finite.
    """
    solute = reference if isinstance(reference, Solute) else heavy_solute(reference)
    molecule = solute.molecule
    frames = solute.take(coordinates_nm)
    start = np.asarray(molecule.coordinates_nm, dtype=np.float64)
    rows = chosen_atoms(solute, most=2000)
    series: dict[str, NDArray[np.float64]] = {}
    if len(rows) > 1:
        series["RMSD"] = pair_rmsd_nm(frames[:, rows], start[None, rows])
    for item in start_interfaces(solute):
        series[f"contacts of {item.title}"] = interface_shares(item, frames)
    if (own := internal_contacts(solute)) is not None:
        series["contacts within chains"] = interface_shares(own, frames)
    quads = torsion_atoms(molecule)[:, [TORSION_NAMES.index(name) for name in _FOLLOWED]].reshape(-1, 4)
    quads = quads[quads[:, 0] >= 0]
    return Observables(series, torsion_angles(*(frames[:, quads[:, k]] for k in range(4))))


def series_error(values: NDArray[np.floating]) -> SeriesError:
    """Mean of a series and how well it is known; at least two frames."""
    blocks = block_average(values)
    g = statistical_inefficiency(values)
    return SeriesError(blocks.mean, blocks.sem, blocks.plateau, g, len(values) / g, equilibration_start(values))


def jensen_shannon(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
    """Jensen-Shannon divergence of histograms along the last axis, in bits (Lin 1991, doi:10.1109/18.61115).

    Parameters
    ----------
    first, second
        [..., n_bins] counts; each row is normalised.
    """
    p = first / first.sum(axis=-1, keepdims=True)
    q = second / second.sum(axis=-1, keepdims=True)
    middle = 0.5 * (p + q)
    return np.clip(0.5 * (_relative(p, middle) + _relative(q, middle)), 0.0, 1.0)


def replica_divergence(replicas: Sequence[NDArray[np.floating]], *, circular: bool = False) -> Divergence:
    """Jensen-Shannon divergence within and between replicas.

    Parameters
    ----------
    replicas
        [n_frames, n_quantities] each, or [n_frames]; the divergence is the mean over quantities.
    circular
        Whether they are angles in rad; otherwise bins span what all replicas show.

    Raises
    ------
    ValueError
        Of fewer than two frames in a replica.
    """
    columns = [np.asarray(values, dtype=np.float64).reshape(len(values), -1) for values in replicas]
    if min(len(values) for values in columns) < 2:
        raise ValueError("a replica has fewer than two frames; its halves have no distribution")
    if circular:
        scaled, n_bins = [((values / (2 * np.pi)) % 1.0) for values in columns], _ANGLE_BINS
    else:
        low = np.min([values.min(axis=0) for values in columns], axis=0)
        span = np.max([values.max(axis=0) for values in columns], axis=0) - low
        scaled, n_bins = [(values - low) / np.where(span > 0.0, span, 1.0) for values in columns], _BINS
    halves = [
        [_histograms(part, n_bins) for part in (values[: len(values) // 2], values[len(values) // 2 :])]
        for values in scaled
    ]
    within = [float(jensen_shannon(*pair).mean()) for pair in halves]
    between: list[list[float | None]] = [[None] * len(halves) for _ in halves]
    for a in range(len(halves)):
        for b in range(a):
            value = float(np.mean([jensen_shannon(p, q).mean() for p in halves[a] for q in halves[b]]))
            between[a][b] = between[b][a] = value
    return Divergence(within, between)


def convergence(replicas: Sequence[Observables]) -> Convergence:
    """Errors within replicas of one system and divergence between them.

    Parameters
    ----------
    replicas
        What :func:`observe` gives of each; replicas of fewer than two frames are left out.
    """
    long = [item for item in replicas if len(item.torsions) > 1]
    counts = [len(item.torsions) for item in long]
    names = [name for name in (long[0].series if long else {}) if all(name in item.series for item in long)]
    series = {name: [series_error(item.series[name]) for item in long] for name in names}
    effective = [_torsion_samples(item.torsions) for item in long if item.torsions.size]
    divergence: dict[str, Divergence] = {}
    if counts and min(counts) >= _FEWEST_FRAMES:
        if long[0].torsions.shape[1]:
            divergence["torsions"] = replica_divergence([item.torsions for item in long], circular=True)
        for name in names:
            divergence[name] = replica_divergence([item.series[name] for item in long])
    return Convergence(counts, series, effective, divergence)


def _torsion_samples(torsions: NDArray[np.float64]) -> tuple[float, float]:
    """Effective samples of the slowest and of the median torsion, each followed as a point on the unit circle."""
    circle = np.stack([np.cos(torsions), np.sin(torsions)], axis=-1)
    found = [effective_sample_size(circle[:, k]) for k in range(torsions.shape[1])]
    return float(np.min(found)), float(np.median(found))


def _histograms(scaled: NDArray[np.float64], n_bins: int) -> NDArray[np.float64]:
    """Counts of values in [0, 1]: [n_quantities, n_bins]."""
    n = scaled.shape[1]
    cells = np.minimum((scaled * n_bins).astype(np.int64), n_bins - 1) + n_bins * np.arange(n)
    return np.bincount(cells.ravel(), minlength=n * n_bins).reshape(n, n_bins).astype(np.float64)


def _relative(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    terms = np.zeros_like(p)
    np.log2(p / np.where(q > 0.0, q, 1.0), out=terms, where=p > 0.0)
    return (p * terms).sum(axis=-1)
