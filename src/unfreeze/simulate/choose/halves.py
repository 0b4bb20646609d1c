"""How much repeated simulations of one system, or the two halves of one, disagree. A heuristic, not a test.

Agreement proves little: two halves may agree because neither has left the first basin. Statistical errors and effective
sample sizes of a run are given in :mod:`unfreeze.simulate.quality.convergence`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from unfreeze.structure.complex import Complex
from unfreeze.structure.geometry import superpose_on_mean

__all__ = ["Disagreement", "disagreement"]

_LEAST_FRAMES = 10
_MOST_FRAMES = 200
_CONTACT_NM = 0.8  # between Cα (P of nucleotides)
_SEEN = 0.1  # of the frames of one part must have a contact for it to count


@dataclass(frozen=True)
class Disagreement:
    """How much parts of the data on one system differ, 0 for not at all and 1 for wholly.

    Attributes
    ----------
    between
        Share of the variance of Cα positions that lies between the parts rather than within them.
    fluctuations
        Relative difference of the RMSF, Σ|a − b| / Σ(a + b) over residues; the largest of all pairs of parts.
    contacts
        Mean difference of how often contacts (between chains, or within the only one) hold; the largest of all pairs.
    parts
        What was compared: ``two halves`` or ``3 replicas``.
    """

    between: float
    fluctuations: float
    contacts: float
    parts: str

    @property
    def value(self) -> float:
        """The largest of the three."""
        return max(self.between, self.fluctuations, self.contacts)

    @property
    def reason(self) -> str:
        """The largest of the three in words."""
        if self.value == self.between:
            return f"{self.between:.0%} of its motion lies between {self.parts}"
        if self.value == self.fluctuations:
            return f"fluctuations of {self.parts} differ by {self.fluctuations:.0%}"
        return f"contacts of {self.parts} differ by {self.contacts:.0%}"


def disagreement(molecule: Complex, replicas: Sequence[NDArray[np.floating]]) -> Disagreement | None:
    """Compare replicas with each other, or the halves of a single one.

    Parameters
    ----------
    molecule
        The atoms; only Cα and P are used.
    replicas
        Coordinates [n_frames, n_atoms, 3] of each, nm; chains of a complex side by side. Equally many frames of each
        part are taken, at most 200, evenly.

    Returns
    -------
    Disagreement or None
        None where there are not ten frames a part, or not three atoms to superpose.
    """
    atoms = molecule.representative_atoms()
    usable = [frames for frames in replicas if len(frames) >= _LEAST_FRAMES]
    words = f"{len(usable)} replicas"
    if len(usable) == 1:
        half = len(usable[0]) // 2
        usable, words = [usable[0][:half], usable[0][-half:]], "two halves"
    if len(atoms) < 3 or len(usable) < 2 or min(map(len, usable)) < _LEAST_FRAMES:
        return None
    n_frames = min(_MOST_FRAMES, *map(len, usable))
    taken = [part[np.linspace(0, len(part) - 1, n_frames).round().astype(int)][:, atoms] for part in usable]
    parts = np.split(superpose_on_mean(np.concatenate(taken).astype(np.float64)), len(taken))
    means = np.stack([part.mean(axis=0) for part in parts])
    squares = [((part - mean) ** 2).sum(axis=2).mean(axis=0) for part, mean in zip(parts, means, strict=True)]
    within = float(np.mean([one.sum() for one in squares]))
    between = float(((means - means.mean(axis=0)) ** 2).sum(axis=(1, 2)).mean())
    rmsf = [np.sqrt(one) for one in squares]
    chains = molecule.atom_chain_index[atoms]
    held = [_contacts(part, chains) for part in parts]
    pairs = list(combinations(range(len(parts)), 2))
    return Disagreement(
        between=between / (between + within) if between + within > 0 else 0.0,
        fluctuations=max(_relative(rmsf[a], rmsf[b]) for a, b in pairs),
        contacts=max(_difference(held[a], held[b]) for a, b in pairs),
        parts=words,
    )


def _contacts(frames: NDArray[np.float64], chains: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of frames in which pairs of atoms are in contact: between chains, or beyond neighbours of the only one."""
    rows = np.arange(len(chains))
    wanted = chains[:, None] < chains[None] if chains.max() > chains.min() else rows[:, None] + 3 < rows[None]
    total = np.zeros(int(wanted.sum()))
    for frame in frames:
        total += cdist(frame, frame)[wanted] < _CONTACT_NM
    return total / len(frames)


def _difference(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    seen = np.maximum(one, other) >= _SEEN
    return float(np.abs(one - other)[seen].mean()) if seen.any() else 0.0


def _relative(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    total = float((one + other).sum())
    return float(np.abs(one - other).sum()) / total if total > 0 else 0.0
