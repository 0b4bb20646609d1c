"""Predictions of complexes and proteins that were held out, with what was measured: what errors are learned from.

They are those of ``recipes/properties/train_mutations.py`` as they are in use, whatever model made them.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unfreeze.corpus.store.store import Corpus
from unfreeze.properties.effect_model import ErrorLaw
from unfreeze.properties.known.likeness import Floats, Rows
from unfreeze.properties.known.side_chains import side_chain_points
from unfreeze.properties.tables.rows import EffectTables, MutationRow

__all__ = ["HeldOut", "read_held_out"]

_QUANTITY = {"affinity": 0, "stability": 0, "melting": 1}


@dataclass(frozen=True, eq=False)
class HeldOut:
    """One complex or protein.

    Attributes
    ----------
    name, fold
        ``1CSE_E_I``; the run that held it out.
    rows
        Its predictions with the errors that they are said to have; every mutation once.
    measured : float64 [n_rows]
        Mean over all that was measured of it.
    """

    name: str
    fold: str
    rows: Rows
    measured: Floats


def read_held_out(
    files: Sequence[Path],
    tables: EffectTables,
    corpus: Corpus,
    laws: Mapping[str, ErrorLaw],
    tasks: Sequence[str],
    *,
    least: int = 1,
) -> list[HeldOut]:
    """Read predictions.

    Parameters
    ----------
    files
        ``predictions-RUN-shipped.csv``, of runs that share no complex.
    tables, corpus
        That the predictions are of.
    laws
        Of the errors, by task.
    tasks
        Wanted.
    least
        Rows that a complex must have.
    """
    row_of = {(row.task, row.dataset, row.source): row for row in tables.mutations}
    # one mutation measured at several temperatures or by several groups is one value here
    gathered: dict[tuple[str, str], dict[tuple[int, str], list[tuple[MutationRow, Floats]]]] = {}
    for path in files:
        with path.open(newline="", encoding="utf-8") as stream:
            for one in csv.DictReader(stream):
                row = row_of.get((one["task"], one["dataset"], one["source"]))  # type: ignore[arg-type]
                if one["task"] not in tasks or row is None:
                    continue
                place = gathered.setdefault((path.stem, row.group), defaultdict(list))
                name = "+".join(sorted(map(str, row.mutations)))
                members = np.array(one["members"].split(), dtype=np.float64)
                place[_QUANTITY[row.task], name].append((row, members))
    found = []
    for (fold, group), place in sorted(gathered.items()):
        if len(place) >= least:
            found.append(_complex(fold, group, list(place.values()), corpus, laws))
    return found


def _complex(
    fold: str,
    group: str,
    rows: Sequence[Sequence[tuple[MutationRow, Floats]]],
    corpus: Corpus,
    laws: Mapping[str, ErrorLaw],
) -> HeldOut:
    first = [measurements[0] for measurements in rows]
    value = np.array([members.mean() for _, members in first])
    spread = np.array([members.std() for _, members in first])
    error = [laws[row.task].error(value[k : k + 1], spread[k : k + 1])[0] for k, (row, _) in enumerate(first)]
    measured = [
        np.average([row.value for row, _ in same], weights=[row.n_measurements for row, _ in same]) for same in rows
    ]
    points, entries = [], {row.entry for row, _ in first}
    molecules = {entry: corpus.entry(entry).complex for entry in entries if entry}
    for row, _ in first:
        source = molecules[row.entry] if row.entry else row.sequence
        points.append(side_chain_points(source, row.mutations))
    made = Rows(
        tuple(row.mutations for row, _ in first),
        value,
        np.array(error),
        np.concatenate(points),
        np.array([_QUANTITY[row.task] for row, _ in first]),
    )
    return HeldOut(group, fold, made, np.array(measured))
