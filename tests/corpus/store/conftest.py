"""Small corpora that the tests of the store share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unfreeze.corpus.schema import Conditions, Source, TrajectoryRecord
from unfreeze.corpus.store import Corpus
from unfreeze.structure.complex import Complex


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return Corpus.create(tmp_path / "corpus")


@pytest.fixture
def peptide(make: Any) -> Complex:
    return make.peptide(4)


@pytest.fixture
def record() -> Callable[..., TrajectoryRecord]:
    def build(name: str = "R1", **changes: Any) -> TrajectoryRecord:
        conditions = Conditions(force_field="amber14sb", solvent="explicit:tip3p", temperature_K=300)
        source = Source(dataset="own", identifier="x", licence="CC-BY-4.0")
        return TrajectoryRecord(**{"name": name, "conditions": conditions, "source": source, **changes})

    return build


@pytest.fixture
def frames() -> Callable[..., np.ndarray]:
    def build(complex: Complex, n: int, seed: int = 0, spread_nm: float = 0.1) -> np.ndarray:
        rng = np.random.default_rng(seed)
        moved = complex.coordinates_nm + rng.normal(scale=spread_nm, size=(n, complex.n_atoms, 3))
        return (moved + rng.normal(scale=5, size=(n, 1, 3))).astype(np.float32)

    return build
