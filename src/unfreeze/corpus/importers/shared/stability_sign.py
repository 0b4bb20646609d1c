"""The sign of a table of stability changes, from the numbers: which way is up is never taken on trust.

Sources differ in whether a destabilising mutation is negative. It is told by mutations whose direction is known: those
of a natural protein destabilise on the average, and their reverse stabilises by as much (the idea of Ssym: Pucci,
Bernaerts, Kwasigroch & Rooman 2018, Bioinformatics 34, 3659).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["SignEvidence", "SignRow", "sign_of_table"]

_LEAST_ROWS = 10
_LEAST_SIGMA = 3.0

Sign = Literal[-1, 0, 1]


@dataclass(frozen=True)
class SignRow:
    """A value and what tells its direction.

    Attributes
    ----------
    key
        The mutation as pair tables write it (``1AMQ_A_C191Y``); empty for none.
    sequences
        Wild type and mutant, to find a row and its reverse.
    value
        As the table has it.
    is_reverse
        Whether the table itself says that it is a reverse mutation.
    """

    key: str
    sequences: tuple[str, str]
    value: float
    is_reverse: bool = False


@dataclass(frozen=True)
class SignEvidence:
    """What was concluded and from what.

    Attributes
    ----------
    sign
        1 if negative destabilises, -1 if positive does, 0 if that is not established.
    words
        One sentence for every piece of evidence.
    """

    sign: Sign
    words: tuple[str, ...]


def sign_of_table(
    rows: Sequence[SignRow], direct: Collection[str] = (), reverse: Collection[str] = ()
) -> SignEvidence:  # fmt: skip
    """Whether negative numbers destabilise.

    Parameters
    ----------
    rows
        Of the table.
    direct, reverse
        Mutations that a table of pairs (Ssym) has as direct and as reverse.

    Returns
    -------
    SignEvidence
        Mutations of the pair table decide, where there are ten; all direct mutations otherwise. Evidence that does not
        agree establishes nothing.
    """
    forward = {row.sequences for row in rows if not row.is_reverse}
    known_direct, known_reverse = set(direct), set(reverse)
    values = np.array([row.value for row in rows], dtype=np.float64)
    in_direct = np.array([row.key in known_direct for row in rows], dtype=bool)
    in_reverse = np.array([row.key in known_reverse and row.key not in known_direct for row in rows], dtype=bool)
    turned = np.array([row.is_reverse for row in rows], dtype=bool)
    # A row whose reverse is in the table as well says nothing by its mean.
    alone = np.array([row.sequences[::-1] not in forward for row in rows], dtype=bool)
    verdicts: list[Sign] = []
    words: list[str] = []
    for chosen, name, turn in (
        (in_direct, "direct mutations of the pair table", 1),
        (in_reverse, "reverse mutations of the pair table", -1),
        (turned, "rows that the table calls reverse", -1),
        (alone & ~turned & ~in_reverse, "direct mutations", 1),
    ):
        verdict, text = _verdict(values[chosen], name, turn)
        if text:
            words.append(text)
        if verdict:
            verdicts.append(verdict)
    sign: Sign = verdicts[0] if verdicts and len(set(verdicts)) == 1 else 0
    return SignEvidence(sign, tuple(words))


def _verdict(values: NDArray[np.float64], name: str, turn: int) -> tuple[Sign, str]:
    """The sign that some values speak for: their mean must be three standard errors from zero."""
    if len(values) < _LEAST_ROWS:
        return 0, ""
    mean, error = float(values.mean()), float(values.std(ddof=1)) / np.sqrt(len(values))
    text = f"{len(values)} {name} have the mean {mean:+.2f} ± {error:.2f}"
    if abs(mean) < _LEAST_SIGMA * error:
        return 0, text + ", which tells nothing"
    return (1 if mean * turn < 0 else -1), text
