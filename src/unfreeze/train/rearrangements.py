"""How far the same residue is displaced between structures of the same protein: a witness of motion that is free.

The Protein Data Bank holds most proteins several times: bound and unbound, in other crystals, as copies in one crystal,
as models of an NMR ensemble. Superposed, they show where a chain gives way (loops, tails, domains), with a larger
range than B-factors and without a lattice's disorder. Residues next to the ends of what a crystal shows are left out:
those that are seen there are the ones that hold still, and a model that learned from them would freeze tails.
Displacements are taken chain by chain, between chains that are
nearly identical, on the part that superposes well. Best et al. 2006, PNAS 103, 10901 compare such ensembles with
dynamics measured by NMR.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.store import Corpus, Entry
from unfreeze.structure.geometry import superpose
from unfreeze.structure.similarity.sequences import chain_sequences
from unfreeze.train.feature_cache import cache_key, read_arrays, write_arrays

__all__ = ["ChainPlace", "displacement_nm", "load_rearrangements", "model_displacements_nm", "rearrangements"]

_WORD = 8  # letters that two chains must share to be looked at
_SHARED_WORDS = 0.7  # of the words of a chain, for another to be the same protein
_LONGER = 1.6  # times that the other chain may be longer
_MOST_OTHERS = 8  # chains that one is compared with
_FEWEST = 20  # residues that two chains must have in common
_SHORTEST = 25
_RUN = 6  # residues in a row that must be identical to be matched
_MOST_NM = 2.0  # farther is counted as this far
_LEAST_NM = 0.01
_SETTLED_NM = 0.3  # two structures with a median displacement beyond this do not superpose
_SEED = 12
_END = 4
_BREAK_NM = 0.45
_VERSION = 2

Progress = Callable[[str, float], None]


@dataclass(frozen=True, eq=False)
class ChainPlace:
    """A chain of protein in a structure.

    Attributes
    ----------
    entry
        Name in the corpus.
    letters
        One a residue that has a Cα.
    residues : int64 [n]
        Rows of these residues.
    points_nm : float64 [n, 3]
        Their Cα.
    """

    entry: str
    letters: str
    residues: NDArray[np.int64]
    points_nm: NDArray[np.float64]


def load_rearrangements(
    corpus: Corpus, folder: Path, progress: Progress | None = None
) -> dict[str, NDArray[np.float32]]:
    """Rearrangements of all entries of a corpus without molecular dynamics, from the cache if they are there.

    Parameters
    ----------
    corpus
        The corpus.
    folder
        The cache.
    progress
        As in :func:`rearrangements`.
    """
    still = [
        name
        for name in corpus.identifiers
        if (found := corpus.summary(name).trajectories) and all(one.conditions.kind != "md" for one in found)
    ]
    topologies = [corpus.entry(name).manifest.topology["topology.npz"] for name in still]
    key = cache_key("rearrangements", _VERSION, still, topologies)
    path = folder / key[:2] / f"{key}.npz"
    if kept := read_arrays(path):
        parts = np.split(kept["values"], np.cumsum(kept["lengths"])[:-1])
        return dict(zip(kept["names"].tolist(), parts, strict=True))
    made = rearrangements(corpus, still, progress)
    path.parent.mkdir(parents=True, exist_ok=True)
    values = [np.empty(0, dtype=np.float32), *made.values()]
    write_arrays(
        path,
        {
            "names": np.array([*made], dtype=np.str_),
            "lengths": np.array([len(row) for row in made.values()], dtype=np.int64),
            "values": np.concatenate(values),
        },
    )
    return made


def rearrangements(
    corpus: Corpus, identifiers: Sequence[str], progress: Progress | None = None
) -> dict[str, NDArray[np.float32]]:
    """Displacements of residues between structures of the same protein, for all entries that have such.

    Parameters
    ----------
    corpus
        The corpus.
    identifiers
        Entries that are looked at. Alike ones are in one part of a split, so no displacement reaches across parts.
    progress
        Called with a text and the share that is done.

    Returns
    -------
    dict of float32 [n_residues]
        By entry: logarithm of the root-mean-square displacement of the Cα, nm; NaN where there is none.
    """
    say = progress or (lambda stage, share: None)
    chains: list[ChainPlace] = []
    found: dict[str, NDArray[np.float32]] = {}
    for number, identifier in enumerate(identifiers):
        entry = corpus.entry(identifier)
        chains += _chains(identifier, entry)
        own = model_displacements_nm(entry)
        if own is not None:
            found[identifier] = _logarithm(own)
        say("Reading structures", (number + 1) / len(identifiers))
    index: dict[str, list[int]] = defaultdict(list)
    for number, chain in enumerate(chains):
        for word in _words(chain.letters):
            index[word].append(number)
    random = np.random.default_rng(_SEED)
    for number, chain in enumerate(chains):
        say("Superposing structures", (number + 1) / len(chains))
        others = _same_protein(number, chains, index, random)
        displacement = _mean_displacement(chain, [chains[other] for other in others])
        if np.isfinite(displacement).sum() < _FEWEST:
            continue
        row = found.get(chain.entry)
        if row is None:
            row = np.full(corpus.entry(chain.entry).complex.n_residues, np.nan, dtype=np.float32)
            found[chain.entry] = row
        known = np.isfinite(displacement) & ~_near_ends(chain.points_nm)
        row[chain.residues[known]] = _logarithm(displacement[known])
    return found


def _logarithm(displacement_nm: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.log(np.clip(displacement_nm, _LEAST_NM, _MOST_NM)).astype(np.float32)


def _chains(identifier: str, entry: Entry) -> list[ChainPlace]:
    molecule = entry.complex
    alpha = molecule.atom_of_residue("CA")
    places = []
    for chain in chain_sequences(molecule):
        residues = np.asarray(chain.residues)
        has = alpha[residues] >= 0
        if has.sum() < _SHORTEST:
            continue
        letters = "".join(letter for letter, one in zip(chain.letters, has, strict=True) if one)
        places.append(ChainPlace(identifier, letters, residues[has], molecule.coordinates_nm[alpha[residues[has]]]))
    return places


def _near_ends(points_nm: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which residues are within _END of an end of the chain or of a gap in it: [n]."""
    broken = np.linalg.norm(np.diff(points_nm, axis=0), axis=1) > _BREAK_NM
    starts = np.concatenate([[0], np.flatnonzero(broken) + 1])
    stops = np.concatenate([np.flatnonzero(broken), [len(points_nm) - 1]])
    row = np.arange(len(points_nm))
    piece = np.searchsorted(starts, row, side="right") - 1
    return np.minimum(row - starts[piece], stops[piece] - row) < _END


def _words(letters: str) -> set[str]:
    return {letters[k : k + _WORD] for k in range(len(letters) - _WORD + 1)}


def _same_protein(
    number: int, chains: Sequence[ChainPlace], index: dict[str, list[int]], random: np.random.Generator
) -> list[int]:
    """Chains of the same protein, those of other entries first, at most `_MOST_OTHERS` at random."""
    chain = chains[number]
    words = _words(chain.letters)
    shared: dict[int, int] = defaultdict(int)
    for word in words:
        for other in index[word]:
            shared[other] += 1
    same = [
        other
        for other, count in sorted(shared.items())
        if other != number
        and count > _SHARED_WORDS * len(words)
        and len(chains[other].letters) < _LONGER * len(chain.letters)
    ]
    elsewhere = [other for other in same if chains[other].entry != chain.entry]
    here = [other for other in same if chains[other].entry == chain.entry]
    random.shuffle(elsewhere)
    random.shuffle(here)
    return (elsewhere + here)[:_MOST_OTHERS]


def _mean_displacement(chain: ChainPlace, others: Sequence[ChainPlace]) -> NDArray[np.float64]:
    """Root-mean-square displacement of every residue of a chain over others, nm: [n]; NaN where nothing matches."""
    squares, count = np.zeros(len(chain.letters)), np.zeros(len(chain.letters))
    for other in others:
        blocks = SequenceMatcher(None, chain.letters, other.letters, autojunk=False).get_matching_blocks()
        runs = [(block.a + k, block.b + k) for block in blocks if block.size >= _RUN for k in range(block.size)]
        if len(runs) < _FEWEST:
            continue
        own, theirs = np.array(runs).T
        displacement = displacement_nm(chain.points_nm[own], other.points_nm[theirs])
        # the same coordinates twice say nothing, nor do structures that do not superpose
        if displacement.max() < 0.5 * _LEAST_NM or np.median(displacement) > _SETTLED_NM:
            continue
        squares[own] += np.minimum(displacement, _MOST_NM) ** 2
        count[own] += 1
    with np.errstate(invalid="ignore"):
        return np.sqrt(squares / np.where(count > 0, count, np.nan))


def displacement_nm(points_nm: NDArray[np.float64], other_nm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances of matched points after superposition on the part that superposes well: [n], nm.

    Parameters
    ----------
    points_nm, other_nm
        [n, 3], the same residues of two structures, nm.
    """
    chosen = np.arange(len(points_nm))
    displacement = np.zeros(len(points_nm))
    for _ in range(4):
        turned = superpose(other_nm[None], points_nm, chosen)[0]
        displacement = np.linalg.norm(turned - points_nm, axis=1)
        chosen = np.flatnonzero(displacement < max(3.0 * float(np.median(displacement)), 0.05))
        if len(chosen) < 10:
            break
    return displacement


def model_displacements_nm(entry: Entry) -> NDArray[np.float64] | None:
    """Displacements between the models of an entry (NMR): [n_residues], nm, NaN outside protein; None for one model."""
    molecule = entry.complex
    alpha = molecule.atom_of_residue("CA")
    protein = np.flatnonzero((alpha >= 0) & (molecule.residue_kind == "protein"))
    for record in entry.manifest.trajectories:
        if record.conditions.kind == "md" or record.n_frames < 3 or len(protein) < _FEWEST:
            continue
        frames = entry.trajectory(record.name).frames(np.arange(record.n_frames))[:, alpha[protein]].astype(np.float64)
        squares = [displacement_nm(frames[0], frame) ** 2 for frame in frames[1:]]
        result = np.full(molecule.n_residues, np.nan)
        result[protein] = np.sqrt(np.mean(squares, axis=0))
        return result
    return None
