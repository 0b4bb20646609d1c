"""Complexes and frames that the tests of interface metrics share."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from unfreeze.structure.complex import Complex
from unfreeze.structure.geometry import rotation_matrices

_ROW_NM = 0.8


def _two_rows(make: Any, n: int = 6, gap_nm: float = 0.45, last_apart: bool = True) -> Complex:
    """Two chains of n glycines, one atom each, that face each other pairwise; the last pair not in contact."""
    left = np.stack([np.zeros(n), _ROW_NM * np.arange(n), np.zeros(n)], axis=1)
    right = left + np.array([gap_nm, 0.0, 0.0])
    if last_apart:
        right[-1, 0] = 0.9
    return make.assemble(
        [("A", "GLY", "protein", ("CA",), point) for point in left]
        + [("B", "GLY", "protein", ("CA",), point) for point in right]
    )


def _with_contacts(molecule: Complex, present: np.ndarray) -> np.ndarray:
    """Frames of :func:`_two_rows` in which pair k is in contact where `present` [n_frames, n_pairs] says so."""
    n = molecule.n_residues // 2
    frames = np.repeat(molecule.coordinates_nm[None], len(present), axis=0)
    frames[:, n:, 0] = np.where(present, 0.45, 0.9)
    return frames.astype(np.float32)


def _dimer(make: Any, n: int = 12) -> Complex:
    """Two helices of alanine side by side, in contact all along."""
    first = make.peptide(n, -60.0, -45.0, chain="A")
    centred = first.with_coordinates(first.coordinates_nm - first.coordinates_nm.mean(axis=0))
    axis = np.linalg.svd(centred.coordinates_nm)[2][0]
    aside = np.cross(axis, [0.3, 0.5, 0.8])
    return make.merge(centred, make.moved(centred, 0.75 * aside / np.linalg.norm(aside)), chains=["A", "B"])


def _perturbed(molecule: Complex, seed: int, scale: float) -> np.ndarray:
    """Coordinates with residues and atoms jiggled and every chain turned and shifted as a whole."""
    rng = np.random.default_rng(seed)
    points = np.array(molecule.coordinates_nm)
    points += rng.normal(scale=0.05 * scale, size=(molecule.n_residues, 3))[molecule.residue_index]
    points += rng.normal(scale=0.03 * scale, size=points.shape)
    for chain in range(molecule.n_chains):
        atoms = molecule.atom_chain_index == chain
        centre = points[atoms].mean(axis=0)
        turn = rotation_matrices(rng.normal(scale=0.15 * scale, size=3))
        points[atoms] = (points[atoms] - centre) @ turn.T + centre + rng.normal(scale=0.15 * scale, size=3)
    return points


@pytest.fixture(scope="session")
def cases(make: Any) -> SimpleNamespace:
    """Ways to make complexes with interfaces, and frames of them."""
    return SimpleNamespace(
        two_rows=lambda *args, **kwargs: _two_rows(make, *args, **kwargs),
        dimer=lambda *args, **kwargs: _dimer(make, *args, **kwargs),
        with_contacts=_with_contacts,
        perturbed=_perturbed,
    )
