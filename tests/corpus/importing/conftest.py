"""Real MD of small molecules, and parts and candidates made of it, whole or with a fault."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from mdtraj.formats import XTCTrajectoryFile

from unfreeze.corpus.importing.driver import run_import
from unfreeze.corpus.importing.source import Candidate, Part
from unfreeze.corpus.importing.streams import ArrayStream, FileStream
from unfreeze.corpus.schema import Conditions, Source
from unfreeze.corpus.store import Corpus

SEED = Path(__file__).parents[3] / "corpora" / "seed"
KNOWN = Conditions(force_field="amber14", solvent="implicit:obc2", temperature_K=300.0)


@cache
def _md(name: str) -> SimpleNamespace:
    """A complex and its frames (float32, nm): ``GYDPETGTWG`` is one chain, ``1KNE`` has two."""
    with FileStream(SEED / f"{name}.pdb", [SEED / f"{name}.xtc"]) as stream:
        (block,) = stream.blocks()
        frames = block.coordinates_nm
    frames.flags.writeable = False
    return SimpleNamespace(complex=stream.complex, frames=frames, pdb=SEED / f"{name}.pdb", xtc=SEED / f"{name}.xtc")


def _write_xtc(path: Path, frames, times=None, box=None, steps=None) -> Path:
    n = len(frames)
    times = 10.0 * np.arange(n) if times is None else times
    steps = 5000 * np.arange(n) if steps is None else steps
    with XTCTrajectoryFile(str(path), "w", force_overwrite=True) as handle:
        box = None if box is None else np.broadcast_to(box, (n, 3, 3)).astype(np.float32)
        handle.write(
            np.asarray(frames, dtype=np.float32), time=np.asarray(times, dtype=np.float32),
            step=np.asarray(steps, dtype=np.int32), box=box,
        )  # fmt: skip
    return path


def _part(molecule, frames, name="R1", *, conditions=KNOWN, dataset="test", identifier=None, step_ps=None, **columns):
    """A part whose frames are in memory."""
    return Part(
        name=name,
        conditions=conditions,
        source=Source(dataset=dataset, identifier=identifier or name),
        paths=(),
        open=lambda: ArrayStream(molecule, frames, **columns),
        time_step_ps=step_ps,
    )


def _file_part(pdb, xtc, name="R1", *, conditions=KNOWN, dataset="test", identifier=None, step_ps=None):
    return Part(
        name=name,
        conditions=conditions,
        source=Source(dataset=dataset, identifier=identifier or name),
        paths=(pdb, xtc),
        open=lambda: FileStream(pdb, [xtc]),
        time_step_ps=step_ps,
    )


@pytest.fixture(scope="session")
def md():
    return _md


@pytest.fixture(scope="session")
def parts() -> SimpleNamespace:
    return SimpleNamespace(of_frames=_part, of_files=_file_part, write_xtc=_write_xtc, known=KNOWN)


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    return Corpus.create(tmp_path / "corpus")


@pytest.fixture
def take(corpus):
    """Import parts as one entry: the only result, or all of them."""

    def run(*parts, identifier="entry", **settings):
        report = run_import(corpus, [Candidate(identifier, parts)], **settings)
        return report.results[0] if len(report.results) == 1 else report

    return run
