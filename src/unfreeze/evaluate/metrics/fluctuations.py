"""RMSF: how far every atom strays from its own mean, and how well that agrees with the reference.

Frames are superposed on the reference structure already; fluctuations are about each side's own mean. "CA" in names
stands for the representative atoms, that is also P of nucleotides.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, Metric
from unfreeze.evaluate.metrics.moments import displacement_moments
from unfreeze.evaluate.metrics.selection import representatives, require_frames, require_side_atoms
from unfreeze.evaluate.metrics.similarity import pearson, spearman
from unfreeze.evaluate.samples import BlockMeans

__all__ = [
    "RMSF_CA_LOG_R",
    "RMSF_CA_MAE_A",
    "RMSF_CA_MEAN_A",
    "RMSF_CA_R",
    "RMSF_CA_SPEARMAN",
    "RMSF_HEAVY_R",
    "fluctuation_sums",
    "rmsf_A",
    "rmsf_of_moments_nm",
]

_STILL_NM = 1e-6  # less than this is rounding of the coordinates; it has no logarithm worth comparing


def rmsf_of_moments_nm(mean: NDArray[np.floating], mean_square: NDArray[np.floating]) -> NDArray[np.float64]:
    """RMSF_i = (⟨|u_i|²⟩ − |⟨u_i⟩|²)^½ of every atom.

    Parameters
    ----------
    mean
        ⟨u⟩ of the displacement from any fixed point, [n, 3], nm.
    mean_square
        ⟨|u|²⟩, [n], nm².

    Returns
    -------
    float64 [n]
        nm.
    """
    variance = np.asarray(mean_square - (mean**2).sum(axis=-1), dtype=np.float64)
    return np.sqrt(np.maximum(variance, 0.0))


def fluctuation_sums(side: Side, atoms: str = "representative") -> BlockMeans:
    """⟨u⟩ [n, 3] and ⟨|u|²⟩ [n] of ``representative`` or ``all`` atoms, for :func:`rmsf_of_moments_nm`."""
    moments = side.once(displacement_moments)
    first, second = moments.sums
    square = np.trace(second, axis1=-2, axis2=-1)
    if atoms == "all":
        return BlockMeans(moments.weight, (first, square))
    rows = side.molecule.representative_atoms()
    return BlockMeans(moments.weight, (first[:, rows], square[:, rows]))


def rmsf_A(side: Side, atoms: str = "representative") -> NDArray[np.float64]:
    """RMSF in Å of ``representative`` or ``all`` atoms, for pages and pooled scores: [n]."""
    return 10.0 * rmsf_of_moments_nm(*side.once(fluctuation_sums, atoms).at())


_Profile = NDArray[np.float64]


def _log_pearson(first: _Profile, second: _Profile) -> float:
    moving = (first > _STILL_NM) & (second > _STILL_NM)
    return pearson(np.log(first[moving]), np.log(second[moving]))


def _mean_error_A(first: _Profile, second: _Profile) -> float:
    return 10.0 * float(np.abs(first - second).mean())


def _comparison(
    compare: Callable[[_Profile, _Profile], float], atoms: str = "representative"
) -> Callable[[Side, Side], Measurement]:
    def measure(ensemble: Side, reference: Side) -> Measurement:
        require_frames(ensemble, reference)
        if atoms == "all":
            require_side_atoms(reference)
        else:
            representatives(reference)
        return Measurement(
            ensemble.once(fluctuation_sums, atoms),
            reference.once(fluctuation_sums, atoms),
            lambda one, other: compare(rmsf_of_moments_nm(*one), rmsf_of_moments_nm(*other)),
        )

    return measure


def _mean_rmsf(ensemble: Side, reference: Side) -> Measurement:
    require_frames(ensemble, reference)
    representatives(reference, 1)

    def own(sums: tuple[NDArray[np.float64], NDArray[np.float64]]) -> float:
        return 10.0 * float(rmsf_of_moments_nm(*sums).mean())

    return Measurement(
        ensemble.once(fluctuation_sums), reference.once(fluctuation_sums), lambda one, _: own(one), own=own
    )


RMSF_CA_R = Metric(
    "rmsf_ca_r", "RMSF, Pearson r over Cα", _comparison(pearson), perfect=1.0, bounds=(-1.0, 1.0), group="motion"
)
RMSF_CA_LOG_R = Metric(
    "rmsf_ca_log_r", "log RMSF, Pearson r over Cα", _comparison(_log_pearson), perfect=1.0, bounds=(-1.0, 1.0),
    group="motion",
)  # fmt: skip
RMSF_CA_SPEARMAN = Metric(
    "rmsf_ca_spearman", "RMSF, Spearman ρ over Cα", _comparison(spearman), perfect=1.0, bounds=(-1.0, 1.0),
    group="motion",
)  # fmt: skip
RMSF_CA_MAE_A = Metric(
    "rmsf_ca_mae_A", "RMSF of Cα, mean absolute error", _comparison(_mean_error_A), unit="Å", better="lower",
    perfect=0.0, bounds=(0.0, float("inf")), group="motion",
)  # fmt: skip
RMSF_HEAVY_R = Metric(
    "rmsf_heavy_r", "RMSF, Pearson r over heavy atoms", _comparison(pearson, "all"), perfect=1.0, bounds=(-1.0, 1.0),
    group="motion",
)  # fmt: skip
RMSF_CA_MEAN_A = Metric(
    "rmsf_ca_mean_A", "RMSF of Cα, mean", _mean_rmsf, unit="Å", better="equal", bounds=(0.0, float("inf")),
    group="motion",
)  # fmt: skip
