"""Torsions against mdtraj, across chain breaks, and of modified residues."""

from __future__ import annotations

import mdtraj
import numpy as np
import pytest

from unfreeze.structure.chemistry.residues import AMINO_ACIDS, TORSION_NAMES
from unfreeze.structure.geometry import rotation_matrices
from unfreeze.structure.internal_coordinates.torsions import torsion_atoms, torsions


def _wrapped(values):
    return np.abs(np.angle(np.exp(1j * values)))


def _as_mdtraj(system):
    """The complex as a trajectory, atom for atom."""
    topology = mdtraj.Topology()
    for row in range(system.n_chains):
        chain = topology.add_chain()
        for residue_row in np.flatnonzero(system.chain_index == row).tolist():
            residue = topology.add_residue(str(system.residue_name[residue_row]), chain)
            for atom in np.flatnonzero(system.residue_index == residue_row).tolist():
                element = mdtraj.element.get_by_symbol(str(system.element[atom]).capitalize())
                topology.add_atom(str(system.atom_name[atom]), element, residue)
    return mdtraj.Trajectory(system.coordinates_nm, topology)


@pytest.mark.parametrize("name", ("1hvr.pdb", "1a28.pdb.gz", "4E43.pdb"))
def test_values_equal_mdtraj(real, name):
    system = real(name)
    system = system.take_residues(system.residue_kind == "protein")
    ours, quads = torsions(system)[0], torsion_atoms(system)
    trajectory = _as_mdtraj(system)
    compute = [mdtraj.compute_phi, mdtraj.compute_psi, mdtraj.compute_omega]
    compute += [mdtraj.compute_chi1, mdtraj.compute_chi2, mdtraj.compute_chi3, mdtraj.compute_chi4]
    for column, function in enumerate(compute):
        atoms, values = function(trajectory)
        theirs = {tuple(quad): value for quad, value in zip(atoms.tolist(), values[0], strict=True)}
        rows = np.flatnonzero(quads[:, column, 0] >= 0)
        shared = [row for row in rows.tolist() if tuple(quads[row, column].tolist()) in theirs]
        assert len(shared) > 0.95 * len(rows) > 0, TORSION_NAMES[column]
        expected = np.array([theirs[tuple(quads[row, column].tolist())] for row in shared])
        assert _wrapped(ours[shared, column] - expected).max() < 1e-4


def test_every_whole_residue_has_all_its_chi(real):
    system = real("1hvr.pdb")
    defined = torsion_atoms(system)[..., 0] >= 0
    for name, acid in AMINO_ACIDS.items():
        rows = (system.residue_name == name) & (system.residue_kind == "protein")
        assert (defined[rows, 3:].sum(axis=1) == len(acid.chi)).all()
    assert not defined[system.residue_kind != "protein"].any()


def test_nothing_crosses_a_chain_break_whatever_the_numbers_say(real):
    system = real("1hvr.pdb")
    whole = torsions(system)[0]
    cut = torsions(system.take_residues(np.arange(system.n_residues) != 40))[0]
    phi, psi, omega = (TORSION_NAMES.index(name) for name in ("phi", "psi", "omega"))
    assert np.isnan(cut[39, psi]) and np.isnan(cut[40, phi]) and np.isnan(cut[40, omega])
    assert np.isfinite(whole[39, psi]) and np.isfinite(cut[39, phi])
    first = np.flatnonzero(system.residue_kind == "protein")[0]
    assert np.isnan(whole[first, phi])


def test_torsions_do_not_change_when_all_turns_and_flip_in_the_mirror(real):
    system = real("4E43.pdb")
    turn = rotation_matrices(np.array([1.0, 0.4, -0.2]))
    frames = np.stack([system.coordinates_nm @ turn.T, -system.coordinates_nm])
    still, (turned, mirrored) = torsions(system)[0], torsions(system, frames)
    defined = np.isfinite(still)
    assert np.array_equal(defined, np.isfinite(turned))
    assert _wrapped(turned - still)[defined].max() < 1e-9
    assert _wrapped(mirrored + still)[defined].max() < 1e-9


def test_selenomethionine_has_the_chi_of_methionine(real, handmade):
    system = real("1hvr.pdb")
    methionine = int(np.flatnonzero(system.residue_name == "MET")[0])
    atoms = np.flatnonzero(system.residue_index == methionine)
    places = {
        ("SE" if name == "SD" else name): ("SE" if name == "SD" else name[0], place)
        for name, place in zip(system.atom_name[atoms].tolist(), system.coordinates_nm[atoms].tolist(), strict=True)
    }
    modified = handmade.make([("A", [("MSE", places)])])
    assert np.allclose(torsions(modified)[0, 0, 3:6], torsions(system)[0, methionine, 3:6])
