"""Where the side chains of mutated residues are: the one thing of a structure that likeness of errors looks at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.mutations import Mutation
from unfreeze.properties.modalities.structure import protein_sites
from unfreeze.properties.places import label_of, residue_labels
from unfreeze.structure.complex import Complex

__all__ = ["side_chain_points"]


def side_chain_points(source: Complex | str, mutations: Sequence[Mutation]) -> NDArray[np.float64]:
    """CB, or CA where there is none, of the residue of each mutation.

    Parameters
    ----------
    source
        The structure; a sequence has no places.
    mutations
        Of residues; those that the structure does not have are nowhere.

    Returns
    -------
    float64 [n_mutations, 3]
        nm; NaN for nowhere.
    """
    found = np.full((len(mutations), 3), np.nan)
    if isinstance(source, str):
        return found
    sites = protein_sites(source)
    row_of = dict(zip(residue_labels(source, sites), sites.tolist(), strict=True))
    beta, alpha = source.atom_of_residue("CB"), source.atom_of_residue("CA")
    for k, one in enumerate(mutations):
        row = row_of.get(label_of(one.chain, one.number, one.insertion_code))
        if row is not None:
            found[k] = source.coordinates_nm[beta[row] if beta[row] >= 0 else alpha[row]]
    return found
