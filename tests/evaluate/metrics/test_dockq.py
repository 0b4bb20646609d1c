"""DockQ against the values of the DockQ program."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metrics.dockq import DOCKQ_MEAN, DOCKQ_W1, dockq_each, dockq_formula, dockq_frames
from unfreeze.evaluate.metrics.interface_contacts import contact_probabilities
from unfreeze.evaluate.metrics.interface_residues import polymer_atoms
from unfreeze.evaluate.metrics.interface_rmsd import interface_rmsd_A, ligand_rmsd_A

# Made with DockQ 2.1.3 (`DockQ model.pdb native.pdb --mapping AB:AB --json`) from the polymers of 1HVR, all written as
# ATOM records, and the same frames: (seed, scale, DockQ, fnat, iRMSD, LRMSD).
BY_DOCKQ = (
    (1, 0.2, 0.92915, 0.87943, 0.4370, 1.0036),
    (2, 0.5, 0.50704, 0.41844, 2.4553, 3.8345),
    (3, 1.0, 0.42985, 0.58865, 2.8127, 8.8565),
)


def test_values_of_the_dockq_program(make, cases):
    molecule = make.read("1hvr")
    molecule = molecule.take_atoms(polymer_atoms(molecule))
    side = Side.of(molecule, np.stack([cases.perturbed(molecule, seed, scale) for seed, scale, *_ in BY_DOCKQ]))
    found = np.stack(
        [
            dockq_each(side).values[:, 0],
            contact_probabilities(side).native_held[:, 0],
            interface_rmsd_A(side).values[:, 0],
            ligand_rmsd_A(side).values[:, 0],
        ],
        axis=1,
    )
    assert np.allclose(found, np.array(BY_DOCKQ)[:, 2:], atol=2e-4)


def test_formula():
    # Basu & Wallner 2016: a perfect model has 1; halves at the scale lengths
    assert dockq_formula(np.array(1.0), np.array(0.0), np.array(0.0)) == 1.0
    assert dockq_formula(np.array(0.0), np.array(1.5), np.array(8.5)) == pytest.approx(1.0 / 3.0)


def test_a_complex_has_the_mean_of_its_interfaces(make, cases):
    pair = cases.dimer(8)
    step = pair.coordinates_nm[pair.atom_chain_index == 1] - pair.coordinates_nm[pair.atom_chain_index == 0]
    third = make.moved(pair.take_chains(["B"]), step.mean(axis=0))
    molecule = make.merge(pair, third, chains=["A", "B", "C"])
    away = molecule.coordinates_nm + np.where(molecule.atom_chain_index == 2, 30.0, 0.0)[:, None]
    side = Side.of(molecule, np.stack([molecule.coordinates_nm, away]))
    each, all_of_it = dockq_each(side).values, dockq_frames(side).values
    assert each[0] == pytest.approx([1.0, 1.0], abs=1e-5)
    assert each[1, 0] == pytest.approx(1.0, abs=1e-5)
    assert each[1, 1] < 0.01
    assert all_of_it == pytest.approx([1.0, each[1].mean()], abs=1e-5)


def test_distance_and_mean_of_ensembles(cases):
    molecule = cases.dimer()
    moving = (molecule.atom_chain_index == 1)[:, None] * np.array([0.0, 0.0, 0.2])
    still = Side.of(molecule, molecule.coordinates_nm[None])
    mixed = Side.of(
        molecule, np.stack([molecule.coordinates_nm, molecule.coordinates_nm + moving]), np.array([0.8, 0.2])
    )
    worse = dockq_frames(mixed).values[1]
    assert 0.1 < worse < 0.95
    for metric, expected in ((DOCKQ_W1, 0.2 * (1 - worse)), (DOCKQ_MEAN, 0.8 + 0.2 * worse)):
        found = metric.measure(mixed, still)
        assert found.statistic(found.ensemble.at(), found.reference.at()) == pytest.approx(expected, abs=1e-5)
    assert found.own is not None and found.own(found.reference.at()) == pytest.approx(1.0, abs=1e-6)
