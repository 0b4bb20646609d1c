"""The learned motion model asked again about a mutant: slower than local springs, and it knows the amino acids."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import UnfreezeError
from unfreeze.model.base_motion import BaseMotion
from unfreeze.model.features import block_graph
from unfreeze.model.motion_model import MotionModel
from unfreeze.sample.learned import LearnedMotion, choose_model
from unfreeze.structure.complex import Complex

__all__ = ["repredicted_motion"]


def repredicted_motion(
    molecule: Complex,
    mutant: Complex,
    residues: Sequence[int] | NDArray[np.int64],
    *,
    model: MotionModel | str | Path | None = None,
    wild: LearnedMotion | None = None,
    temperature_K: float = 300.0,
    timescale_ns: float = 100.0,
) -> NDArray[np.float64]:
    """Relative change of the RMSF that the motion model predicts, mutant / wild type − 1.

    Parameters
    ----------
    molecule, mutant
        Complexes with the same residues.
    residues
        Rows of the residues to tell of.
    model
        The motion model, or a file of its weights; the one that comes with the package when None.
    wild
        What it made of the wild type, if at hand.
    temperature_K, timescale_ns
        Conditions.

    Returns
    -------
    float64 [n]

    Raises
    ------
    UnfreezeError
        If there is no learned model for this complex.
    """
    chosen, notes = choose_model(model, molecule)
    if chosen is None:
        raise UnfreezeError(" ".join(notes) or "the motion of a mutant is predicted by a learned model only")
    rows = np.asarray(residues, dtype=np.int64)
    if wild is not None:
        before = _by_residue(wild.base, wild.predicted.rmsf_nm)
    else:
        before = _amplitudes(molecule, chosen, temperature_K, timescale_ns)
    return _amplitudes(mutant, chosen, temperature_K, timescale_ns)[rows] / before[rows] - 1.0


def _amplitudes(
    molecule: Complex, model: MotionModel, temperature_K: float, timescale_ns: float
) -> NDArray[np.float64]:
    """Predicted RMSF of every residue, nm."""
    base = BaseMotion.of(molecule)
    predicted = model.predict(block_graph(base), temperature_K=temperature_K, timescale_ns=timescale_ns)
    return _by_residue(base, predicted.rmsf_nm)


def _by_residue(base: BaseMotion, rmsf_nm: NDArray[np.float64]) -> NDArray[np.float64]:
    """RMSF by residue instead of by block; NaN for a residue without a block."""
    found = np.full(base.molecule.n_residues, np.nan)
    found[base.blocks.block_residue] = rmsf_nm
    return found
