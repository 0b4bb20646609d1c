from collections import Counter

import numpy as np
import pytest

from unfreeze.corpus.split.assign import assign_groups, check_fractions
from unfreeze.corpus.split.entries import SplitInput
from unfreeze.corpus.split.groups import group_entries
from unfreeze.corpus.split.make import make_split
from unfreeze.errors import InputError


@pytest.fixture
def families(maker):
    """Forty families of one to five sequences, by name."""
    found = {}
    for number in range(40):
        founder = maker.sequence(int(maker.rng.integers(90, 200)))
        for member in range(1 + number % 5):
            found[f"f{number:02d}_{member}"] = maker.relative(founder, 0.7) if member else founder
    return found


def test_families_stay_whole_and_shares_are_met(families):
    split = make_split(families, engine="words")
    part_of = split.part_of
    assert set(part_of) == set(families)
    for name in families:
        assert part_of[name] == part_of[f"{name[:3]}_0"]
        assert split.groups[name] == split.groups[f"{name[:3]}_0"]
    shares = {part: len(names) / len(families) for part, names in split.parts.items()}
    assert shares == pytest.approx({"train": 0.8, "validation": 0.1, "test": 0.1}, abs=0.03)
    assert split.largest_identity < 0.4
    assert split.left_out == {}


def test_held_out_parts_get_families_of_many_sizes(families):
    split = make_split(families, engine="words", fractions={"train": 0.5, "test": 0.5})
    sizes = Counter(Counter(name[:3] for name in split.parts["test"]).values())
    assert len(sizes) >= 3


def test_the_same_seed_gives_the_same_split_in_whatever_order(families):
    first = make_split(families, seed=3, engine="words")
    again = make_split(dict(sorted(families.items(), key=lambda item: item[1])), seed=3, engine="words")
    assert first.parts == again.parts
    assert make_split(families, seed=4, engine="words").parts != first.parts


def test_weights_are_what_is_balanced(maker):
    sequences = {f"p{number}": maker.sequence(100) for number in range(40)}
    weights = {name: 100.0 if number < 4 else 1.0 for number, name in enumerate(sequences)}
    source = SplitInput.of_sequences(sequences, weights=weights)
    split = make_split(source, engine="words", fractions={"a": 0.5, "b": 0.5})
    for names in split.parts.values():
        assert sum(weights[name] for name in names) == pytest.approx(218, abs=5)
    assert split.method.balance == "weights"


def test_fixed_entries_stay_and_their_families_follow(families):
    fixed = {"test": ["f04_0", "f09_3"], "train": ["f14_1"]}
    split = make_split(families, fixed=fixed, engine="words")
    assert {f"f04_{k}" for k in range(5)} | {f"f09_{k}" for k in range(5)} <= set(split.parts["test"])
    assert {f"f14_{k}" for k in range(5)} <= set(split.parts["train"])


def test_alike_entries_fixed_in_different_parts_are_refused(families):
    with pytest.raises(InputError, match=r"f04_0 chain 1 \(train\) and f04_1 chain 1 \(test\): \d\d % identical"):
        make_split(families, fixed={"train": ["f04_0"], "test": ["f04_1"]}, engine="words")


def test_what_links_fixed_entries_is_left_out(maker):
    one, two = maker.sequence(120), maker.sequence(120)
    sequences = {"one": one, "two": two, "bridge": one + two, "more": maker.sequence(100), "last": maker.sequence(90)}
    split = make_split(
        sequences, fixed={"train": ["one"], "test": ["two"]}, fractions={"train": 0.7, "test": 0.3}, engine="words"
    )
    assert split.left_out == {"bridge": "is linked to entries that are fixed in test and train"}
    assert "bridge" not in split.part_of
    assert "in no part" in split.notes[-1]


def test_complexes_by_sequence_and_by_interface(maker):
    a, b, c, d = (maker.sequence(120) for _ in range(4))
    entries = SplitInput(
        ("ab", "ac", "ab2", "cd", "a", "a2"),
        ((a, b), (a, c), (maker.relative(b, 0.6), maker.relative(a, 0.6)), (c, d), (a,), (maker.relative(a, 0.7),)),
        (((0, 1),), ((0, 1),), ((0, 1),), ((0, 1),), (), ()),
    )

    def together(by):
        from unfreeze.corpus.split.likeness import Comparison

        clusters = Comparison([one for row in entries.sequences for one in row], engine="words").clusters(0.4)
        return group_entries(entries, clusters, by).label.tolist()

    assert together("sequence") == [0] * 6
    assert together("interface") == [0, 1, 0, 2, 3, 3]
    split = make_split(entries, by="interface", fractions={"x": 0.5, "y": 0.5}, engine="words")
    assert split.part_of["ab"] == split.part_of["ab2"] and split.part_of["a"] == split.part_of["a2"]
    assert split.interfaces["ab2"] == ((0, 1),)
    assert split.clusters["ab2"] == tuple(reversed(split.clusters["ab"]))


def test_a_part_that_would_be_empty_is_refused(maker):
    founder = maker.sequence(100)
    alike = {f"m{number}": maker.relative(founder, 0.8) for number in range(6)}
    with pytest.raises(InputError, match=r"nothing is left for .* 6 entries make 1 groups .* the largest of 6"):
        make_split(alike, engine="words")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fractions": {"train": 0.8, "test": -0.1}}, "share of 'test' is -0.1"),
        ({"fractions": {}}, "no parts"),
        ({"fractions": {"a/b": 1.0}}, "cannot be the name of a part"),
        ({"identity": 40.0}, "from 0.2 to 1"),
        ({"by": "fold"}, "made by one of sequence, interface"),
        ({"fixed": {"test": ["nobody"]}}, "nobody: is fixed in test, but there is no such entry"),
        ({"fixed": {"test": ["f00_0"], "train": ["f00_0"]}}, "fixed in test and in train"),
    ],
)
def test_mistakes_are_said(families, change, message):
    with pytest.raises(InputError, match=message):
        make_split(families, engine="words", **change)


def test_nothing_to_split():
    with pytest.raises(InputError, match="no entries"):
        make_split({})


def test_entries_without_sequences_are_on_their_own(maker):
    split = make_split({**{f"e{k}": () for k in range(6)}, "p": maker.sequence(50)}, fractions={"a": 0.5, "b": 0.5})
    assert sorted(len(names) for names in split.parts.values()) == [3, 4]
    assert split.largest is None and "no two entries" in split.assertion()


def test_fractions_are_made_to_add_up():
    assert check_fractions({"a": 8, "b": 2}) == pytest.approx({"a": 0.8, "b": 0.2})


def test_a_group_too_large_goes_where_there_is_most_room():
    rng = np.random.default_rng(0)
    parts = assign_groups([90.0, 5.0, 5.0], ["x", "y", "z"], {"train": 0.8, "test": 0.2}, rng=rng)
    assert parts == ["train", "test", "test"]
