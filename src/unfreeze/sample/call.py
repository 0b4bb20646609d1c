"""`unfreeze.sample`: the main job in one call, from a structure file or an id as well as from a `Complex`.

No method here: it loads what it is given and hands it to :func:`unfreeze.sample.generate.sample_ensemble`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from unfreeze.model.motion_model import MotionModel
from unfreeze.sample.centre import average_of
from unfreeze.sample.generate import sample_ensemble
from unfreeze.structure.complex import Complex
from unfreeze.structure.ensemble import Ensemble
from unfreeze.structure.load import load

__all__ = ["sample"]


def sample(
    structure: Complex | str | Path,
    *,
    model: MotionModel | str | Path | None = None,
    n_frames: int = 250,
    temperature_K: float = 300.0,
    timescale_ns: float = 100.0,
    seed: int = 0,
    around: Ensemble | str | Path | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Ensemble:
    """Draw the thermal ensemble of a structure.

    Parameters
    ----------
    structure
        A complex, a path to a PDB or mmCIF file, or a PDB id. To choose chains, an assembly or a model, read it
        with :func:`unfreeze.load` first.
    model
        A file of weights, a loaded model, or ``"harmonic"`` for the untrained springs; the model that comes with
        the package when None.
    n_frames
        Number of frames, exactly.
    temperature_K
        Temperature in K.
    timescale_ns
        How long the imagined observer looks, in ns: slower motion is not in the ensemble.
    seed
        The same seed gives the same frames.
    around
        Frames of the same complex, an ensemble or a trajectory, whose average the frames are drawn about; the
        structure itself when None.
    progress
        Called with the name of the stage and the share of it that is done, 0 to 1.

    Returns
    -------
    Ensemble
        `n_frames` frames superposed on the input, nm.

    Raises
    ------
    unfreeze.InputError
        If the structure or the weights cannot be read, or an option is out of range.
    """
    complex_ = structure if isinstance(structure, Complex) else load(structure)
    return sample_ensemble(
        complex_,
        model,
        n_frames=n_frames,
        temperature_K=temperature_K,
        timescale_ns=timescale_ns,
        seed=seed,
        around=None if around is None else average_of(complex_, around),
        progress=progress,
    )
