"""Protocol `alphaflow`: the table of arXiv 2402.04845 as its authors' scripts compute it, to compare with publications.

Use protocol `unfreeze` to judge a model; this one keeps the original's faults (see
:mod:`unfreeze.evaluate.protocols.alphaflow_numbers`), has no intervals, and matches atoms by residue name and number.
"""

from __future__ import annotations

import math

import numpy as np

from unfreeze.evaluate.frames import Frames
from unfreeze.evaluate.metric import Estimate, Metric
from unfreeze.evaluate.protocol import Aggregate, Options, Outcome, Protocol
from unfreeze.evaluate.protocols.alphaflow_numbers import SETTINGS, numbers, select

__all__ = ["ALPHAFLOW"]


def _distance(name: str, title: str, group: str = "distribution") -> Metric:
    return Metric(name, title, unit="Å", better="lower", group=group)


def _score(name: str, title: str, group: str) -> Metric:
    return Metric(name, title, perfect=1.0, bounds=(-1.0, 1.0), group=group)


MD_PAIRWISE = Metric("md_pairwise", "Pairwise RMSD of the MD", unit="Å", better="equal", group="motion")
PAIRWISE = Metric("af_pairwise", "Pairwise RMSD", unit="Å", better="equal", group="motion")
RMSF_PEARSON = _score("rmsf_pearson", "RMSF, Pearson r", "motion")
RMWD = _distance("rmwd", "Root mean Wasserstein distance (RMWD)")
RMWD_TRANSLATION = _distance("emd_mean", "RMWD, translation part")
RMWD_VARIANCE = _distance("emd_var", "RMWD, variance part")
MD_PCA = _distance("refemd", "MD PCA W2")
JOINT_PCA = _distance("jointemd", "Joint PCA W2")
COSINE = Metric("cosine_sim", "First components, |cosine|", perfect=1.0, bounds=(0.0, 1.0), group="distribution")
WEAK = Metric("weak_contacts_iou", "Weak contacts, Jaccard", perfect=1.0, bounds=(0.0, 1.0), group="contacts")
TRANSIENT = Metric("transient_contacts_iou", "Transient contacts, Jaccard", perfect=1.0, bounds=(0.0, 1.0),
                   group="contacts")  # fmt: skip
EXPOSED = Metric("sasa_iou", "Exposed residues, Jaccard", perfect=1.0, bounds=(0.0, 1.0), group="surface")
EXPOSURE_MI = _score("exposon_mi_spearman", "Exposure mutual information, Spearman ρ", "surface")

METRICS = (
    MD_PAIRWISE,
    PAIRWISE,
    RMSF_PEARSON,
    _score("rmsf_spearman", "RMSF, Spearman ρ", "motion"),
    _score("rmsf_kendall", "RMSF, Kendall τ", "motion"),
    RMWD,
    RMWD_TRANSLATION,
    RMWD_VARIANCE,
    MD_PCA,
    _distance("refemd_tr", "MD PCA W2, distance of the means"),
    _distance("refemd_int", "MD PCA W2, about the means"),
    JOINT_PCA,
    _distance("jointemd_tr", "Joint PCA W2, distance of the means"),
    _distance("jointemd_int", "Joint PCA W2, about the means"),
    COSINE,
    WEAK,
    TRANSIENT,
    Metric("num_sasa", "Residues that open in the MD", better="equal", group="surface"),
    EXPOSED,
    _score("exposon_mi_pearson", "Exposure mutual information, Pearson r", "surface"),
    EXPOSURE_MI,
    _score("exposon_mi_kendall", "Exposure mutual information, Kendall τ", "surface"),
)

_UNDEFINED = {
    "sasa_iou": "no residue that is buried in the structure opens in more than 10 % of either ensemble",
    "weak_contacts_iou": "no contact of the structure is lost in either ensemble",
    "transient_contacts_iou": "no contact forms in either ensemble",
}


def _run(ensemble: Frames, reference: Frames, options: Options) -> Outcome:
    """Score one ensemble as the original does; the floor is the first half of the MD, thinned, against the second."""
    chosen = select(ensemble, reference)
    found = _with_rmwd(numbers(chosen))
    beside = {}
    notes = ["The floor is the first half of the reference against the second; this protocol has no intervals."]
    if options.floor and reference.n_frames >= 4:
        half = reference.n_frames // 2
        first = np.unique(np.linspace(0, half - 1, min(half, ensemble.n_frames)).round().astype(np.int64))
        part = (reference.take(first), reference.take(np.arange(half, reference.n_frames)))
        beside = _with_rmwd(numbers(select(*part)))
    estimates = {metric.name: _estimate(metric.name, found, beside) for metric in METRICS}
    details = {key: value for key, value in found.items() if key.startswith("EMD")}
    structure = chosen.structure
    return Outcome(
        estimates,
        matching={
            "rule": "residue name, residue number and atom name; the first atom found",
            "n_matched_atoms": structure.n_atoms,
            "n_matched_alpha": len(chosen.alpha),
            "n_reference_atoms": reference.molecule.n_atoms,
            "n_ensemble_atoms": ensemble.molecule.n_atoms,
        },
        arrays={
            "rmsf_all_ensemble_A": _rounded(chosen.ensemble_rmsf_A),
            "rmsf_all_reference_A": _rounded(chosen.reference_rmsf_A),
            "residue": [structure.residue_label(int(r)) for r in structure.residue_index[chosen.alpha]],
            "rmsf_ensemble_A": _rounded(chosen.ensemble_rmsf_A[chosen.alpha]),
            "rmsf_reference_A": _rounded(chosen.reference_rmsf_A[chosen.alpha]),
            "emd_names": list(details),
            "emd_A": list(details.values()),
        },
        notes=tuple(notes),
    )


def _with_rmwd(found: dict[str, float]) -> dict[str, float]:
    return {**found, "rmwd": math.hypot(found["emd_mean"], found["emd_var"])}


def _estimate(name: str, found: dict[str, float], floor: dict[str, float]) -> Estimate:
    own = found["md_pairwise"] if name == "af_pairwise" else None
    beside = floor.get(name, math.nan)
    value = found[name]
    if not math.isfinite(value):
        return Estimate(None, reference=own, reason=_UNDEFINED.get(name, "undefined: nothing varies"))
    return Estimate(value, floor=beside if math.isfinite(beside) else None, reference=own)


def _rounded(values: np.ndarray) -> list[float]:
    return [float(f"{value:.6g}") for value in values]


ALPHAFLOW = Protocol(
    name="alphaflow",
    version="1",
    title="ATLAS table of AlphaFlow, as published",
    metrics=METRICS,
    aggregates=(
        Aggregate.pearson_with_reference(PAIRWISE, "pairwise_rmsd_r", "Pairwise RMSD, Pearson r over targets"),
        Aggregate.median(PAIRWISE),
        Aggregate.median(MD_PAIRWISE),
        Aggregate.pooled_pearson("rmsf_all_reference_A", "rmsf_all_ensemble_A", "rmsf_global_r",
                                 "RMSF, Pearson r over all atoms of all targets"),
        Aggregate.median(RMSF_PEARSON),
        Aggregate.median(RMWD),
        Aggregate.median(RMWD_TRANSLATION),
        Aggregate.median(RMWD_VARIANCE),
        Aggregate.median(MD_PCA),
        Aggregate.median(JOINT_PCA),
        Aggregate.share_above(COSINE, 0.5, "pc_sim_share", "Targets with |cosine| of the first components > 0.5"),
        Aggregate.median(WEAK),
        Aggregate.median(TRANSIENT),
        Aggregate.median(EXPOSED),
        Aggregate.median(EXPOSURE_MI),
    ),
    run=_run,
    settings=SETTINGS,
)  # fmt: skip
