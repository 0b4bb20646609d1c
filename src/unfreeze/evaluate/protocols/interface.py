"""Protocol `interface`: how two or more chains hold on to each other, and whether they move as in the reference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unfreeze.errors import InputError
from unfreeze.evaluate.frames import Frames
from unfreeze.evaluate.matching import align_pair
from unfreeze.evaluate.metrics.dockq import DOCKQ_MEAN, DOCKQ_W1
from unfreeze.evaluate.metrics.interface_area import AREA_FRAMES, BURIED_AREA_MEAN, BURIED_AREA_W1
from unfreeze.evaluate.metrics.interface_contacts import (
    CA_CONTACT_NM,
    FNAT_MEAN,
    FNAT_W1,
    INTERFACE_CA_CONTACT_MAE,
    INTERFACE_CONTACT_MAE,
    INTERFACE_FORMED_JACCARD,
    INTERFACE_LOST_JACCARD,
    INTERFACE_PERSISTENT_JACCARD,
    INTERFACE_WEAK_JACCARD,
    LOST,
    PERSISTENT,
)
from unfreeze.evaluate.metrics.interface_motion import INTERCHAIN_DCCM_R, INTERFACE_DCCM_R, NEAR_NM
from unfreeze.evaluate.metrics.interface_record import interface_arrays
from unfreeze.evaluate.metrics.interface_residues import BACKBONE_REACH_NM, CONTACT_NM, polymer_atoms
from unfreeze.evaluate.metrics.interface_rmsd import IRMSD_W1, LRMSD_W1
from unfreeze.evaluate.protocol import Aggregate, Options, Outcome, Protocol
from unfreeze.evaluate.protocols.standard import measure_pair
from unfreeze.structure.complex import Complex

__all__ = ["INTERFACE", "INTERFACE_METRICS", "INTERFACE_SETTINGS", "polymer_chains"]

INTERFACE_METRICS = (
    INTERFACE_CONTACT_MAE,
    INTERFACE_PERSISTENT_JACCARD,
    INTERFACE_WEAK_JACCARD,
    INTERFACE_LOST_JACCARD,
    INTERFACE_FORMED_JACCARD,
    INTERFACE_CA_CONTACT_MAE,
    FNAT_W1,
    FNAT_MEAN,
    IRMSD_W1,
    LRMSD_W1,
    DOCKQ_W1,
    DOCKQ_MEAN,
    BURIED_AREA_W1,
    BURIED_AREA_MEAN,
    INTERCHAIN_DCCM_R,
    INTERFACE_DCCM_R,
)
"""What is measured wherever there are two chains or more; the default protocol takes these too."""

INTERFACE_SETTINGS = {
    "interface_contact_nm": CONTACT_NM,
    "interface_ca_contact_nm": CA_CONTACT_NM,
    "interface_backbone_nm": BACKBONE_REACH_NM,
    "interface_dccm_nm": NEAR_NM,
    "interface_persistent": PERSISTENT,
    "interface_lost": LOST,
    "interface_area_frames": AREA_FRAMES,
    "interface_residues": "heavy atoms of polymers of two chains less than interface_contact_nm apart in the reference "
    "structure",
    "interface_pooling": "contacts and fnat over all interfaces together; RMSD, DockQ and area as the mean over "
    "interfaces",
}


def polymer_chains(molecule: Complex) -> list[str]:
    """Names of the chains that are protein or nucleic acid."""
    rows = np.unique(molecule.atom_chain_index[polymer_atoms(molecule)])
    return [str(name) for name in molecule.chain_name[rows]]


def _run(ensemble: Frames, reference: Frames, options: Options) -> Outcome:
    """Score one ensemble of a complex."""
    chains = polymer_chains(reference.molecule)
    if len(chains) < 2:
        raise InputError(
            f"{reference.name}: one chain: there is no interface. The protocol 'interface' needs a reference of two "
            "chains or more; use the protocol 'unfreeze' for this one"
        )
    pair, matching = align_pair(reference, ensemble)
    outcome = measure_pair(INTERFACE_METRICS, pair, options, matching=matching.to_dict(), notes=matching.notes)
    notes = outcome.notes
    found = polymer_chains(pair.molecule)
    if len(found) < 2:
        notes += (f"Only chain {', '.join(found)} of the reference is in the ensemble; no interface could be scored.",)
    return replace(outcome, arrays=interface_arrays(pair), notes=notes)


INTERFACE = Protocol(
    name="interface",
    version="1",
    title="Interfaces: contacts, native fraction, RMSDs, DockQ, buried area and motion across chains",
    metrics=INTERFACE_METRICS,
    aggregates=(
        *(Aggregate.median(metric) for metric in INTERFACE_METRICS if metric.better != "equal"),
        Aggregate.pearson_with_reference(FNAT_MEAN, "fnat_r", "Mean native fraction, Pearson r over targets"),
        Aggregate.pearson_with_reference(DOCKQ_MEAN, "dockq_r", "Mean DockQ, Pearson r over targets"),
        Aggregate.pearson_with_reference(BURIED_AREA_MEAN, "buried_area_r", "Buried area, Pearson r over targets"),
    ),
    run=_run,
    settings=INTERFACE_SETTINGS,
)
