"""Which atoms and how many frames a metric of motion needs, and what is said where they are not there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import NotMeasurableError
from unfreeze.evaluate.metrics.walking import evenly_spaced

__all__ = ["representatives", "require_frames", "require_side_atoms"]


def representatives(side: Side, n_least: int = 3, n_most: int | None = None) -> NDArray[np.int64]:
    """Rows of the representative atoms: CA of amino acids, P (else C1') of nucleotides.

    Parameters
    ----------
    side
        A side; both sides of a pair give the same.
    n_least
        Atoms that the metric needs.
    n_most
        Of more atoms than this, so many are chosen evenly along the chains.

    Raises
    ------
    NotMeasurableError
        If there are too few.
    """
    atoms = side.molecule.representative_atoms()
    if len(atoms) < n_least:
        raise NotMeasurableError(
            f"needs at least {n_least} representative atoms (CA, P) that both have, found {len(atoms)}"
        )
    return atoms if n_most is None else atoms[evenly_spaced(len(atoms), n_most)]


def require_side_atoms(side: Side) -> None:
    """Refuse where nothing but representative atoms is in both.

    Raises
    ------
    NotMeasurableError
        Then.
    """
    if side.molecule.n_atoms == len(side.molecule.representative_atoms()):
        raise NotMeasurableError("no atoms but the representative ones (CA, P) are in both")


def require_frames(ensemble: Side, reference: Side, n_least: int = 2) -> None:
    """Refuse where a side has too few frames to vary.

    Raises
    ------
    NotMeasurableError
        If either has fewer than `n_least` frames, or fewer of them with a weight.
    """
    for name, side in (("ensemble", ensemble), ("reference", reference)):
        found = int(np.count_nonzero(side.weights))
        if found < n_least:
            frames = "frame" if found == 1 else "frames"
            raise NotMeasurableError(f"needs at least {n_least} frames on each side; the {name} has {found} {frames}")
