import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unfreeze.errors import InputError
from unfreeze.simulate.engine.commit import Commit
from unfreeze.simulate.engine.schedule import equilibration, frames_per_commit, n_frames_of, next_segment
from unfreeze.simulate.settings import SimulationSettings

IMPLICIT = SimulationSettings()
WATER = SimulationSettings.model_validate({"system": {"solvent": "tip3p"}})


def commit_of(segment, number, n_frames, every_ps):
    total = n_frames + segment.n_frames
    return Commit(number, segment.stage, total, total * every_ps, segment.n_steps, segment.step_fs, {})


def run(simulation, length_ps, commit_frames, commits=()):
    commits = list(commits)
    segments = []
    while (segment := next_segment(simulation, commits, commit_frames=commit_frames, length_ps=length_ps)) is not None:
        segments.append(segment)
        n_frames = commits[-1].n_frames if commits else 0
        commits.append(commit_of(segment, len(commits), n_frames, simulation.save.every_ps))
    return segments, commits


def time_ps(segments):
    return sum(segment.n_steps * segment.step_fs / 1000 for segment in segments)


def test_stages_follow_each_other_and_take_the_time_asked_for():
    segments, _ = run(WATER, 1000.0, 10)
    order = list(dict.fromkeys(segment.stage for segment in segments))
    assert order == ["minimise", "heat", "restrained", "release", "equilibrate", "production"]
    of = {stage: [segment for segment in segments if segment.stage == stage] for stage in order}
    protocol = WATER.protocol
    assert time_ps(of["heat"]) == pytest.approx(protocol.heat_ps, rel=1e-3)
    assert time_ps(of["restrained"]) == pytest.approx(protocol.restrained_ps)
    assert time_ps(of["release"]) == pytest.approx(protocol.release_ps)
    assert time_ps(of["equilibrate"]) == pytest.approx(protocol.equilibrate_ps)
    assert time_ps(of["production"]) == pytest.approx(1000.0)
    warmth = [segment.temperature_K for segment in of["heat"]]
    assert warmth == sorted(warmth) and warmth[0] < 60 and warmth[-1] == 300
    held = [segment.restraint_kJ_mol_nm2 for segment in segments if segment.stage != "production"]
    assert held == sorted(held, reverse=True) and held[-1] == 0
    assert [segment.pressure for segment in segments] == [
        segment.stage not in ("minimise", "heat") for segment in segments
    ]
    assert [segment.new_velocities for segment in segments].count(True) == 1


def test_without_water_no_pressure_is_held():
    assert not any(segment.pressure for segment in run(IMPLICIT, 100.0, 10)[0])


def test_velocities_are_drawn_even_when_nothing_is_heated():
    quick = SimulationSettings.model_validate(
        {"protocol": {"heat_ps": 0, "restrained_ps": 0, "release_ps": 0, "equilibrate_ps": 0}}
    )
    segments, _ = run(quick, 20.0, 10)
    assert [segment.new_velocities for segment in segments] == [False, True, False]


@given(
    lengths=st.lists(st.integers(1, 300), min_size=1, max_size=4),
    commit_frames=st.integers(1, 40),
)
@settings(max_examples=50, deadline=None)
def test_a_run_that_is_made_longer_ends_as_if_it_had_been_that_long(lengths, commit_frames):
    commits = ()
    for n_frames in sorted(lengths):
        _, commits = run(IMPLICIT, n_frames * 10.0, commit_frames, commits)
        assert commits[-1].n_frames == n_frames
    once = run(IMPLICIT, max(lengths) * 10.0, commit_frames)[1]
    ends = {commit.n_frames for commit in once}
    assert ends <= {commit.n_frames for commit in commits}  # at least the same commits


@given(most_steps=st.integers(50, 4000))
@settings(max_examples=20, deadline=None)
def test_long_stages_are_cut_into_pieces_of_the_same_time(most_steps):
    whole, pieces = equilibration(WATER, 10**9), equilibration(WATER, most_steps)
    assert time_ps(whole[1:]) == pytest.approx(time_ps(pieces[1:]))
    assert all(piece.n_steps <= most_steps for piece in pieces[1:])
    assert sum(piece.new_velocities for piece in pieces) == 1


def test_a_shorter_step_takes_as_long():
    segment = run(IMPLICIT, 100.0, 10)[0][-1]
    shorter = segment.shortened(2)
    assert shorter.step_fs == 1.0
    assert shorter.n_steps * shorter.step_fs == segment.n_steps * segment.step_fs
    assert shorter.n_frames == segment.n_frames


def test_commits_are_some_half_minute_apart_or_as_asked_for():
    small = frames_per_commit(IMPLICIT, n_atoms=63, n_saved=30, platform="CPU")
    large = frames_per_commit(IMPLICIT, n_atoms=8000, n_saved=4000, platform="CPU")
    assert small > 10 * large
    assert large == 1
    asked = SimulationSettings.model_validate({"save": {"every_ps": 2, "commit_every_ps": 50}})
    assert frames_per_commit(asked, n_atoms=63, n_saved=30, platform="CPU") == 25


def test_a_length_without_a_frame_is_refused():
    with pytest.raises(InputError, match="save more often"):
        n_frames_of(5.0, 10.0)
    assert n_frames_of(0.3 * 3, 0.1 * 3) == 3
