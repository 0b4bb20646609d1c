"""`MotionModel`: what a trained model says of a complex: how much blocks move, under which conditions, how surely.

The amplitude is stated relative to physics: the untrained network's RMSF, the square root of temperature, and the
power law of observation time (`physics.timescale`). The network's heads correct the first and the last. What they say
of a complex has mean zero: few data tell how large the motion of a whole is, so its level is left to physics and one
number for each kind of solvent, and the network says where there is more of it and where less.
Several members (networks trained from different seeds) are averaged; where they disagree the model is less sure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.model.features import BlockGraph
from unfreeze.model.network import Array, encode, linear, silu
from unfreeze.physics.timescale import REFERENCE_TIME_NS, TIME_EXPONENT

__all__ = [
    "HEADS",
    "LARGEST_CORRECTION",
    "MotionModel",
    "PredictedMotion",
    "WeightsFile",
    "bounded",
    "head",
    "log_amplitude_of_conditions",
]

LARGEST_CORRECTION = 1.3
"""Of log RMSF, before a complex's mean is taken away: a factor of 3.7 either way."""
HEADS = {"rmsf": 2, "uncertainty": 1, "b_factor": 1}
"""Heads of the network and how many numbers each gives for a block.

``rmsf``: correction of log RMSF at the reference time and 300 K, before :func:`bounded`; correction
of the exponent of time (of RMSF).
``uncertainty``: logarithm of the standard deviation of the error of log RMSF.
``b_factor``: correction of the logarithm of √B, up to a constant a structure.
"""


@dataclass(frozen=True, eq=False)
class PredictedMotion:
    """Amplitudes of the blocks of a complex under given conditions.

    Attributes
    ----------
    rmsf_nm : float64 [n_blocks]
        Predicted RMSF of every block's atom, nm.
    log_uncertainty : float64 [n_blocks]
        Standard deviation of the error of log RMSF that the model expects of itself.
    temperature_K, timescale_ns
        The conditions.
    """

    rmsf_nm: NDArray[np.float64]
    log_uncertainty: NDArray[np.float64]
    temperature_K: float
    timescale_ns: float


@dataclass(frozen=True)
class WeightsFile:
    """Where a model was read from.

    Attributes
    ----------
    name
        Name of the file, without its folder.
    sha256
        Of its bytes.
    """

    name: str
    sha256: str


@dataclass(frozen=True, eq=False)
class MotionModel:
    """A trained model.

    Attributes
    ----------
    members
        Parameters of the networks (`model.network`), one dictionary a member.
    card
        What the model is: name, data, recipe, commit, scores, limits; kept with the weights.
    uncertainty_scale
        Factor on the expected error, calibrated on held-out systems.
    log_level
        Logarithm of the factor on all amplitudes by kind of solvent (``explicit``, ``implicit``); 0 where not given.
    flow
        Parameters of the flow of side-chain torsions (`model.flow`); None for a model that keeps side chains rigid.
    file
        The file that it was read from; None for a model that was made in memory.
    """

    members: Sequence[Mapping[str, NDArray[np.float32]]]
    card: Mapping[str, Any] = field(default_factory=dict)
    uncertainty_scale: float = 1.0
    log_level: Mapping[str, float] = field(default_factory=dict)
    flow: Mapping[str, NDArray[np.float32]] | None = None
    file: WeightsFile | None = None

    def predict(
        self,
        graph: BlockGraph,
        *,
        temperature_K: float = 300.0,
        timescale_ns: float = 100.0,
        solvent: str = "explicit",
    ) -> PredictedMotion:
        """Amplitudes of a complex.

        Parameters
        ----------
        graph
            Features of the complex.
        temperature_K, timescale_ns
            Conditions.
        solvent
            ``explicit`` or ``implicit``: motion is faster in the second, for it has little friction.
        """
        given = []
        for parameters in self.members:
            hidden = encode(parameters, graph.nodes, graph.neighbours, graph.present, graph.edges)
            given.append(np.concatenate([head(parameters, name, hidden) for name in ("rmsf", "uncertainty")], axis=1))
        outputs = np.stack(given).astype(np.float64)
        log_time = np.log(timescale_ns / REFERENCE_TIME_NS)
        pattern = bounded(outputs[..., 0])
        if graph.is_protein.any():
            pattern = pattern - pattern[:, graph.is_protein].mean(axis=1, keepdims=True)
        log_rmsf = pattern + outputs[..., 1] * log_time + np.log(graph.base_rmsf_nm)
        log_rmsf += log_amplitude_of_conditions(temperature_K, timescale_ns) + self.log_level.get(solvent, 0.0)
        variance = np.exp(2.0 * outputs[..., 2]).mean(axis=0) + log_rmsf.var(axis=0)
        return PredictedMotion(
            rmsf_nm=np.exp(log_rmsf.mean(axis=0)),
            log_uncertainty=np.sqrt(variance) * self.uncertainty_scale,
            temperature_K=temperature_K,
            timescale_ns=timescale_ns,
        )


def head(parameters: Mapping[str, Array], name: str, hidden: Array) -> Array:
    """Output of a head: [n_blocks, n_outputs]; zero for a network that is not trained."""
    return linear(parameters, f"heads.{name}.1", silu(linear(parameters, f"heads.{name}.0", hidden)))


def bounded(correction: Array) -> Array:
    """Corrections of log RMSF kept within ±:data:`LARGEST_CORRECTION`, smoothly; small ones stay as they are."""
    scaled = correction / LARGEST_CORRECTION
    return LARGEST_CORRECTION * (np.tanh(scaled) if isinstance(scaled, np.ndarray) else scaled.tanh())


def log_amplitude_of_conditions(temperature_K: float, timescale_ns: float) -> float:
    """Logarithm of the factor on the RMSF at 300 K and the reference time, before anything is learned."""
    return 0.5 * float(np.log(temperature_K / 300.0)) + 0.5 * TIME_EXPONENT * float(
        np.log(timescale_ns / REFERENCE_TIME_NS)
    )
