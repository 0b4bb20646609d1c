"""Numbers of every amino acid at every residue of a complex, for models that learn what mutations do.

Each amino acid is built in the same way at the place of the residue, among everything else as it is, the one that is
there too; so what a mutation changes is the difference of two rows, and its reverse the negative of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.corpus.mutations import AMINO_ACIDS
from unfreeze.properties.mutants.amino_acid_tables import NAME_OF
from unfreeze.properties.mutants.rotamers import KT_KJ_MOL
from unfreeze.properties.mutants.site import PARTS, WEIGHTS, WeighedRotamers, weigh
from unfreeze.properties.mutants.stiffness import Stiffness, heavy_only
from unfreeze.properties.mutants.surroundings import Surroundings
from unfreeze.structure.complex import Complex

__all__ = ["COLUMNS", "mutation_contacts", "site_contacts"]

COLUMNS = (
    *PARTS,
    *(f"mean_{part}" for part in PARTS),
    "rotamer_cost",
    "free_energy",
    "rotamer_entropy",
    "log_n_fitting",
    "heavy_atoms_around",
    "n_atoms",
    "spring_free_energy",
)
"""Columns of :func:`mutation_contacts`.

attraction … repulsion_by_backbone
    Parts of the energy (kJ/mol) and counts of contacts of the best rotamer, see `site.PARTS`; repulsions are
    log(1 + kJ/mol) here, since atoms overlap by chance more than they would in the end.
mean_…
    The same, averaged over all rotamers with Boltzmann's shares at 300 K.
rotamer_cost
    −log of the share of the best rotamer in the library, kT.
free_energy
    −log Σ exp(−E / kT) over rotamers, kT; above 20 compressed by a logarithm.
rotamer_entropy
    Entropy of the shares of rotamers, in k.
log_n_fitting
    log(1 + n) for n rotamers within 3 kT of the best.
heavy_atoms_around
    Heavy atoms within 1 nm of the middle of the side chain (CA for glycine), / 100.
n_atoms
    Heavy atoms of the side chain.
spring_free_energy
    −TΔS of the harmonic ensemble's springs against the structure as it is, kJ/mol (`stiffness`).
"""

_REACH_NM = 1.5
_AROUND_NM = 1.0
_STEEP = 20.0
_REPULSIONS = [PARTS.index("repulsion"), PARTS.index("repulsion_by_backbone")]


def mutation_contacts(
    molecule: Complex,
    sites: Sequence[int] | NDArray[np.int64],
    letters: Sequence[str] | str,
    *,
    springs: bool = True,
    stiffness: Stiffness | None = None,
    progress: Callable[[float], None] | None = None,
) -> NDArray[np.float32]:
    """Numbers of one amino acid at one residue each.

    Parameters
    ----------
    molecule
        The complex, or one partner of it alone.
    sites
        [n] rows of residues with N, CA and C.
    letters
        [n] one-letter codes of the amino acids to put there.
    springs
        Whether to compute the last column; 0 otherwise.
    stiffness
        The springs of `molecule`, if they are at hand.
    progress
        Called with the share that is done.

    Returns
    -------
    float32 [n, n_columns]
        See :data:`COLUMNS`; NaN for a residue without N, CA or C.
    """
    molecule = heavy_only(molecule)
    around = Surroundings.of(molecule)
    if springs and stiffness is None:
        stiffness = Stiffness(molecule)
    rows = np.asarray(sites, dtype=np.int64)
    distinct = np.unique(rows)
    if springs and stiffness is not None and len(distinct) > 40:
        stiffness.prepare_all()
    asked = np.array([AMINO_ACIDS.index(letter) for letter in letters], dtype=np.int64)
    found = np.full((len(rows), len(COLUMNS)), np.nan, dtype=np.float32)
    for done, site in enumerate(distinct.tolist()):
        here = np.flatnonzero(rows == site)
        if (around.backbone[site, :3] >= 0).all():
            wanted, place = np.unique(asked[here], return_inverse=True)
            given = "".join(AMINO_ACIDS[k] for k in wanted)
            found[here] = site_contacts(around, site, given, stiffness if springs else None)[place]
        if progress is not None:
            progress((done + 1) / len(distinct))
    return found


def site_contacts(
    around: Surroundings, site: int, letters: str, stiffness: Stiffness | None = None
) -> NDArray[np.float64]:
    """Numbers of several amino acids at one residue: [n_letters, n_columns]."""
    near = around.near(site, _REACH_NM)
    tree = KDTree(near.points)
    found = np.zeros((len(letters), len(COLUMNS)))
    alpha = around.molecule.coordinates_nm[around.backbone[site, 1]]
    middles = np.tile(alpha, (len(letters), 1))
    for row, letter in enumerate(letters):
        weighed = weigh(around, site, NAME_OF[letter], near)
        found[row, : 2 * len(PARTS) + 4] = _of_rotamers(weighed)
        points = weighed.placed[weighed.best]
        found[row, -2] = len(points)
        if len(points):
            middles[row] = points.mean(axis=0)
        if stiffness is not None:
            found[row, -1] = stiffness.free_energy(stiffness.side_chain_change(site, points))
    found[:, -3] = tree.query_ball_point(middles, _AROUND_NM, return_length=True) / 100.0
    return found


def _of_rotamers(weighed: WeighedRotamers) -> NDArray[np.float64]:
    """Numbers that follow from the energies of the rotamers: [2 n_parts + 4]."""
    shares, best = weighed.shares, weighed.best
    parts = weighed.parts.copy()
    parts[:, _REPULSIONS] = np.log1p(parts[:, _REPULSIONS])
    energy = weighed.energy / KT_KJ_MOL
    least = float(energy[best])
    free = least - float(np.log(np.exp(least - energy).sum()))
    if free > _STEEP:
        free = _STEEP * (1.0 + float(np.log(free / _STEEP)))
    entropy = -float((shares * np.log(np.maximum(shares, 1e-30))).sum())
    cost = (weighed.energy[best] - weighed.parts[best] @ WEIGHTS) / KT_KJ_MOL
    fitting = float(np.log1p((energy < least + 3.0).sum()))
    return np.concatenate([parts[best], shares @ parts, [cost, free, entropy, fitting]])
