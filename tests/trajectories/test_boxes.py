"""Boxes of frames in every format, against what was written."""

from __future__ import annotations

import h5py
import mdtraj
import numpy as np
import pytest

from unfreeze.trajectories.readers import open_trajectory
from unfreeze.trajectories.readers.boxes import box_vectors, boxes_of


@pytest.fixture
def frames():
    topology = mdtraj.Topology()
    residue = topology.add_residue("ALA", topology.add_chain())
    for at in range(12):
        topology.add_atom(f"C{at}", mdtraj.element.carbon, residue)
    generator = np.random.default_rng(0)
    whole = mdtraj.Trajectory(generator.normal(size=(9, 12, 3)), topology, time=np.arange(9.0))
    whole.unitcell_lengths = np.array([3.0, 4.0, 5.0]) + 0.1 * np.arange(9)[:, None]
    whole.unitcell_angles = np.tile([80.0, 95.0, 110.0], (9, 1))
    return whole


@pytest.mark.parametrize("suffix", ["xtc", "trr", "dcd", "nc", "h5"])
def test_every_format(tmp_path, frames, suffix) -> None:
    path = tmp_path / f"frames.{suffix}"
    if suffix == "h5":
        with h5py.File(path, "w") as file:
            file["coordinates"] = frames.xyz
            file["cell_lengths"], file["cell_angles"] = frames.unitcell_lengths, frames.unitcell_angles
    else:
        frames.save(path)
    with open_trajectory(path) as reader:
        assert np.allclose(boxes_of(reader, 0, 9), frames.unitcell_vectors, atol=2e-4)
        assert np.allclose(boxes_of(reader, 1, 3, 3), frames.unitcell_vectors[1::3][:3], atol=2e-4)


@pytest.mark.parametrize("suffix", ["xtc", "trr", "dcd", "nc"])
def test_no_box(tmp_path, frames, suffix) -> None:
    frames.unitcell_vectors = None
    frames.save(tmp_path / f"frames.{suffix}")
    with open_trajectory(tmp_path / f"frames.{suffix}") as reader:
        assert boxes_of(reader, 0, 9) is None


def test_angles_that_make_no_box() -> None:
    assert not np.isfinite(box_vectors(np.ones((1, 3)), np.array([[10.0, 10.0, 170.0]]))).all()
    assert np.allclose(box_vectors(np.array([[1.0, 2, 3]]), np.full((1, 3), 90.0))[0], np.diag([1.0, 2, 3]))
