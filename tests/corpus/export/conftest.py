"""A corpus with trajectories of several kinds, to be exported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unfreeze.corpus.labels import AffinityLabel
from unfreeze.corpus.schema import Conditions, Source, TrajectoryRecord
from unfreeze.corpus.store import Corpus
from unfreeze.structure.complex import Complex


def moved(complex: Complex, n_frames: int, seed: int) -> np.ndarray:
    """Frames that pass for molecular dynamics: small moves of atoms, larger ones of the whole, as float32."""
    rng = np.random.default_rng(seed)
    frames = complex.coordinates_nm + rng.normal(scale=0.002, size=(n_frames, complex.n_atoms, 3))
    return (frames + rng.normal(scale=1.0, size=(n_frames, 1, 3))).astype(np.float32)


@pytest.fixture
def filled(make: Any) -> Callable[..., Corpus]:
    """Make a corpus of two entries: a dimer of two temperatures with forces and box, a peptide of uneven times."""

    def build(path: Path, **settings: Any) -> Corpus:
        corpus = Corpus.create(path, **settings)
        dimer = make.merge(make.peptide(6), make.moved(make.peptide(5), [1.5, 0.0, 0.0]), chains=["A", "B"])
        source = Source(
            dataset="own", identifier="secret-7/run 1", files={"secret-7.xtc": "0" * 64}, licence="CC-BY-4.0",
            citation="Secret et al.", url="https://secret.example",
        )  # fmt: skip
        with corpus.new_entry(
            "secret-7", dimer, title="Secret 7 with its partner", notes=("from secret.pdb",)
        ) as entry:
            for k, temperature in enumerate((300.0, 350.0)):
                conditions = Conditions(
                    force_field="amber14", solvent="explicit:tip3p", temperature_K=temperature, method="by Alice"
                )
                record = TrajectoryRecord(
                    name=f"secret run {temperature:g}K/0",
                    conditions=conditions,
                    source=source,
                    mended=("secret.xtc: made",),
                )
                frames = moved(dimer, 7, k)
                with entry.begin_trajectory(record) as writer:
                    writer.append(
                        frames,
                        forces=frames[:, ::-1] * 100,
                        box_nm=np.repeat(np.eye(3, dtype=np.float32)[None] * 6, 7, axis=0),
                    )
                    writer.finish(time_step_ps=20.0, start_ps=40.0, quality={"file": "secret.xtc"})
            entry.add_labels(
                [AffinityLabel(partners=("A", "B"), source="secret-table:7", note="by Alice", licence="MIT")]
            )
        peptide = make.peptide(4)
        conditions = Conditions(force_field="a99sb-disp", solvent="explicit:tip4p-d", temperature_K=295.0)
        record = TrajectoryRecord(
            name="R1",
            conditions=conditions,
            source=Source(dataset="atlas", identifier="1abc_A", licence="CC-BY-NC-4.0"),
        )
        with corpus.new_entry("zeta", peptide) as entry, entry.begin_trajectory(record) as writer:
            writer.append(moved(peptide, 5, 9), times_ps=np.array([0.0, 1.0, 2.0, 4.0, 8.0]), weights=np.arange(5.0))
            writer.finish()
        return corpus

    return build
