from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import mdtraj
import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unfreeze.structure.observables.shrake_rupley import (
    atom_areas_nm2,
    carried_areas_nm2,
    exposed_groups,
    mdtraj_radii_nm,
    sphere_points,
)


def _trajectory(frames: np.ndarray, element: np.ndarray) -> mdtraj.Trajectory:
    topology = mdtraj.Topology()
    residue = topology.add_residue("X", topology.add_chain())
    for symbol in element:
        topology.add_atom("X", mdtraj.element.get_by_symbol(str(symbol).capitalize()), residue)
    return mdtraj.Trajectory(np.asarray(frames, dtype=np.float32), topology)


def _by_mdtraj(frames: np.ndarray, element: np.ndarray, **options: Any) -> np.ndarray:
    """mdtraj's areas, one frame at a time."""
    whole = _trajectory(frames, element)
    return np.concatenate([mdtraj.shrake_rupley(whole[k], **options) for k in range(len(frames))])


def _cloud(seed: int, n_atoms: int, n_frames: int, edge_nm: float) -> SimpleNamespace:
    rng = np.random.default_rng(seed)
    element = np.array("C N O S P H ZN".split())[rng.integers(0, 7, n_atoms)]
    frames = rng.uniform(-edge_nm / 2, edge_nm / 2, (n_frames, n_atoms, 3)) + rng.uniform(-20.0, 20.0, 3)
    return SimpleNamespace(frames=frames.astype(np.float32), element=element, radii=mdtraj_radii_nm(element), rng=rng)


@pytest.fixture(scope="module")
def protein(make):
    """Ten frames of a small protein of all residue types, with its side chains as groups."""
    molecule = make.read("1hvr")
    molecule = molecule.take_residues(np.flatnonzero(molecule.chain_index == 0))
    noise = np.random.default_rng(3).normal(scale=0.02, size=(10, molecule.n_atoms, 3))
    group = np.where(np.isin(molecule.atom_name, ["CA", "C", "N", "O", "OXT"]), -1, molecule.residue_index)
    return SimpleNamespace(
        frames=(molecule.coordinates_nm + noise).astype(np.float32),
        element=molecule.element,
        radii=mdtraj_radii_nm(molecule.element),
        group=group,
        n_groups=molecule.n_residues,
    )


def test_radii_are_those_of_mdtraj_and_unknown_elements_count_as_carbon():
    assert mdtraj_radii_nm(np.array(["C", "ZN", "Zn", "XX", ""])) == pytest.approx([0.17, 0.139, 0.139, 0.17, 0.17])


@pytest.mark.parametrize("n", [1, 60, 960])
def test_sphere_points_are_on_the_unit_sphere_and_spread_evenly(n):
    points = sphere_points(n)
    assert points.dtype == np.float32 and points.shape == (n, 3)
    assert np.allclose(np.linalg.norm(points, axis=1), 1.0, atol=1e-6)
    assert np.linalg.norm(points.mean(axis=0)) < 1.0 / n + (n == 1)


@pytest.mark.parametrize(("probe_nm", "n_points"), [(0.14, 960), (0.28, 960), (0.14, 100)])
def test_areas_of_a_protein_are_those_of_mdtraj_to_the_last_bit(protein, probe_nm, n_points):
    frames = protein.frames[:2]
    expected = _by_mdtraj(frames, protein.element, probe_radius=probe_nm, n_sphere_points=n_points)
    found = atom_areas_nm2(frames, protein.radii, probe_nm=probe_nm, n_points=n_points)
    assert found.dtype == np.float32
    assert np.array_equal(found, expected)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_atoms=st.integers(1, 120),
    edge_nm=st.sampled_from([0.3, 1.0, 3.0, 30.0]),
    probe_nm=st.sampled_from([0.0, 0.14, 0.28, 1.0]),
    n_points=st.sampled_from([1, 7, 240, 960]),
)
def test_areas_of_any_cloud_are_those_of_mdtraj(seed, n_atoms, edge_nm, probe_nm, n_points):
    cloud = _cloud(seed, n_atoms, 1, edge_nm)
    expected = _by_mdtraj(cloud.frames, cloud.element, probe_radius=probe_nm, n_sphere_points=n_points)
    found = atom_areas_nm2(cloud.frames, cloud.radii, probe_nm=probe_nm, n_points=n_points)
    assert np.array_equal(found, expected)


def test_points_on_the_very_surface_of_an_occluder_are_decided_as_mdtraj_does():
    rng = np.random.default_rng(1)
    n, radius = 2000, 0.31
    centre = rng.uniform(-5.0, 5.0, (n, 3)).astype(np.float32)
    away = rng.normal(size=(n, 3))
    away /= np.linalg.norm(away, axis=1)[:, None]
    points = centre + radius * sphere_points(960)[rng.integers(0, 960, n)]
    frames = np.stack([centre, (points + radius * away).astype(np.float32)], axis=1)
    frames = frames[np.linalg.norm(frames[:, 0] - frames[:, 1], axis=1) > 1e-3]
    element = np.array(["C", "C"])
    assert np.array_equal(atom_areas_nm2(frames, mdtraj_radii_nm(element)), _by_mdtraj(frames, element))


def test_an_isolated_atom_shows_its_whole_sphere_and_two_show_caps():
    radius = 0.17 + 0.14
    alone = atom_areas_nm2(np.zeros((1, 1, 3)), np.array([0.17]))
    assert alone[0, 0] == pytest.approx(4.0 * np.pi * radius**2, rel=1e-6)
    for distance in (0.05, 0.2, 0.4, 0.61, 0.63):
        pair = atom_areas_nm2(np.array([[[0.0, 0.0, 0.0], [0.0, 0.0, distance]]]), np.array([0.17, 0.17]))
        hidden = max(radius - distance / 2.0, 0.0)  # height of the cap that the other sphere cuts off
        expected = 4.0 * np.pi * radius**2 - 2.0 * np.pi * radius * hidden
        assert pair[0] == pytest.approx([expected] * 2, abs=4.0 / 960.0 * 4.0 * np.pi * radius**2)  # four points


def test_atoms_on_top_of_one_another_and_stray_atoms_are_no_trouble():
    points = np.zeros((1, 3, 3))
    points[0, 2] = 1e5
    small, large, stray = atom_areas_nm2(points, np.array([0.1, 0.2, 0.17]))[0]
    assert small == 0.0
    assert large == pytest.approx(4.0 * np.pi * 0.34**2, rel=1e-6)
    assert stray == pytest.approx(4.0 * np.pi * 0.31**2, rel=1e-6)


def test_unmeasured_atoms_still_shade(protein):
    measured = np.arange(len(protein.radii)) % 3 == 0
    whole = atom_areas_nm2(protein.frames[:3], protein.radii)
    assert np.array_equal(atom_areas_nm2(protein.frames[:3], protein.radii, measured=measured), whole[:, measured])
    none = atom_areas_nm2(protein.frames, protein.radii, measured=np.zeros(len(protein.radii), dtype=bool))
    assert none.shape == (10, 0)


def test_threads_blocks_and_kinds_of_arrays_change_nothing(protein, tmp_path, monkeypatch):
    expected = atom_areas_nm2(protein.frames, protein.radii)
    monkeypatch.setattr(
        sys.modules["unfreeze.structure.observables.shrake_rupley"], "_BLOCK_ATOMS", 3 * len(protein.radii)
    )
    assert np.array_equal(atom_areas_nm2(protein.frames, protein.radii, n_threads=3), expected)
    np.save(tmp_path / "frames.npy", protein.frames)
    mapped = np.load(tmp_path / "frames.npy", mmap_mode="r")
    assert np.array_equal(atom_areas_nm2(mapped, protein.radii), expected)
    assert np.array_equal(atom_areas_nm2(np.asfortranarray(protein.frames, dtype=np.float64), protein.radii), expected)


def test_what_mdtraj_carries_from_frame_to_frame_can_be_repeated(protein):
    order = np.array([0, 1, 1, 4, 2, 2, 0])
    chosen = np.isin(protein.element, ["C", "N"])
    areas = atom_areas_nm2(protein.frames[:5], protein.radii, probe_nm=0.28)
    carried = carried_areas_nm2(areas[:, chosen], protein.radii[chosen], probe_nm=0.28, order=order)
    assert np.array_equal(carried[0], areas[0][chosen])
    unit = 4.0 * np.pi / 960 * (protein.radii[chosen] + 0.28) ** 2
    for step in range(1, len(order)):
        expected = areas[order[step]][chosen] + carried[step - 1] * unit
        assert carried[step] == pytest.approx(expected, abs=1e-6)
    # frames are dealt to threads in runs: of 40 frames, the first two are in one thread on up to twenty cores
    together = mdtraj.shrake_rupley(_trajectory(protein.frames[[0, 1]].repeat(20, axis=0), protein.element), 0.28)
    alone = carried_areas_nm2(areas, protein.radii, probe_nm=0.28, order=np.zeros(2, dtype=np.int64))
    if np.array_equal(together[1], areas[0]):
        pytest.skip("this mdtraj carries nothing from frame to frame")
    assert np.array_equal(together[:2], alone)


@pytest.mark.parametrize("threshold_nm2", [0.0, 1e-6, 0.02, 0.05, 0.2, 5.0])
def test_groups_are_decided_as_their_sums_are(protein, threshold_nm2):
    areas = atom_areas_nm2(protein.frames, protein.radii, probe_nm=0.28)
    expected = np.zeros((len(areas), protein.n_groups), dtype=bool)
    for group in range(protein.n_groups):
        expected[:, group] = areas[:, protein.group == group].sum(axis=1) > np.float32(threshold_nm2)
    found = exposed_groups(
        protein.frames, protein.radii, protein.group, protein.n_groups, threshold_nm2=threshold_nm2, n_threads=2
    )
    assert np.array_equal(found, expected)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n_atoms=st.integers(1, 60), n_points=st.sampled_from([1, 60, 960]))
def test_groups_of_any_cloud_are_decided_exactly_at_the_threshold(seed, n_atoms, n_points):
    cloud = _cloud(seed, n_atoms, 2, 1.0)
    group = cloud.rng.integers(-1, 4, n_atoms)
    areas = atom_areas_nm2(cloud.frames, cloud.radii, probe_nm=0.28, n_points=n_points)
    sums = np.zeros((2, 5), dtype=np.float32)
    for atom in np.flatnonzero(group >= 0):
        sums[:, group[atom]] += areas[:, atom]
    # thresholds that a sum hits, and their neighbours
    for threshold in np.unique(np.concatenate([sums.ravel(), np.nextafter(sums.ravel(), 0.0, dtype=np.float32)])):
        found = exposed_groups(cloud.frames, cloud.radii, group, 5, n_points=n_points, threshold_nm2=float(threshold))
        assert np.array_equal(found, sums > threshold)


def test_a_group_without_atoms_is_never_exposed():
    found = exposed_groups(np.zeros((2, 1, 3)), np.array([0.17]), np.array([1]), 3)
    assert found.tolist() == [[False, True, False]] * 2
    assert not exposed_groups(np.zeros((2, 1, 3)), np.array([0.17]), np.array([-1]), 3).any()


def test_what_makes_no_sense_is_refused():
    radii = np.array([0.17, 0.17])
    with pytest.raises(ValueError, match=r"expected \[n_frames, 2, 3\]"):
        atom_areas_nm2(np.zeros((1, 3, 3)), radii)
    with pytest.raises(ValueError, match="not finite"):
        atom_areas_nm2(np.full((1, 2, 3), np.nan), radii)
    with pytest.raises(ValueError, match="finite and positive"):
        atom_areas_nm2(np.zeros((1, 2, 3)), np.array([0.17, np.nan]))
    with pytest.raises(ValueError, match="numbers below 2"):
        exposed_groups(np.zeros((1, 2, 3)), radii, np.array([0, 2]), 2)
    with pytest.raises(ValueError, match="n_points is 0"):
        atom_areas_nm2(np.zeros((1, 2, 3)), radii, n_points=0)


def test_code_that_cannot_be_kept_is_still_compiled():
    from unfreeze.structure.compiled import compiled

    # a function without a source file, as where no cache folder can be written
    space: dict = {}
    exec("def double(x):\n    return 2.0 * x", space)
    with pytest.raises(RuntimeError, match="cannot cache"):
        numba.njit(cache=True)(space["double"])
    assert compiled(space["double"])(1.5) == 3.0
