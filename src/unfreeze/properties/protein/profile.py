"""Function from likeness to many enzymes at once: a chain as the vector of its alignments with a reference.

A neighbour below 30 % identity is often a chance one, but several weak neighbours of one class are not. So terms are
predicted by ridge regression on the vector of significances of a chain's local alignments with all chains of the
reference (the pairwise vectors of Liao and Noble 2003, J. Comput. Biol. 10, 857).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Profile", "fit_profile", "profile_vectors"]

_LAMBDA, _K = 0.267, 0.041  # of BLOSUM62 with gaps of 11 + 1, as in `tables.local_alignment`


@dataclass(frozen=True, eq=False)
class Profile:
    """A linear map from significances to terms.

    Attributes
    ----------
    terms
        Names of the columns.
    mean : float32 [n_terms]
        How frequent each is.
    weights : float32 [n_chains, n_terms]
        Of every chain of the reference.
    """

    terms: tuple[str, ...]
    mean: NDArray[np.float32]
    weights: NDArray[np.float32]

    def predict(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Chance of every term, [n, n_terms], for vectors of :func:`profile_vectors`."""
        return np.clip(self.mean + vectors @ self.weights.astype(np.float64), 0.0, 1.0)


def profile_vectors(
    scores: NDArray[np.integer], lengths: NDArray[np.integer], reference_lengths: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Significance of every alignment, log(1 + −ln E) for E below 1, as vectors of length 1 at most: [n, n_chains].

    Parameters
    ----------
    scores : [n, n_chains]
        Local scores with the chains of the reference.
    lengths : [n]
        Residues of the chains asked about.
    reference_lengths : [n_chains]
        Residues of the chains of the reference.
    """
    pairs = np.log(_K * len(reference_lengths) * lengths[:, None] * reference_lengths[None, :].astype(np.float64))
    values = np.log1p(np.maximum(_LAMBDA * scores - pairs, 0.0))
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1.0)


def fit_profile(
    vectors: NDArray[np.float64], truth: NDArray[np.bool_], terms: tuple[str, ...], *, ridge: float = 0.3
) -> Profile:
    """Ridge regression in its dual form.

    Parameters
    ----------
    vectors : [n_chains, n_chains]
        Of the reference with itself.
    truth : bool [n_chains, n_terms]
        What the chains have.
    terms
        Names of the columns.
    ridge
        Strength of the pull to the mean.
    """
    mean = truth.mean(0)
    dual = np.linalg.solve(vectors @ vectors.T + ridge * np.eye(len(vectors)), truth - mean)
    return Profile(terms, mean.astype(np.float32), (vectors.T @ dual).astype(np.float32))
