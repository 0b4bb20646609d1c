from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from unfreeze.corpus import Corpus
from unfreeze.corpus.mutations import Mutation
from unfreeze.properties.tables import EffectTables, MutationRow, load_tables
from unfreeze.properties.tables.folds import Folds

_RECIPES = Path(__file__).parents[3] / "recipes" / "properties"


def _recipe(name: str) -> ModuleType:
    path = _RECIPES / f"{name}.py"
    if not path.is_file():
        pytest.skip("the recipes are not in a source distribution")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_tables_and_splits_from_a_corpus(corpus: Corpus, tmp_path: Path, capsys):
    tables, splits = tmp_path / "tables", tmp_path / "splits"
    assert _recipe("build_tables").main([str(corpus.path), str(tables)]) == 0
    assert len(load_tables(tables / "mutation_effects.jsonl").of("affinity")) == 3
    skempi = tmp_path / "skempi_v2.csv"
    skempi.write_text("#Pdb;Hold_out_proteins\n1ABC_A_B;AB/AG,2XYZ_A_B\n")
    make = _recipe("make_splits")
    assert make.main([str(tables), str(corpus.path), str(skempi), str(splits)]) == 0
    affinity = Folds.load(splits / "affinity.json")
    assert affinity.parts["fold0"] == ("skempi:1ABC_A_B",) and affinity.facts["groups"] == 1
    assert affinity.lists["AB/AG"] == ("skempi:1ABC_A_B",) and affinity.lists["Pr/PI"] == ()
    capsys.readouterr()
    skempi.write_text("nothing\n1\n")
    assert make.main([str(tables), str(corpus.path), str(skempi), str(splits)]) == 2
    assert "skempi_v2.csv: not the table of SKEMPI 2" in capsys.readouterr().err


@pytest.mark.parametrize("run", ["affinity-fold0", "affinity-ABAG", "stability-fold3", "test_S669", "test_S571"])
def test_what_is_in_a_test_set_trains_nothing_that_is_scored(run: str):
    train = _recipe("train_mutations")
    test, alike = train.held_out(run, _RECIPES / "splits")
    sets = {
        f"test_{name}": set(Folds.load(_RECIPES / "splits" / f"test_{name}.json").parts["test"])
        for name in ("S669", "S571")
    }
    assert set().union(*sets.values()) <= test | alike and not test & alike
    assert test == sets[run] if run in sets else not test & set().union(*sets.values())
    assert train.held_out("all", _RECIPES / "splits") == (set(), set())


def _row(group: str, text: str, value: float) -> MutationRow:
    return MutationRow("stability", value, (Mutation.read(text),), group, "S1", "t:1", sequence="A" * 9, positions=(1,))


def test_the_floor_is_antisymmetric_and_trained_on_other_folds():
    floor = _recipe("floor")
    rows = [_row("one", "A1G", -3.0), _row("one", "A2W", -1.0), _row("two", "A1G", -5.0), _row("two", "G1A", 7.0)]
    for predict in (floor.pair, floor.ridge):
        there, back = predict(rows, [_row("x", "L3G", 0.0), _row("x", "G3L", 0.0)])
        assert there == pytest.approx(-back)
        assert predict(rows, [_row("x", "A1G", 0.0)])[0] < 0.0
    folds = Folds("a", "b", "c", {"fold0": ("S1:one",), "fold1": ("S1:two",)})
    found = floor.across_folds(rows, folds, floor.mean)
    assert np.allclose(found, [1.0, 1.0, -2.0, -2.0])
    assert np.isnan(floor.across_folds([_row("three", "A1G", 1.0)], folds, floor.mean)).all()


def test_the_floor_of_small_tables(tmp_path: Path):
    floor = _recipe("floor")
    rows = tuple(
        MutationRow(task, 1.0, (Mutation.read("A1G"),), "p", name, "t:1", sequence="A", positions=(1,))
        for task, name in (("stability", "S8754"), ("stability", "S669"), ("melting", "S4346"), ("melting", "S571"))
    )
    for name in ("affinity", "affinity_by_interface", "affinity_by_complex", "stability"):
        Folds(name, "", "", {"fold0": ("S8754:p",), "fold1": ("S4346:p",)}).save(tmp_path / f"{name}.json")
    for name in ("test_S669", "test_S571"):
        Folds(name, "", "", {"train": ("S8754:p", "S4346:p"), "test": ()}).save(tmp_path / f"{name}.json")
    todo = floor.tasks(EffectTables(rows), tmp_path)
    assert {name: len(one[0]) for name, one in todo.items()} == {
        "affinity, folds": 0,
        "affinity, folds by interface": 0,
        "affinity, folds by complex": 0,
        "stability, folds": 1,
        "melting, folds": 1,
        "S669": 1,
        "S571": 1,
    }
    assert todo["S669"][2](floor.mean)[0] == 1.0
