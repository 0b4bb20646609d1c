"""Per-interface numbers and per-contact probabilities of a pair, for pages and for a closer look.

Metrics pool all interfaces; here each keeps its own numbers. What cannot be measured is left out, as its metric says.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.frames import AlignedPair
from unfreeze.evaluate.metric import NotMeasurableError
from unfreeze.evaluate.metrics.dockq import dockq_each
from unfreeze.evaluate.metrics.interface_area import buried_areas_nm2
from unfreeze.evaluate.metrics.interface_contacts import compared_contacts, contact_probabilities, fraction_native
from unfreeze.evaluate.metrics.interface_distances import MeanWasserstein
from unfreeze.evaluate.metrics.interface_residues import interfaces_of, require_backbone, require_side_chains
from unfreeze.evaluate.metrics.interface_rmsd import interface_rmsd_A, ligand_rmsd_A
from unfreeze.evaluate.samples import FrameValues

__all__ = ["interface_arrays"]

_MAX_SERIES = 500  # frames of a series
_MAX_CONTACTS = 2_000


def interface_arrays(pair: AlignedPair) -> dict[str, list[Any]]:
    """Numbers of every interface, series over frames, and the probability of every contact.

    Parameters
    ----------
    pair
        The two sides; what their metrics computed is used again.

    Returns
    -------
    dict
        ``interface_names``, ``interface_n_native``; for each interface ``interface_contact_mae_each``,
        ``irmsd_w1_each_A``, ``lrmsd_w1_each_A``, ``buried_area_w1_each_nm2`` and ``dockq_mean_each_*``; over frames
        ``fnat_*``, ``irmsd_*_A``, ``lrmsd_*_A`` and ``dockq_*`` (means over interfaces; * is ensemble or reference);
        ``interface_contact`` (texts), ``interface_contact_native`` and ``interface_contact_*``. Empty without an
        interface.
    """
    try:
        interfaces = interfaces_of(pair.reference)
        require_backbone(pair.molecule)
    except NotMeasurableError:
        return {}
    arrays: dict[str, list[Any]] = {
        "interface_names": interfaces.names,
        "interface_n_native": [len(item.native) for item in interfaces.items],
    }
    arrays |= _distribution(pair, ligand_rmsd_A, "lrmsd", "_A")
    try:
        require_side_chains(pair.molecule)
    except NotMeasurableError:
        return arrays
    arrays |= _distribution(pair, interface_rmsd_A, "irmsd", "_A")
    areas = pair.ensemble.once(buried_areas_nm2), pair.reference.once(buried_areas_nm2)
    distances = MeanWasserstein(areas[0].values, areas[1].values)
    arrays["buried_area_w1_each_nm2"] = _numbers(distances.each(areas[0].at(), areas[1].at()))
    for name, side in (("ensemble", pair.ensemble), ("reference", pair.reference)):
        dockq, fnat = side.once(dockq_each), side.once(fraction_native)
        arrays[f"dockq_mean_each_{name}"] = _numbers(dockq.weights @ dockq.values)
        arrays[f"dockq_{name}"] = _series(dockq.values.mean(axis=1))
        arrays[f"fnat_{name}"] = _series(fnat.values)
    return arrays | _contacts(pair)


def _distribution(pair: AlignedPair, feature: Any, name: str, unit: str) -> dict[str, list[Any]]:
    ours: FrameValues = pair.ensemble.once(feature)
    theirs: FrameValues = pair.reference.once(feature)
    each = MeanWasserstein(ours.values, theirs.values).each(ours.at(), theirs.at())
    return {
        f"{name}_w1_each{unit}": _numbers(each),
        f"{name}_ensemble{unit}": _series(ours.values.mean(axis=1)),
        f"{name}_reference{unit}": _series(theirs.values.mean(axis=1)),
    }


def _contacts(pair: AlignedPair) -> dict[str, list[Any]]:
    molecule, interfaces = pair.molecule, interfaces_of(pair.reference)
    records = [side.once(contact_probabilities) for side in (pair.ensemble, pair.reference)]
    native = interfaces.native[:, 0] * molecule.n_residues + interfaces.native[:, 1]
    codes = np.unique(np.concatenate([native, *(record.codes for record in records)]))
    ours, theirs = (record.on(codes).at()[0] for record in records)
    is_native = np.isin(codes, native)
    chosen = compared_contacts(ours, theirs, is_native)
    error = np.abs(ours - theirs)
    first, second = np.divmod(codes, molecule.n_residues)
    chain = molecule.chain_index[first], molecule.chain_index[second]
    each = []
    for item in interfaces.items:
        of_item = chosen & (chain[0] == molecule.atom_chain_index[item.first[0]])
        of_item &= chain[1] == molecule.atom_chain_index[item.second[0]]
        each.append(float(error[of_item].mean()))
    # native contacts first when there are too many to list
    rows = np.flatnonzero(chosen)
    rows = np.sort(rows[np.argsort(~is_native[rows], kind="stable")][:_MAX_CONTACTS])
    return {
        "interface_contact_mae_each": _numbers(each),
        "interface_contact": [
            f"{molecule.residue_label(int(first[row]))}–{molecule.residue_label(int(second[row]))}" for row in rows
        ],
        "interface_contact_native": is_native[rows].tolist(),
        "interface_contact_ensemble": _numbers(ours[rows]),
        "interface_contact_reference": _numbers(theirs[rows]),
    }


def _series(values: NDArray[np.floating]) -> list[float]:
    """At most 500 values, evenly spaced."""
    shown = np.linspace(0, len(values) - 1, min(len(values), _MAX_SERIES)).round().astype(np.int64)
    return _numbers(values[shown])


def _numbers(values: Any) -> list[float]:
    return [float(f"{value:.5g}") for value in np.asarray(values, dtype=np.float64).tolist()]
