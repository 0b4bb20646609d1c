"""Interface and ligand RMSD: known shifts, rotated copies, definitions of DockQ's residue sets."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import NotMeasurableError
from unfreeze.evaluate.metrics.interface_residues import Interfaces
from unfreeze.evaluate.metrics.interface_rmsd import (
    IRMSD_W1,
    LRMSD_W1,
    fitted_rmsd_nm,
    interface_rmsd_A,
    ligand_rmsd_A,
)
from unfreeze.structure.geometry import rotation_matrices, superpose


def _statistic(metric, ensemble, reference):
    found = metric.measure(ensemble, reference)
    return found.statistic(found.ensemble.at(), found.reference.at())


def _shifted(molecule, shifts_nm, chain=1):
    moving = (molecule.atom_chain_index == chain)[:, None] * np.array([0.0, 0.0, 1.0])
    return molecule.coordinates_nm + np.asarray(shifts_nm)[:, None, None] * moving


def test_a_shifted_ligand_has_that_rmsd(cases):
    molecule = cases.dimer()
    side = Side.of(molecule, _shifted(molecule, [0.0, 0.1, 0.25]))
    assert np.allclose(ligand_rmsd_A(side).values[:, 0], [0.0, 1.0, 2.5], atol=1e-4)
    # the interface is all of both chains here; superposing shares the shift out between two equal halves at most
    irmsd = interface_rmsd_A(side).values[:, 0]
    assert irmsd[0] == pytest.approx(0.0, abs=1e-4)
    assert 0.0 < irmsd[1] < 0.5 + 1e-6 and irmsd[1] < irmsd[2]


def test_distributions_a_known_shift_apart(cases):
    molecule = cases.dimer()
    near, far = (Side.of(molecule, _shifted(molecule, np.linspace(0.1, 0.3, 11) + by)) for by in (0.0, 0.2))
    assert _statistic(LRMSD_W1, far, near) == pytest.approx(2.0, abs=1e-3)
    assert _statistic(LRMSD_W1, near, near) == 0.0
    assert _statistic(IRMSD_W1, near, near) == 0.0


def test_moved_copies_score_the_same(cases):
    molecule = cases.dimer()
    rng = np.random.default_rng(5)
    frames = molecule.coordinates_nm + rng.normal(scale=0.1, size=(12, molecule.n_atoms, 3))
    turns = rotation_matrices(rng.normal(size=(12, 3)))
    moved = np.matmul(frames, turns.transpose(0, 2, 1)) + rng.normal(size=(12, 1, 3))
    for feature in (interface_rmsd_A, ligand_rmsd_A):
        plain, turned = feature(Side.of(molecule, frames)), feature(Side.of(molecule, moved))
        assert np.allclose(plain.values, turned.values, atol=1e-4)


def test_fitted_rmsd_is_that_after_superposition():
    rng = np.random.default_rng(1)
    target, frames = rng.normal(size=(9, 3)), rng.normal(size=(40, 9, 3))
    atoms = np.array([0, 2, 3, 5, 8])
    moved = superpose(frames[:, atoms], target[atoms])
    expected = np.sqrt(((moved - target[atoms]) ** 2).sum(axis=-1).mean(axis=-1))
    assert np.allclose(fitted_rmsd_nm(frames, target, atoms), expected)


def test_the_larger_chain_is_the_receptor(make, cases):
    pair = cases.dimer()
    residues = np.arange(pair.n_residues)
    (short_first,) = Interfaces.of(pair.take_residues(residues[2:])).items
    (short_last,) = Interfaces.of(pair.take_residues(residues[:-2])).items
    (equal,) = Interfaces.of(pair).items
    chain = pair.atom_chain_index
    assert (len(short_first.receptor), len(short_first.ligand)) == (48, 40)
    assert short_last.receptor.max() < short_last.ligand.min()
    assert short_first.receptor.min() > short_first.ligand.max()
    assert chain[equal.receptor].tolist() == [1] * 48


def test_interface_backbone_reaches_farther_than_contacts(make):
    molecule = make.read("1hvr")
    (interface,) = Interfaces.of(molecule).items
    touching = np.unique(interface.native)
    near = np.unique(molecule.residue_index[interface.near])
    assert set(touching) < set(near)
    assert set(molecule.atom_name[interface.near]) == {"N", "CA", "C", "O"}


def test_without_side_chains_only_the_ligand_rmsd_is_defined(make, cases):
    dimer = cases.dimer()
    backbone = dimer.take_atoms(dimer.atom_name != "CB")
    side = Side.of(backbone, backbone.coordinates_nm[None])
    assert _statistic(LRMSD_W1, side, side) == 0.0
    with pytest.raises(NotMeasurableError, match="no side chains"):
        IRMSD_W1.measure(side, side)
    alpha = dimer.take_atoms(dimer.atom_name == "CA")
    close = alpha.with_coordinates(alpha.coordinates_nm * 0.5)
    side = Side.of(close, close.coordinates_nm[None])
    with pytest.raises(NotMeasurableError, match="no backbone atoms"):
        LRMSD_W1.measure(side, side)
