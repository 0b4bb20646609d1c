"""Complexes of a corpus whose affinity was measured: rows for training, and what must not be parted between folds."""

from __future__ import annotations

import csv
import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.labels import AffinityLabel
from unfreeze.corpus.store.store import Corpus
from unfreeze.physics.harmonic import GAS_CONSTANT
from unfreeze.properties.binding.thermodynamics import REFERENCE_K
from unfreeze.properties.places import chains_of
from unfreeze.structure.complex import Complex
from unfreeze.structure.similarity.clusters import cluster_sequences
from unfreeze.structure.similarity.interfaces import cluster_interfaces, partner_interfaces
from unfreeze.structure.similarity.sequences import chain_sequences

__all__ = ["BoundComplex", "Kinships", "find_kinships", "hold_outs", "read_benchmark", "read_complexes"]

_GROUPS = re.compile(r"Receptor: chains (.*?); ligand: chains (.*?)\.$")
_TYPES = ("AB/AG", "Pr/PI", "TCR/pMHC")


@dataclass(frozen=True)
class BoundComplex:
    """A complex with its measured affinity.

    Attributes
    ----------
    entry, partners
        Entry of the corpus and chains of either partner.
    delta_g_kJ_mol, temperature_K
        RT ln Kd at the temperature of the measurement (the median over those that were merged).
    sources
        Rows of the source.
    """

    entry: str
    partners: tuple[str, str]
    delta_g_kJ_mol: float
    temperature_K: float
    sources: str

    @property
    def name(self) -> str:
        """Such as ``skempi-1CSE_E_I``."""
        return f"{self.entry}_{self.partners[0]}_{self.partners[1]}"


def read_complexes(corpus: Corpus, prefix: str = "skempi-") -> list[BoundComplex]:
    """Wild types of a corpus with an exact Kd; several measurements of one become their medians.

    Parameters
    ----------
    corpus
        The corpus.
    prefix
        Of the entries to read.
    """
    found = []
    for identifier in corpus.identifiers:
        if not identifier.startswith(prefix):
            continue
        by_partners: dict[tuple[str, str], list[AffinityLabel]] = {}
        for label in corpus.entry(identifier).labels:
            if isinstance(label, AffinityLabel) and not label.mutations and label.relation == "=":
                by_partners.setdefault(label.partners, []).append(label)
        for partners, labels in sorted(by_partners.items()):
            values, temperatures = [], []
            for label in labels:
                temperature = label.temperature_K or REFERENCE_K
                kd = label.dissociation_constant_M
                value = GAS_CONSTANT * temperature * float(np.log(kd)) if kd else label.delta_g_kJ_mol
                if value is not None:
                    values.append(value)
                    temperatures.append(temperature)
            if values:
                sources = ";".join(label.source for label in labels)
                found.append(
                    BoundComplex(
                        identifier, partners, float(np.median(values)), float(np.median(temperatures)), sources
                    )
                )
    return found


def read_benchmark(corpus: Corpus, table: Path, known: Sequence[BoundComplex] = ()) -> list[BoundComplex]:
    """Complexes of a table of Kd's whose structures are bound entries of the docking benchmark in a corpus.

    Parameters
    ----------
    corpus
        With entries such as ``db55-1A2K``, whose notes name the chains of receptor and ligand.
    table
        CSV with columns ``pdb``, ``kd_M`` and ``temperature_K`` (empty where it is not known).
    known
        Complexes that are left out, by PDB id.
    """
    taken = {row.entry.rsplit("-", 1)[1] for row in known}
    present = set(corpus.identifiers)
    found = []
    with table.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            identifier = f"db55-{row['pdb']}"
            if row["pdb"] in taken or identifier not in present:
                continue
            notes = (_GROUPS.match(note) for note in corpus.entry(identifier).manifest.notes)
            groups = next((note for note in notes if note is not None), None)
            if groups is None:
                continue
            temperature = float(row["temperature_K"] or REFERENCE_K)
            value = GAS_CONSTANT * temperature * float(np.log(float(row["kd_M"])))
            partners = (groups[1].replace(" ", ""), groups[2].replace(" ", ""))
            found.append(BoundComplex(identifier, partners, value, temperature, f"affinity-benchmark-2:{row['pdb']}"))
    return found


@dataclass(frozen=True, eq=False)
class Kinships:
    """Groups of complexes that a split keeps together: int64 [n_complexes] each.

    Attributes
    ----------
    family
        Complexes of which both partners are alike, or that SKEMPI 2 itself names as holding each other out.
    partner
        Complexes of which one partner is alike.
    kind
        As `family`, and all of a type that SKEMPI 2 holds out whole: antibodies with antigens, proteases with
        inhibitors, T-cell receptors with their ligands.
    """

    family: NDArray[np.int64]
    partner: NDArray[np.int64]
    kind: NDArray[np.int64]


def hold_outs(table: Path) -> dict[str, frozenset[str]]:
    """Hold-out proteins and types of every complex of ``skempi_v2.csv``: ``1CSE_E_I`` to a set of texts."""
    found: dict[str, set[str]] = {}
    with table.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream, delimiter=";"):
            texts = (row["Hold_out_proteins"] + "," + row["Hold_out_type"]).split(",")
            found.setdefault(row["#Pdb"], set()).update(text.strip() for text in texts if text.strip())
    return {name: frozenset(texts) for name, texts in found.items()}


def find_kinships(
    molecules: Sequence[Complex], rows: Sequence[BoundComplex], held_out: dict[str, frozenset[str]]
) -> Kinships:
    """Group complexes.

    Parameters
    ----------
    molecules, rows
        The complexes.
    held_out
        From :func:`hold_outs`.
    """
    letters: list[str] = []
    of_complex: list[list[tuple[int, int, NDArray[np.int64]]]] = []
    for molecule, row in zip(molecules, rows, strict=True):
        chains = [chain for chain in chain_sequences(molecule) if chain.letters.isupper()]
        sides = [chains_of(molecule, text) for text in row.partners]
        start = len(letters)
        letters += [chain.letters for chain in chains]
        across = []
        for touch in partner_interfaces(molecule, chains):
            one, other = chains[touch.first].chain, chains[touch.second].chain
            if (one in sides[0] and other in sides[1]) or (one in sides[1] and other in sides[0]):
                across.append((start + touch.first, start + touch.second, touch.contacts))
        of_complex.append(across)
    clusters = cluster_sequences(letters).label
    flat = [touch for across in of_complex for touch in across]
    families = iter(cluster_interfaces(flat, letters, clusters).family.tolist())
    by_family: list[list[Hashable]] = []
    by_partner: list[list[Hashable]] = []
    by_kind: list[list[Hashable]] = []
    for across, row in zip(of_complex, rows, strict=True):
        name = row.name.removeprefix("skempi-")
        named = held_out.get(name, frozenset())
        own: list[Hashable] = [("family", next(families)) for _ in across]
        own += [("complex", name), *(("complex", text) for text in named if text not in _TYPES)]
        by_family.append(own)
        by_kind.append([*own, *(("type", text) for text in named if text in _TYPES)])
        by_partner.append([*own, *(("chain", int(clusters[chain])) for touch in across for chain in touch[:2])])
    return Kinships(*(_components(keys) for keys in (by_family, by_partner, by_kind)))


def _components(keys: Sequence[Sequence[Hashable]]) -> NDArray[np.int64]:
    """Numbers of the groups of rows that share a key, directly or by others."""
    parent = list(range(len(keys)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    first: dict[Hashable, int] = {}
    for row, own in enumerate(keys):
        for key in own:
            a, b = root(row), root(first.setdefault(key, row))
            parent[max(a, b)] = min(a, b)
    return np.unique([root(row) for row in range(len(keys))], return_inverse=True)[1].astype(np.int64)
