"""Protocol `unfreeze`, the default: the questions of the ATLAS table with its faults mended, and interfaces.

Atoms are matched over any number of chains, equivalent atoms named by geometry, averages over pairs leave the diagonal
out, roots of matrices cannot fail; every number has a bootstrap interval, the floor (MD against itself) and a baseline
(a Cα elastic network at the best amplitude). Complexes get the metrics of protocol `interface` as well.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from unfreeze.evaluate.frames import MAX_BLOCKS, AlignedPair, Frames
from unfreeze.evaluate.matching import align_pair
from unfreeze.evaluate.metric import NotMeasurableError
from unfreeze.evaluate.metrics import (
    correlations,
    pair_distances,
    pairwise_rmsd,
    principal_components,
    surface_area,
    torsions,
)
from unfreeze.evaluate.metrics.contacts import TRANSIENT_CONTACTS_JACCARD, WEAK_CONTACTS_JACCARD
from unfreeze.evaluate.metrics.correlations import DCCM_R
from unfreeze.evaluate.metrics.exposure import (
    EXPOSED_RESIDUES_JACCARD,
    EXPOSURE_MI_R,
    EXPOSURE_PROBABILITY_MAE,
    EXPOSURE_SETTINGS,
)
from unfreeze.evaluate.metrics.fluctuations import (
    RMSF_CA_LOG_R,
    RMSF_CA_MAE_A,
    RMSF_CA_MEAN_A,
    RMSF_CA_R,
    RMSF_CA_SPEARMAN,
    RMSF_HEAVY_R,
    rmsf_A,
)
from unfreeze.evaluate.metrics.gaussians import RMWD_A, RMWD_TRANSLATION_A, RMWD_VARIANCE_A
from unfreeze.evaluate.metrics.interface_record import interface_arrays
from unfreeze.evaluate.metrics.pair_distances import DISTANCE_SD_R
from unfreeze.evaluate.metrics.pairwise_rmsd import PAIRWISE_RMSD_A
from unfreeze.evaluate.metrics.principal_components import PC1_COSINE, PCA_W2_JOINT_A, PCA_W2_MD_A, pca_points
from unfreeze.evaluate.metrics.shape import RG_MEAN_A, RG_W1_A, gyration_radii
from unfreeze.evaluate.metrics.slow_coordinates import lag_note
from unfreeze.evaluate.metrics.surface_area import SASA_MEAN, SASA_W1
from unfreeze.evaluate.metrics.time_correlations import TICA_2D_JSD, TICA_JSD, TICA_SETTINGS
from unfreeze.evaluate.metrics.torsions import BACKBONE_TORSION_JSD, SIDECHAIN_TORSION_JSD
from unfreeze.evaluate.protocol import Aggregate, Options, Outcome, Protocol
from unfreeze.evaluate.protocols.interface import INTERFACE_METRICS, INTERFACE_SETTINGS, polymer_chains
from unfreeze.evaluate.protocols.standard import measure_pair, rounded

__all__ = ["UNFREEZE"]

_METRICS = (
    RMSF_CA_R,
    RMSF_CA_LOG_R,
    RMSF_CA_SPEARMAN,
    RMSF_HEAVY_R,
    RMSF_CA_MAE_A,
    RMSF_CA_MEAN_A,
    PAIRWISE_RMSD_A,
    DCCM_R,
    DISTANCE_SD_R,
    RMWD_A,
    RMWD_TRANSLATION_A,
    RMWD_VARIANCE_A,
    PCA_W2_MD_A,
    PCA_W2_JOINT_A,
    PC1_COSINE,
    RG_W1_A,
    RG_MEAN_A,
    WEAK_CONTACTS_JACCARD,
    TRANSIENT_CONTACTS_JACCARD,
    EXPOSED_RESIDUES_JACCARD,
    EXPOSURE_MI_R,
    EXPOSURE_PROBABILITY_MAE,
    SASA_W1,
    SASA_MEAN,
    BACKBONE_TORSION_JSD,
    SIDECHAIN_TORSION_JSD,
    TICA_JSD,
    TICA_2D_JSD,
)
_MAX_SERIES = 500  # frames of a series on the page


def _run(ensemble: Frames, reference: Frames, options: Options) -> Outcome:
    """Score one ensemble: all metrics, the interfaces only where the reference structure has several chains."""
    pair, matching = align_pair(reference, ensemble)
    is_complex = len(polymer_chains(pair.molecule)) > 1
    metrics = (*_METRICS, *INTERFACE_METRICS) if is_complex else _METRICS
    lag = lag_note(pair.reference, TICA_SETTINGS.lag_ps)
    notes = (*matching.notes, lag) if lag else matching.notes
    outcome = measure_pair(metrics, pair, options, matching=matching.to_dict(), notes=notes)
    arrays = _arrays(pair) | (interface_arrays(pair) if is_complex else {})
    return replace(outcome, arrays=arrays)


def _arrays(pair: AlignedPair) -> dict[str, list[Any]]:
    """What the page draws and what is pooled over targets."""
    molecule, sides = pair.molecule, {"ensemble": pair.ensemble, "reference": pair.reference}
    arrays: dict[str, list[Any]] = {
        "residue": [molecule.residue_label(int(r)) for r in molecule.residue_index[molecule.representative_atoms()]]
    }
    for name, side in sides.items():
        arrays[f"rmsf_{name}_A"] = rounded(rmsf_A(side))
        arrays[f"rmsf_all_{name}_A"] = rounded(rmsf_A(side, "all"))
        radii = side.once(gyration_radii).values
        shown = np.linspace(0, len(radii) - 1, min(len(radii), _MAX_SERIES)).round().astype(np.int64)
        arrays[f"rg_{name}_A"] = rounded(10.0 * radii[shown])
    with suppress(NotMeasurableError):  # the metric itself says why
        arrays |= pca_points(pair.ensemble, pair.reference)
    return arrays


UNFREEZE = Protocol(
    name="unfreeze",
    version="1",
    title="unfreeze: motion, distributions, contacts, surfaces, torsions and interfaces",
    metrics=(*_METRICS, *INTERFACE_METRICS),
    aggregates=(
        *(Aggregate.median(metric) for metric in _METRICS if metric.better != "equal"),
        Aggregate.pooled_pearson("rmsf_all_reference_A", "rmsf_all_ensemble_A", "rmsf_global_r",
                                 "RMSF, Pearson r over all atoms of all targets"),
        Aggregate.pearson_with_reference(PAIRWISE_RMSD_A, "pairwise_rmsd_r", "Pairwise RMSD, Pearson r over targets"),
        Aggregate.pearson_with_reference(RG_MEAN_A, "rg_r", "Radius of gyration, Pearson r over targets"),
        *(Aggregate.median(metric) for metric in INTERFACE_METRICS if metric.better != "equal"),
    ),
    run=_run,
    settings={
        "superposition": "representative atoms (CA, P) on the reference structure",
        "equivalent_atoms": "PHE TYR ASP GLU ARG by torsion, LEU VAL and phosphates by chirality",
        "contact_nm": 0.8,
        "interval": "value ± 1.96 standard errors of a block bootstrap",
        "max_blocks": MAX_BLOCKS,
        "floor": "first half of the reference, thinned to the ensemble's frames, against the second",
        "baseline": "CA elastic network of 1.5 nm, amplitude fitted to the reference",
        "tica": asdict(TICA_SETTINGS),
        "torsion_bins": torsions.N_BINS,
        "most_frames": {
            "pairwise_rmsd": pairwise_rmsd.MAX_FRAMES,
            "pca_w2": principal_components.MAX_POINTS,
            "sasa": surface_area.SASA_FRAMES,
        },
        "most_atoms": {"dccm": correlations.MAX_ATOMS, "distance_sd": pair_distances.MAX_ATOMS},
        **EXPOSURE_SETTINGS,
        **INTERFACE_SETTINGS,
    },
)  # fmt: skip
