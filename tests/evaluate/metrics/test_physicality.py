from __future__ import annotations

import numpy as np
import pytest

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import NotMeasurableError
from unfreeze.evaluate.metrics.physicality import (
    CHAIN_SHARE,
    CLASH_FREE_SHARE,
    PEPTIDE_SHARE,
    PHYSICAL_SHARE,
    clashing_frames,
    physical_frames,
)


def value(metric, side, reference=None):
    found = metric.measure(side, reference or side)
    return found.statistic(found.ensemble.at(), found.reference.at())


def broken(make):
    """Five frames of a peptide: sound, cut in two, one peptide bond too long, folded onto itself, two neighbours."""
    molecule = make.peptide(8)
    frames = np.repeat(molecule.coordinates_nm[None], 5, axis=0)
    frames[1, molecule.residue_index > 3] += [0.0, 0.0, 2.0]
    nitrogen = molecule.atom_of_residue("N")[4]
    frames[2, nitrogen] += 0.12 * _unit(frames[2, nitrogen] - frames[2, molecule.atom_of_residue("C")[3]])
    beta = molecule.atom_of_residue("CB")
    frames[3, beta[7]] = frames[3, beta[1]] + [0.05, 0.0, 0.0]
    frames[4, beta[3]] = frames[4, beta[2]] + [0.05, 0.0, 0.0]
    return Side.of(molecule, frames)


def _unit(vector):
    return vector / np.linalg.norm(vector)


def test_each_fault_is_seen_by_its_criterion(make):
    met = physical_frames(broken(make))
    assert met.tolist() == [
        [True, True, True],
        [False, False, True],
        [True, False, True],
        [True, True, False],
        [True, True, True],
    ]


def test_shares(make):
    side = broken(make)
    shares = [value(metric, side) for metric in (PHYSICAL_SHARE, CHAIN_SHARE, PEPTIDE_SHARE, CLASH_FREE_SHARE)]
    assert shares == pytest.approx([0.4, 0.8, 0.6, 0.8])
    weighted = Side.of(side.molecule, side.frames_nm, [1.0, 0.0, 0.0, 3.0, 0.0])
    assert value(PHYSICAL_SHARE, weighted) == pytest.approx(0.25)
    found = PHYSICAL_SHARE.measure(side, weighted)
    assert found.own(found.reference.at()) == pytest.approx(0.25)


def test_breaks_of_the_structure_are_no_faults(make):
    molecule = make.peptide(8).take_residues(np.array([0, 1, 2, 5, 6, 7]))
    assert physical_frames(Side.of(molecule, molecule.coordinates_nm[None])).all()


def test_clashes_between_chains_count_and_ligands_do_not(make):
    peptide = make.peptide(4)
    shifted = make.moved(peptide, (5.0, 0.0, 0.0))
    ligand = make.moved(make.alkane(6), (9.0, 0.0, 0.0))
    molecule = make.merge(peptide, shifted, ligand, chains=["A", "B", "L"])
    frames = np.repeat(molecule.coordinates_nm[None], 3, axis=0)
    frames[1, molecule.atom_chain_index == 1] -= [4.98, 0.0, 0.0]
    frames[2, molecule.atom_chain_index == 2] = frames[2, :6] + 0.01
    assert clashing_frames(molecule, frames).tolist() == [False, True, False]


def test_a_collapsed_frame_neither_fills_the_memory_nor_hides_the_others(make):
    molecule = make.read("1hvr")
    frames = np.repeat(molecule.coordinates_nm[None], 3, axis=0)
    frames[1] *= 0.01
    assert clashing_frames(molecule, frames).tolist() == [False, True, False]


def test_a_calpha_trace_has_no_peptide_bonds(make):
    molecule = make.peptide(8)
    trace = molecule.take_atoms(molecule.atom_name == "CA")
    frames = np.repeat(trace.coordinates_nm[None], 2, axis=0)
    frames[1, 4:] += [0.0, 0.0, 1.0]
    side = Side.of(trace, frames)
    assert value(PHYSICAL_SHARE, side) == 0.5
    with pytest.raises(NotMeasurableError, match="no peptide bonds"):
        PEPTIDE_SHARE.measure(side, side)
    ions = make.ions(np.eye(3))
    side = Side.of(ions, ions.coordinates_nm[None])
    with pytest.raises(NotMeasurableError, match="no consecutive CA"):
        PHYSICAL_SHARE.measure(side, side)
