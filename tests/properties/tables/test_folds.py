import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unfreeze.corpus import Corpus
from unfreeze.errors import InputError
from unfreeze.properties.tables import read_tables
from unfreeze.properties.tables.folds import Folds, deal, key_of, linked

_SPLITS = Path(__file__).parents[3] / "recipes" / "properties" / "splits"


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40), st.integers(1, 6))
@settings(max_examples=50, deadline=None)
def test_parts_differ_by_the_heaviest_group_at_most(weights, n_parts):
    named = dict(enumerate(weights))
    part = deal(named, n_parts)
    filled = [sum(weights[group] for group in part if part[group] == one) for one in range(n_parts)]
    assert part.keys() == named.keys() and set(part.values()) <= set(range(n_parts))
    assert max(filled) - min(filled) <= max(weights)


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=14))
@settings(max_examples=50, deadline=None)
def test_linked_are_connected_components(pairs):
    members = list(range(10))
    found = linked(members, pairs)
    inside = [(a, b) for a, b in pairs if a < 10 and b < 10]
    assert all(found[a] == found[b] for a, b in inside)
    # as many groups as a forest of these pairs leaves
    groups = [{one} for one in members]
    for a, b in inside:
        joined = [group for group in groups if a in group or b in group]
        groups = [group for group in groups if group not in joined] + [set().union(*joined)]
    assert len(set(found)) == len(groups) and found[0] == 0


def test_saved_and_loaded_again(corpus: Corpus, tmp_path):
    rows = read_tables(corpus).mutations
    folds = Folds("a", "b", "c", {"fold0": ("skempi:1ABC_A_B",), "fold1": ("S1:P1",)}, {"n": 1}, {"all": ("x", "y")})
    folds.save(tmp_path / "a.json")
    read = Folds.load(tmp_path / "a.json")
    assert read == folds
    assert {key_of(row): read.of(row) for row in rows} == {
        "skempi:1ABC_A_B": "fold0",
        "S1:1XYZ_A": "",
        "S1:P1": "fold1",
    }


def test_what_is_wrong_with_a_file_is_said(tmp_path):
    path = tmp_path / "a.json"
    with pytest.raises(InputError, match="cannot be read"):
        Folds.load(path)
    for text in (
        "",
        "[]",
        "{}",
        '{"form": "unfreeze folds 1"}',
        '{"form": "unfreeze folds 1", "parts": 3, "lists": 4}',
    ):
        path.write_text(text)
        with pytest.raises(InputError, match="no file of folds"):
            Folds.load(path)
    Folds("a", "b", "c", {"fold0": ("x",), "fold1": ("x",)}).save(path)
    with pytest.raises(InputError, match="x is in two parts"):
        Folds.load(path)


@pytest.mark.parametrize("path", sorted(_SPLITS.glob("*.json")), ids=lambda path: path.stem)
def test_shipped_folds_are_whole(path: Path):
    folds = Folds.load(path)
    assert folds.name == path.stem and "make_splits.py" in folds.command
    assert json.loads(path.read_text())["description"] == folds.description
    if folds.name.startswith("affinity"):
        structures = [{key.partition(":")[2][:4] for key in keys} for keys in folds.parts.values()]
        assert not any(a & b for place, a in enumerate(structures) for b in structures[place + 1 :])
    if folds.name.startswith("test"):
        assert not {key.partition(":")[0] for key in folds.parts["test"]} & {
            key.partition(":")[0] for key in folds.parts["train"]
        }
