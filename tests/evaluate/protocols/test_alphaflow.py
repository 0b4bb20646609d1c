"""Protocol `alphaflow` against a plain transcription of the published evaluation in MDTraj, and against its output."""

from __future__ import annotations

import json
from pathlib import Path

import mdtraj
import numpy as np
import pytest
from scipy import stats
from scipy.optimize import linear_sum_assignment
from threadpoolctl import threadpool_limits

from unfreeze.errors import InputError
from unfreeze.evaluate.frames import Frames
from unfreeze.evaluate.protocol import Options
from unfreeze.evaluate.protocols import find_protocol
from unfreeze.evaluate.protocols.alphaflow_numbers import SETTINGS, numbers, select
from unfreeze.evaluate.result import TargetResult
from unfreeze.structure.ensemble import mdtraj_topology
from unfreeze.structure.geometry import rotation_matrices

N_RESIDUES = 45
N_DRAWN = 120  # the protocol's 1,000 would take MDTraj half a minute
ORIGINAL = Path(__file__).parents[4] / "shared" / "data" / "reference" / "alphaflow_metrics"


def _noisy(molecule, n_frames, size_nm, seed):
    """Frames with slow bends, a little noise on every atom, and any orientation."""
    generator = np.random.default_rng(seed)
    points = molecule.coordinates_nm
    centred = points - points.mean(axis=0)
    bends = generator.standard_normal((3, 3, 3)) / 3.0
    amounts = generator.standard_normal((n_frames, 3))
    frames = centred + size_nm * np.einsum("fk,kij,aj->fai", amounts, bends, centred)
    frames += 0.05 * generator.standard_normal(frames.shape)
    turns = rotation_matrices(generator.standard_normal((n_frames, 3)))
    return (np.matmul(frames, turns.transpose(0, 2, 1)) + generator.standard_normal((n_frames, 1, 3))).astype(
        np.float32
    )


@pytest.fixture(scope="module")
def pair(make):
    molecule = make.read("1hvr")
    molecule = molecule.take_residues(np.arange(N_RESIDUES))
    return (
        Frames(molecule, _noisy(molecule, 24, 0.12, 1)),
        Frames(molecule, _noisy(molecule, 60, 0.15, 2)),
    )


def _transcribed(ensemble: Frames, reference: Frames) -> dict[str, float]:
    """The published scripts, read line by line; lengths in Å."""
    topology = mdtraj_topology(reference.molecule)
    ref = mdtraj.Trajectory(reference.molecule.coordinates_nm.astype(np.float32), topology)
    md, af = (mdtraj.Trajectory(np.array(side.coordinates_nm), topology) for side in (reference, ensemble))
    generator = np.random.RandomState(137)
    first, second, thousand = (generator.randint(0, md.n_frames, n) for n in (af.n_frames, af.n_frames, N_DRAWN))
    md.superpose(ref)
    af.superpose(ref)
    alpha = topology.select("name CA")
    ref_a, md_a, af_a = (trajectory.atom_slice(alpha) for trajectory in (ref, md, af))
    md_a.superpose(ref_a)
    af_a.superpose(ref_a)
    root = np.sqrt(len(alpha))

    def flat(xyz):
        return xyz.reshape(len(xyz), -1).astype(np.float64)

    def between(one, other):
        return np.linalg.norm(one[:, None] - other[None], axis=-1)

    def wasserstein(one, other):
        squared = between(one, other) ** 2
        return squared[linear_sum_assignment(squared)].mean() ** 0.5

    def axes(rows):
        return np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)[2][:2]

    found = {
        "md_pairwise": 10 * between(flat(md_a.xyz[first]), flat(md_a.xyz[second])).mean() / root,
        "af_pairwise": 10 * between(flat(af_a.xyz), flat(af_a.xyz)).mean() / root,
        "cosine_sim": abs(axes(flat(md_a.xyz))[0] @ axes(flat(af_a.xyz))[0]),
    }
    moments = []
    for xyz in (md.xyz[thousand], af.xyz):
        deviations = (xyz - xyz.mean(axis=0)).astype(np.float64)
        moments.append((xyz.mean(axis=0), np.einsum("fai,faj->aij", deviations, deviations) / len(xyz)))
    found["emd_mean"] = 10 * np.square(moments[0][0] - moments[1][0]).sum(axis=-1).mean() ** 0.5
    values, vectors = np.linalg.eig(moments[0][1] @ moments[1][1])
    squared_root = (vectors * np.sqrt(values[:, None])) @ np.linalg.inv(vectors)
    found["emd_var"] = 10 * np.trace(moments[0][1] + moments[1][1] - 2 * squared_root, axis1=1, axis2=2).mean() ** 0.5
    rmsf = [10 * mdtraj.rmsf(side, ref) for side in (md, af)]
    found |= {
        "rmsf_pearson": stats.pearsonr(*rmsf)[0],
        "rmsf_spearman": stats.spearmanr(*rmsf)[0],
        "rmsf_kendall": stats.kendalltau(*rmsf)[0],
    }
    for key, rows in (("ref", flat(md_a.xyz)), ("joint", flat(np.concatenate([md_a.xyz[first], af_a.xyz])))):
        two = axes(rows)
        one, again, other, seed = (
            10 / root * flat(xyz) @ two.T for xyz in (md_a.xyz[first], md_a.xyz[second], af_a.xyz, ref_a.xyz)
        )
        found |= {
            f"{key}emd": wasserstein(one, other),
            f"{key}emd_tr": np.linalg.norm(one.mean(axis=0) - other.mean(axis=0)),
            f"{key}emd_int": wasserstein(one - one.mean(axis=0), other - other.mean(axis=0)),
            f"EMD,{key}|ref|ref2": wasserstein(one, again),
            f"EMD,{key}|af|seed": np.square(other - seed).sum(axis=-1).mean() ** 0.5,
            f"EMD,{key}|ref mean|seed": np.linalg.norm(one.mean(axis=0) - seed[0]),
            f"EMD,{key}|af|af mean": np.square(other - other.mean(axis=0)).sum(axis=-1).mean() ** 0.5,
        }

    def near(xyz):
        return np.linalg.norm(xyz[:, None] - xyz[:, :, None], axis=-1) < 0.8

    def jaccard(one, other):
        return (one & other).sum() / (one | other).sum()

    native = near(ref_a.xyz)[0]
    shares = [near(md_a.xyz[first]).mean(axis=0), near(af_a.xyz).mean(axis=0)]
    found["weak_contacts_iou"] = jaccard(*(native & (share < 0.9) for share in shares))
    found["transient_contacts_iou"] = jaccard(*(~native & (share > 0.1) for share in shares))
    side_chain = np.array([atom.name not in ("CA", "C", "N", "O", "OXT") for atom in topology.atoms])
    residue = np.array([atom.residue.index for atom in topology.atoms])
    exposed = []
    with threadpool_limits(1, user_api="openmp"):  # what MDTraj carries from frame to frame depends on its threads
        for trajectory in (ref, md[thousand], af):
            areas = mdtraj.shrake_rupley(trajectory, probe_radius=0.28)[:, side_chain]
            exposed.append(
                np.stack([areas[:, residue[side_chain] == r].sum(axis=1) for r in range(N_RESIDUES)], 1) > 0.02
            )
    opened = [~exposed[0][0] & (side.mean(axis=0) > 0.1) for side in exposed[1:]]
    found["num_sasa"], found["sasa_iou"] = opened[0].sum(), jaccard(*opened)
    information = []
    for side in exposed[1:]:
        share = np.stack([1 - side.mean(axis=0), side.mean(axis=0)], axis=-1)
        total = np.zeros((N_RESIDUES,) * 2)
        for i in range(N_RESIDUES):
            for j in range(N_RESIDUES):
                terms = [
                    p * np.log(p / (share[i, a] * share[j, b]))
                    for a in (0, 1)
                    for b in (0, 1)
                    if (p := ((side[:, i] == a) & (side[:, j] == b)).mean()) > 0 and i != j
                ]
                total[i, j] = np.sum(terms)
        information.append(total.ravel())
    found["exposon_mi_pearson"] = stats.pearsonr(*information)[0]
    return {key: float(value) for key, value in found.items()}


def test_the_numbers_are_those_of_a_transcription(pair, monkeypatch):
    monkeypatch.setitem(SETTINGS, "n_exposure_frames", N_DRAWN)
    ensemble, reference = pair
    expected = _transcribed(*pair)
    found = numbers(select(ensemble, reference))
    assert expected["num_sasa"] > 0
    assert 0.0 < expected["weak_contacts_iou"] < 1.0
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-4), name


def test_estimates_hold_the_numbers_and_a_floor(pair):
    ensemble, reference = pair
    found = numbers(select(ensemble, reference))
    outcome = find_protocol("alphaflow").run(ensemble, reference, Options())
    assert list(outcome.estimates) == [metric.name for metric in find_protocol("alphaflow").metrics]
    assert outcome.estimates["rmwd"].value == pytest.approx(np.hypot(found["emd_mean"], found["emd_var"]))
    assert outcome.estimates["af_pairwise"].reference == found["md_pairwise"]
    halves = reference.take(np.unique(np.linspace(0, 29, 24).round().astype(int))), reference.take(np.arange(30, 60))
    assert outcome.estimates["refemd"].floor == pytest.approx(numbers(select(*halves))["refemd"])
    assert find_protocol("alphaflow").run(ensemble, reference, Options(floor=False)).estimates["refemd"].floor is None


def test_what_the_original_calls_nan_has_a_reason(pair):
    _, reference = pair
    still = Frames(reference.molecule, np.repeat(reference.molecule.coordinates_nm[None].astype(np.float32), 5, axis=0))
    outcome = find_protocol("alphaflow").run(still, still, Options(floor=False))
    assert outcome.estimates["sasa_iou"].value is None
    assert "buried" in outcome.estimates["sasa_iou"].reason
    assert outcome.estimates["rmsf_pearson"].value is None
    assert outcome.estimates["rmwd"].value == pytest.approx(0.0, abs=1e-5)


def test_atoms_match_by_residue_name_and_number(pair, make):
    ensemble, reference = pair
    second = make.read("1hvr").take_chains("B").take_residues(np.arange(N_RESIDUES))
    dimer_mate = Frames(second, second.coordinates_nm[None].astype(np.float32))
    shifted = reference.molecule.take_residues(np.arange(10, N_RESIDUES))
    fewer = Frames(shifted, ensemble.coordinates_nm[:, -shifted.n_atoms :])
    assert len(select(fewer, reference).alpha) == N_RESIDUES - 10
    # the second chain of the homodimer has the names and numbers of the first: the original takes it for that
    assert len(select(dimer_mate, reference).alpha) == N_RESIDUES
    other = make.peptide(20)
    with pytest.raises(InputError, match="matches by these"):
        select(Frames(other, other.coordinates_nm[None].astype(np.float32)), reference)


def test_aggregates_over_targets(pair):
    protocol = find_protocol("alphaflow")
    ensemble, reference = pair
    targets = []
    for count in (10, 14, 18, 24):
        outcome = protocol.run(ensemble.take(np.arange(count)), reference, Options(floor=False))
        targets.append(TargetResult(str(count), "g", protocol.describe(), estimates=outcome.estimates,
                                    arrays=outcome.arrays))  # fmt: skip
    found = {aggregate.name: aggregate.combine(targets) for aggregate in protocol.aggregates}
    assert found["rmwd"] == pytest.approx(np.median([target["rmwd"] for target in targets]))
    pooled = [
        np.concatenate([t.arrays[key] for t in targets]) for key in ("rmsf_all_ensemble_A", "rmsf_all_reference_A")
    ]
    assert found["rmsf_global_r"] == pytest.approx(np.corrcoef(*pooled)[0, 1])
    assert found["pc_sim_share"] == np.mean([target["cosine_sim"] > 0.5 for target in targets])
    own = [(target["af_pairwise"], target["md_pairwise"]) for target in targets]
    assert found["pairwise_rmsd_r"] == pytest.approx(np.corrcoef(*np.transpose(own))[0, 1])


@pytest.mark.skipif(not ORIGINAL.exists(), reason="the original's output is not here")
@pytest.mark.parametrize("target", ["psi", "ub60"])
def test_the_numbers_are_those_the_original_printed(target):
    from unfreeze.evaluate.inputs import load_frames

    folder = ORIGINAL / "atlas" / target
    chosen = select(load_frames(ORIGINAL / "pred" / f"{target}.pdb"), load_frames(folder))
    found = numbers(chosen)
    for name, value in json.loads((ORIGINAL / "expected.json").read_text())[target].items():
        if isinstance(value, dict):
            for pair_name, distance in value.items():
                assert found[f"{name}|{pair_name}"] == pytest.approx(distance, abs=1e-4), (name, pair_name)
        elif name == "n_atoms":
            assert chosen.structure.n_atoms == value
        elif name == "n_ca":
            assert len(chosen.alpha) == value
        elif name.endswith("first5"):
            rmsf = chosen.reference_rmsf_A if name.startswith("ref") else chosen.ensemble_rmsf_A
            assert rmsf[:5] == pytest.approx(value, abs=1e-4)
        elif value is None:
            assert np.isnan(found[name]), name
        else:
            assert found[name] == pytest.approx(value, abs=1e-4), name
