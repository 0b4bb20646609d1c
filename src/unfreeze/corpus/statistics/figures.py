"""Figures of an entry that need its topology and frames, kept on this machine while its manifest is the same."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from unfreeze.corpus.statistics.folds import secondary_structure
from unfreeze.corpus.statistics.motion import alike, motion_of, representatives
from unfreeze.corpus.store import Corpus, Entry
from unfreeze.errors import InputError
from unfreeze.files.atomic import write_json
from unfreeze.structure.similarity.interfaces import partner_interfaces
from unfreeze.structure.similarity.sequences import chain_sequences

__all__ = ["FigureCache", "entry_figures"]

_VERSION = 1  # of the figures


def entry_figures(entry: Entry, n_frames: int) -> dict[str, Any]:
    """Figures of an entry.

    Parameters
    ----------
    entry
        The entry.
    n_frames
        Frames of every trajectory that are looked at.

    Returns
    -------
    dict
        ``helix`` and ``strand``: shares of the residues of proteins, None without protein; ``interfaces``: pairs of
        chains that touch with their number of contacts; ``n_ligands``, ``n_ions``; ``motion`` of every trajectory;
        ``replicas``: for every set of conditions with several trajectories, the least correlation of their RMSF;
        ``first_shards``: checksum of the first coordinates of every trajectory; ``mended``; ``incomplete``.

    Raises
    ------
    InputError
        If a file of it is damaged.
    """
    molecule, manifest = entry.complex, entry.manifest
    protein = molecule.residue_kind == "protein"
    letters = secondary_structure(molecule)[protein]
    atoms = representatives(molecule)
    motion: dict[str, Any] = {}
    by_conditions: dict[str, list[np.ndarray]] = {}
    for record in manifest.trajectories:
        figures, rmsf = motion_of(entry.trajectory(record.name), atoms, n_frames)
        motion[record.name] = figures
        if rmsf is not None and record.conditions.kind == "md":
            by_conditions.setdefault(record.conditions.model_dump_json(), []).append(rmsf)
    replicas = [
        min((r for a, b in itertools.combinations(runs, 2) if (r := alike(a, b)) is not None), default=None)
        for runs in by_conditions.values()
        if len(runs) > 1
    ]
    found = partner_interfaces(molecule, chain_sequences(molecule))
    return {
        "helix": round(float((letters == "H").mean()), 4) if len(letters) else None,
        "strand": round(float((letters == "E").mean()), 4) if len(letters) else None,
        "interfaces": [[one.first, one.second, len(one.contacts)] for one in found],
        "n_ligands": int((molecule.residue_kind == "ligand").sum()),
        "n_ions": int((molecule.residue_kind == "ion").sum()),
        "motion": motion,
        "replicas": [r for r in replicas if r is not None],
        "first_shards": {
            record.name: record.shards[0].columns["coordinates"][1] for record in manifest.trajectories if record.shards
        },
        "mended": {record.name: list(record.mended) for record in manifest.trajectories if record.mended},
    }


class FigureCache:
    """Figures by the checksum of the manifest they were made from, in one file for every corpus.

    Parameters
    ----------
    corpus
        Whose.
    n_frames
        Frames of every trajectory that are looked at.
    """

    def __init__(self, corpus: Corpus, n_frames: int) -> None:
        self._corpus = corpus
        self._n_frames = n_frames
        name = hashlib.sha256(str(corpus.path).encode()).hexdigest()
        if corpus.path.is_dir():
            name = hashlib.sha256(os.fsencode(corpus.path.resolve())).hexdigest()
        folder = os.environ.get("UNFREEZE_CACHE") or platformdirs.user_cache_dir("unfreeze")
        self._path = Path(folder) / "statistics" / f"{name}.json"
        self._known: dict[str, Any] = {}
        self._used: dict[str, Any] = {}
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            document = json.loads(self._path.read_bytes())
            if (document["version"], document["n_frames"]) == (_VERSION, n_frames):
                self._known = dict(document["figures"])

    def of(self, identifier: str) -> dict[str, Any]:
        """Figures of an entry, made where they are not known.

        Raises
        ------
        InputError
            If the entry is damaged.
        """
        manifest = self._corpus.files.local(f"entries/{identifier}/manifest.json")
        try:
            key = hashlib.sha256(manifest.read_bytes()).hexdigest()
        except OSError as error:
            raise InputError(f"{manifest}: cannot be read ({error.strerror or error}).") from None
        if key not in self._known:
            self._known[key] = entry_figures(self._corpus.entry(identifier), self._n_frames)
        self._used[key] = self._known[key]
        return self._known[key]

    def save(self) -> None:
        """Keep the figures that were asked for, where that is possible."""
        document = {"version": _VERSION, "n_frames": self._n_frames, "figures": self._used}
        with suppress(OSError, InputError):
            write_json(self._path, document)
