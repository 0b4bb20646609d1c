"""Boxes: images of the solute far enough apart, cut-offs that fit, ions by seed."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unfreeze.errors import InputError
from unfreeze.simulate.force_field_files import load_files
from unfreeze.simulate.settings import SystemSettings
from unfreeze.simulate.solvate import bounding_sphere, box_vectors_nm, solvate
from unfreeze.structure.complex import Complex
from unfreeze.structure.openmm_topology import to_openmm

SHAPES = ("cube", "dodecahedron", "octahedron")


@given(st.integers(1, 60), st.integers(0, 2**31))
@settings(deadline=None, max_examples=30)
def test_the_sphere_holds_all_points_and_is_nearly_the_smallest(n_points: int, seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(n_points, 3)) * [3.0, 1.0, 0.3]
    centre, radius = bounding_sphere(points)
    distances = np.linalg.norm(points[:, None] - points, axis=2)
    assert (np.linalg.norm(points - centre, axis=1) <= radius + 1e-12).all()
    # Jung's theorem bounds the smallest sphere by the diameter.
    assert distances.max() / 2 - 1e-9 <= radius <= 1.003 * distances.max() * np.sqrt(3 / 8) + 1e-12


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("radius_nm", [0.4, 2.5])
def test_images_keep_twice_the_padding(shape: str, radius_nm: float) -> None:
    box = box_vectors_nm(radius_nm, SystemSettings(solvent="tip3p", box_shape=shape, padding_nm=0.8), 0.9)
    shifts = np.array([step for step in itertools.product((-2, -1, 0, 1, 2), repeat=3) if any(step)]) @ box
    assert np.linalg.norm(shifts, axis=1).min() >= 2 * (radius_nm + 0.8) - 1e-9
    assert np.diag(box).min() / 2 > 1.1 * 0.9


@pytest.mark.parametrize("shape", SHAPES)
def test_boxes_are_in_the_form_that_openmm_takes(shape: str) -> None:
    a, b, c = box_vectors_nm(1.0, SystemSettings(solvent="tip3p", box_shape=shape), 0.9)
    assert a[1] == a[2] == b[2] == 0.0
    assert a[0] >= 2 * abs(b[0]) - 1e-12 and a[0] >= 2 * abs(c[0]) - 1e-12 and b[1] >= 2 * abs(c[1]) - 1e-12


def test_the_dodecahedron_is_the_smallest_box() -> None:
    volumes = [
        np.linalg.det(box_vectors_nm(2.0, SystemSettings(solvent="tip3p", box_shape=shape), 0.9)) for shape in SHAPES
    ]
    assert volumes[1] / volumes[0] == pytest.approx(0.7071, abs=1e-3)
    assert volumes[2] / volumes[0] == pytest.approx(0.7698, abs=1e-3)


def test_ions_follow_the_seed_and_nothing_else_changes(charged_peptide: Complex) -> None:
    topology, positions_nm = to_openmm(charged_peptide)
    force_field = load_files(("amber14-all.xml", "amber14/tip3p.xml"))
    options = SystemSettings(solvent="tip3p", padding_nm=0.3, ionic_strength_M=0.5)
    random.seed(1)
    expected = random.Random(1).random()
    boxes = [solvate(topology, positions_nm, force_field, options, 0.9, seed) for seed in (3, 3, 4)]
    assert random.random() == expected, "Python's own generator was moved"
    assert np.array_equal(boxes[0].positions_nm, boxes[1].positions_nm)
    assert not np.array_equal(boxes[0].positions_nm, boxes[2].positions_nm)
    assert len({(box.n_waters, box.n_positive, box.n_negative) for box in boxes}) == 1
    box = boxes[0]
    names = [residue.name for residue in box.topology.residues()][charged_peptide.n_residues :]
    assert names == ["HOH"] * box.n_waters + ["NA"] * box.n_positive + ["CL"] * box.n_negative
    assert np.array_equal(box.positions_nm[: charged_peptide.n_atoms], positions_nm)
    waters = box.n_waters + box.n_positive + box.n_negative
    assert box.n_negative == pytest.approx(0.5 * waters / 55.4 + 1, abs=1)


def test_ions_that_do_not_fit_are_refused(alanine_dipeptide: Complex, monkeypatch: pytest.MonkeyPatch) -> None:
    topology, positions_nm = to_openmm(alanine_dipeptide)
    force_field = load_files(("amber14-all.xml", "amber14/tip3p.xml"))

    def no_water_left(*_: object, **__: object) -> None:
        random.choice([])

    monkeypatch.setattr("openmm.app.Modeller.addSolvent", no_water_left)
    with pytest.raises(InputError, match=r"ionic_strength_M of 5: the ions do not fit"):
        solvate(topology, positions_nm, force_field, SystemSettings(solvent="tip3p", ionic_strength_M=5.0), 0.5, 0)
