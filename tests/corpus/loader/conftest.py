"""A small corpus of complexes of several sizes, conditions and lengths, made once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from unfreeze.corpus.labels import BFactorLabel
from unfreeze.corpus.schema import Conditions, Source, TrajectoryRecord
from unfreeze.corpus.store import Corpus
from unfreeze.structure.complex import Complex

N_FRAMES = {"a": (40,), "b": (25, 7), "c": (12,), "d": (1,), "e": (30, 30)}


def _pair(make: SimpleNamespace, first: int, second: int) -> Complex:
    """Two helices side by side, in contact."""
    one = make.peptide(first, phi=-60.0, psi=-45.0)
    two = make.peptide(second, phi=-60.0, psi=-45.0, chain="B")
    axis = np.linalg.svd(one.coordinates_nm - one.coordinates_nm.mean(axis=0))[2][1]
    return make.merge(one, make.moved(two, 0.95 * axis))


@pytest.fixture(scope="session")
def complexes(make: SimpleNamespace) -> dict[str, Complex]:
    pair = _pair(make, 30, 24)
    ions = make.ions([pair.coordinates_nm[:5].mean(axis=0) + 0.4])
    return {
        "a": pair,
        "b": make.peptide(18),
        "c": make.merge(_pair(make, 9, 9), ions),
        "d": replace(make.peptide(12), atom_b_factor=np.arange(60.0)),
        "e": _pair(make, 40, 40),
    }


def _fill(path: Path, complexes: dict[str, Complex]) -> Corpus:
    corpus = Corpus.create(path)
    for place, (identifier, molecule) in enumerate(complexes.items()):
        rng = np.random.default_rng(place)
        with corpus.new_entry(identifier, molecule) as entry:
            for number, n_frames in enumerate(N_FRAMES[identifier]):
                kind = "static" if identifier == "d" else "md"
                conditions = Conditions(
                    kind=kind, force_field="ff" if kind == "md" else None, temperature_K=300.0 + 20.0 * number
                )
                source = Source(dataset="one" if place < 2 else "two", licence="CC-BY-4.0")
                record = TrajectoryRecord(name=f"R{number + 1}", conditions=conditions, source=source)
                frames = molecule.coordinates_nm + rng.normal(0.0, 0.05, (n_frames, molecule.n_atoms, 3))
                turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
                turned = frames @ (turn * np.linalg.det(turn))
                with entry.begin_trajectory(record) as trajectory:
                    options = {}
                    if identifier == "a":
                        options = {
                            "forces": (turned - turned.mean(axis=1, keepdims=True)).astype(np.float32),
                            "energies": np.arange(2.0 * n_frames).reshape(-1, 2),
                            "weights": np.arange(1.0, n_frames + 1.0),
                        }
                    trajectory.append(turned.astype(np.float32), **options)
                    trajectory.finish(time_step_ps=None if kind == "static" else 10.0)
            if identifier == "d":
                label = BFactorLabel(source="test", meaning="isotropic", mean_A2=30.0, spread_A2=5.0)
                entry.set_labels([label])
    return corpus


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory, complexes: dict[str, Complex]) -> Corpus:
    folder = tmp_path_factory.mktemp("corpus") / "small"
    _fill(folder, complexes)
    return Corpus.open(folder)


@pytest.fixture(scope="session")
def fill() -> Callable[[Path, dict[str, Complex]], Corpus]:
    return _fill
