"""Every check fires on its damage, names it, and is silent on sound molecular dynamics."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest

from unfreeze.simulate.quality.checks import SegmentChecker, SegmentData
from unfreeze.simulate.quality.data import Finding, Report, SegmentQuality
from unfreeze.simulate.settings import Conditions, ProtocolSettings, ReplicaExchangeSettings, SystemSettings

CUBE = np.eye(3)


def rotation_half_turn(axis):
    axis = np.asarray(axis, dtype=float) / np.linalg.norm(axis)
    return 2.0 * np.outer(axis, axis) - np.eye(3)


def chain_rows(run, chain):
    return np.flatnonzero(run.molecule.chain_name[run.molecule.atom_chain_index] == chain)


def boxed(data, box):
    return replace(data, box_nm=np.repeat(np.asarray(box, dtype=float)[None], data.n_frames, axis=0))


@pytest.mark.parametrize("edges", [(0, 100), (0, 20, 40, 60, 80, 100), (0, 1, 3, 50, 100)])
def test_sound_dynamics_pass_however_they_are_cut(dimer, edges):
    checker = dimer.checker()
    for start, stop in itertools.pairwise(edges):
        quality = checker.check(dimer.part(start, stop))
        assert (quality.verdict, quality.reasons) == ("pass", [])
        assert all(isinstance(value, float) and np.isfinite(value) for value in quality.measures.values())
    whole = dimer.checker()
    whole.check(dimer.data)
    one, other = whole.state(), checker.state()
    assert one["jumps"] == other["jumps"]
    assert one["interfaces"] == other["interfaces"]
    assert one["energies"]["sums"] == pytest.approx(other["energies"]["sums"])


def test_sound_dynamics_pass_at_600_K(hot_strand):
    checker = hot_strand.checker()
    quality = checker.check(hot_strand.data)
    assert (quality.verdict, quality.reasons) == ("pass", [])
    assert quality.measures["largest_bond_error_nm"] < 0.03
    assert 560.0 < quality.measures["temperature_mean_K"] < 640.0


def test_heavy_atoms_alone_are_judged_as_all_atoms_are(dimer):
    heavy = np.flatnonzero(dimer.molecule.element != "H")
    checker = SegmentChecker(
        dimer.molecule.take_atoms(heavy), dimer.settings, dimer.n_degrees_of_freedom, explicit=False
    )
    data = replace(dimer.data, coordinates_nm=dimer.data.coordinates_nm[:, heavy])
    assert checker.check(data) == dimer.checker().check(dimer.data)


def test_the_state_goes_through_json(dimer):
    def turned(x):
        x[60:, chain_rows(dimer, "A")] += np.float32(4.0)

    data = dimer.with_coordinates(turned)
    run = replace(dimer, data=data)
    straight = dimer.checker()
    verdicts = [straight.check(run.part(k, k + 20)) for k in range(0, 100, 20)]
    state, again = dimer.checker().state(), []
    for k in range(0, 100, 20):
        checker = dimer.checker()
        checker.restore(json.loads(json.dumps(state)))
        again.append(checker.check(run.part(k, k + 20)))
        state = checker.state()
    assert again == verdicts
    assert [quality.verdict for quality in verdicts] == ["pass", "pass", "pass", "suspect", "suspect"]
    assert len(json.dumps(state)) < 12_000
    with pytest.raises(ValueError, match="schema"):
        dimer.checker().restore({"schema": 0})


def test_a_broken_segment_leaves_no_trace(dimer):
    checker = dimer.checker()
    checker.check(dimer.part(0, 50))
    before = json.dumps(checker.state())
    bad = dimer.part(50, 100)
    kinetic = np.array(bad.kinetic_kJ_mol)
    kinetic[-1] *= 10.0
    assert checker.check(replace(bad, kinetic_kJ_mol=kinetic)).verdict == "broken"
    assert json.dumps(checker.state()) == before
    assert checker.check(bad).verdict == "pass"


def test_no_frames_pass(dimer):
    assert dimer.checker().check(dimer.part(0, 0)) == SegmentQuality()


@pytest.mark.parametrize(
    "name", ["coordinates_nm", "potential_kJ_mol", "kinetic_kJ_mol", "temperature_K"]
)  # fmt: skip
def test_numbers_that_are_not_finite_are_broken(dimer, name):
    values = np.array(getattr(dimer.data, name))
    values[(7, 3) if values.ndim == 3 else 7] = np.nan
    quality = dimer.checker().check(replace(dimer.data, **{name: values}))
    assert quality.verdict == "broken"
    assert "not finite in frame 7 (1.6 ps)" in quality.reasons[0]
    assert "(1 of 100 frames)" in quality.reasons[0]
    if values.ndim == 3:
        assert dimer.molecule.atom_label(3) in quality.reasons[0]


def test_a_bond_that_is_far_too_long_is_broken(dimer):
    atom = dimer.atom("A", 97, "CB")

    def stretch(x):
        bond = x[40, atom] - x[40, dimer.atom("A", 97, "CA")]
        x[40, atom] += 0.5 * bond

    quality = dimer.checker().check(dimer.with_coordinates(stretch))
    assert quality.verdict == "broken"
    assert any(
        "the bond A:LEU97/CA-A:LEU97/CB is 0.2" in text and "frame 40 (8.2 ps)" in text for text in quality.reasons
    )


def test_a_torn_chain_is_broken(dimer):
    last = dimer.molecule.n_residues - 1
    rest = np.flatnonzero(dimer.molecule.residue_index == last)

    def tear(x):
        x[30:, rest] += np.float32(0.5)

    quality = dimer.checker().check(dimer.with_coordinates(tear))
    assert quality.verdict == "broken"
    assert "chain B is torn between B:ASN98/C and B:PHE99/N" in quality.reasons[0]
    assert "frame 30" in quality.reasons[0] and "69 more of this segment" in quality.reasons[0]


def test_a_chain_that_is_split_across_the_box_is_broken(dimer):
    box = 5.0 * CUBE
    start = dimer.atom("A", 98, "N")
    rest = [row for row in chain_rows(dimer, "A") if dimer.molecule.residue_index[row] >= 3]

    def wrap(x):
        x[10, rest] += np.float32([5.0, 0.0, 0.0])

    assert start in rest
    settings = {"system": SystemSettings(solvent="tip3p"), "conditions": Conditions(pressure_bar=None)}
    quality = dimer.checker(**settings).check(boxed(dimer.with_coordinates(wrap), box))
    assert quality.verdict == "broken"
    assert "chain A is split across the box between A:LEU97/C and A:ASN98/N" in quality.reasons[0]


def test_a_centre_that_turns_over_is_broken(dimer):
    centre, a, b, c = (dimer.atom("B", 97, name) for name in ("CA", "N", "C", "CB"))

    def invert(x):
        # mirror CA through the plane of its three neighbours, which keeps its bonds
        for frame in x[80:]:
            normal = np.cross(frame[b] - frame[a], frame[c] - frame[a])
            normal /= np.linalg.norm(normal)
            frame[centre] -= 2.0 * ((frame[centre] - frame[a]) @ normal) * normal

    quality = dimer.checker().check(dimer.with_coordinates(invert))
    assert quality.verdict == "broken"
    assert "B:LEU97/CA has turned into the other hand in frame 80" in quality.reasons[0]


def test_the_hand_of_the_start_counts_and_not_the_name(dimer):
    flip = np.array([1.0, 1.0, -1.0])
    molecule = dimer.molecule.with_coordinates(dimer.molecule.coordinates_nm * flip)
    checker = SegmentChecker(molecule, dimer.settings, dimer.n_degrees_of_freedom, explicit=False)
    data = replace(dimer.data, coordinates_nm=(dimer.data.coordinates_nm * flip).astype("<f4"))
    assert checker.check(data).verdict == "pass"
    assert checker.check(dimer.data).verdict == "broken"


def test_a_new_cis_peptide_is_suspect(dimer):
    carbon, nitrogen = dimer.atom("A", 97, "C"), dimer.atom("A", 98, "N")
    after = [row for row in chain_rows(dimer, "A") if dimer.molecule.residue_index[row] >= 3]

    def turn(x):
        for frame in x[50:]:
            spin = rotation_half_turn(frame[nitrogen] - frame[carbon])
            frame[after] = (frame[after] - frame[carbon]) @ spin.T + frame[carbon]

    data = dimer.with_coordinates(turn)
    quality = dimer.checker().check(data)
    assert quality.verdict == "suspect"
    assert "the peptide bond A:LEU97/C-A:ASN98/N has become cis in frame 50" in quality.reasons[0]
    # a start that has it is not blamed for it
    start = dimer.molecule.with_coordinates(data.coordinates_nm[50])
    checker = SegmentChecker(start, dimer.settings, dimer.n_degrees_of_freedom, explicit=False)
    assert not any("cis" in reason for reason in checker.check(data).reasons)


@pytest.mark.parametrize("factor", [3.0, 0.2])
def test_an_absurd_temperature_is_broken(dimer, factor):
    kinetic = np.array(dimer.data.kinetic_kJ_mol)
    kinetic[12] *= factor
    quality = dimer.checker().check(replace(dimer.data, kinetic_kJ_mol=kinetic))
    assert quality.verdict == "broken"
    assert "the temperature is" in quality.reasons[0] and "in frame 12 (2.6 ps)" in quality.reasons[0]


def test_an_absurd_potential_energy_is_broken(dimer):
    potential = np.array(dimer.data.potential_kJ_mol)
    potential[70] -= 5000.0
    checker = dimer.checker()
    assert checker.check(replace(dimer.data, potential_kJ_mol=potential)).verdict == "broken"
    assert checker.check(dimer.part(0, 60)).verdict == "pass"
    tail = replace(dimer, data=replace(dimer.data, potential_kJ_mol=dimer.data.potential_kJ_mol - 5000.0)).part(60, 100)
    quality = checker.check(tail)
    assert quality.verdict == "broken"
    assert "the potential energy is" in quality.reasons[0]


def slow_frames(dimer, n, seed, factor=1.0, width=1.0):
    """Frames far apart in time, with kinetic energies drawn independently."""
    rng = np.random.default_rng(seed)
    n_degrees = dimer.n_degrees_of_freedom
    mean = 0.5 * n_degrees * 8.314463e-3 * 300.0
    kinetic = mean * (1.0 + width * (rng.gamma(0.5 * n_degrees, 2.0 / n_degrees, n) - 1.0)) * factor
    rows = rng.integers(0, 100, n)
    return SegmentData(
        0, 20.0 * np.arange(1, n + 1), dimer.data.coordinates_nm[rows], None,
        -900.0 + mean * 0.1 * rng.normal(size=n), kinetic, kinetic,
    )  # fmt: skip


def slow_checker(dimer):
    return dimer.checker(save=dimer.settings.save.model_copy(update={"every_ps": 20.0}))


def test_kinetic_energies_from_their_distribution_pass(dimer):
    assert all(slow_checker(dimer).check(slow_frames(dimer, n, n)).verdict == "pass" for n in range(10, 410, 10))


def test_a_thermostat_at_another_temperature_is_suspect(dimer):
    quality = slow_checker(dimer).check(slow_frames(dimer, 200, 1, factor=1.08))
    assert quality.verdict == "suspect"
    assert "the mean temperature is 32" in quality.reasons[0]
    assert "thermostat is at 300 K" in quality.reasons[0]


def test_a_small_offset_shows_over_segments(dimer):
    checker, verdicts = slow_checker(dimer), []
    for k in range(12):
        data = replace(slow_frames(dimer, 30, k, factor=1.055), first_frame=30 * k)
        verdicts.append(checker.check(replace(data, time_ps=data.time_ps + 600.0 * k)))
    assert verdicts[0].verdict == "pass"
    assert any("of production so far" in reason for reason in verdicts[-1].reasons)


@pytest.mark.parametrize("width", [0.5, 1.6])
def test_a_kinetic_energy_of_the_wrong_width_is_suspect(dimer, width):
    quality = slow_checker(dimer).check(slow_frames(dimer, 400, 5, width=width))
    assert quality.verdict == "suspect"
    assert any("times as widely" in reason for reason in quality.reasons)


def test_a_kinetic_energy_of_the_wrong_shape_is_suspect(dimer):
    n_degrees = dimer.n_degrees_of_freedom
    data = slow_frames(dimer, 600, 6)
    mean, spread = 0.5 * n_degrees * 8.314463e-3 * 300.0, np.sqrt(2.0 / n_degrees)
    two_states = mean * (1.0 + spread * np.random.default_rng(0).choice([-1.0, 1.0], 600))
    quality = slow_checker(dimer).check(replace(data, kinetic_kJ_mol=two_states))
    assert [reason.split(":")[0] for reason in quality.reasons] == [
        f"the kinetic energy is not distributed as Gamma({n_degrees / 2:g}, kT)"
    ]


def test_correlated_frames_are_not_taken_for_independent_ones(dimer):
    data = slow_frames(dimer, 60, 3)
    hot = replace(data, kinetic_kJ_mol=np.full(60, data.kinetic_kJ_mol.mean() * 1.06))
    # every 20 ps that is a wrong thermostat; every 2 fs it is one and the same moment
    assert slow_checker(dimer).check(hot).verdict == "suspect"
    fast = dimer.checker(
        save=dimer.settings.save.model_copy(update={"every_ps": 0.002}),
        protocol=ProtocolSettings(time_step_fs=2.0),
    )
    close = replace(hot, time_ps=hot.time_ps * 1e-4)
    assert not any("mean temperature" in reason for reason in fast.check(close).reasons)


def test_a_potential_energy_that_drifts_is_suspect(dimer):
    rise = 0.8 * dimer.n_degrees_of_freedom * 8.314463e-3 * 300.0
    drifting = replace(dimer.data, potential_kJ_mol=dimer.data.potential_kJ_mol + np.linspace(0.0, rise, 100))
    run, checker = replace(dimer, data=drifting), dimer.checker()
    verdicts = [checker.check(run.part(k, k + 20)) for k in range(0, 100, 20)]
    assert verdicts[0].verdict == "pass"
    assert verdicts[-1].verdict == "suspect"
    assert any("the potential energy has risen by 0." in reason for reason in verdicts[-1].reasons)
    assert dimer.checker().check(drifting).verdict == "suspect"


def test_a_jump_is_suspect_and_not_learnt(dimer):
    def hop(x):
        x[60, chain_rows(dimer, "B")] += np.float32([0.0, 3.0, 0.0])

    data = dimer.with_coordinates(hop)
    quality = dimer.checker().check(data)
    assert quality.verdict == "suspect"
    there, back = (next(text for text in quality.reasons if f"to frame {k} " in text) for k in (60, 61))
    assert "the structure jumps by 1." in there and "the structure jumps by 1." in back
    run, checker = replace(dimer, data=data), dimer.checker()
    assert [checker.check(run.part(k, k + 20)).verdict for k in range(0, 100, 20)].count("suspect") == 1


def test_a_jump_among_the_first_frames_is_found(dimer):
    def hop(x):
        x[4:, chain_rows(dimer, "B")] += np.float32([0.0, 3.0, 0.0])

    quality = dimer.checker().check(dimer.with_coordinates(hop))
    assert any("jumps by" in text and "frame 4 (1 ps)" in text for text in quality.reasons)


def test_walkers_of_replica_exchange_may_jump(dimer):
    ladder = ReplicaExchangeSettings(temperatures_K=(300.0, 310.0))
    rng = np.random.default_rng(0)
    turned = dimer.data.coordinates_nm[rng.permutation(100)]
    quality = dimer.checker(replica_exchange=ladder).check(replace(dimer.data, coordinates_nm=turned))
    assert quality.verdict == "pass"
    assert dimer.checker(replica_exchange=ladder).state()["jumps"] is None


def test_a_lost_interface_is_suspect_and_names_both_partners(dimer):
    def part(x):
        x[:, chain_rows(dimer, "B")] += np.float32(0.012) * np.arange(100, dtype=np.float32)[:, None, None]

    data = dimer.with_coordinates(part)
    quality = dimer.checker().check(data)
    assert quality.verdict == "suspect"
    assert len(quality.reasons) == 1
    assert "the interface of chains A and B is lost" in quality.reasons[0]
    assert "atom contacts are left" in quality.reasons[0] and "nm at the start" in quality.reasons[0]
    run, checker = replace(dimer, data=data), dimer.checker()
    verdicts = [checker.check(run.part(k, k + 20)).verdict for k in range(0, 100, 20)]
    assert verdicts[0] == "pass" and verdicts[-1] == "suspect"


def test_partners_that_part_for_one_frame_have_not_lost_each_other(dimer):
    def part(x):
        x[50, chain_rows(dimer, "B")] += np.float32(0.12)

    assert dimer.checker().check(dimer.with_coordinates(part)).verdict == "pass"


DODECAHEDRON = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.5, np.sqrt(0.5)]])


@pytest.mark.parametrize("shape", [CUBE, DODECAHEDRON])
@pytest.mark.parametrize(("edge", "verdict"), [(6.0, "pass"), (2.6, "suspect")])
def test_contact_with_the_own_image_is_suspect(dimer, shape, edge, verdict):
    settings = {"system": SystemSettings(solvent="tip3p"), "conditions": Conditions(pressure_bar=None)}
    quality = dimer.checker(**settings).check(boxed(dimer.data, edge * shape))
    assert quality.verdict == verdict
    if verdict == "suspect":
        assert "the solute touches its own image" in quality.reasons[0]
        assert quality.measures["least_image_distance_nm"] < 1.0


def with_volume(data, edges, density=None):
    boxes = np.asarray(edges, dtype=float)[:, None, None] * CUBE
    return replace(
        data, box_nm=boxes, volume_nm3=np.asarray(edges) ** 3,
        density_g_ml=None if density is None else np.asarray(density, dtype=float),
    )  # fmt: skip


def water(dimer, **conditions):
    checker = SegmentChecker(
        dimer.molecule,
        dimer.settings.model_copy(
            update={"system": SystemSettings(solvent="tip3p"), "conditions": Conditions(**conditions)}
        ),
        dimer.n_degrees_of_freedom,
        explicit=True,
    )
    return checker.check


def test_a_box_that_breathes_passes_under_pressure_only(dimer):
    edges = 6.0 + 0.02 * np.sin(np.arange(100))
    assert water(dimer)(with_volume(dimer.data, edges, np.full(100, 1.01))).verdict == "pass"
    held = water(dimer, pressure_bar=None)(with_volume(dimer.data, edges))
    assert held.verdict == "suspect"
    assert "though it is held" in held.reasons[0]


def test_a_bubble_is_suspect(dimer):
    edges = np.where(np.arange(100) < 90, 6.0, 6.6)
    quality = water(dimer)(with_volume(dimer.data, edges, np.where(np.arange(100) < 90, 1.0, 0.75)))
    assert quality.verdict == "suspect"
    assert any("the volume is 287.50 nm³ in frame 90" in reason for reason in quality.reasons)
    assert any("the density is 0.750 g/ml in frame 90" in reason for reason in quality.reasons)


def test_a_flat_box_is_broken(dimer):
    flat = boxed(dimer.data, np.diag([6.0, 6.0, 0.0]))
    assert water(dimer)(flat).verdict == "broken"


def test_senseless_arrays_are_refused(dimer):
    with pytest.raises(ValueError, match="coordinates_nm has shape"):
        dimer.checker().check(replace(dimer.data, coordinates_nm=dimer.data.coordinates_nm[:, :-1]))
    with pytest.raises(ValueError, match="potential_kJ_mol has shape"):
        dimer.checker().check(replace(dimer.data, potential_kJ_mol=dimer.data.potential_kJ_mol[:-1]))
    with pytest.raises(ValueError, match="at least 1"):
        SegmentChecker(dimer.molecule, dimer.settings, 0)


def test_reasons_are_bounded_and_the_worst_come_first():
    findings = [Finding("suspect", f"doubt {k}") for k in range(30)] + [Finding("broken", "fault")]
    quality = SegmentQuality.of([Report(tuple(findings), {"largest_x": 1.0, "nan": float("nan")}),
                                 Report((), {"largest_x": 3.0}), Report((), {"largest_x": 2.0})])  # fmt: skip
    assert quality.verdict == "broken"
    assert quality.reasons[0] == "fault" and len(quality.reasons) == 21
    assert quality.measures == {"largest_x": 3.0}
    assert json.loads(json.dumps(quality.to_dict()))["verdict"] == "broken"


def test_rare_steps_between_substates_are_no_jumps(dimer):
    # 0.16 nm within a substate and, now and then, 2.4 times that between two, as flaps of HIV protease do
    checker = dimer.checker()
    learn = checker._jumps._learn
    rng = np.random.default_rng(0)
    quiet = [learn(0.16 + 0.01 * rng.normal()) for _ in range(200)]
    assert not any(quiet)
    assert learn(0.39) == []
    assert [round(size, 2) for _, size, _ in learn(0.6)] == [0.6]
