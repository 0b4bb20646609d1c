"""From a trained model to springs: features, prediction, matching. Also which model is meant by a name.

`learn` is all that lies between a complex and the harmonic ensemble that frames are drawn from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unfreeze.errors import UnfreezeError
from unfreeze.model import weights
from unfreeze.model.base_motion import BaseMotion
from unfreeze.model.elasticity import MatchedElasticity, match_amplitudes
from unfreeze.model.features import BlockGraph, block_graph
from unfreeze.model.motion_model import MotionModel, PredictedMotion, log_amplitude_of_conditions
from unfreeze.structure.complex import Complex
from unfreeze.structure.fluctuations import Fluctuations

__all__ = ["HARMONIC", "LOST_BY_BUILDING", "LearnedMotion", "choose_model", "learn"]

HARMONIC = "harmonic"
"""Name of the untrained springs where a model is asked for."""
_SOLVENT = "explicit"  # the kind of simulation that amplitudes are meant to be those of
LOST_BY_BUILDING = 1.1
"""Restoring geometry and pushing clashes apart takes a tenth of the RMSF; draws are asked for so much more."""
_FEWEST_RESIDUES = 4  # of less there is no motion but that of the whole


@dataclass(frozen=True, eq=False)
class LearnedMotion:
    """What a trained model made of a complex.

    Attributes
    ----------
    model
        The model.
    base
        The complex with its blocks and the motion of its untrained springs.
    graph
        Features of the complex.
    is_protein : bool [n_blocks]
        Blocks whose amplitude was predicted.
    predicted
        The model's prediction.
    matched
        Springs that have this amplitude, and their ensemble.
    """

    model: MotionModel
    base: BaseMotion
    graph: BlockGraph
    is_protein: np.ndarray
    predicted: PredictedMotion
    matched: MatchedElasticity

    def fluctuations(self) -> Fluctuations:
        """The prediction for every representative atom, with its interval."""
        block = self.base.blocks.atom_block[self.base.molecule.representative_atoms()]
        rmsf = np.where(self.is_protein[block], self.predicted.rmsf_nm[block], np.nan)
        factor = np.exp(self.predicted.log_uncertainty[block])
        return Fluctuations(rmsf, rmsf / factor, rmsf * factor)


def choose_model(model: MotionModel | str | Path | None, molecule: Complex) -> tuple[MotionModel | None, list[str]]:
    """Find the model that is meant.

    Parameters
    ----------
    model
        A model, ``harmonic``, a file of weights, or None for the model that comes with the package.
    molecule
        What it is wanted for.

    Returns
    -------
    MotionModel or None, list of str
        None for the untrained springs; and sentences that the user should read.

    Raises
    ------
    InputError
        If a file of weights cannot be used.
    """
    if isinstance(model, str) and model == HARMONIC:
        return None, []
    if model is None and not weights.SHIPPED.is_file():
        return None, ["This installation has no trained model; the untrained springs were used (model harmonic)."]
    chosen = model if isinstance(model, MotionModel) else weights.load_model(model)
    if np.count_nonzero(molecule.residue_kind == "protein") < _FEWEST_RESIDUES:
        return None, [
            f"The input has fewer than {_FEWEST_RESIDUES} residues of protein, of which alone the model has learned; "
            "the untrained springs were used (model harmonic)."
        ]
    return chosen, []


def learn(
    molecule: Complex,
    model: MotionModel,
    *,
    temperature_K: float = 300.0,
    timescale_ns: float = 100.0,
    n_threads: int = 1,
    progress: Callable[[str, float], None] | None = None,
) -> LearnedMotion:
    """Predict the amplitudes of a complex and find springs that have them.

    Parameters
    ----------
    molecule
        The complex in its reference structure.
    model
        The trained model.
    temperature_K, timescale_ns
        Conditions.
    n_threads
        Threads; the result does not depend on it.
    progress
        Called with a stage and the share of it that is done.

    Raises
    ------
    UnfreezeError
        If the model gives no number for a residue.
    """
    say = progress or (lambda stage, share: None)
    base = BaseMotion.of(molecule)
    say("Predicting amplitudes", 0.0)
    graph = block_graph(base)
    predicted = model.predict(graph, temperature_K=temperature_K, timescale_ns=timescale_ns, solvent=_SOLVENT)
    known = np.isfinite(predicted.rmsf_nm) & np.isfinite(predicted.log_uncertainty)
    if not known[graph.is_protein].all():
        block = int(np.flatnonzero(graph.is_protein & ~known)[0])
        where = molecule.residue_label(int(base.blocks.block_residue[block]))
        raise UnfreezeError(f"the model gives no amplitude for {where}; use the model 'harmonic'")
    say("Matching the springs", 0.0)
    conditions = log_amplitude_of_conditions(temperature_K, timescale_ns) + model.log_level.get(_SOLVENT, 0.0)
    matched = match_amplitudes(
        base,
        np.where(graph.is_protein, LOST_BY_BUILDING * predicted.rmsf_nm, base.rmsf_nm),
        wanted=graph.is_protein,
        temperature_K=temperature_K,
        # what the model says nothing of begins with the law of time and the level alone; temperature is in the draws
        initial_softness=conditions - 0.5 * float(np.log(temperature_K / 300.0)),
        n_threads=n_threads,
    )
    return LearnedMotion(model, base, graph, graph.is_protein, predicted, matched)
