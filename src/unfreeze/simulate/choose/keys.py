"""Which clusters a system belongs to: of its sequences, of pairs of partners that touch in it, and of sites.

A key is a kind of cluster with a number, over all the systems that are compared; keys are what coverage counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from unfreeze.simulate.choose.profile import Profile
from unfreeze.structure.similarity.clusters import cluster_sequences
from unfreeze.structure.similarity.interfaces import cluster_interfaces

__all__ = ["KINDS", "Key", "Keyed", "Kind", "key_systems"]

Kind = Literal["sequence", "family", "site"]
Key = tuple[Kind, int]

KINDS: dict[Kind, str] = {"sequence": "sequence", "family": "pair of partners", "site": "site"}
"""Clusters of sequences, interfaces between the same two of these, and places of contact between them."""


@dataclass(frozen=True, eq=False)
class Keyed:
    """The clusters of some systems.

    Attributes
    ----------
    keys
        Of every system, each once.
    words
        Of every system what in it each key stands for, such as ``A=B`` or ``A–C``.
    method
        How sequences were clustered, in words.
    """

    keys: tuple[tuple[Key, ...], ...]
    words: tuple[dict[Key, str], ...]
    method: str

    def of_kind(self, kind: Kind) -> set[Key]:
        """All keys of a kind."""
        return {key for row in self.keys for key in row if key[0] == kind}


def key_systems(profiles: Sequence[Profile], *, identity: float) -> Keyed:
    """Cluster the sequences and interfaces of some systems.

    Parameters
    ----------
    profiles
        The systems.
    identity
        From which sequences are alike.
    """
    sequences = [letters for profile in profiles for letters in profile.sequences]
    clusters = cluster_sequences(sequences, identity=identity)
    starts, flat = [0], []
    for profile in profiles:
        flat += [(starts[-1] + a, starts[-1] + b, contacts) for a, b, contacts in profile.interfaces]
        starts.append(starts[-1] + len(profile.sequences))
    interfaces = cluster_interfaces(flat, sequences, clusters.label)
    words: list[dict[Key, str]] = []
    place = 0
    for profile, start in zip(profiles, starts, strict=False):
        named: dict[Key, list[str]] = {}
        for row, chain in enumerate(profile.chains):
            named.setdefault(("sequence", int(clusters.label[start + row])), []).append(chain)
        for a, b, _ in profile.interfaces:
            pair = f"{profile.chains[a]}–{profile.chains[b]}"
            named.setdefault(("family", int(interfaces.family[place])), []).append(pair)
            named.setdefault(("site", int(interfaces.site[place])), []).append(pair)
            place += 1
        words.append({key: _listed(names) for key, names in named.items()})
    return Keyed(tuple(tuple(one) for one in words), tuple(words), clusters.method)


def _listed(names: Sequence[str]) -> str:
    """Alike ones with ``=`` between, three at most."""
    shown = list(dict.fromkeys(names))
    return "=".join(shown[:3]) + (f"=… ({len(shown)})" if len(shown) > 3 else "")
