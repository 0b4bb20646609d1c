"""A small corpus of several kinds of entries."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unfreeze.corpus.labels import StabilityLabel
from unfreeze.corpus.schema import Conditions, Source, TrajectoryRecord
from unfreeze.corpus.store import Corpus
from unfreeze.structure.complex import Complex


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNFREEZE_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def wobbling(molecule: Complex, n_frames: int, seed: int, size_nm: float = 0.1) -> np.ndarray:
    """Frames that move the more, the nearer to the end of the chain."""
    rng = np.random.default_rng(seed)
    scale = size_nm * np.linspace(0.2, 1.0, molecule.n_residues)[molecule.residue_index]
    noise = rng.normal(size=(n_frames, molecule.n_residues, 3))[:, molecule.residue_index]
    return (molecule.coordinates_nm + scale[None, :, None] * noise).astype(np.float32)


@pytest.fixture(scope="session")
def fill(make: Any) -> Any:
    """Fill a corpus: a helix with two runs at 300 K and one at 350 K, a strand twice, a pair that touches."""

    def fill(corpus: Corpus) -> Corpus:
        def add(name: str, molecule: Complex, runs: list[dict[str, Any]], labels: tuple = ()) -> None:
            with corpus.new_entry(name, molecule, title=f"secret {name}") as writer:
                writer.set_labels(labels)
                for number, run in enumerate(runs):
                    conditions = Conditions(**run.get("conditions", {"temperature_K": 300, "force_field": "ff14sb"}))
                    source = Source(dataset=run.get("dataset", "own"), licence=run.get("licence", "CC-BY-4.0"))
                    with_clock = conditions.kind == "md"
                    record = TrajectoryRecord(name=f"R{number}", conditions=conditions, source=source,
                                              mended=run.get("mended", ()))  # fmt: skip
                    writing = writer.begin_trajectory(record)
                    writing.append(wobbling(molecule, run.get("n", 40), run.get("seed", number)))
                    writing.finish(time_step_ps=10.0 if with_clock else None)

        helix = make.peptide(24, -60.0, -45.0)
        strand = make.peptide(20, -120.0, 130.0)
        hot = {"conditions": {"temperature_K": 350, "force_field": "ff14sb"}, "licence": "CC-BY-NC-4.0"}
        label = StabilityLabel(source="s:1", mutations=("A1G",), delta_delta_g_kJ_mol=-1.0)
        add("helix", helix, [{}, {}, {**hot, "mended": ("clock in ns",)}], (label, label))
        add("strand", strand, [{"conditions": {"kind": "static"}, "n": 1, "dataset": "pdb"}])
        add("strand2", strand, [{"seed": 5}])
        add("copy", strand, [{"seed": 5}])
        add("pair", make.merge(strand, make.moved(strand, [0.0, 0.48, 0.0]), chains=["A", "B"]), [])
        return corpus

    return fill


@pytest.fixture
def corpus(tmp_path: Path, fill: Any) -> Corpus:
    return fill(Corpus.create(tmp_path / "corpus"))
