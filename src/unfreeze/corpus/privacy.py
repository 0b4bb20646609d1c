"""What others may see of a corpus: its own names if it is open, only its alias and numbers if it is private.

Exports, model cards and reports take names from here and nowhere else. Of a private corpus stay coordinates, sequences,
physical conditions, licences and numbers; titles, notes, names of files, trajectories, sets and rows of tables go. What
the coordinates and sequences themselves tell is not hidden.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from unfreeze.corpus.labels import Label
from unfreeze.corpus.licences import LICENCES, LicenceReport, licence_name, report_licences
from unfreeze.corpus.schema import Conditions, EntryManifest, TrajectoryRecord
from unfreeze.corpus.store import Corpus
from unfreeze.structure.complex import Complex, Source

__all__ = ["PUBLIC_SETS", "PublicView"]

PUBLIC_SETS = frozenset(
    "atlas mdcath misato mdgen timewarp bioemu mddb dynarepo gpcrmd itrace dynamicpdb skempi skempi2 docking55 pdb "
    "deeploc nrpdb-ec ssym s669 s2648 megascale".split()
)
"""Sets that everybody can have: their names and citations are told even of a private corpus, as their licences ask."""


@dataclass(frozen=True)
class PublicView:
    """A corpus as others may see it.

    Attributes
    ----------
    corpus
        What is behind it; nothing of it may be shown but through this view.
    """

    corpus: Corpus

    @property
    def is_private(self) -> bool:
        """Whether names are hidden."""
        return self.corpus.record.private

    @property
    def name(self) -> str:
        """Name of the corpus, or its alias."""
        return self.corpus.public_name

    @property
    def description(self) -> str:
        """Description of an open corpus; empty for a private one."""
        return "" if self.is_private else self.corpus.record.description

    @cached_property
    def _names(self) -> dict[str, str]:
        identifiers = self.corpus.identifiers
        if not self.is_private:
            return {identifier: identifier for identifier in identifiers}
        stem = "-".join(self.name.split())
        width = max(4, len(str(len(identifiers))))
        return {identifier: f"{stem}-{number:0{width}d}" for number, identifier in enumerate(identifiers, 1)}

    def entry_name(self, identifier: str) -> str:
        """Name of an entry: its identifier, or the alias with its place among all entries of the corpus.

        Raises
        ------
        KeyError
            If there is no such entry.
        """
        return self._names[identifier]

    def trajectory_names(self, manifest: EntryManifest) -> dict[str, str]:
        """Name of every trajectory of an entry: its own, or ``run`` with its place."""
        if not self.is_private:
            return {trajectory.name: trajectory.name for trajectory in manifest.trajectories}
        return {trajectory.name: f"run{number}" for number, trajectory in enumerate(manifest.trajectories, 1)}

    def dataset(self, name: str) -> str:
        """Name of a data set, or the alias in place of one that is not public."""
        return name if not self.is_private or name.lower() in PUBLIC_SETS else self.name

    def complex(self, complex: Complex) -> Complex:
        """A topology without the name and title of the file that it came from, where those are hidden."""
        return replace(complex, source=Source()) if self.is_private else complex

    def conditions(self, conditions: Conditions) -> dict[str, Any]:
        """Conditions as plain data; without free words, where those are hidden."""
        shown = conditions.model_dump()
        return {**shown, "method": ""} if self.is_private else shown

    def licence(self, text: str) -> str:
        """Name of a licence; words that are no licence may say whose it is, and are hidden with the names."""
        name = licence_name(text)
        return name if not self.is_private or name in LICENCES else "proprietary"

    def trajectory(self, record: TrajectoryRecord, name: str) -> dict[str, Any]:
        """What may be told of a trajectory, under its public name, as plain data."""
        source = record.source
        shown: dict[str, Any] = {
            "dataset": self.dataset(source.dataset),
            "licence": self.licence(source.licence),
        }
        if not self.is_private:
            shown |= {"identifier": source.identifier, "citation": source.citation, "url": source.url}
            shown["files"] = dict(source.files)
        elif source.dataset.lower() in PUBLIC_SETS:
            shown["citation"] = source.citation
        document: dict[str, Any] = {
            "name": name,
            "n_frames": record.n_frames,
            "time_step_ps": record.time_step_ps,
            "start_ps": record.start_ps,
            "is_complete": record.is_complete,
            "conditions": self.conditions(record.conditions),
            "source": shown,
        }
        if not self.is_private:
            document |= {"mended": list(record.mended), "quality": record.quality}
        return document

    def label(self, label: Label) -> dict[str, Any]:
        """A label as plain data; without row and note of its source, where those are hidden."""
        shown = label.model_dump()
        if self.is_private:
            shown |= {
                "source": self.dataset(label.source.partition(":")[0]),
                "note": "",
                "licence": self.licence(label.licence),
            }
            if "method" in shown:
                shown["method"] = ""
        return shown

    def entry(self, manifest: EntryManifest) -> dict[str, Any]:
        """What may be told of an entry, without its trajectories, as plain data."""
        return {
            "identifier": self.entry_name(manifest.identifier),
            "title": "" if self.is_private else manifest.title,
            "n_atoms": manifest.n_atoms,
            "n_residues": manifest.n_residues,
            "chains": list(manifest.chains),
            "sequences": list(manifest.sequences),
            "labels": [self.label(label) for label in manifest.labels],
            "notes": [] if self.is_private else list(manifest.notes),
        }

    def licences(self, identifiers: list[str] | None = None) -> LicenceReport:
        """What may be done with the entries named, or with all, as their trajectories' licences say."""
        wanted = self.corpus.identifiers if identifiers is None else identifiers
        return report_licences(
            (self.licence(trajectory.licence), self.dataset(trajectory.dataset))
            for identifier in wanted
            for trajectory in self.corpus.summary(identifier).trajectories
        )
