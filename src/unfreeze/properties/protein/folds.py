"""Folds of sequences such that no two of different folds are alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.split.likeness import Comparison, Progress

__all__ = ["balanced_folds", "cluster_folds"]


def cluster_folds(
    sequences: Sequence[str], *, identity: float = 0.3, n_folds: int = 5, progress: Progress | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Fold and cluster of every sequence; alike sequences (single linkage at an identity) are in one fold.

    Parameters
    ----------
    sequences
        One letter a residue.
    identity
        Over the shorter sequence, from which two are alike.
    n_folds
        How many.
    progress
        As in :class:`unfreeze.corpus.split.likeness.Comparison`.

    Returns
    -------
    folds, clusters : int64 [n_sequences]
    """
    clusters = Comparison(sequences, progress=progress).clusters(identity)
    return balanced_folds(clusters, n_folds), clusters


def balanced_folds(clusters: NDArray[np.int64], n_folds: int = 5) -> NDArray[np.int64]:
    """Folds of about equal size: the largest cluster first, always into the smallest fold.

    Parameters
    ----------
    clusters : int64 [n]
        From 0.
    n_folds
        How many.
    """
    sizes = np.bincount(clusters)
    fold, load = np.zeros(len(sizes), dtype=np.int64), np.zeros(n_folds)
    for cluster in np.argsort(-sizes, kind="stable"):
        fold[cluster] = load.argmin()
        load[fold[cluster]] += sizes[cluster]
    return fold[clusters]
