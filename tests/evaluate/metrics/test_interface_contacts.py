"""Interface contacts: known probabilities, the compiled loop against plain ones, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.evaluate.frames import AlignedPair, Side
from unfreeze.evaluate.measure import measure
from unfreeze.evaluate.metric import NotMeasurableError
from unfreeze.evaluate.metrics.interface_contacts import (
    FNAT_MEAN,
    FNAT_W1,
    INTERFACE_CA_CONTACT_MAE,
    INTERFACE_CONTACT_MAE,
    INTERFACE_FORMED_JACCARD,
    INTERFACE_LOST_JACCARD,
    INTERFACE_PERSISTENT_JACCARD,
    INTERFACE_WEAK_JACCARD,
    contact_probabilities,
    record_contacts,
)
from unfreeze.evaluate.metrics.interface_residues import Interfaces, polymer_atoms
from unfreeze.evaluate.protocol import Options

ALL = (
    INTERFACE_CONTACT_MAE,
    INTERFACE_PERSISTENT_JACCARD,
    INTERFACE_WEAK_JACCARD,
    INTERFACE_LOST_JACCARD,
    INTERFACE_FORMED_JACCARD,
    FNAT_W1,
    FNAT_MEAN,
)
# share of frames in which each of six pairs is in contact; the last is not in the reference structure
REFERENCE = np.array([1.0, 1.0, 0.5, 0.5, 0.0, 0.5])
ENSEMBLE = np.array([1.0, 0.5, 0.5, 0.0, 0.0, 0.0])


def _sides(cases, shares_of_sides, n_frames=20):
    molecule = cases.two_rows()
    steps = (np.arange(n_frames)[:, None] + 0.5) / n_frames
    return [Side.of(molecule, cases.with_contacts(molecule, steps < shares)) for shares in shares_of_sides]


def _value(metric, ensemble, reference):
    estimate = measure(metric, AlignedPair(ensemble, reference), Options(n_bootstrap=0))
    assert estimate.value is not None, estimate.reason
    return estimate.value


def test_two_states_of_known_probability(cases):
    ensemble, reference = _sides(cases, (ENSEMBLE, REFERENCE))
    # compared: five native contacts and one that the reference forms
    assert _value(INTERFACE_CONTACT_MAE, ensemble, reference) == pytest.approx((0.5 + 0.5 + 0.5) / 6)
    assert _value(INTERFACE_PERSISTENT_JACCARD, ensemble, reference) == pytest.approx(1 / 2)
    assert _value(INTERFACE_WEAK_JACCARD, ensemble, reference) == pytest.approx(1 / 3)
    assert _value(INTERFACE_LOST_JACCARD, ensemble, reference) == pytest.approx(1 / 2)
    assert _value(INTERFACE_FORMED_JACCARD, ensemble, reference) == 0.0
    # native contacts held: 4/5 or 2/5 in the reference, 3/5 or 1/5 in the ensemble, half of the frames each
    assert _value(FNAT_W1, ensemble, reference) == pytest.approx(0.2)
    mean = measure(FNAT_MEAN, AlignedPair(ensemble, reference), Options(n_bootstrap=0))
    assert (mean.value, mean.reference) == (pytest.approx(0.4), pytest.approx(0.6))


def test_identical_sides_are_perfect(cases):
    ensemble, reference = _sides(cases, (REFERENCE, REFERENCE))
    for metric in (*ALL[:-1], INTERFACE_CA_CONTACT_MAE):
        assert _value(metric, ensemble, reference) == metric.perfect, metric.name


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_shares_on_the_bounds_count_as_weak(cases, share):
    # nine tenths do not add up to 0.9 in binary
    ensemble, reference = _sides(cases, ([share] * 5 + [0.0], [0.5] * 5 + [0.0]), n_frames=10)
    assert _value(INTERFACE_WEAK_JACCARD, ensemble, reference) == 1.0


def test_weights_are_honoured(cases):
    molecule = cases.two_rows()
    present = np.array([[1, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 0]], dtype=bool)
    frames = cases.with_contacts(molecule, present)
    weighted = Side.of(molecule, frames, np.array([0.75, 0.25]))
    repeated = Side.of(molecule, frames[[0, 0, 0, 1]])
    other = Side.of(molecule, frames)
    for metric in ALL:
        try:
            expected = _value(metric, repeated, other)
        except AssertionError:
            continue
        assert _value(metric, weighted, other) == pytest.approx(expected, abs=1e-12), metric.name
    assert _value(FNAT_MEAN, weighted, other) == pytest.approx(0.75)


def test_frames_out_of_contact_hold_nothing(cases):
    molecule = cases.two_rows()
    apart = molecule.coordinates_nm + np.where(molecule.atom_chain_index == 1, 5.0, 0.0)[:, None]
    side, reference = Side.of(molecule, apart[None]), Side.of(molecule, molecule.coordinates_nm[None])
    assert _value(FNAT_MEAN, side, reference) == 0.0
    assert _value(FNAT_W1, side, reference) == 1.0
    assert _value(INTERFACE_CONTACT_MAE, side, reference) == 1.0
    assert _value(INTERFACE_PERSISTENT_JACCARD, side, reference) == 0.0


def test_empty_classes_are_not_numbers(cases):
    ensemble, reference = _sides(cases, ([1.0] * 5 + [0.0], [1.0] * 5 + [0.0]))
    estimate = measure(INTERFACE_LOST_JACCARD, AlignedPair(ensemble, reference), Options())
    assert (estimate.value, estimate.reason) == (None, "no contact of the reference structure is lost in either")


def test_moved_copies_score_the_same(make, cases):
    molecule = cases.dimer()
    rng = np.random.default_rng(0)
    frames = molecule.coordinates_nm + rng.normal(scale=0.06, size=(30, molecule.n_atoms, 3))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    plain, moved = Side.of(molecule, frames), Side.of(molecule, frames @ turn.T + [3.0, -2.0, 1.0])
    for metric in (*ALL[:-1], INTERFACE_CA_CONTACT_MAE):
        found = measure(metric, AlignedPair(moved, plain), Options(n_bootstrap=0))
        assert found.value is None or found.value == pytest.approx(metric.perfect, abs=1e-5), metric.name


def test_the_compiled_loop_agrees_with_plain_ones(cases):
    molecule = cases.dimer(8)
    rng = np.random.default_rng(3)
    frames = (molecule.coordinates_nm + rng.normal(scale=0.15, size=(25, molecule.n_atoms, 3))).astype(np.float32)
    weights = rng.uniform(size=25)
    side = Side.of(molecule, frames, weights)
    found = contact_probabilities(side)
    share = side.weights
    expected: dict[int, float] = {}
    held = np.zeros(25)
    native = {tuple(pair) for pair in Interfaces.of(molecule).native.tolist()}
    assert len(native) > 5
    for f, frame in enumerate(frames.astype(np.float64)):
        for a in np.flatnonzero(molecule.chain_index == 0):
            for b in np.flatnonzero(molecule.chain_index == 1):
                first, second = frame[molecule.residue_index == a], frame[molecule.residue_index == b]
                if np.linalg.norm(first[:, None] - second[None], axis=-1).min() < 0.5:
                    code = int(a) * molecule.n_residues + int(b)
                    expected[code] = expected.get(code, 0.0) + share[f]
                    held[f] += (int(a), int(b)) in native
    assert found.codes.tolist() == sorted(expected)
    assert np.allclose(found.sums.sum(axis=0), [expected[code] for code in sorted(expected)])
    assert np.allclose(found.native_held[:, 0], held / len(native))


def test_native_groups_are_counted_apart(make, cases):
    pair = cases.dimer(6)
    third = make.moved(pair.take_chains(["B"]), 2.0 * (pair.coordinates_nm[pair.atom_chain_index == 1]
                       - pair.coordinates_nm[pair.atom_chain_index == 0]).mean(axis=0) / 2.0)  # fmt: skip
    molecule = make.merge(pair, third, chains=["A", "B", "C"])
    interfaces = Interfaces.of(molecule)
    assert interfaces.names == ["A–B", "B–C"]
    away = molecule.coordinates_nm + np.where(molecule.atom_chain_index == 2, 4.0, 0.0)[:, None]
    held = contact_probabilities(Side.of(molecule, np.stack([molecule.coordinates_nm, away]))).native_held
    assert held.tolist() == [[1.0, 1.0], [1.0, 0.0]]


def test_what_cannot_be_measured_says_why(make, cases):
    single = make.peptide(6)
    side = Side.of(single, single.coordinates_nm[None])
    for metric in (*ALL, INTERFACE_CA_CONTACT_MAE):
        with pytest.raises(NotMeasurableError, match="one chain: there is no interface"):
            metric.measure(side, side)
    dimer = cases.dimer()
    backbone = dimer.take_atoms(dimer.atom_name != "CB")
    side = Side.of(backbone, backbone.coordinates_nm[None])
    with pytest.raises(NotMeasurableError, match="no side chains"):
        INTERFACE_CONTACT_MAE.measure(side, side)
    assert _value(INTERFACE_CA_CONTACT_MAE, side, side) == 0.0
    # two Cα atoms are hardly ever that near: not the distance is the reason
    alpha = dimer.take_atoms(dimer.atom_name == "CA")
    side = Side.of(alpha, alpha.coordinates_nm[None])
    with pytest.raises(NotMeasurableError, match="no side chains"):
        FNAT_W1.measure(side, side)
    far = make.merge(single, make.moved(single, [20.0, 0.0, 0.0]), chains=["A", "B"])
    side = Side.of(far, far.coordinates_nm[None])
    with pytest.raises(NotMeasurableError, match=r"no two chains .* within 0.5 nm"):
        FNAT_W1.measure(side, side)


def test_ligands_are_no_residues_of_an_interface(make):
    molecule = make.read("1hvr")
    atoms = polymer_atoms(molecule)
    assert not np.isin(molecule.residue_name[molecule.residue_index[atoms]], ["XK2"]).any()
    (interface,) = Interfaces.of(molecule).items
    assert interface.name == "A–B"
    assert len(interface.native) > 50


def test_alpha_contacts_use_their_own_distance(make):
    points = [[0.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.8, 0.0, 0.0], [1.1, 2.0, 0.0]]
    names = "AABB"
    molecule = make.assemble([(c, "ALA", "protein", ("CA",), p) for c, p in zip(names, points, strict=True)])
    side = Side.of(molecule, molecule.coordinates_nm[None])
    record = record_contacts(side, np.arange(4), np.array([2]), np.array([0]), 1.0)
    assert record.codes.tolist() == [0 * 4 + 2]
    assert record.native_held.tolist() == [[1.0]]
