"""Backbone frames: orthonormal, equivariant, and absent where atoms are."""

from __future__ import annotations

import numpy as np

from unfreeze.structure.geometry import rotation_matrices
from unfreeze.structure.internal_coordinates.frames import backbone_frames, gram_schmidt_frames


def test_frames_are_right_handed_and_put_c_on_the_first_axis(real):
    system = real("1hvr.pdb")
    frames = backbone_frames(system)
    have = np.isfinite(frames.origins_nm[0, :, 0])
    assert have.sum() == (system.residue_kind == "protein").sum()
    rotation = frames.rotations[0, have]
    assert np.allclose(np.einsum("rij,rik->rjk", rotation, rotation), np.eye(3), atol=1e-12)
    assert np.allclose(np.linalg.det(rotation), 1.0)
    for name, zero in (("C", (1, 2)), ("N", (2,))):
        atoms = system.atom_of_residue(name)[have]
        local = np.einsum("rji,rj->ri", rotation, system.coordinates_nm[atoms] - frames.origins_nm[0, have])
        assert np.allclose(local[:, zero], 0.0, atol=1e-12)
        assert (local[:, 0] > 0.1).all() if name == "C" else (local[:, 1] > 0.1).all()


def test_frames_turn_with_the_coordinates(real):
    system = real("1hvr.pdb")
    turn = rotation_matrices(np.array([0.4, -2.0, 1.1]))
    still = backbone_frames(system)
    moved = backbone_frames(system, (system.coordinates_nm @ turn.T + [1.0, 2.0, 3.0])[None])
    assert np.allclose(moved.rotations, turn @ still.rotations, equal_nan=True, atol=1e-10)
    assert np.allclose(moved.origins_nm, still.origins_nm @ turn.T + [1.0, 2.0, 3.0], equal_nan=True)


def test_a_residue_without_c_has_no_frame(real):
    system = real("1hvr.pdb")
    keep = np.ones(system.n_atoms, dtype=bool)
    keep[system.atom_of_residue("C")[5]] = False
    frames = backbone_frames(system.take_atoms(keep))
    assert np.isnan(frames.rotations[0, 5]).all()
    assert np.isfinite(frames.rotations[0, 4]).all()


def test_points_on_a_line_have_no_frame():
    line = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]])
    assert np.isnan(gram_schmidt_frames(*line)).any()
