"""The table of what can be drawn: choices, shares level by level, and words when nothing is left."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unfreeze.corpus.loader.choice import Choice, Weights
from unfreeze.corpus.loader.table import DrawTable, draw_table
from unfreeze.corpus.store import Corpus
from unfreeze.errors import InputError


def names(table: DrawTable) -> set[str]:
    return {f"{table.identifiers[entry]}/{name}" for entry, name in zip(table.entry, table.names, strict=True)}


def share(table: DrawTable, entry: str) -> float:
    return float(table.probability[table.entry == table.identifiers.index(entry)].sum())


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(), {"a/R1", "b/R1", "b/R2", "c/R1", "e/R1", "e/R2"}),
        (Choice(kinds=None), {"a/R1", "b/R1", "b/R2", "c/R1", "d/R1", "e/R1", "e/R2"}),
        (Choice(kinds=("static",)), {"d/R1"}),
        (Choice(temperature_K=(310, 330)), {"b/R2", "e/R2"}),
        (Choice(kinds="static"), {"d/R1"}),
        (Choice(datasets="one"), {"a/R1", "b/R1", "b/R2"}),
        (Choice(datasets=["one"]), {"a/R1", "b/R1", "b/R2"}),
        (Choice(fewest_frames=25), {"a/R1", "b/R1", "e/R1", "e/R2"}),
        (Choice(most_residues=20), {"b/R1", "b/R2", "c/R1"}),
        (Choice(kinds=None, labels=("b_factor",)), {"d/R1"}),
    ],
)
def test_choices_take_what_they_say(corpus: Corpus, choice: Choice, expected: set[str]) -> None:
    assert names(draw_table(corpus.index, choice, Weights())) == expected


@pytest.mark.parametrize(
    "choice",
    [Choice(force_fields=["other"]), Choice(solvents=["explicit"]), Choice(licences=["MIT"]), Choice(fewest_frames=99)],
)
def test_nothing_left_is_said_with_what_there_is(corpus: Corpus, choice: Choice) -> None:
    with pytest.raises(InputError, match="7 in 5 entries: 6 md, 1 static; force fields ff, unknown; 300 to 320 K"):
        draw_table(corpus.index, choice, Weights())


def test_shares_are_given_out_level_by_level(corpus: Corpus) -> None:
    equal = draw_table(corpus.index, Choice(), Weights(), clusters={"a": 1, "e": 1})
    np.testing.assert_allclose([share(equal, name) for name in "abce"], [1 / 6, 1 / 3, 1 / 3, 1 / 6])
    # b has two temperatures: a half each, whatever their lengths
    np.testing.assert_allclose(equal.probability[1:3], [1 / 6, 1 / 6])
    pooled = draw_table(corpus.index, Choice(), Weights(cluster=1, entry=1, conditions=1))
    np.testing.assert_allclose(pooled.probability, pooled.n_frames / pooled.n_frames.sum())


def test_factors_multiply_what_they_choose(corpus: Corpus) -> None:
    factors = [(Choice(datasets=["one"]), 3.0), (Choice(temperature_K=(310, 330)), 0.0)]
    table = draw_table(corpus.index, Choice(), Weights(factors=factors))
    raw = {"a": 3 / 4, "b": 3 / 8, "c": 1 / 4, "e": 1 / 8}
    for entry, value in raw.items():
        assert share(table, entry) == pytest.approx(value / sum(raw.values()))
    assert table.probability[2] == 0.0


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (Weights(factors=[(Choice(), 0.0)]), "nothing to draw"),
        (Weights(factors=[(Choice(), -1.0)]), "factor -1"),
        (Weights(entry=float("nan")), "exponent nan"),
    ],
)
def test_weights_without_sense_are_refused(corpus: Corpus, weights: Weights, words: str) -> None:
    with pytest.raises(InputError, match=words):
        draw_table(corpus.index, Choice(), weights)


def test_a_part_of_a_split_bounds_what_is_drawn(corpus: Corpus) -> None:
    assert draw_table(corpus.index, Choice(), Weights(), among=["b", "c"]).identifiers == ("b", "c")
    with pytest.raises(InputError, match="0 entries"):
        draw_table(corpus.index, Choice(), Weights(), among=["zz"])


def test_the_fingerprint_tells_tables_apart(corpus: Corpus) -> None:
    table = draw_table(corpus.index, Choice(), Weights())
    assert table.fingerprint == draw_table(corpus.index, Choice(), Weights()).fingerprint
    others = [
        draw_table(corpus.index, Choice(), Weights(trajectory=0.5, conditions=1.0)),
        draw_table(corpus.index, Choice(fewest_frames=8), Weights()),
        replace(table, n_frames=table.n_frames + 1),
    ]
    assert len({table.fingerprint, *(other.fingerprint for other in others)}) == 4
