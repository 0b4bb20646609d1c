"""States of a complex that rows refer to: whole, bound or one free partner, and their columns, kept on disk.

Computing the columns of some two thousand states takes minutes, with their motion half an hour; so each state has
files in a cache, written whole or not at all, and what is there is read.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.store.store import Corpus
from unfreeze.files.atomic import atomic_path
from unfreeze.model import weights
from unfreeze.model.motion_model import MotionModel
from unfreeze.properties.modalities import dynamics, language, structure
from unfreeze.properties.mutants.columns import mutation_contacts
from unfreeze.properties.places import partner_atoms, residue_labels
from unfreeze.properties.sites import FEATURES_VERSION, SiteColumns, columns_of_structure, no_language
from unfreeze.properties.tables.rows import MutationRow
from unfreeze.structure.complex import Complex

__all__ = ["State", "StateCache", "states_of"]

# embeddings are kept elsewhere, by chain
_STORED = tuple(one.name for one in fields(SiteColumns) if one.name not in no_language(0))


@dataclass(frozen=True)
class State:
    """A structure that sites are in.

    Attributes
    ----------
    entry
        Of the corpus.
    partners
        Chains of either side, such as ``("HL", "A")``; empty for all that is in the entry.
    part
        ``whole``, ``bound``, ``first`` or ``second`` (a partner alone).
    """

    entry: str
    partners: tuple[str, ...] = ()
    part: str = "whole"

    def __str__(self) -> str:
        return ".".join([self.entry, *(["_".join(self.partners)] if self.partners else []), self.part])

    def molecule(self, corpus: Corpus) -> Complex:
        """The structure."""
        molecule = corpus.entry(self.entry).complex
        return molecule if self.part == "whole" else partner_atoms(molecule, self.partners, self.part)


def states_of(row: MutationRow) -> tuple[tuple[State, ...], ...]:
    """For every mutation of a row the states that it is looked at in: (whole,) or (bound, free); none without entry."""
    if not row.entry:
        return ((),) * len(row.mutations)
    if row.task != "affinity" or row.partners is None:
        return ((State(row.entry),),) * len(row.mutations)
    bound = State(row.entry, row.partners, "bound")
    free = {part: State(row.entry, row.partners, part) for part in ("first", "second")}
    return tuple((bound, free["first" if one.chain in row.partners[0] else "second"]) for one in row.mutations)


@dataclass(frozen=True, eq=False)
class StateColumns:
    """All sites of a state.

    Attributes
    ----------
    columns
        Of the sites.
    labels
        ``A:12`` of every site.
    """

    columns: SiteColumns
    labels: tuple[str, ...]

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Row of every label."""
        return {label: row for row, label in enumerate(self.labels)}


class StateCache:
    """Columns of states, computed once.

    Parameters
    ----------
    corpus
        Where the entries are.
    folder
        Where the files go.
    with_motion
        Whether the modality dynamics is wanted.
    reader
        A language model, where the modality language is wanted.
    """

    def __init__(
        self, corpus: Corpus, folder: Path, *, with_motion: bool, reader: language.Reader | None = None
    ) -> None:
        self.corpus, self.with_motion, self.reader = corpus, with_motion, reader
        self.folder = folder / f"sites-{FEATURES_VERSION}"
        self.folder.mkdir(parents=True, exist_ok=True)

    @cached_property
    def _model(self) -> MotionModel:
        return weights.load_model(None)

    def sites(self, state: State) -> StateColumns:
        """Columns of all sites of a state; numbers are kept with 16 bits."""
        path = self.folder / f"{state}.npz"
        if not path.exists():
            molecule = state.molecule(self.corpus)
            residues = structure.protein_sites(molecule)
            found = columns_of_structure(molecule, residues, with_motion=False)
            values = {name: _small(getattr(found, name)) for name in _STORED}
            self._write(path, labels=np.array(residue_labels(molecule, residues), dtype=np.str_), **values)
        with np.load(path, allow_pickle=False) as file:
            values = {name: file[name] for name in _STORED}
            labels = tuple(file["labels"].tolist())
        if self.with_motion and labels:
            moving = self._motion(state)
            values |= {"motion_nodes": moving[0], "motion_pairs": moving[1], "has_motion": np.ones(len(labels), bool)}
        columns = SiteColumns(**values, **no_language(len(labels)))
        if self.reader is not None and labels:
            columns = columns.with_language(language.site_vectors(self.reader, self._chains(state)))
        return StateColumns(columns, labels)

    def _chains(self, state: State) -> language.ChainPlaces:
        path = self.folder / f"{state}.chains.npz"
        if not path.exists():
            molecule = state.molecule(self.corpus)
            letters, chain, place = language.chain_places(molecule, structure.protein_sites(molecule))
            self._write(path, letters=np.array(letters, dtype=np.str_), chain=chain, place=place)
        with np.load(path, allow_pickle=False) as file:
            return file["letters"].tolist(), file["chain"], file["place"]

    def _motion(self, state: State) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
        path = self.folder / f"{state}.motion.npz"
        if not path.exists():
            molecule = state.molecule(self.corpus)
            residues = structure.protein_sites(molecule)
            neighbours = structure.surroundings(molecule, residues).neighbours
            found = dynamics.motion(molecule, residues, neighbours, self._model)
            self._write(path, nodes=_small(found.nodes), pairs=_small(found.pairs))
        with np.load(path, allow_pickle=False) as file:
            return file["nodes"], file["pairs"]

    def contacts(self, state: State, wanted: list[tuple[str, str]]) -> dict[tuple[str, str], NDArray[np.float32]]:
        """Columns of amino acids built at sites: (label, letter) to [n_columns]; what cannot be built is left out."""
        path = self.folder / f"{state}.contacts.npz"
        known: dict[tuple[str, str], NDArray[np.float32]] = {}
        if path.exists():
            with np.load(path, allow_pickle=False) as file:
                known = dict(
                    zip(zip(file["label"].tolist(), file["letter"].tolist(), strict=True), file["v"], strict=True)
                )
        if any(one not in known for one in wanted):
            molecule = state.molecule(self.corpus)
            residues = structure.protein_sites(molecule)
            row = dict(zip(residue_labels(molecule, residues), residues.tolist(), strict=True))
            missing = [one for one in wanted if one not in known and one[0] in row]
            if missing:
                letters = [letter for _, letter in missing]
                found = mutation_contacts(molecule, [row[label] for label, _ in missing], letters, springs=False)
                known |= dict(zip(missing, found, strict=True))
                self._write(
                    path,
                    label=np.array([label for label, _ in known]),
                    letter=np.array([letter for _, letter in known]),
                    v=np.stack(list(known.values())).astype(np.float32),
                )
        return {one: known[one] for one in wanted if one in known}

    @staticmethod
    def _write(path: Path, **arrays: Any) -> None:
        with atomic_path(path) as building, building.open("wb") as stream:
            np.savez(stream, **arrays)


def _small(values: NDArray) -> NDArray:
    return values.astype(np.float16) if values.dtype.kind == "f" else values
