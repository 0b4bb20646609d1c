"""Timewarp's pairs of files, as ``simulation/npzreporter.py`` of its repository writes them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
from molecules import Molecule, all_atoms
from numpy.typing import NDArray

STEP_PS = 0.0005


def logarithmic_steps(n_frames: int, interval: int = 10_000) -> NDArray[np.int64]:
    """Steps that are saved: 10000, 10001, 10010, 10100, 11000, 20000 and so on."""
    offsets = np.array([0, 1, 10, 100, 1000])
    steps = (np.arange(1, n_frames + 1)[:, None] * interval + offsets).ravel()
    return steps[:n_frames]


def write_timewarp(
    folder: Path, name: str = "GG", molecule: Molecule | None = None, *, faults: Collection[str] = ()
) -> tuple[Path, Path]:
    """The two files; `faults`: ``no_state``, ``no_arrays``, ``pickled``, ``short_forces``, ``other_atoms``, ``cut``,
    ``no_forces``."""
    molecule = molecule or all_atoms()
    folder.mkdir(parents=True, exist_ok=True)
    state, arrays = folder / f"{name}-traj-state0.pdb", folder / f"{name}-traj-arrays.npz"
    if "no_state" not in faults:
        state.write_text(molecule.pdb(head="REMARK   1 CREATED WITH OPENMM 7.7, 2022-08-01\n"))
    frames = molecule.frames_nm.astype(np.float32)
    if "other_atoms" in faults:
        frames = frames[:, :-2]
    n_frames = len(frames)
    rng = np.random.default_rng(3)
    steps = logarithmic_steps(n_frames)
    columns = {
        "step": steps,
        "time": steps * STEP_PS,
        "energies": rng.normal(loc=(-300.0, 120.0), scale=20.0, size=(n_frames, 2)),
        "positions": frames,
        "velocities": rng.normal(scale=0.5, size=frames.shape).astype(np.float32),
        "forces": rng.normal(scale=800.0, size=frames.shape).astype(np.float32),
    }
    if "pickled" in faults:
        columns["positions"] = np.array([frame for frame in frames] + [None], dtype=object)[:-1]
    if "short_forces" in faults:
        columns["forces"] = columns["forces"][:-1]
    if "no_forces" in faults:
        del columns["forces"]
    if "no_arrays" not in faults:
        np.savez_compressed(arrays, **columns)
    if "cut" in faults:
        arrays.write_bytes(arrays.read_bytes()[: arrays.stat().st_size // 2])
    # What lies beside them in the released folders, and must not be touched.
    (folder / f"{name}-traj.chk.pkl").write_bytes(b"\x80\x04N.")
    return state, arrays
