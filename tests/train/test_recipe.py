"""Recipes: errors that name line and key, changes from the command line, what may differ when a run goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from unfreeze.errors import InputError
from unfreeze.train.recipe_file import FINE_TUNING, changed_keys, parse_change, read_recipe, recipe_text

TEXT = """\
name: small
data:
  corpora: corpora/all
model: {width: 16, start: old.safetensors}
stages:
  - {name: one, steps: 10}
  - name: two
    epochs: 2
    draw: {md: 0.3, b_factor: 0.7}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text)
    return path


def test_paths_are_relative_to_the_recipe_and_defaults_are_filled_in(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path, TEXT))
    assert recipe.data.corpora == (str(tmp_path / "corpora/all"),)
    assert recipe.model.start == str(tmp_path / "old.safetensors")
    assert recipe.stages[0].learning_rate == 1e-3
    assert recipe.stages[1].draw == {"md": 0.3, "b_factor": 0.7}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("steps: 10", "step: 10", ("line 6", "stages.1.step", "unknown key", "steps, epochs")),
        ("steps: 10", "steps: ten", ("line 6", "stages.1.steps", "'ten'")),
        ("width: 16", "width: 1", ("line 4", "model.width", "greater than or equal to 4", "found 1")),
        ("epochs: 2", "epochs: 2\n    steps: 3", ("line 7", "stages.2", "one of steps and epochs", "both")),
        ("md: 0.3", "mdd: 0.3", ("line 9", "stages.2.draw")),
        ("name: small", "name: small\nname: large", ("line 2", "twice")),
        ("name: small", "name: [", ("line 3", "not YAML")),
        (TEXT, "12", ("expected a recipe",)),
    ],
)
def test_errors_name_line_and_key(tmp_path: Path, old: str, new: str, words: tuple[str, ...]) -> None:
    path = written(tmp_path, TEXT.replace(old, new))
    with pytest.raises(InputError) as error:
        read_recipe(path)
    assert all(word in str(error.value) for word in (str(path), *words)), str(error.value)


def test_changes_from_the_command_line(tmp_path: Path) -> None:
    path = written(tmp_path, TEXT)
    changes = dict([parse_change("stages.0.learning_rate=2e-4"), parse_change("data.corpora=[/a, /b]")])
    recipe = read_recipe(path, changes)
    assert recipe.stages[0].learning_rate == 2e-4
    assert recipe.data.corpora == ("/a", "/b")
    with pytest.raises(InputError, match=r"--set stages\.0\.schedule"):
        read_recipe(path, dict([parse_change("stages.0.schedule=linear")]))
    with pytest.raises(InputError, match="list of 2"):
        read_recipe(path, dict([parse_change("stages.5.steps=1")]))
    with pytest.raises(ValueError, match="steps"):
        parse_change("steps")


def test_what_a_run_may_go_on_with(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path, TEXT))
    again = read_recipe(written(tmp_path, recipe_text(recipe)))
    assert changed_keys(recipe, again) == []
    assert changed_keys(recipe, recipe.model_copy(update={"devices": 4})) == []
    assert changed_keys(recipe, recipe.model_copy(update={"seed": 4})) == ["seed"]


def test_the_recipe_of_fine_tuning_is_one() -> None:
    recipe = read_recipe(FINE_TUNING, {("data", "corpora"): ["/mine"]})
    assert recipe.model.start == "base"
    assert recipe.data.hold_out_later == 0.5
