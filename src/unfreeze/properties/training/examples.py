"""Examples: rows of tables with the columns of their sites, as flat arrays that batches are cut from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.store.store import Corpus
from unfreeze.properties.modalities.language import Reader
from unfreeze.properties.modalities.sequence import LETTERS
from unfreeze.properties.mutants.columns import COLUMNS
from unfreeze.properties.places import label_of
from unfreeze.properties.sites import SiteColumns, columns_of_sequence, joined
from unfreeze.properties.tables.rows import MutationRow
from unfreeze.properties.training.states import State, StateCache, states_of

__all__ = ["Examples", "read_examples"]


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows, one item a mutation of a row.

    Attributes
    ----------
    rows
        The rows; those with a residue that is not a site are left out.
    sites
        Columns of all sites.
    contacts : float32 [n_contacts, n_columns]
        Columns of amino acids at sites; row 0 stands for "not known".
    row : int64 [n_items]
        Row of every item.
    site : int64 [n_items, 2]
        In the folded protein or complex, and in the free partner (the same again where there is none).
    letter : int64 [n_items, 2]
        Wild type and mutant.
    contact : int64 [n_items, 2, 2]
        Rows of `contacts` by state and by letter.
    length : int64 [n_rows]
        Residues of the mutated chain.
    left_out
        How many rows, by reason.
    """

    rows: tuple[MutationRow, ...]
    sites: SiteColumns
    contacts: NDArray[np.float32]
    row: NDArray[np.int64]
    site: NDArray[np.int64]
    letter: NDArray[np.int64]
    contact: NDArray[np.int64]
    length: NDArray[np.int64]
    left_out: dict[str, int] = field(default_factory=dict)


class _Gathered:
    """Sites and contacts, each once."""

    def __init__(self) -> None:
        self.sites: list[SiteColumns] = []
        self.contacts = [np.zeros(len(COLUMNS), dtype=np.float32)]
        self._site_of: dict[tuple[str, str], int] = {}
        self._contact_of: dict[tuple[str, str, str], int] = {}

    def site(self, place: tuple[str, str], columns: Callable[[], SiteColumns]) -> int:
        if place not in self._site_of:
            self._site_of[place] = len(self.sites)
            self.sites.append(columns())
        return self._site_of[place]

    def contact(self, key: tuple[str, str, str], known: dict[tuple[str, str], NDArray[np.float32]]) -> int:
        if key[1:] not in known:
            return 0
        if key not in self._contact_of:
            self._contact_of[key] = len(self.contacts)
            self.contacts.append(known[key[1:]])
        return self._contact_of[key]


def read_examples(
    rows: Sequence[MutationRow],
    corpus: Corpus,
    cache: Path,
    *,
    with_motion: bool = True,
    reader: Reader | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Examples:
    """Find or compute the columns of rows.

    Parameters
    ----------
    rows
        Of the tables.
    corpus
        With the entries that they name.
    cache
        Folder of what was computed before.
    with_motion
        Whether the modality dynamics is wanted.
    reader
        A language model, where the modality language is wanted.
    progress
        Told how many states of how many are there.
    """
    states = StateCache(corpus, cache, with_motion=with_motion, reader=reader)
    wanted: dict[State, set[tuple[str, str]]] = defaultdict(set)
    for row in rows:
        for one, places in zip(row.mutations, states_of(row), strict=True):
            label = label_of(one.chain, one.number, one.insertion_code)
            for state in places:
                wanted[state] |= {(label, one.wild_type), (label, one.mutant)}
    found, contacts = {}, {}
    for number, (state, pairs) in enumerate(sorted(wanted.items(), key=lambda item: str(item[0])), start=1):
        whole = states.sites(state)
        labels = {label for label, _ in pairs} & whole.row_of.keys()
        found[state] = {label: whole.columns.take(np.array([whole.row_of[label]])) for label in labels}
        contacts[state] = states.contacts(state, sorted(pair for pair in pairs if pair[0] in labels))
        if progress is not None:
            progress(number, len(wanted))
    gathered, kept, items = _Gathered(), [], []
    left_out: dict[str, int] = defaultdict(int)
    for row in rows:
        made = [_item(gathered, row, k, places, found, contacts, reader) for k, places in enumerate(states_of(row))]
        if any(one is None for one in made):
            left_out[f"{row.task}: a residue without N, CA and C"] += 1
            continue
        items += [(len(kept), *one) for one in made if one is not None]
        kept.append(row)
    columns = list(zip(*items, strict=True))
    row_of, site, letter, contact = (np.array(one, dtype=np.int64) for one in columns)
    return Examples(
        rows=tuple(kept),
        sites=joined(gathered.sites),
        contacts=np.stack(gathered.contacts),
        row=row_of,
        site=site,
        letter=letter,
        contact=contact,
        length=np.array([len(row.sequence) for row in kept], dtype=np.int64),
        left_out=dict(left_out),
    )


def _item(gathered: _Gathered, row: MutationRow, k: int, places: tuple[State, ...], found, contacts, reader):
    one = row.mutations[k]
    letters = [LETTERS.index(one.wild_type), LETTERS.index(one.mutant)]
    label = label_of(one.chain, one.number, one.insertion_code)
    if all(label in found[state] for state in places) and places:
        sites = [gathered.site((str(state), label), lambda state=state: found[state][label]) for state in places]
        keys = [[(str(state), label, letter) for letter in (one.wild_type, one.mutant)] for state in places]
        pairs = [
            [gathered.contact(key, contacts[state]) for key in both] for state, both in zip(places, keys, strict=True)
        ]
        return (sites * 2)[:2], letters, (pairs * 2)[:2]
    if row.task == "affinity":
        return None
    place = row.positions[k] - 1
    site = gathered.site(
        (row.sequence, str(place)), lambda: columns_of_sequence(row.sequence, np.array([place]), reader)
    )
    return [site, site], letters, [[0, 0], [0, 0]]
