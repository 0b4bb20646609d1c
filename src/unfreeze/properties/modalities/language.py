"""The modality *language*: what a protein language model says of a residue in its chain, where the user has one.

Embeddings are those of the chain as it is (`properties.language`). Unlike sequence and structure they know which amino
acid stands at the site itself, so that they take no part in learning which one suits the surroundings; and an effect
and its reverse, read from the mutant's chain, need not be the exact negative of each other. Bound and free, a chain has
the same ones: what sees no difference between the two is zero still.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unfreeze.model.network import Array, linear, silu
from unfreeze.properties.language.identity import LanguageIdentity
from unfreeze.structure.complex import Complex
from unfreeze.structure.similarity.sequences import chain_sequences

__all__ = [
    "CONSTANTS",
    "SUMMARY",
    "ChainPlaces",
    "Reader",
    "chain_places",
    "encode",
    "initial_constants",
    "layers",
    "site_vectors",
    "summary",
]

CONSTANTS = ("language.mean", "language.spread")
"""Parameters that are not learned: mean and spread of the embeddings in training, number by number."""
SUMMARY = 3
"""Vectors that stand for a whole chain."""
_NEAR_AN_END = 64  # residues: signals and transit peptides are there
_LARGEST = 5.0

ChainPlaces = tuple[list[str], NDArray[np.int64], NDArray[np.int64]]
"""Letters of chains, and for every site its chain and its place in it."""


class Reader(Protocol):
    """What reads chains: :class:`unfreeze.properties.language.embeddings.LanguageModel`."""

    @property
    def identity(self) -> LanguageIdentity:
        """Which model it is."""
        ...

    def residues(self, sequences: list[str]) -> list[NDArray[np.float16]]:
        """One vector a residue of every chain: [n_residues, n_numbers] each."""
        ...


def chain_places(molecule: Complex, sites: NDArray[np.int64]) -> ChainPlaces:
    """Chains that sites are in, and where: [n_sites] twice; only residues with coordinates are in a chain."""
    chains = chain_sequences(molecule)
    chain = np.full(molecule.n_residues, -1, dtype=np.int64)
    place = np.full(molecule.n_residues, -1, dtype=np.int64)
    for number, one in enumerate(chains):
        chain[one.residues], place[one.residues] = number, np.arange(len(one.residues))
    used, which = np.unique(chain[sites], return_inverse=True)
    return [chains[number].letters for number in used], which, place[sites]


def site_vectors(reader: Reader, places: ChainPlaces) -> NDArray[np.float16]:
    """Embeddings of sites: [n_sites, n_numbers]."""
    letters, chain, place = places
    vectors = np.zeros((len(place), reader.identity.width), dtype=np.float16)
    for k, found in enumerate(reader.residues(letters)):
        vectors[chain == k] = found[place[chain == k]]
    return vectors


def summary(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """A chain as one vector: means over all of it and over 64 residues at either end: [3 n_numbers]."""
    parts = (vectors, vectors[:_NEAR_AN_END], vectors[-_NEAR_AN_END:])
    return np.concatenate([part.mean(axis=0) for part in parts]).astype(np.float32)


def layers(width: int, n_numbers: int) -> dict[str, tuple[int, int, float]]:
    """Names of the linear maps of the encoder, with numbers in and out and the scale of the first weights.

    The encoder begins small, for it is added to what was learned from structures without it.
    """
    return {"language.in": (n_numbers, width, 1.0), "language.out": (width, width, 0.1)}


def initial_constants(n_numbers: int) -> dict[str, NDArray[np.float32]]:
    """Parameters that are no linear maps."""
    return dict(zip(CONSTANTS, (np.zeros(n_numbers, np.float32), np.ones(n_numbers, np.float32)), strict=True))


def encode(parameters: Mapping[str, Array], vectors: Array) -> Array:
    """Encode sites.

    Parameters
    ----------
    parameters
        Weights by name.
    vectors : [n_sites, n_numbers]
        Embeddings.

    Returns
    -------
    [n_sites, width]
    """
    normal = ((vectors - parameters["language.mean"]) / parameters["language.spread"]).clip(-_LARGEST, _LARGEST)
    return linear(parameters, "language.out", silu(linear(parameters, "language.in", normal)))
