"""Draws depend on the seed and their number alone, have the weights they should, and keep to windows and epochs."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from unfreeze.corpus.loader.draws import Draws, Frames
from unfreeze.corpus.loader.table import DrawTable
from unfreeze.errors import InputError

# of seed 17: a change of these is a change of what a seed means, and breaks checkpoints
ROWS = [[41, 91], [74, 85], [63, 73]]
ORDER = [(0, [23, 52]), (1, [1, 4]), (0, [20, 21]), (0, [16, 82]), (0, [39, 94])]


def table(n_frames: list[int], probability: list[float] | None = None) -> DrawTable:
    n = len(n_frames)
    return DrawTable(
        identifiers=tuple(f"e{i}" for i in range(n)),
        entry=np.arange(n),
        names=("R1",) * n,
        n_frames=np.array(n_frames),
        n_residues=np.full(n, 10),
        probability=np.array(probability or [1 / n] * n),
    )


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**64 - 1),
    first=st.integers(0, 10**12),
    cut=st.integers(1, 19),
    replacement=st.booleans(),
)
def test_a_draw_does_not_depend_on_what_was_drawn_before(seed: int, first: int, cut: int, replacement: bool) -> None:
    draws = Draws(table([7, 3, 11, 1]), seed, Frames(2), replacement=replacement)
    whole = draws.places(first, 20)
    again = Draws(table([7, 3, 11, 1]), seed, Frames(2), replacement=replacement)
    parts = [again.places(first + cut, 20 - cut), again.places(first, cut)]
    for column in (0, 1):
        np.testing.assert_array_equal(whole[column], np.concatenate([parts[1][column], parts[0][column]]))
    number, trajectory = first + 7, int(whole[0][7])
    np.testing.assert_array_equal(draws.rows(number, trajectory, None)[0], again.rows(number, trajectory, None)[0])


def test_a_seed_names_the_same_draws_in_every_version() -> None:
    draws = Draws(table([100, 100, 100], [0.5, 0.2, 0.3]), 17, Frames(2))
    words = np.stack([np.random.Philox(counter=k, key=17).random_raw(4) for k in range(12)])
    trajectories, crops = draws.places(1, 12)
    expected = np.searchsorted([0.5, 0.7, 1.0], (words[:, 0] >> np.uint64(11)) * 2.0**-53, side="right")
    np.testing.assert_array_equal(trajectories, expected)
    np.testing.assert_array_equal(crops, words[:, 1])
    assert [draws.rows(k, 0, None)[0].tolist() for k in (1, 2, 10**15)] == ROWS
    epochs = Draws(table([100, 5, 2]), 17, Frames(2), replacement=False)
    order = [(int(t), epochs.rows(k, int(t), None)[0].tolist()) for k, t in enumerate(epochs.places(0, 5)[0])]
    assert order == ORDER


def test_trajectories_are_drawn_as_often_as_they_weigh() -> None:
    probability = [0.5, 0.0, 0.3, 0.2]
    chosen = Draws(table([5, 5, 5, 5], probability), 11, Frames()).places(0, 50_000)[0]
    counts = np.bincount(chosen, minlength=4)
    assert counts[1] == 0
    assert chisquare(counts[[0, 2, 3]], 50_000 * np.array([0.5, 0.3, 0.2])).pvalue > 1e-4


def test_an_epoch_has_every_frame_once_and_the_next_another_order() -> None:
    draws = Draws(table([12, 5, 1, 9]), 4, Frames(), replacement=False)
    assert draws.epoch_length == 27
    orders = []
    for epoch in range(3):
        chosen = draws.places(27 * epoch, 27)[0]
        rows = [int(draws.rows(27 * epoch + k, int(t), None)[0][0]) for k, t in enumerate(chosen)]
        orders.append(list(zip(chosen.tolist(), rows, strict=True)))
        assert sorted(orders[-1]) == [(t, r) for t, n in enumerate([12, 5, 1, 9]) for r in range(n)]
    assert orders[0] != orders[1] != orders[2]


def test_an_epoch_of_several_frames_a_draw_repeats_none() -> None:
    draws = Draws(table([13, 4, 2]), 4, Frames(4), replacement=False)
    assert draws.epoch_length == 3 + 1 + 1
    seen: Counter[tuple[int, int]] = Counter()
    left_out = set()
    for epoch in range(8):
        here: Counter[tuple[int, int]] = Counter()
        for k, trajectory in enumerate(draws.places(5 * epoch, 5)[0].tolist()):
            rows, window = draws.rows(5 * epoch + k, trajectory, None)
            assert (np.diff(rows) >= 0).all() and np.isnan(window)
            here.update((trajectory, row) for row in rows.tolist())
        assert {t: sum(n for (u, _), n in here.items() if u == t) for t in range(3)} == {0: 12, 1: 4, 2: 4}
        assert all(n == 1 for (t, _), n in here.items() if t < 2)  # only two frames there are for four places
        left_out |= {r for r in range(13) if (0, r) not in here}
        seen += here
    assert len(left_out) > 1


@pytest.mark.parametrize("spread", ["random", "even"])
def test_frames_keep_to_their_window(spread) -> None:
    times = 50.0 + 10.0 * np.arange(200)
    draws = Draws(table([200]), 1, Frames(5, window_ps=(100.0, 800.0), spread=spread))
    found = [draws.rows(k, 0, times) for k in range(300)]
    lengths = np.array([window for _, window in found])
    assert lengths.min() >= 100.0 and lengths.max() <= 800.0 and np.ptp(np.log(lengths)) > 1.8
    for rows, window in found:
        assert times[rows[-1]] - times[rows[0]] <= window + (10.0 if spread == "even" else 1e-6)
        assert (np.diff(rows) > 0).all() and rows[0] >= 0 and rows[-1] < 200
    starts = np.array([rows[0] for rows, _ in found])
    assert starts.min() < 20 and starts.max() > 120


def test_pairs_at_a_lag() -> None:
    times = 10.0 * np.arange(500)
    draws = Draws(table([500]), 1, Frames(2, window_ps=100.0, spread="even"))
    for k in range(200):
        rows, window = draws.rows(k, 0, times)
        assert window == 100.0 and rows[1] - rows[0] == 10


def test_windows_on_a_grid_with_gaps_and_logarithmic_times() -> None:
    draws = Draws(table([60]), 1, Frames(3, window_ps=50.0))
    for times in (np.delete(np.arange(0.0, 700.0, 10.0), slice(20, 30)), np.geomspace(1.0, 1e5, 60)):
        for k in range(100):
            rows, window = draws.rows(k, 0, times)
            assert window == 50.0 and times[rows[-1]] - times[rows[0]] <= 50.0


def test_short_trajectories_and_those_without_a_clock_are_taken_whole() -> None:
    draws = Draws(table([6]), 1, Frames(6, window_ps=1000.0))
    rows, window = draws.rows(3, 0, 10.0 * np.arange(6))
    np.testing.assert_array_equal(rows, np.arange(6))
    assert window == 50.0
    rows, window = draws.rows(3, 0, None)
    np.testing.assert_array_equal(rows, np.arange(6))
    assert np.isnan(window)
    single = Draws(table([1]), 1, Frames(2, window_ps=5.0, spread="even"))
    np.testing.assert_array_equal(single.rows(0, 0, np.array([7.0]))[0], [0, 0])


def test_frames_appended_later_are_not_drawn() -> None:
    draws = Draws(table([4]), 1, Frames(2))
    assert max(int(draws.rows(k, 0, 10.0 * np.arange(400))[0][-1]) for k in range(50)) == 3


@pytest.mark.parametrize(
    "make",
    [
        lambda: Frames(0),
        lambda: Frames(1, window_ps=-1.0),
        lambda: Frames(1, window_ps=(5.0, 1.0)),
        lambda: Frames(1, spread="odd"),  # type: ignore[arg-type]
        lambda: Draws(table([3]), -1, Frames()),
        lambda: Draws(table([3]), 2**64, Frames()),
        lambda: Draws(table([3]), 1, Frames(2, window_ps=5.0), replacement=False),
    ],
)
def test_settings_without_sense_are_refused(make) -> None:
    with pytest.raises(InputError):
        make()
