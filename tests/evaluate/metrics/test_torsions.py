from __future__ import annotations

from functools import partial

import mdtraj
import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from unfreeze.evaluate.frames import AlignedPair, Side
from unfreeze.evaluate.measure import measure
from unfreeze.evaluate.metric import NotMeasurableError
from unfreeze.evaluate.metrics.torsions import (
    BACKBONE,
    BACKBONE_TORSION_JSD,
    SIDE_CHAIN,
    SIDECHAIN_TORSION_JSD,
    chosen_torsions,
    js_distances,
    torsion_histograms,
    torsion_jsd,
    walk_torsions,
)
from unfreeze.evaluate.protocol import Options
from unfreeze.structure.write import write_topology


def two_state(make, n_first, n_second):
    """Frames of a peptide: `n_first` extended ones and `n_second` helical ones; no torsion of one is near the other."""
    extended, helix = make.peptide(5), make.peptide(5, phi=-60.0, psi=-45.0)
    frames = np.repeat([extended.coordinates_nm, helix.coordinates_nm], [n_first, n_second], axis=0)
    return Side.of(extended, frames)


def shaken(molecule, n_frames, seed=0, size_nm=0.01):
    noise = np.random.default_rng(seed).normal(scale=size_nm, size=(n_frames, molecule.n_atoms, 3))
    return Side.of(molecule, molecule.coordinates_nm + noise)


def value(metric, ensemble, reference):
    found = metric.measure(ensemble, reference)
    return found.statistic(found.ensemble.at(), found.reference.at())


def test_js_distances_are_those_of_scipy():
    rng = np.random.default_rng(1)
    p, q = rng.random((4, 7, 20)), rng.random((4, 7, 20))
    p[0, 0, :10] = 0.0
    assert js_distances(p, q) == pytest.approx(jensenshannon(p, q, axis=-1), abs=1e-12)


def test_expected_divergence_of_two_samples_of_one_distribution():
    rng = np.random.default_rng(2)
    n, m, k = 400, 900, 12
    p, q = rng.multinomial(n, np.full(k, 1 / k), 3000), rng.multinomial(m, np.full(k, 1 / k), 3000)
    assert (js_distances(p, q) ** 2).mean() == pytest.approx((k - 1) * (1 / n + 1 / m) / 8, rel=0.05)


def test_torsions_are_those_of_mdtraj(make, tmp_path):
    molecule = make.read("1hvr")
    molecule = molecule.take_residues(molecule.residue_kind == "protein")
    side = shaken(molecule, 3)
    trajectory = mdtraj.load(write_topology(tmp_path, molecule))
    trajectory.xyz = side.frames_nm
    for name in (*BACKBONE, *SIDE_CHAIN):
        quads, theirs = getattr(mdtraj, f"compute_{name}")(trajectory, periodic=False)
        order = np.argsort(quads[:, 1])
        torsions = chosen_torsions(molecule, (name,), fold=False)
        ours = np.concatenate([angles for _, angles in walk_torsions(side, torsions)])
        rank = np.argsort(torsions.atoms[:, 1])
        assert np.array_equal(torsions.atoms[rank], quads[order])
        assert np.abs(np.angle(np.exp(1j * (ours[:, rank] - theirs[:, order])))).max() < 1e-3


def test_jsd_of_two_states_with_known_shares(make):
    p, q = np.array([0.5, 0.5]), np.array([0.8, 0.2])
    expected = jensenshannon(p, q)
    ensemble, reference = two_state(make, 50, 50), two_state(make, 80, 20)
    assert value(BACKBONE_TORSION_JSD, ensemble, reference) == pytest.approx(expected, abs=1e-12)


def test_identical_is_zero_and_disjoint_is_the_largest(make):
    side = two_state(make, 30, 10)
    assert value(BACKBONE_TORSION_JSD, side, side) == 0.0
    largest = value(BACKBONE_TORSION_JSD, two_state(make, 30, 0), two_state(make, 0, 30))
    assert largest == pytest.approx(np.sqrt(np.log(2.0)), abs=1e-12)
    assert BACKBONE_TORSION_JSD.bounds == (0.0, pytest.approx(largest))


def test_weights_stand_for_repeated_frames(make):
    molecule, base = make.peptide(4), shaken(make.peptide(4), 6, size_nm=0.05)
    counts = np.array([1, 4, 0, 2, 3, 1])
    weighted = Side.of(molecule, base.frames_nm, counts.astype(float))
    repeated = Side.of(molecule, np.repeat(base.frames_nm, counts, axis=0))
    (one,), (other,) = (torsion_histograms(side, BACKBONE).at() for side in (weighted, repeated))
    assert one == pytest.approx(other, abs=1e-12)
    assert one.sum(axis=-1) == pytest.approx(1.0)


def test_walking_in_chunks_changes_nothing(make, monkeypatch):
    side = shaken(make.peptide(4), 50, size_nm=0.05)
    (whole,) = torsion_histograms(side, BACKBONE).at()
    monkeypatch.setattr("unfreeze.evaluate.metrics.torsions._CHUNK_TORSIONS", 1)
    (pieces,) = torsion_histograms(side, BACKBONE).at()
    assert np.array_equal(whole, pieces)


@pytest.mark.parametrize(
    ("acid", "axis", "atoms"),
    [
        ("PHE", ("CB", "CG"), "CD1 CD2 CE1 CE2 CZ"),
        ("TYR", ("CB", "CG"), "CD1 CD2 CE1 CE2 CZ OH"),
        ("ASP", ("CB", "CG"), "OD1 OD2"),
        ("GLU", ("CG", "CD"), "OE1 OE2"),
    ],
)
def test_half_a_turn_of_a_symmetric_group_changes_nothing(make, acid, axis, atoms):
    molecule = make.read("1hvr")
    side = shaken(molecule, 20, size_nm=0.003)
    chosen = molecule.residue_name == acid
    turned = side.frames_nm.copy()
    begin, end = (side.frames_nm[:, molecule.atom_of_residue(name)[chosen]] for name in axis)
    along = (end - begin) / np.linalg.norm(end - begin, axis=-1, keepdims=True)
    for name in atoms.split():
        rows = molecule.atom_of_residue(name)[chosen]
        arm = side.frames_nm[:, rows] - end
        turned[:, rows] = end + 2.0 * (arm * along).sum(axis=-1, keepdims=True) * along - arm
    turned = Side.of(molecule, turned)
    raw = torsion_jsd(turned, side, names=SIDE_CHAIN, fold=False)
    n_torsions = raw.reference.at()[0].shape[0]
    expected = chosen.sum() * np.sqrt(np.log(2.0)) / n_torsions
    assert raw.statistic(raw.ensemble.at(), raw.reference.at()) == pytest.approx(expected)
    # a value at an edge between bins may still be rounded to the other one
    assert value(SIDECHAIN_TORSION_JSD, turned, side) < 0.02 * expected


def test_which_torsions_are_symmetric(make):
    molecule = make.read("1hvr")
    torsions = chosen_torsions(molecule, (*BACKBONE, *SIDE_CHAIN, "chi5"))
    found = {
        (str(molecule.residue_name[residue]), str(name))
        for residue, name in zip(torsions.residue[torsions.symmetric], torsions.name[torsions.symmetric], strict=True)
    }
    assert found == {("PHE", "chi2"), ("TYR", "chi2"), ("ASP", "chi2"), ("GLU", "chi3"), ("ARG", "chi5")}


def test_no_torsion_spans_a_chain_break(make):
    whole = make.peptide(6)
    broken = whole.take_residues(np.array([0, 1, 2, 4, 5]))
    assert len(chosen_torsions(whole, BACKBONE)) == 2 * 5
    assert len(chosen_torsions(broken, BACKBONE)) == 2 * 2 + 2 * 1


def test_reasons_where_there_are_no_torsions(make):
    molecule = make.peptide(4)
    trace = molecule.take_atoms(molecule.atom_name == "CA")
    side = shaken(trace, 4)
    with pytest.raises(NotMeasurableError, match="no backbone torsions"):
        BACKBONE_TORSION_JSD.measure(side, side)
    side = shaken(molecule, 4)
    with pytest.raises(NotMeasurableError, match="no side-chain torsions"):
        SIDECHAIN_TORSION_JSD.measure(side, side)


def test_the_interval_holds_the_value(make):
    pair = AlignedPair(shaken(make.peptide(5), 200, 1, 0.03), shaken(make.peptide(5), 200, 2, 0.03))
    estimate = measure(BACKBONE_TORSION_JSD, pair, Options())
    assert None not in (estimate.value, estimate.low, estimate.high)
    assert 0.0 <= estimate.low < estimate.value < estimate.high <= np.sqrt(np.log(2.0))


def test_more_bins_do_not_lower_the_distance(make):
    sides = shaken(make.peptide(5), 100, 1, 0.03), shaken(make.peptide(5), 100, 2, 0.03)
    coarse, fine = (partial(torsion_jsd, names=BACKBONE, n_bins=n)(*sides) for n in (18, 36))
    values = [found.statistic(found.ensemble.at(), found.reference.at()) for found in (coarse, fine)]
    assert values[0] < values[1]
