"""Which of many structure files are states of one sequence.

Only sequences and k-mers of them are kept in memory while files are looked at, so that a folder of thousands passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unfreeze.corpus.static.states import match_states, same_sequence
from unfreeze.corpus.static.structures import read_structure
from unfreeze.errors import InputError
from unfreeze.structure.similarity.sequences import chain_sequences

__all__ = ["LEAST_SHARE", "Group", "gather_states"]

LEAST_SHARE = 0.9
"""Of the polymer atoms of the first file must be in every other, and the other way round."""

_WORD = 5
_LEAST_ALIKE = 0.7  # of the words of the shorter sequence; a loop that is not seen takes some away
_LENGTHS = 0.85


@dataclass
class Group:
    """Files of one molecule, the first of which gives names and numbers.

    Attributes
    ----------
    paths
        In the order given.
    fault
        Why a file (alone in its group) cannot be read.
    """

    paths: list[Path]
    fault: str = ""
    chains: tuple[str, ...] = field(default=(), repr=False)
    words: frozenset[str] = field(default=frozenset(), repr=False)


def gather_states(
    paths: Sequence[Path], *, keep_hydrogens: bool = False, least_share: float = LEAST_SHARE
) -> Iterator[Group]:  # fmt: skip
    """Groups of files of one sequence, in the order of their first files.

    Parameters
    ----------
    paths
        Structure files.
    least_share
        Of the atoms that a file and the first of its group must have in common.
    """
    groups: list[Group] = []
    for path in paths:
        try:
            molecule = read_structure(path, keep_hydrogens=keep_hydrogens).complex
        except InputError as error:
            groups.append(Group([path], fault=str(error)))
            continue
        chains = tuple(chain.letters for chain in chain_sequences(molecule))
        words = frozenset(
            letters[at : at + _WORD] for letters in chains for at in range(max(1, len(letters) - _WORD + 1))
        )
        one = Group([path], chains=chains, words=words)
        home = next((group for group in groups if _belongs(one, group, keep_hydrogens, least_share)), None)
        if home is None:
            groups.append(one)
        else:
            home.paths.append(path)
    yield from groups


def _belongs(one: Group, group: Group, keep_hydrogens: bool, least_share: float) -> bool:
    if group.fault or len(one.chains) != len(group.chains):
        return False
    shorter, longer = sorted(sum(map(len, which.chains)) for which in (one, group))
    if shorter < _LENGTHS * longer:
        return False
    if len(one.words & group.words) < _LEAST_ALIKE * min(len(one.words), len(group.words)):
        return False
    if not all(any(same_sequence(mine, other) for other in group.chains) for mine in one.chains):
        return False
    reference, state = (
        read_structure(path, keep_hydrogens=keep_hydrogens).complex for path in (group.paths[0], one.paths[0])
    )
    match = match_states(reference, state)
    if match is None or len(match.chains) < len(group.chains):
        return False
    return min(match.share, match.share_of_state) >= least_share
