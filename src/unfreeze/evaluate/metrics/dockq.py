"""DockQ of every frame against the reference structure.

DockQ = ⅓ [fnat + 1 / (1 + (iRMSD / 1.5 Å)²) + 1 / (1 + (LRMSD / 8.5 Å)²)] of an interface (Basu & Wallner 2016, PLoS
ONE 11, e0161879), and the mean over all native interfaces of a complex (Mirabello & Wallner 2024, Bioinformatics 40,
btae586). Which chain is which was settled in
matching. One thing differs from the DockQ program: it counts native contacts of residues that the model lacks as
broken; here, where ensemble and reference must have the same atoms, they do not count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, Metric
from unfreeze.evaluate.metrics.interface_contacts import contact_probabilities
from unfreeze.evaluate.metrics.interface_distances import SortedWasserstein
from unfreeze.evaluate.metrics.interface_residues import interfaces_of, require_backbone, require_side_chains
from unfreeze.evaluate.metrics.interface_rmsd import interface_rmsd_A, ligand_rmsd_A
from unfreeze.evaluate.samples import FrameValues

__all__ = ["DOCKQ_MEAN", "DOCKQ_W1", "dockq_each", "dockq_formula", "dockq_frames"]

_IRMSD_SCALE_A, _LRMSD_SCALE_A = 1.5, 8.5


def dockq_formula(
    fnat: NDArray[np.floating], irmsd_A: NDArray[np.floating], lrmsd_A: NDArray[np.floating]
) -> NDArray[np.float64]:
    """DockQ of its three parts, element for element; RMSDs in Å."""
    near = 1.0 / (1.0 + (np.asarray(irmsd_A, dtype=np.float64) / _IRMSD_SCALE_A) ** 2)
    placed = 1.0 / (1.0 + (np.asarray(lrmsd_A, dtype=np.float64) / _LRMSD_SCALE_A) ** 2)
    return np.asarray((np.asarray(fnat, dtype=np.float64) + near + placed) / 3.0)


def dockq_each(side: Side) -> FrameValues:
    """DockQ of every frame and interface: [n_frames, n_interfaces]."""
    fnat = side.once(contact_probabilities).native_held
    irmsd, lrmsd = side.once(interface_rmsd_A), side.once(ligand_rmsd_A)
    return FrameValues(dockq_formula(fnat, irmsd.values, lrmsd.values), side.weights, side.block)


def dockq_frames(side: Side) -> FrameValues:
    """DockQ of every frame, the mean over its interfaces: [n_frames]."""
    return FrameValues(side.once(dockq_each).values.mean(axis=1), side.weights, side.block)


def _sides(ensemble: Side, reference: Side) -> tuple[FrameValues, FrameValues]:
    interfaces_of(reference)
    require_backbone(reference.molecule)
    require_side_chains(reference.molecule)
    return ensemble.once(dockq_frames), reference.once(dockq_frames)


def _measure_w1(ensemble: Side, reference: Side) -> Measurement:
    ours, theirs = _sides(ensemble, reference)
    return Measurement(ours, theirs, SortedWasserstein(ours.values, theirs.values))


def _measure_mean(ensemble: Side, reference: Side) -> Measurement:
    ours, theirs = _sides(ensemble, reference)
    return Measurement(ours, theirs, lambda e, _: float(e[1] @ e[0]), own=lambda side: float(side[1] @ side[0]))


DOCKQ_W1 = Metric(
    "dockq_w1", "DockQ against the reference structure, Wasserstein distance", _measure_w1,
    better="lower", perfect=0.0, bounds=(0.0, 1.0), group="interface",
)  # fmt: skip
DOCKQ_MEAN = Metric(
    "dockq_mean", "DockQ against the reference structure, mean", _measure_mean,
    better="equal", bounds=(0.0, 1.0), group="interface",
)  # fmt: skip
