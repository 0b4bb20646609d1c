"""How sound the frames of an ensemble are, whatever program made them; the reference's frames beside, as a measure.

Bonds, chirality and clashes are those of :class:`~unfreeze.structure.validity.FrameChecker`, on the atoms that both
sides have, with the reference structure in the place of the input: what is wrong there already fails no frame.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from unfreeze.evaluate.frames import Frames
from unfreeze.evaluate.matching import match
from unfreeze.structure.validity import FrameChecker

__all__ = ["MAX_VALIDITY_FRAMES", "ensemble_validity"]

MAX_VALIDITY_FRAMES = 250
"""Most frames that are checked on each side, evenly spaced."""


def ensemble_validity(ensemble: Frames, reference: Frames) -> dict[str, Any]:
    """Shares and counts of faults in the frames of both sides.

    Parameters
    ----------
    ensemble, reference
        As read; atoms are matched, superposition does not matter.

    Returns
    -------
    dict
        Keys of :meth:`FrameValidity.summary` with ``n_frames_checked``; under ``reference`` the same for the
        reference's own frames, whose thermal vibrations overstep the limits now and then, too.
    """
    matching = match(reference, ensemble)
    checker = FrameChecker(reference.molecule.take_atoms(matching.reference_atoms))
    found: dict[str, Any] = _checked(checker, ensemble, matching.ensemble_atoms)
    found["reference"] = _checked(checker, reference, matching.reference_atoms)
    return found


def _checked(checker: FrameChecker, frames: Frames, atoms: np.ndarray) -> dict[str, Any]:
    n_checked = min(frames.n_frames, MAX_VALIDITY_FRAMES)
    chosen = np.linspace(0, frames.n_frames - 1, n_checked).round().astype(np.int64)
    validity = checker.check(frames.coordinates_nm[chosen][:, atoms])
    return {**validity.summary(), "n_frames_checked": n_checked}
