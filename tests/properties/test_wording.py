"""Words of effects and what a free energy is as a dissociation constant."""

from __future__ import annotations

import pytest

from unfreeze.properties.wording import dissociation_constant_M, effect_words, interval_95


@pytest.mark.parametrize(
    ("value", "error", "affinity", "stability"),
    [
        (10.0, 3.0, "strongly weakens", "strongly stabilises"),
        (-10.0, 3.0, "strongly strengthens", "strongly destabilises"),
        (6.0, 3.0, "weakens", "stabilises"),
        (-4.0, 3.0, "probably strengthens", "probably destabilises"),
        (2.0, 3.0, "unclear", "unclear"),
        (1.0, 1.0, "little effect", "little effect"),
        (0.0, 0.0, "little effect", "little effect"),
        (0.1, 2.5, "probably little effect", "probably little effect"),
        (0.1, 4.0, "unclear", "unclear"),
        (9.0, 0.0, "strongly weakens", "strongly stabilises"),
    ],
)
def test_words_follow_sign_size_and_error(value, error, affinity, stability):
    assert effect_words(value, error, "affinity") == affinity
    assert effect_words(value, error, "stability") == stability


def test_ten_times_tighter_is_5_7_kJ_mol_at_25_degrees():
    assert dissociation_constant_M(0.0, 298.15) == 1.0
    assert dissociation_constant_M(-5.708, 298.15) == pytest.approx(0.1, rel=1e-3)
    assert dissociation_constant_M(1e6, 298.15) > 1e40  # and no overflow
    assert interval_95(1.0, 2.0) == pytest.approx((-2.92, 4.92), abs=0.01)
