"""Flipped bits, bytes and cut ends anywhere in the files of a set: they are taken or refused by name, never a crash."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from unfreeze.errors import InputError


def _write(name: str, root: Path, layouts: SimpleNamespace) -> dict[str, str]:
    """A small set in a folder; the options that it needs."""
    match name:
        case "mdcath":
            layouts.mdcath.write_mdcath(root, temperatures=("320",), replicas=1)
        case "misato":
            path, molecule, _ = layouts.misato.write_misato(root / "MD.hdf5", ("11GS",), n_frames=12)
            layouts.misato.write_prmtop(root / "top" / "11gs" / "production.top.gz", molecule)
            return {"topologies": str(path.parent / "top")}
        case "timewarp":
            layouts.timewarp.write_timewarp(root / "2AA-1-large")
        case "atlas":
            layouts.xtc_sets.write_atlas(root, runs=(1,))
        case "mdgen":
            layouts.xtc_sets.write_mdgen(root / "4AA_sims")
        case "bioemu":
            layouts.xtc_sets.write_bioemu(root)
        case "mddb":
            layouts.mddb.write_mddb(root, replicas=1)
    return {}


def _damaged(content: bytes, rng: np.random.Generator) -> bytes:
    if rng.integers(4) == 0:
        return content[: rng.integers(len(content) + 1)]
    changed = bytearray(content)
    reach = min(len(changed), 4000) if rng.integers(2) else len(changed)
    for _ in range(rng.integers(1, 4)):
        if changed:
            changed[rng.integers(reach)] ^= rng.integers(1, 256)
    return bytes(changed)


@pytest.mark.parametrize("name", ["mdcath", "misato", "timewarp", "atlas", "mdgen", "bioemu", "mddb"])
def test_damaged_files_are_refused_by_name(tmp_path, layouts, candidates, name) -> None:
    options = _write(name, tmp_path, layouts)
    rng = np.random.default_rng(11)
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    n_refused = 0
    for _ in range(25):
        path = files[rng.integers(len(files))]
        content = path.read_bytes()
        path.write_bytes(_damaged(content, rng))
        with warnings.catch_warnings(action="ignore"):
            try:
                for candidate in candidates(name, tmp_path, options):
                    n_refused += candidate.refusal is not None
                    for part in candidate.parts:
                        if part.refusal is None:
                            with part.open() as stream:
                                assert sum(len(block.coordinates_nm) for block in stream.blocks()) == stream.n_frames
            except InputError as error:
                n_refused += 1
                assert len(str(error)) > 20
        path.write_bytes(content)
    assert n_refused > 0
