from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from unfreeze.evaluate.frames import Frames
from unfreeze.evaluate.metric import Estimate
from unfreeze.evaluate.protocol import Options
from unfreeze.evaluate.protocols.mdgen import MDGEN
from unfreeze.evaluate.result import TargetResult
from unfreeze.structure.internal_coordinates.torsions import torsions

OPTIONS = Options(n_bootstrap=10)


@pytest.fixture(scope="module")
def peptide(make):
    """Four residues of the protease with side chains of every kind of torsion that matters: Leu-Arg-Glu-Ala …"""
    molecule = make.read("1hvr")
    return molecule.take_residues(np.arange(4, 9))


def walk(molecule, n_frames, seed, time_step_ps=10.0):
    """Frames that wander about the structure and forget where they were within some ten frames."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(scale=0.03, size=(n_frames, molecule.n_atoms, 3))
    for frame in range(1, n_frames):
        moves[frame] = 0.9 * moves[frame - 1] + np.sqrt(1.0 - 0.81) * moves[frame]
    return Frames(molecule, (molecule.coordinates_nm + moves).astype(np.float32), time_step_ps=time_step_ps)


def test_every_metric_of_two_trajectories(peptide):
    outcome = MDGEN.run(walk(peptide, 600, 1), walk(peptide, 1200, 2), OPTIONS)
    assert list(outcome.estimates) == [metric.name for metric in MDGEN.metrics]
    for metric in MDGEN.metrics:
        estimate = outcome.estimates[metric.name]
        assert estimate.reason == ""
        assert metric.bounds[0] <= estimate.low <= estimate.value <= estimate.high <= metric.bounds[1] + 1e-9
        # half of 1,200 frames are too few for a hundred clusters
        assert (estimate.floor is None) == (metric.name == "mdgen_states_jsd")
    # a baseline has no clock, but torsions
    assert outcome.estimates["mdgen_backbone_decorrelation"].baseline is None
    assert json.loads(json.dumps(MDGEN.describe())) == MDGEN.describe()
    json.dumps([outcome.matching, outcome.notes])


def test_torsions_are_scored_as_the_scripts_do(peptide):
    ensemble, reference = walk(peptide, 100, 3), walk(peptide, 150, 4)
    outcome = MDGEN.run(ensemble, reference, Options(floor=False, baseline=False, n_bootstrap=0))
    first, second = (torsions(peptide, side.coordinates_nm) for side in (ensemble, reference))
    columns = {"backbone": [0, 1], "sidechain": [3, 4, 5, 6, 7], "torsion": [0, 1, 3, 4, 5, 6, 7]}
    for name, chosen in columns.items():
        distances = []
        for residue in range(peptide.n_residues):
            for column in chosen:
                sides = [side[:, residue, column] for side in (first, second)]
                if not np.isnan(sides[0]).any():
                    p, q = (np.histogram(side, range=(-np.pi, np.pi), bins=100)[0] for side in sides)
                    distances.append(jensenshannon(p, q))
        # superposition in single precision may carry a value over the edge of a bin
        assert outcome.estimates[f"mdgen_{name}_jsd"].value == pytest.approx(np.mean(distances), abs=2e-3)


def test_a_trajectory_against_itself_is_perfect(peptide):
    reference = walk(peptide, 400, 2)
    outcome = MDGEN.run(reference, reference, Options(floor=False, baseline=False, n_bootstrap=0))
    assert outcome.estimates["mdgen_states_jsd"].reason == (
        "the reference has 400 frames, fewer than 1000 for Markov states"
    )
    values = {name: estimate.value for name, estimate in outcome.estimates.items() if estimate.value is not None}
    assert len(values) == 7
    assert set(values.values()) == {0.0}


def test_without_clocks_torsions_are_left(peptide):
    ensemble, reference = walk(peptide, 50, 1, time_step_ps=None), walk(peptide, 60, 2, time_step_ps=None)
    outcome = MDGEN.run(ensemble, reference, OPTIONS)
    have = {name for name, estimate in outcome.estimates.items() if estimate.value is not None}
    assert have == {"mdgen_backbone_jsd", "mdgen_sidechain_jsd", "mdgen_torsion_jsd"}
    assert outcome.estimates["mdgen_tica_jsd"].reason == "the reference has no clock"


def test_a_lag_that_is_shorter_than_a_frame_is_said(peptide):
    reference = walk(peptide, 60, 2, time_step_ps=400.0)
    outcome = MDGEN.run(reference, reference, Options(floor=False, baseline=False, n_bootstrap=0))
    assert any("The lag is 400 ps, not 100 ps" in note for note in outcome.notes)


def test_a_peptide_without_side_chains(make):
    reference = walk(make.peptide(5), 50, 1)
    outcome = MDGEN.run(reference, reference, Options(floor=False, baseline=False, n_bootstrap=0))
    assert outcome.estimates["mdgen_sidechain_jsd"].reason == "the atoms that are in both make no side-chain torsions"
    assert outcome.estimates["mdgen_torsion_jsd"].value == outcome.estimates["mdgen_backbone_jsd"].value == 0.0


def test_means_over_targets():
    results = [
        TargetResult(name, "g", MDGEN.describe(), estimates={"mdgen_backbone_jsd": Estimate(value)})
        for name, value in (("a", 0.1), ("b", 0.4), ("c", None))
    ]
    found = {aggregate.name: aggregate.combine(results) for aggregate in MDGEN.aggregates}
    assert found["mdgen_backbone_jsd"] == pytest.approx(0.25)
    assert found["mdgen_tica_jsd"] is None
