"""What protocols share that ask what an ensemble finds beyond its own input: that input, and aimless motion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.aimless import aimless_side
from unfreeze.evaluate.frames import AlignedPair, Frames, Side
from unfreeze.evaluate.measure import measure_all
from unfreeze.evaluate.metric import Estimate, Metric, NotMeasurableError
from unfreeze.evaluate.protocol import Options
from unfreeze.structure.geometry import superpose

__all__ = ["input_note", "input_side", "measure_against_aimless"]


def input_note(ensemble: Frames) -> str:
    """Says which structure was taken for the input, since a file of models holds none besides its frames."""
    where = f"the structure in {ensemble.files[0]}" if ensemble.files else f"the structure that {ensemble.name} has"
    return f"The input of the ensemble is taken to be {where}."


def input_side(pair: AlignedPair, ensemble: Frames, ensemble_atoms: NDArray[np.int64]) -> Side:
    """The ensemble's input as a side of one frame, superposed like the frames.

    Parameters
    ----------
    pair
        The aligned pair.
    ensemble
        The ensemble as read; its molecule is the input.
    ensemble_atoms
        [n_atoms] its matched atoms.
    """
    points = ensemble.molecule.coordinates_nm[ensemble_atoms]
    molecule = pair.molecule
    nodes = molecule.representative_atoms()
    moved = superpose(points[None], molecule.coordinates_nm, nodes if len(nodes) >= 3 else None)
    return Side.of(molecule, moved)


def measure_against_aimless(
    metrics: Sequence[Metric], pair: AlignedPair, start: Side, options: Options
) -> tuple[dict[str, Estimate], list[str]]:
    """Estimates with aimless motion about the input as their baseline, and notes.

    Parameters
    ----------
    metrics
        What to measure.
    pair
        Ensemble and reference.
    start
        The input, one frame.
    options
        Whether the baseline is wanted; resamples and seed.
    """
    baseline, notes = None, list[str]()
    if options.baseline:
        try:
            aimless = aimless_side(pair.ensemble, start.frames_nm[0].astype(np.float64), options.seed)
            baseline = AlignedPair(aimless, pair.reference)
            notes.append(
                "The baseline is aimless motion: as many frames of an elastic network of the input, as far from it."
            )
        except NotMeasurableError as refusal:
            notes.append(f"No baseline: {refusal}.")
    return measure_all(metrics, pair, options, baseline=baseline), notes
