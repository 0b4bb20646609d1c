"""Torsion metrics: whether φ, ψ and χ are distributed as in the reference, residue by residue.

Histograms are compared by the Jensen–Shannon distance. Time correlations of torsions are
:mod:`unfreeze.evaluate.metrics.autocorrelations`; the slow coordinates made of them
:mod:`unfreeze.evaluate.metrics.time_correlations`. ω is left out: it says whether frames are sound, not how they move.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, Metric, NotMeasurableError
from unfreeze.evaluate.metrics.walking import block_weights
from unfreeze.evaluate.samples import BlockMeans
from unfreeze.structure.chemistry.residues import AMINO_ACIDS, TORSION_NAMES
from unfreeze.structure.complex import Complex
from unfreeze.structure.geometry import torsion_angles
from unfreeze.structure.internal_coordinates.torsions import torsion_atoms

__all__ = [
    "BACKBONE",
    "BACKBONE_TORSION_JSD",
    "JSD_BOUNDS",
    "N_BINS",
    "SIDECHAIN_TORSION_JSD",
    "SIDE_CHAIN",
    "TorsionSet",
    "chosen_torsions",
    "js_distances",
    "torsion_histograms",
    "torsion_jsd",
    "walk_torsions",
]

BACKBONE = ("phi", "psi")
SIDE_CHAIN = ("chi1", "chi2", "chi3", "chi4")
N_BINS = 36
"""Bins of 10° in protocol ``unfreeze``: wide enough that a few hundred frames fill a rotamer's well (see
:func:`js_distances` on bias), narrow enough that the wells (some 30° wide) keep their shape."""

JSD_BOUNDS = (0.0, float(np.sqrt(np.log(2.0))))
_CHUNK_TORSIONS = 200_000  # torsions worked on at once; each needs some 300 bytes


@dataclass(frozen=True, eq=False)
class TorsionSet:
    """Some torsions of a molecule.

    Attributes
    ----------
    atoms : int64 [n_torsions, 4]
        The atoms of each.
    residue : int64 [n_torsions]
        Residue of each.
    name : str [n_torsions]
        ``phi``, ``psi``, ``chi1`` …
    symmetric : bool [n_torsions]
        Whether the group that it turns looks the same after half a turn: χ2 of Phe, Tyr and Asp, χ3 of Glu (and χ5 of
        Arg). These are taken modulo π, so that a flip, which nobody could see, changes nothing.
    """

    atoms: NDArray[np.int64]
    residue: NDArray[np.int64]
    name: NDArray[np.str_]
    symmetric: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.atoms)

    def take(self, rows: slice) -> TorsionSet:
        """Some of them."""
        return TorsionSet(self.atoms[rows], self.residue[rows], self.name[rows], self.symmetric[rows])


def chosen_torsions(molecule: Complex, names: tuple[str, ...], fold: bool = True) -> TorsionSet:
    """The torsions of the given names, residue by residue.

    Parameters
    ----------
    molecule
        The complex; its peptide links say which residues are neighbours, so none spans a chain break.
    names
        Of :data:`unfreeze.structure.chemistry.residues.TORSION_NAMES`.
    fold
        Whether symmetric groups are known as such; False takes all torsions as atom names have them.
    """
    columns = [TORSION_NAMES.index(name) for name in names]
    quads = torsion_atoms(molecule)[:, columns]
    residue, place = np.nonzero(quads[..., 0] >= 0)
    name = np.array(names, dtype="<U5")[place]
    parent = molecule.residue_parent_name[residue]
    symmetric = np.zeros(len(residue), dtype=bool)
    if fold:
        for acid, torsion in _SYMMETRIC:
            symmetric |= (parent == acid) & (name == torsion)
    return TorsionSet(quads[residue, place], residue.astype(np.int64), name, symmetric)


def walk_torsions(side: Side, torsions: TorsionSet) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Values of torsions, a few frames at a time and never across blocks of the bootstrap.

    Yields
    ------
    slice, float64 [n_chosen_frames, n_torsions]
        Which frames, and radians in [−π, π]; symmetric torsions in [−π/2, π/2).
    """
    bounds = np.flatnonzero(np.diff(side.block, prepend=-1, append=-1))
    step = max(1, _CHUNK_TORSIONS // max(len(torsions), 1))
    for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        for first in range(begin, end, step):
            chosen = slice(first, min(first + step, end))
            frames = side.frames_nm[chosen]
            points = (np.asarray(frames[:, torsions.atoms[:, place]], dtype=np.float64) for place in range(4))
            angles = torsion_angles(*points)
            folded = angles[:, torsions.symmetric]
            angles[:, torsions.symmetric] = np.mod(folded + np.pi / 2, np.pi) - np.pi / 2
            yield chosen, angles


def torsion_histograms(side: Side, names: tuple[str, ...], n_bins: int = N_BINS, fold: bool = True) -> BlockMeans:
    """Weighted histograms of every torsion over [−π, π].

    Returns
    -------
    BlockMeans
        One quantity, [n_blocks, n_torsions, n_bins]; every histogram of a mean sums to 1.

    Raises
    ------
    NotMeasurableError
        If the molecule has no such torsion.
    """
    torsions = side.once(_torsions_of, names, fold)
    sums = np.zeros((int(side.block[-1]) + 1, len(torsions), n_bins))
    row = np.arange(len(torsions)) * n_bins
    for chosen, angles in walk_torsions(side, torsions):
        bins = np.clip(((angles + np.pi) * (n_bins / (2.0 * np.pi))).astype(np.int64), 0, n_bins - 1)
        weights = np.broadcast_to(side.weights[chosen, None], bins.shape)
        counts = np.bincount((bins + row).ravel(), weights.ravel(), minlength=sums[0].size)
        sums[side.block[chosen.start]] += counts.reshape(sums.shape[1:])
    return BlockMeans(block_weights(side), (sums,))


def js_distances(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
    """Jensen–Shannon distances between histograms: the square root of the divergence, with natural logarithms.

    d = [½ KL(p‖m) + ½ KL(q‖m)]^½ with m = (p + q)/2 (Endres & Schindelin 2003, IEEE Trans. Inf. Theory 49, 1858), as
    :func:`scipy.spatial.distance.jensenshannon` has it; between 0 and (ln 2)^½ ≈ 0.833.

    Histograms of finite samples differ though the distributions are one: with K bins in use and N and M independent
    frames the expected divergence is about (K − 1)(1/N + 1/M)/8. So a distance is to be read beside its floor, and
    never compared between different numbers of frames or bins.

    Parameters
    ----------
    first, second
        [..., n_bins]; they need not be normalised.

    Returns
    -------
    float64 [...]
        NaN where a histogram is empty.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        p, q = (h / h.sum(axis=-1, keepdims=True) for h in (np.asarray(first, float), np.asarray(second, float)))
    middle = 0.5 * (p + q)
    divergence = 0.5 * (rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=-1)
    return np.sqrt(np.maximum(divergence, 0.0))


def torsion_jsd(
    ensemble: Side,
    reference: Side,
    *,
    names: tuple[str, ...],
    n_bins: int = N_BINS,
    fold: bool = True,
    counted: tuple[str, ...] | None = None,
) -> Measurement:
    """Mean over torsions of the Jensen–Shannon distance between their histograms.

    Parameters
    ----------
    ensemble, reference
        The two sides.
    names, n_bins, fold
        Which torsions, how many bins on the circle, and whether symmetric groups are taken modulo π.
    counted
        Torsions that histograms are made of, `names` and more, so that several metrics share them.

    Raises
    ------
    NotMeasurableError
        If no such torsion is in both.
    """
    found = reference.once(_torsions_of, names if counted is None else counted, fold).name
    chosen = np.flatnonzero(np.isin(found, names))
    if len(chosen) == 0:
        raise _none_of(names)
    key = (names if counted is None else counted, n_bins, fold)
    return Measurement(
        ensemble.once(torsion_histograms, *key),
        reference.once(torsion_histograms, *key),
        lambda e, r: float(js_distances(e[0][chosen], r[0][chosen]).mean()),
    )


def _torsions_of(side: Side, names: tuple[str, ...], fold: bool) -> TorsionSet:
    torsions = chosen_torsions(side.molecule, names, fold)
    if len(torsions) == 0:
        raise _none_of(names)
    return torsions


def _none_of(names: tuple[str, ...]) -> NotMeasurableError:
    kind = "torsions"
    if set(names) <= set(BACKBONE):
        kind = "backbone torsions"
    elif not set(names) & set(BACKBONE):
        kind = "side-chain torsions"
    return NotMeasurableError(f"the atoms that are in both make no {kind}")


def _symmetric_torsions() -> tuple[tuple[str, str], ...]:
    """Torsions that end on one of two equivalent atoms of a flat group.

    Leucine and valine have such atoms too, but on tetrahedral carbons: exchanging the names there is no rotation.
    """
    found = []
    for acid in AMINO_ACIDS.values():
        equivalent = {atom for pair in acid.symmetric_pairs for atom in pair}
        flat = {atom for group in acid.planar_groups for atom in group}
        found += [(acid.name, f"chi{k + 1}") for k, quad in enumerate(acid.chi) if quad[3] in equivalent & flat]
    return tuple(found)


_SYMMETRIC = _symmetric_torsions()


def _backbone(ensemble: Side, reference: Side) -> Measurement:
    return torsion_jsd(ensemble, reference, names=BACKBONE)


def _side_chain(ensemble: Side, reference: Side) -> Measurement:
    return torsion_jsd(ensemble, reference, names=SIDE_CHAIN)


BACKBONE_TORSION_JSD = Metric(
    "backbone_torsion_jsd", "Backbone torsions, Jensen–Shannon distance", _backbone, better="lower", perfect=0.0,
    bounds=JSD_BOUNDS, group="torsions",
)  # fmt: skip
SIDECHAIN_TORSION_JSD = Metric(
    "sidechain_torsion_jsd", "Side-chain torsions, Jensen–Shannon distance", _side_chain, better="lower", perfect=0.0,
    bounds=JSD_BOUNDS, group="torsions",
)  # fmt: skip
