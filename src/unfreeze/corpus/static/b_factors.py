"""What the B-factors of a structure are worth: displacement, a predictor's confidence, or nothing.

Decided from what the file says first, then from the numbers: displacement is large where a residue is exposed, and
confidence is large where it is buried. The numbers themselves are not changed.
"""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.corpus.labels import BFactorLabel
from unfreeze.structure.complex import Complex

__all__ = ["burial_correlation", "label_b_factors", "says_predicted"]

_PREDICTORS = re.compile(
    r"ALPHAFOLD|COLABFOLD|ESMFOLD|ROSETTAFOLD|OPENFOLD|OMEGAFOLD|BOLTZ-?[0-9]|CHAI-?1|THEORETICAL MODEL|_MA_QA_METRIC",
    re.IGNORECASE,
)
_HEAD_BYTES = 2**18  # of a file in which it would say so
_EQUAL_A2 = 0.011  # values are written with two decimals
_CONTACT_NM = 1.0  # of Cα, for the number of neighbours
_MOST_A2 = 1000.0  # PDB's column ends at 999.99
_LEAST_MEAN_A2 = 1.0  # an rms displacement of 0.2 Å; below, the numbers are U in Å² or another thing
_LEAST_RESIDUES = 20  # fewer say nothing about burial
_BURIED = 0.3  # correlation with burial from which one value a residue is taken for a confidence
_NOT_BURIED = 0.05  # of 2,000 structures with displacements 95 % are below -0.23, the median is -0.5
_LEAST_CONFIDENCE = 40.0  # mean pLDDT of what anyone keeps

Meaning = Literal["isotropic", "plddt", "constant", "unknown"]


def label_b_factors(
    molecule: Complex,
    *,
    source: str,
    method: str = "",
    resolution_A: float | None = None,
    head: bytes = b"",
    licence: str = "unknown",
) -> BFactorLabel | None:
    """What the B-factors of a structure are worth.

    Parameters
    ----------
    molecule
        As read; heavy atoms of polymers count.
    source, licence
        For the label.
    method
        Experimental method as the file has it (``X-RAY DIFFRACTION``); empty where it says nothing.
    resolution_A
        As the file has it.
    head
        The file's first bytes, in which a predictor names itself and a refinement says what it left out.

    Returns
    -------
    BFactorLabel or None
        None if there is no polymer.
    """
    polymer = np.isin(molecule.residue_kind, ("protein", "nucleic"))[molecule.residue_index]
    atoms = np.flatnonzero(polymer & ~np.isin(molecule.element, ("H", "D")))
    if not len(atoms):
        return None
    values = molecule.atom_b_factor[atoms]
    finite = np.isfinite(values)
    values = np.where(finite, values, 0.0)
    per_residue = _one_value_a_residue(values, molecule.residue_index[atoms])
    meaning: Meaning = "unknown"
    note = "not finite"
    if finite.all():
        meaning, note = _meaning(molecule, values, per_residue, method, head)
    return BFactorLabel(
        source=source,
        licence=licence,
        note=note,
        meaning=meaning,
        mean_A2=round(float(values.mean()), 3),
        spread_A2=round(float(values.std()), 3),
        per_residue=per_residue,
        resolution_A=resolution_A,
    )


def says_predicted(head: bytes) -> str:
    """The word by which a file says that it is a prediction; empty if it does not."""
    found = _PREDICTORS.search(head[:_HEAD_BYTES].decode("latin-1"))
    return found.group() if found else ""


def burial_correlation(molecule: Complex) -> float | None:
    """Correlation, over protein residues, of the B-factor of Cα with its number of neighbours within 1 nm.

    Below zero for displacements, above zero for the confidence of a predictor; None where there are too few residues
    or no spread.
    """
    alpha = molecule.atom_of_residue("CA")
    alpha = alpha[(molecule.residue_kind == "protein") & (alpha >= 0)]
    if len(alpha) < _LEAST_RESIDUES:
        return None
    places = molecule.coordinates_nm[alpha]
    neighbours = np.array([len(near) for near in KDTree(places).query_ball_point(places, _CONTACT_NM)], dtype=float)
    values = molecule.atom_b_factor[alpha]
    if values.std() < _EQUAL_A2 or neighbours.std() == 0.0:
        return None
    return float(np.corrcoef(values, neighbours)[0, 1])


def _meaning(
    molecule: Complex, values: NDArray[np.float64], per_residue: bool, method: str, head: bytes
) -> tuple[Meaning, str]:
    experiment = method.upper()
    predictor = says_predicted(head)
    if np.ptp(values) < _EQUAL_A2:
        return "constant", f"every atom has {values[0]:.2f}"
    if predictor:
        return "plddt", f"the file says {predictor}" + ("; from 0 to 1" if values.max() <= 1.0 else "")
    if values.min() < 0.0 or values.max() > _MOST_A2:
        return "unknown", f"values from {values.min():.2f} to {values.max():.2f}"
    if "NMR" in experiment:
        return "unknown", "of NMR models, where the column has no agreed meaning"
    if b"RESIDUAL B FACTORS ONLY" in head:
        return "unknown", "residual values only: what translation, libration and screw motion explain is left out"
    buried = burial_correlation(molecule)
    in_range = values.max() <= 1.0 or (values.max() <= 100.0 and values.mean() > _LEAST_CONFIDENCE)
    if not experiment and per_residue and in_range and buried is not None and buried > _BURIED:
        return "plddt", f"one value a residue, larger where it is buried (r = {buried:.2f})"
    if values.mean() < _LEAST_MEAN_A2:
        return "unknown", f"mean {values.mean():.3f}: too small for displacements in Å²"
    common = float(np.unique(values, return_counts=True)[1].max()) / len(values)
    if common > 0.95:
        return "constant", f"{common:.0%} of the atoms have one value"
    if buried is not None and buried > _NOT_BURIED:
        return "unknown", f"larger where a residue is buried (r = {buried:.2f}), as displacements are not"
    return "isotropic", "one value a residue" if per_residue else ""


def _one_value_a_residue(values: NDArray[np.float64], residue: NDArray[np.int64]) -> bool:
    """Whether values are equal within residues that have several atoms (and there are such)."""
    starts = np.flatnonzero(np.r_[True, np.diff(residue) != 0])
    spans = np.maximum.reduceat(values, starts) - np.minimum.reduceat(values, starts)
    several = np.diff(np.r_[starts, len(values)]) > 1
    return bool(several.any() and (spans[several] < _EQUAL_A2).mean() > 0.98)
