"""How near the frames of an ensemble come to the bound form of an interface, against the input they started from.

The interface RMSD is CAPRI's, see :mod:`unfreeze.evaluate.metrics.interface_rmsd`, here between partners: chains whose
names share what stands before the first underscore (``receptor_H``, ``receptor_L``, ``ligand_A``) are one partner, if
all chains have such names; otherwise every chain is one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, Metric, NotMeasurableError
from unfreeze.evaluate.metrics.interface_contacts import record_contacts
from unfreeze.evaluate.metrics.interface_residues import (
    CONTACT_NM,
    Interfaces,
    polymer_atoms,
    require_backbone,
    require_side_chains,
)
from unfreeze.evaluate.metrics.interface_rmsd import fitted_rmsd_nm
from unfreeze.evaluate.metrics.order_statistics import Weighted, best, quantile, share_of, single
from unfreeze.evaluate.samples import FrameValues
from unfreeze.structure.complex import Complex

__all__ = ["InputNearness", "partner_fnat", "partner_irmsd_A", "partners", "recovery_metrics"]

PERCENTILE = 0.05
_PARTNER_MARK = "_"


@dataclass(frozen=True)
class InputNearness:
    """What the input itself reaches.

    Attributes
    ----------
    irmsd_A
        Interface RMSD of the input to the bound form, Å.
    fnat
        Share of the bound form's contacts that the input has.
    """

    irmsd_A: float = float("nan")
    fnat: float = float("nan")

    @classmethod
    def of(cls, side: Side) -> InputNearness:
        """Of a side that is the input, one frame; NaN for what its atoms do not tell."""
        _require_partners(side)
        fnat = float(partner_fnat(side).values[0]) if _has_side_chains(side) else float("nan")
        return cls(float(partner_irmsd_A(side).values[0]), fnat)


def partners(molecule: Complex) -> list[str]:
    """Name of the partner that every chain belongs to: [n_chains]."""
    names = [str(name) for name in molecule.chain_name]
    marked = [name.split(_PARTNER_MARK, 1)[0] for name in names]
    together = all(_PARTNER_MARK in name for name in names) and len(set(marked)) > 1
    return marked if together else names


def partner_irmsd_A(side: Side) -> FrameValues:
    """Interface RMSD of every frame to the reference structure, the mean over pairs of partners: [n_frames], Å."""
    reference = side.molecule.coordinates_nm
    columns = [fitted_rmsd_nm(side.frames_nm, reference, item.near) for item in _require_partners(side).items]
    return FrameValues(10.0 * np.mean(columns, axis=0), side.weights, side.block)


def partner_fnat(side: Side) -> FrameValues:
    """Share of the reference structure's contacts between partners that every frame has: [n_frames]."""
    native = _require_partners(side).native
    codes = np.unique(native[:, 0] * side.molecule.n_residues + native[:, 1])
    group = np.zeros(len(codes), dtype=np.int64)
    record = record_contacts(side, polymer_atoms(side.molecule), codes, group, CONTACT_NM)
    return FrameValues(record.native_held[:, 0], side.weights, side.block)


def recovery_metrics(start: InputNearness) -> tuple[Metric, ...]:
    """The metrics of an ensemble that was made from a given input.

    Parameters
    ----------
    start
        What the input reaches by itself.
    """
    irmsd, fnat = _on(partner_irmsd_A, False), _on(partner_fnat, True)
    unbounded = (0.0, float("inf"))
    metrics = (
        Metric("irmsd_input_A", "Interface RMSD to the bound form, input", irmsd(lambda _: start.irmsd_A),
               unit="Å", better="lower", perfect=0.0, bounds=unbounded, group="interface"),
        Metric("irmsd_best_A", "Interface RMSD to the bound form, best frame", irmsd(best),
               unit="Å", better="lower", perfect=0.0, bounds=unbounded, group="interface"),
        Metric("irmsd_p5_A", "Interface RMSD to the bound form, 5th percentile",
               irmsd(lambda side: quantile(*side, PERCENTILE)),
               unit="Å", better="lower", perfect=0.0, bounds=unbounded, group="interface"),
        Metric("irmsd_median_A", "Interface RMSD to the bound form, median frame",
               irmsd(lambda side: quantile(*side, 0.5)),
               unit="Å", better="lower", perfect=0.0, bounds=unbounded, group="interface"),
        Metric("irmsd_gain_best_A", "Interface RMSD, gain of the best frame over the input",
               irmsd(lambda side: start.irmsd_A - best(side)), unit="Å", group="interface"),
        Metric("irmsd_gain_p5_A", "Interface RMSD, gain of the 5th percentile over the input",
               irmsd(lambda side: start.irmsd_A - quantile(*side, PERCENTILE)), unit="Å", group="interface"),
        Metric("irmsd_share_better", "Share of frames nearer to the bound form than the input",
               irmsd(share_of(lambda values: values < start.irmsd_A)), bounds=(0.0, 1.0), group="interface"),
        Metric("fnat_input", "Native contacts of the bound form, input", fnat(lambda _: start.fnat),
               perfect=1.0, bounds=(0.0, 1.0), group="interface"),
        Metric("fnat_best", "Native contacts of the bound form, best frame",
               fnat(lambda side: -best((-side[0], side[1]))), perfect=1.0, bounds=(0.0, 1.0), group="interface"),
    )  # fmt: skip
    return metrics


def _on(
    feature: Callable[[Side], FrameValues], needs_side_chains: bool
) -> Callable[[Callable[[Weighted], float]], Callable[[Side, Side], Measurement]]:
    """From a statistic of one side's frames to the `measure` of a metric."""

    def metric(statistic: Callable[[Weighted], float]) -> Callable[[Side, Side], Measurement]:
        def measure(ensemble: Side, reference: Side) -> Measurement:
            _require_partners(reference)
            if needs_side_chains:
                require_side_chains(reference.molecule)
            return Measurement(ensemble.once(feature), single(), lambda ours, _: statistic(ours))

        return measure

    return metric


def _require_partners(side: Side) -> Interfaces:
    found = side.once(_partner_interfaces)
    if len(found.parties) < 2:
        raise NotMeasurableError("one partner: there is no interface")
    if not found.items:
        raise NotMeasurableError("no two partners of the bound form have heavy atoms within 0.5 nm")
    require_backbone(side.molecule)
    return found


def _partner_interfaces(side: Side) -> Interfaces:
    return Interfaces.of(side.molecule, partners(side.molecule))


def _has_side_chains(side: Side) -> bool:
    try:
        require_side_chains(side.molecule)
    except NotMeasurableError:
        return False
    return True
