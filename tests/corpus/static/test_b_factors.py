from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import KDTree

from unfreeze.corpus.static.b_factors import burial_correlation, label_b_factors


@pytest.fixture(scope="module")
def protease(make):
    molecule = make.read("1hvr")
    return molecule.take_residues(molecule.residue_kind == "protein")


def with_values(molecule, values):
    return replace(molecule, atom_b_factor=np.asarray(values, dtype=np.float64))


def burial(molecule):
    """Neighbours of every residue's CA, as one value an atom."""
    points = molecule.coordinates_nm[molecule.atom_of_residue("CA")]
    counts = np.array([len(near) for near in KDTree(points).query_ball_point(points, 1.0)], dtype=float)
    return counts[molecule.residue_index]


def test_real_displacements_are_smaller_where_residues_are_buried(protease):
    assert burial_correlation(protease) < -0.2
    label = label_b_factors(protease, source="pdb:1hvr", method="X-RAY DIFFRACTION", resolution_A=1.8)
    assert (label.meaning, label.per_residue, label.resolution_A) == ("isotropic", False, 1.8)
    assert label.mean_A2 == pytest.approx(protease.atom_b_factor.mean(), abs=1e-3)


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_confidence_is_told_from_the_numbers(protease, scale):
    predicted = with_values(protease, scale * np.clip(30 + 3 * burial(protease), 0, 100))
    label = label_b_factors(predicted, source="own")
    assert (label.meaning, label.per_residue) == ("plddt", True)
    assert "buried" in label.note


def test_confidence_is_told_from_the_header(protease):
    label = label_b_factors(protease, source="own", head=b"TITLE     ALPHAFOLD MONOMER V2.0 PREDICTION\n")
    assert label.meaning == "plddt"
    assert "ALPHAFOLD" in label.note


@pytest.mark.parametrize(
    ("values", "options", "meaning", "words"),
    [
        (lambda m: np.full(m.n_atoms, 20.0), {}, "constant", "20.00"),
        (lambda m: np.where(np.arange(m.n_atoms) < 5, 30.0, 0.0) + 1, {}, "constant", "one value"),
        (lambda m: m.atom_b_factor - 100, {}, "unknown", "values from"),
        (lambda m: m.atom_b_factor * 1e3, {}, "unknown", "values from"),
        (lambda m: m.atom_b_factor / (8 * np.pi**2), {}, "unknown", "too small"),
        (lambda m: m.atom_b_factor, {"method": "SOLUTION NMR"}, "unknown", "NMR"),
        (lambda m: m.atom_b_factor, {"head": b"REMARK   3  ATOM RECORD CONTAINS RESIDUAL B FACTORS ONLY"}, "unknown",
         "residual"),
        (lambda m: burial(m) + np.arange(m.n_atoms) % 3, {"method": "X-RAY DIFFRACTION"}, "unknown", "buried"),
        (lambda m: np.where(np.arange(m.n_atoms) == 3, np.nan, m.atom_b_factor), {}, "unknown", "not finite"),
    ],
)  # fmt: skip
def test_what_is_no_displacement_is_named(protease, values, options, meaning, words):
    label = label_b_factors(with_values(protease, values(protease)), source="own", **options)
    assert label.meaning == meaning
    assert words in label.note


def test_one_value_a_residue_of_an_experiment_is_a_displacement(protease):
    low_resolution = with_values(protease, 80 - 2 * burial(protease))
    label = label_b_factors(low_resolution, source="own")
    assert (label.meaning, label.per_residue) == ("isotropic", True)


def test_without_a_polymer_there_is_no_label(make):
    assert label_b_factors(make.ions([[0, 0, 0]]), source="own") is None
