"""The modality *function*: what an enzyme catalyses, as numbers of the Enzyme Commission of one to four places.

Terms are all beginnings of a number, so that ``2.7.7.48`` has ``2``, ``2.7``, ``2.7.7`` and itself. A term can be no
likelier than what it is part of; :func:`consistent` sees to that. Labels are those of nrPDB-EC (Gligorijević et al.
2021, Nat. Commun. 12, 3168).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.label_sets import LabelSet
from unfreeze.corpus.labels import FunctionLabel
from unfreeze.errors import InputError
from unfreeze.properties.modalities.classes import logistic_loss

__all__ = [
    "SET_NAME",
    "FunctionRow",
    "consistent",
    "encode_terms",
    "function_loss",
    "level",
    "read_functions",
    "terms_of",
    "vocabulary",
]

SET_NAME = "nrpdb-ec"
function_loss = logistic_loss


@dataclass(frozen=True)
class FunctionRow:
    """A chain and what it catalyses.

    Attributes
    ----------
    identifier, sequence
        As in the label set.
    terms
        All terms of its numbers.
    note
        What the source says of its likeness to its training part.
    """

    identifier: str
    sequence: str
    terms: frozenset[str]
    note: str = ""


def terms_of(numbers: Iterable[str]) -> frozenset[str]:
    """Every beginning of every number, as far as it is known: ``3.2.-.-`` has ``3`` and ``3.2``."""
    found = set()
    for number in numbers:
        places = number.split(".")
        known = places.index("-") if "-" in places else len(places)
        found.update(".".join(places[:n]) for n in range(1, known + 1))
    return frozenset(found)


def level(term: str) -> int:
    """How many places a term has, 1 to 4."""
    return term.count(".") + 1


def vocabulary(rows: Iterable[frozenset[str]], least: int = 5) -> tuple[str, ...]:
    """Terms that at least so many chains have, sorted."""
    counts = Counter(term for terms in rows for term in terms)
    return tuple(sorted(term for term, number in counts.items() if number >= least))


def encode_terms(rows: Sequence[frozenset[str]], terms: Sequence[str]) -> NDArray[np.bool_]:
    """Which terms every chain has: bool [n_rows, n_terms]; what is not among `terms` is left out."""
    column = {term: number for number, term in enumerate(terms)}
    found = np.zeros((len(rows), len(terms)), dtype=bool)
    for row, held in enumerate(rows):
        found[row, [column[term] for term in held if term in column]] = True
    return found


def consistent(probabilities: NDArray[np.floating], terms: Sequence[str]) -> NDArray[np.float64]:
    """Probabilities in which no term is likelier than the term it is part of.

    Parameters
    ----------
    probabilities : float [n_rows, n_terms]
        Of every term by itself.
    terms
        Names of the columns.
    """
    found = np.array(probabilities, dtype=np.float64)
    column = {term: number for number, term in enumerate(terms)}
    for term in sorted(terms, key=level):
        parent = term.rpartition(".")[0]
        if parent in column:
            found[:, column[term]] = np.minimum(found[:, column[term]], found[:, column[parent]])
    return found


def read_functions(corpus: Any, name: str = SET_NAME) -> list[FunctionRow]:
    """The rows of a label set of functions, in its order.

    Parameters
    ----------
    corpus
        A corpus or the path of one (``unfreeze corpus import CORPUS function SOURCE``).
    name
        Of the label set.

    Raises
    ------
    InputError
        If there is no such set, or it has no labels of function.
    """
    rows = [
        FunctionRow(row.identifier, row.sequence, terms_of(label.ec_numbers), label.note)
        for row in LabelSet.open(corpus, name).rows()
        for label in row.labels
        if isinstance(label, FunctionLabel)
    ]
    if not rows:
        raise InputError(f"label set {name}: has no labels of function; import one with `unfreeze corpus import`")
    return rows
