from __future__ import annotations

import math

import numpy as np
import pytest

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import NotMeasurableError
from unfreeze.evaluate.metrics.native_contacts import (
    FOLDED_SHARE,
    FOLDING_FREE_ENERGY,
    FOLDING_FREE_ENERGY_ERROR,
    NATIVE_CONTACTS,
    foldedness,
    folding_free_energy_kJ_mol,
    fraction_native_contacts,
    native_pairs,
)


def folding(make, n_folded, n_unfolded, weights=None):
    """Frames of a helix, `n_folded` as they are and `n_unfolded` stretched out."""
    helix = make.peptide(12, phi=-60.0, psi=-45.0)
    stretched = make.peptide(12)
    frames = np.repeat([helix.coordinates_nm, stretched.coordinates_nm], [n_folded, n_unfolded], axis=0)
    return Side.of(helix, frames, weights)


def values(metric, ensemble, reference):
    found = metric.measure(ensemble, reference)
    own = found.own(found.reference.at()) if found.own else None
    return found.statistic(found.ensemble.at(), found.reference.at()), own


def test_q_is_that_of_plain_loops(make):
    molecule = make.read("1hvr")
    rng = np.random.default_rng(0)
    frames = molecule.coordinates_nm + rng.normal(scale=0.1, size=(3, molecule.n_atoms, 3))
    alpha = [
        (residue, atom)
        for residue, atom in enumerate(molecule.atom_of_residue("CA").tolist())
        if atom >= 0 and molecule.residue_kind[residue] == "protein"
    ]
    terms, expected_pairs = [], []
    for k, (i, a) in enumerate(alpha):
        for j, b in alpha[k + 1 :]:
            native = math.dist(molecule.coordinates_nm[a], molecule.coordinates_nm[b]) * 10.0
            if j - i > 3 and native <= 10.0 and molecule.chain_index[i] == molecule.chain_index[j]:
                distances = [math.dist(frame[a], frame[b]) * 10.0 for frame in frames]
                terms.append([1.0 / (1.0 + math.exp(5.0 * (d - 1.2 * native))) for d in distances])
                expected_pairs.append((a, b))
    pairs, native = native_pairs(molecule)
    assert [tuple(pair) for pair in pairs.tolist()] == sorted(expected_pairs)
    assert fraction_native_contacts(frames, pairs, native) == pytest.approx(np.mean(terms, axis=0), abs=1e-9)


def test_the_structure_itself_is_folded_and_a_stretched_chain_is_not(make):
    side = folding(make, 1, 1)
    q = fraction_native_contacts(side.frames_nm, *native_pairs(side.molecule))
    assert q[0] > 0.99 and q[1] < 0.05
    assert foldedness(np.array([0.5, 0.6])) == pytest.approx([0.5, 1.0 / (1.0 + math.exp(-2.0))])


def test_free_energy_of_a_known_folded_share(make):
    assert folding_free_energy_kJ_mol(0.5) == pytest.approx(0.0, abs=1e-12)
    # −kT ln 9 with kT = 0.0019872036 kcal/mol/K · 295 K, in kJ/mol
    assert folding_free_energy_kJ_mol(0.9) == pytest.approx(-0.001987203599772605 * 295.0 * math.log(9.0) * 4.184)
    assert folding_free_energy_kJ_mol(1.0) == pytest.approx(-folding_free_energy_kJ_mol(0.0), rel=1e-6)
    ensemble, reference = folding(make, 3, 1), folding(make, 1, 1)
    share, own = values(FOLDED_SHARE, ensemble, reference)
    assert (share, own) == (pytest.approx(0.75, abs=1e-3), pytest.approx(0.5, abs=1e-3))
    energy, own = values(FOLDING_FREE_ENERGY, ensemble, reference)
    assert energy == pytest.approx(-8.31446e-3 * 295.0 * math.log(3.0), rel=1e-2)
    assert values(FOLDING_FREE_ENERGY_ERROR, ensemble, reference)[0] == pytest.approx(abs(energy - own))
    assert values(FOLDING_FREE_ENERGY_ERROR, reference, reference)[0] == 0.0


def test_weights_count(make):
    weighted, plain = folding(make, 1, 1, weights=[3.0, 1.0]), folding(make, 3, 1)
    for metric in (NATIVE_CONTACTS, FOLDED_SHARE, FOLDING_FREE_ENERGY):
        assert values(metric, weighted, plain)[0] == pytest.approx(values(metric, plain, plain)[0], rel=1e-9)


def test_contacts_between_chains_do_not_count(make):
    helix = make.peptide(12, phi=-60.0, psi=-45.0)
    two = make.merge(helix, make.moved(helix, (0.8, 0.0, 0.0)), chains=["A", "B"])
    pairs, _ = native_pairs(two)
    assert len(pairs) == 2 * len(native_pairs(helix)[0])


def test_reasons(make):
    short = make.peptide(4)
    side = Side.of(short, short.coordinates_nm[None])
    with pytest.raises(NotMeasurableError, match="no two CA over three residues apart"):
        NATIVE_CONTACTS.measure(side, side)
    ions = make.ions(np.eye(3))
    side = Side.of(ions, ions.coordinates_nm[None])
    with pytest.raises(NotMeasurableError, match="no two CA"):
        NATIVE_CONTACTS.measure(side, side)
    with pytest.raises(NotMeasurableError, match="the reference is one structure"):
        FOLDING_FREE_ENERGY_ERROR.measure(folding(make, 2, 2), folding(make, 1, 0))
