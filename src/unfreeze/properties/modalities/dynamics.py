"""The modality *dynamics*: how a residue and its surroundings move, as the motion model says.

Second moments of the ensemble, each relative to the complex where that makes sense: amplitude predicted and of the
untrained springs, rotation, how far neighbours move together and how much their distances vary. They are those of the
wild type; what a mutation changes in them is part of the reasons (`properties.mutants`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unfreeze.model import weights
from unfreeze.model.base_motion import BaseMotion
from unfreeze.model.features import block_graph
from unfreeze.model.motion_model import MotionModel
from unfreeze.model.network import Array, linear, silu
from unfreeze.structure.complex import Complex

__all__ = ["N_MOTION_NODE", "N_MOTION_PAIR", "Motion", "encode", "layers", "motion"]

N_MOTION_NODE = 10
N_MOTION_PAIR = 4


@dataclass(frozen=True, eq=False)
class Motion:
    """Motion of sites.

    Attributes
    ----------
    nodes : float32 [n_sites, N_MOTION_NODE]
    pairs : float32 [n_sites, n_neighbours, N_MOTION_PAIR]
        Zero where there is no neighbour.
    """

    nodes: NDArray[np.float32]
    pairs: NDArray[np.float32]


def motion(
    molecule: Complex, sites: NDArray[np.int64], neighbours: NDArray[np.int64], model: MotionModel | None = None
) -> Motion:
    """Describe how residues move.

    Parameters
    ----------
    molecule
        The complex.
    sites : int64 [n_sites]
        Rows of residues.
    neighbours : int64 [n_sites, n_neighbours]
        Rows of residues, −1 for none.
    model
        The motion model; the shipped one when None.
    """
    model = model or weights.load_model(None)
    base = BaseMotion.of(molecule)
    predicted = model.predict(block_graph(base))
    alpha = molecule.representative_atoms()
    first_atom = molecule.residue_start[:-1].copy()
    first_atom[molecule.residue_index[alpha]] = alpha
    block = base.blocks.atom_block[first_atom]
    protein = np.flatnonzero(molecule.residue_kind == "protein")
    log_rmsf, log_base = np.log(predicted.rmsf_nm[block]), np.log(base.rmsf_nm[block])
    log_rotation = np.log(base.rotation_rms_rad[block])
    columns = []
    for values in (log_rmsf, log_base, log_rotation):
        columns += [values[sites] + 2.0, values[sites] - np.median(values[protein])]
    present = neighbours >= 0
    other = np.where(present, neighbours, sites[:, None])
    surrounding = np.where(present, log_rmsf[other], 0.0).sum(axis=1) / np.maximum(present.sum(axis=1), 1)
    columns += [surrounding + 2.0, log_rmsf[sites] - surrounding]
    columns += [predicted.log_uncertainty[block][sites], log_rmsf[sites] - log_base[sites]]
    pairs = np.stack([np.broadcast_to(block[sites][:, None], other.shape), block[other]], axis=2).reshape(-1, 2)
    together = base.correlations(pairs).reshape(other.shape)
    spread = np.log(np.maximum(base.distance_spreads_nm(pairs), 1e-4)).reshape(other.shape) + 3.5
    edges = np.stack([together, spread, log_rmsf[other] + 2.0, log_rotation[other] + 1.5], axis=2)
    return Motion(np.stack(columns, axis=1).astype(np.float32), (edges * present[..., None]).astype(np.float32))


def layers(width: int) -> dict[str, tuple[int, int]]:
    """Names of the linear maps of the encoder, with numbers in and out."""
    return {
        "dynamics.node": (N_MOTION_NODE, width),
        "dynamics.pair": (N_MOTION_PAIR, width),
        "dynamics.out": (2 * width, width),
    }


def encode(parameters: Mapping[str, Array], nodes: Array, pairs: Array, present: Array) -> Array:
    """Encode sites: [n_sites, width]; arguments as in :func:`unfreeze.properties.modalities.structure.encode`."""
    own = silu(linear(parameters, "dynamics.node", nodes))
    message = silu(linear(parameters, "dynamics.pair", pairs) + own[:, None]) * present[..., None]
    weight = parameters["dynamics.out.weight"]
    width = own.shape[1]
    return own @ weight[:width] + (message.sum(1) * 0.05) @ weight[width:] + parameters["dynamics.out.bias"]
