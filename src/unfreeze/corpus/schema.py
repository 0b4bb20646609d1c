"""What the manifest of an entry holds: provenance, conditions, trajectories and their shards, labels.

An *entry* is one complex: one topology and any number of trajectories of it, each with its own conditions, so that
force fields and temperatures are kept apart. The manifest is the truth about what is there. Reading and writing is done
in :mod:`unfreeze.corpus.store`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from unfreeze.corpus.labels import Label

__all__ = [
    "SCHEMA_VERSION",
    "Conditions",
    "CorpusRecord",
    "EntryManifest",
    "Shard",
    "Source",
    "TrajectoryRecord",
]

SCHEMA_VERSION = 1

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Conditions(_Model):
    """The physics of a trajectory; None is "not known", and what is not known is never pooled with what is.

    Attributes
    ----------
    kind
        ``md``; ``static`` for deposited or predicted structures (models of one entry, several states of one
        sequence); ``generated`` for frames of another model.
    force_field
        Name as in :data:`unfreeze.corpus.conditions.FORCE_FIELDS`, or what the source calls it.
    solvent
        ``explicit``, ``implicit`` or ``vacuum`` and the model, such as ``explicit:tip3p`` or ``implicit:obc2``.
    temperature_K, pressure_bar, ionic_strength_M, pH
        As simulated.
    method
        Free words: engine, thermostat, ``X-ray diffraction, 1.9 Å``.
    """

    kind: Literal["md", "static", "generated"] = "md"
    force_field: str | None = None
    solvent: str | None = None
    temperature_K: Annotated[float, Field(gt=0, lt=5000)] | None = None
    pressure_bar: float | None = None
    ionic_strength_M: Annotated[float, Field(ge=0)] | None = None
    pH: float | None = None
    method: str = ""


class Source(_Model):
    """Where frames came from.

    Attributes
    ----------
    dataset
        Name of the set (``atlas``, ``mdcath``, ``own``...).
    identifier
        What the set calls it (``16pk_A``, ``1abcA00/320/0``).
    files
        Base names of the files that were read, each with its sha256 (of the whole file; for a container of many
        entries, such as an HDF5 file of 133 GB, of the data that were read, prefixed with ``data:``).
    licence
        SPDX identifier or name; ``unknown`` where it is not known.
    citation, url
        For the card of a model trained on it.
    """

    dataset: str
    identifier: str = ""
    files: dict[str, str] = {}
    licence: str = "unknown"
    citation: str = ""
    url: str = ""


class Shard(_Model):
    """Consecutive frames of one trajectory: one file a column.

    Attributes
    ----------
    number
        Counted from 0 within the entry; never used again.
    n_frames
        Frames in it.
    first
        Place of its first frame on the trajectory's time grid: frame ``i`` has the time
        ``start_ps + (first + i) * time_step_ps``. After a repair places are missing, never shifted.
    coordinate_unit_nm
        Of one integer step, with ``int16`` coordinates; None with ``float32``, which are nm.
    columns
        Name of the file of every column (``coordinates``, ``centre``, and optionally ``forces``, ``energies``, ``box``,
        ``times``, ``weights``) and the sha256 of the whole file.
    blocks
        CRC-32 of runs of ``block_frames`` frames of every column, so that a repair can keep what is whole.
    block_frames
        Frames a block.
    n_energies
        Terms a frame of the column ``energies``.
    """

    number: int
    n_frames: Annotated[int, Field(gt=0)]
    first: Annotated[int, Field(ge=0)] = 0
    coordinate_unit_nm: float | None = None
    columns: dict[str, tuple[str, Sha256]]
    blocks: dict[str, tuple[int, ...]] = {}
    block_frames: Annotated[int, Field(ge=0)] = 0
    n_energies: Annotated[int, Field(ge=0)] = 0


class TrajectoryRecord(_Model):
    """One trajectory, or one set of static models.

    Attributes
    ----------
    name
        Unique within the entry: ``R1``, ``320K/0``.
    time_step_ps, start_ps
        Of the time grid; ``time_step_ps`` is None where there is no clock, or where times are given a frame (a column
        ``times``) because they are not evenly spaced.
    is_complete
        False while an import is under way: readers see the frames that there are.
    mended
        What was put right at import (``clock in ns``, ``molecules made whole``), one sentence each.
    quality
        Measures and verdicts of the checks at import.
    """

    name: str
    conditions: Conditions
    source: Source
    time_step_ps: Annotated[float, Field(gt=0)] | None = None
    start_ps: float = 0.0
    is_complete: bool = True
    mended: tuple[str, ...] = ()
    quality: dict[str, Any] = {}
    shards: tuple[Shard, ...] = ()

    @property
    def n_frames(self) -> int:
        """Frames that are there."""
        return sum(shard.n_frames for shard in self.shards)

    @property
    def length_ps(self) -> float | None:
        """Time from the first frame to the last and one step on; None without a clock."""
        return None if self.time_step_ps is None else self.n_frames * self.time_step_ps


class EntryManifest(_Model):
    """One complex of a corpus.

    Attributes
    ----------
    identifier
        Name of the entry's directory.
    title
        For people.
    n_atoms, n_residues
        Of the topology.
    chains, sequences
        Author name and one-letter sequence of every polymer chain, in the order of the topology.
    topology
        Names and sha256 of ``topology.cif`` (for people and programs) and ``topology.npz`` (the same, read quickly).
    trajectories, labels
        The data.
    notes
        What a user of the entry should know (``hydrogens left out``, ``120 waters left out``).
    next_shard
        Number of the next shard; smaller ones are or were in use.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    identifier: str
    title: str = ""
    n_atoms: int
    n_residues: int
    chains: tuple[str, ...]
    sequences: tuple[str, ...]
    topology: dict[str, Sha256]
    trajectories: tuple[TrajectoryRecord, ...] = ()
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    next_shard: Annotated[int, Field(ge=0)] = 0

    @property
    def n_frames(self) -> int:
        """Frames of all trajectories."""
        return sum(trajectory.n_frames for trajectory in self.trajectories)


class CorpusRecord(_Model):
    """``corpus.json``: what holds for all of a corpus.

    Attributes
    ----------
    name
        For people; the name of the folder by default.
    private, alias
        A private corpus is named in exports, model cards and reports by its alias only, and so are its entries.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    name: str
    private: bool = False
    alias: str = ""
    created: str = ""
    description: str = ""
