"""The model of whole proteins as it is shipped: networks, calibration, thresholds, and known enzymes to compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.properties.language.embeddings import LanguageModel
from unfreeze.properties.language.identity import LanguageIdentity, agree
from unfreeze.properties.modalities.language import summary
from unfreeze.properties.protein.descriptors import describe
from unfreeze.properties.protein.encoder import decode, encode_proteins
from unfreeze.properties.protein.letters import batch, letter_codes
from unfreeze.properties.protein.neighbours import Reference
from unfreeze.properties.protein.profile import Profile

__all__ = [
    "WITHOUT_LETTERS",
    "Calibration",
    "Limits",
    "ProteinModel",
    "logits_of",
    "scaled_descriptors",
    "summaries",
    "used_parameters",
]

WITHOUT_LETTERS = ("descriptors.", "language.", "mix.", "heads.", "centre", "scale")
"""What names of parameters begin with that are used where descriptors alone are read."""

_MOST_PLACES = 40_000  # residues of a batch, so that memory stays small
_CLIP = 5.0


@dataclass(frozen=True)
class Calibration:
    """How logits become probabilities and probabilities decisions.

    Attributes
    ----------
    temperature
        Logits are divided by it (Guo et al. 2017, ICML).
    thresholds : [n_classes]
        A class is chosen from its threshold on.
    """

    temperature: float
    thresholds: tuple[float, ...]


@dataclass(frozen=True)
class Limits:
    """What the chains that the model was trained on are like.

    Attributes
    ----------
    shortest
        Residues of the 0.1 % shortest.
    farthest
        Distance of composition from that of natural proteins that one in a thousand exceeds
        (`protein.outside.distance`).
    composition : [20]
        Mean share of every amino acid.
    spread : [20]
        Its standard deviation.
    """

    shortest: int
    farthest: float
    composition: tuple[float, ...]
    spread: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class ProteinModel:
    """Everything that prediction needs.

    Attributes
    ----------
    members
        Parameters of every network: those of `protein.encoder`, and ``centre`` and ``scale`` of its descriptors.
    terms
        What the network's decoder of function tells, in the order of its numbers; all are among those of `profile`.
    longest
        Residues of a chain that the convolutions read, two thirds of them at the amino end; 0 for none.
    location, function
        How their logits are read.
    confidence
        In a neighbour, by the number of places (`protein.neighbours`).
    network_share
        How much of the network's probability enters beside the profile, 0 to 1.
    reference
        Chains of known function.
    profile
        From likeness to all of them to terms; its terms are all that can be told.
    limits
        Of what it was trained on.
    card
        What it is, for people.
    language
        The language model that it was trained with; None for none.
    reader
        That language model itself, as it is here; needed to predict where there is one.
    """

    members: tuple[Mapping[str, NDArray[np.float32]], ...]
    terms: tuple[str, ...]
    longest: int
    location: Calibration
    function: Calibration
    confidence: Mapping[int, NDArray[np.float64]]
    network_share: float
    reference: Reference
    profile: Profile
    limits: Limits
    card: Mapping[str, Any] = field(default_factory=dict)
    language: LanguageIdentity | None = None
    reader: LanguageModel | None = None

    def logits(self, sequences: Sequence[str], task: str) -> NDArray[np.float64]:
        """Mean logits of the members, before the temperature: [n_sequences, n_classes].

        Parameters
        ----------
        sequences
            Of at least three letters each, checked.
        task
            ``location`` or ``function``.

        Raises
        ------
        InputError
            If the language model that the weights need is not there.
        """
        agree("the weights", self.language, self.reader.identity if self.reader else None)
        said = summaries(self.reader, sequences) if self.reader else None
        codes = [letter_codes(sequence) for sequence in sequences]
        descriptors = np.stack([describe(one) for one in codes])
        found = [
            logits_of(member, codes, descriptors, task, self.longest, with_letters=self.longest > 0, said=said)
            for member in self.members
        ]
        return np.mean(found, axis=0)


def summaries(
    reader: LanguageModel, sequences: Sequence[str], progress: Callable[[int, int], None] | None = None
) -> NDArray[np.float32]:
    """What a language model says of chains: [n_chains, n_language]."""
    return np.stack(reader.summaries(sequences, summary, "chain", progress)).astype(np.float32)


def scaled_descriptors(
    descriptors: NDArray[np.float32], centre: NDArray[np.float32], scale: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Descriptors in units of their spread, at most five from the mean."""
    return np.clip((descriptors - centre) / scale, -_CLIP, _CLIP).astype(np.float32)


def logits_of(
    member: Mapping[str, NDArray[np.float32]],
    codes: Sequence[NDArray[np.int8]],
    descriptors: NDArray[np.float32],
    task: str,
    longest: int,
    *,
    with_letters: bool = True,
    said: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Logits of one network, a few chains of like length at a time: [n_chains, n_classes].

    Parameters
    ----------
    member
        As in :class:`ProteinModel`.
    codes
        Of `protein.letters.letter_codes`.
    descriptors : float32 [n_chains, n_descriptors]
        Of `protein.descriptors.describe`.
    task
        The decoder.
    longest
        Residues of a chain that are read.
    with_letters
        Whether they are read, or the descriptors alone.
    said : float32 [n_chains, n_language], optional
        Of :func:`summaries`, where there is a language model.
    """
    language = None if said is None else scaled_descriptors(said, member["language.centre"], member["language.scale"])
    scaled = scaled_descriptors(descriptors, member["centre"], member["scale"])
    lengths = np.array([min(len(one), longest) if with_letters else 1 for one in codes])
    found = np.zeros((len(codes), member[f"heads.{task}.bias"].shape[0]), dtype=np.float32)
    for rows in _groups(lengths):
        letters, ends = batch([codes[row] for row in rows], longest) if with_letters else (None, None)
        of_rows = None if language is None else language[rows]
        vectors = encode_proteins(member, letters, ends, scaled[rows], language=of_rows)
        found[rows] = decode(member, task, vectors)
    return found


def used_parameters(member: Mapping[str, NDArray[np.float32]], with_letters: bool) -> dict[str, NDArray[np.float32]]:
    """The parameters of a network that are used: without letters, those of the convolutions are not."""
    return {name: array for name, array in member.items() if with_letters or name.startswith(WITHOUT_LETTERS)}


def _groups(lengths: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Rows by length, such that a group padded to its longest has not too many places."""
    groups: list[NDArray[np.int64]] = []
    start, order = 0, np.argsort(lengths, kind="stable")
    for end in range(1, len(order) + 1):
        if end == len(order) or (end + 1 - start) * lengths[order[end]] > _MOST_PLACES:
            groups.append(order[start:end])
            start = end
    return groups
