"""`unfreeze train` as a person meets it: by a recipe, on own MD, stopped, killed, and with things missing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from unfreeze.cli.main import app
from unfreeze.corpus.store import Corpus
from unfreeze.model.motion_model import MotionModel
from unfreeze.model.weights import load_model, save_model
from unfreeze.train.job import starts
from unfreeze.train.log import read_log
from unfreeze.train.recipe import Recipe
from unfreeze.train.recipe_file import recipe_text

Recipes = Callable[..., Recipe]


@pytest.fixture(scope="module")
def recipe_file(recipe: Recipes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipes") / "recipe.yaml"
    path.write_text(recipe_text(recipe(stages=[{"steps": 24, "learning_rate": 2e-3}])))
    return path


@pytest.fixture(scope="module")
def base(recipe: Recipes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows nothing but physics."""
    path = tmp_path_factory.mktemp("base") / "base.safetensors"
    limits = {"temperature_K": [250.0, 310.0], "longest_chain": 1000}
    card = {"name": "physics", "version": "1", "limits": limits}
    return save_model(path, MotionModel(starts(recipe(), None, 1), card, 0.3))


def run(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["train", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


def process(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "unfreeze", "train", *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for_steps(folder: Path, n: int) -> None:
    for _ in range(1200):
        if sorted(folder.rglob("step-*.json"))[-1:] >= [folder / "members/00/checkpoints" / f"step-{n:09d}.json"]:
            return
        time.sleep(0.05)
    raise AssertionError("the training did not get there")


def test_by_a_recipe_to_a_model(recipe_file: Path, tmp_path: Path) -> None:
    code, out, err = run(recipe_file, "-o", tmp_path / "run", "--set", "stages.0.steps=6")
    assert code == 0, err
    assert "r of RMSF" in out
    assert f"unfreeze sample INPUT --model {tmp_path / 'run' / 'model.safetensors'}" in out.replace("\n", "")
    assert "member 1, step 4: r of RMSF" in err
    assert len(load_model(tmp_path / "run" / "model.safetensors").members) == 1


def test_killed_and_given_again_it_is_the_same(recipe_file: Path, tmp_path: Path) -> None:
    code, _, err = run(recipe_file, "-o", tmp_path / "whole", "--json")
    assert code == 0, err
    killed = process(recipe_file, "-o", tmp_path / "killed")
    wait_for_steps(tmp_path / "killed", 3)
    killed.kill()
    killed.communicate()
    assert not (tmp_path / "killed" / "model.safetensors").exists()
    stopped = process(recipe_file, "-o", tmp_path / "killed")
    wait_for_steps(tmp_path / "killed", 9)
    stopped.send_signal(signal.SIGTERM)
    _, err = stopped.communicate()
    assert stopped.returncode == 143
    assert "the same command goes on from there" in err
    assert "goes on from step" in err
    code, out, err = run(recipe_file, "-o", tmp_path / "killed", "--json")
    assert code == 0, err
    assert json.loads(out)["model"] == str(tmp_path / "killed" / "model.safetensors")
    whole, again = (load_model(tmp_path / name / "model.safetensors").members[0] for name in ("whole", "killed"))
    assert all(np.array_equal(whole[name], again[name]) for name in whole)
    totals = [line["total"] for line in read_log(tmp_path / "killed" / "log.jsonl") if line["kind"] == "step"]
    assert totals == list(range(1, 25))


def test_fine_tuning_on_own_trajectories(base: Path, corpus: Path, tmp_path: Path) -> None:
    arguments = ("--from", base, "--corpus", corpus, "-o", tmp_path / "mine", "--set", "stages.0.steps=60")
    code, out, err = run(*arguments)
    assert code == 0, err
    assert "on the later part of every trajectory" in out
    assert "before" in out
    card = json.loads((tmp_path / "mine" / "card.json").read_text())
    for name in ("rmsf_log_error", "rmsf_mae_A"):
        assert card["scores"][name]["model"] < 0.8 * card["scores_before"][name]["model"]
    assert card["started_from"] == {"name": "physics", "version": "1"}
    assert card["limits"]["temperature_K"] == [250.0, 320.0]
    assert card["limits"]["longest_chain"] == 1000
    assert load_model(tmp_path / "mine" / "model.safetensors").uncertainty_scale == 0.3


def test_fine_tuning_that_does_not_help_keeps_the_base(base: Path, corpus: Path, tmp_path: Path) -> None:
    changes = ("--set", "stages.0.steps=10", "--set", "stages.0.learning_rate=1e-12")
    # the first time the level of amplitudes is found, which is better whatever the network does; not so the second time
    first, second = tmp_path / "first" / "model.safetensors", tmp_path / "mine" / "model.safetensors"
    assert run("--from", base, "--corpus", corpus, "-o", first.parent, *changes)[0] == 0
    code, out, err = run("--from", first, "--corpus", corpus, "-o", second.parent, *changes)
    assert code == 0, err
    assert "did not make the model better" in out
    kept, before = load_model(second), load_model(first)
    assert kept.log_level == before.log_level != {}
    assert all(np.array_equal(kept.members[0][name], before.members[0][name]) for name in before.members[0])
    assert "not better" in kept.card["note"]


def test_errors_are_of_one_line(recipe_file: Path, base: Path, corpus: Path, tmp_path: Path) -> None:
    for arguments, words in (
        ((), "give a recipe"),
        ((tmp_path / "none.yaml",), "cannot be read"),
        ((recipe_file, "--set", "steps"), "KEY=VALUE"),
        ((recipe_file, "--set", "stages.0.rate=1"), "unknown key"),
        ((recipe_file, "--corpus", tmp_path), "no corpus"),
        ((recipe_file, "--precision", "64"), "precision"),
        ((recipe_file, "-o", tmp_path.parent), "is no training"),
        (("--from", base), "--corpus"),
        (("--from", tmp_path / "none", "--corpus", corpus, "-o", tmp_path / "x"), "no such file"),
        ((recipe_file, "-o", tmp_path / "y", "--set", "score=b_factor_r"), "no held-out examples"),
    ):
        code, out, err = run(*arguments)
        assert code == 2, (arguments, err)
        assert words in err.replace("\n", " "), err
        assert "Traceback" not in err + out


def test_without_torch_the_command_that_adds_it_is_named(
    recipe_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    code, _, err = run(recipe_file, "-o", tmp_path / "run")
    assert code == 2
    assert "pip install 'unfreeze[train]'" in err
    assert not (tmp_path / "run").exists()


def test_help_needs_no_torch() -> None:
    code = "import sys; from unfreeze.cli.main import app; app(['train', '--help'], standalone_mode=False); "
    code += "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0


def test_a_private_corpus_is_named_by_its_alias_only(corpus: Path, recipe: Recipes, tmp_path: Path) -> None:
    secret = tmp_path / "zorp"
    shutil.copytree(corpus, secret)
    Corpus.open(secret).change(private=True, alias="site seven")
    path = tmp_path / "recipe.yaml"
    data = {"corpora": str(secret), "split": "parts"}
    path.write_text(recipe_text(recipe(data=data, stages=[{"steps": 2}])))
    code, _, err = run(path, "-o", tmp_path / "run")
    assert code == 0, err
    card = (tmp_path / "run" / "card.md").read_text() + (tmp_path / "run" / "card.json").read_text()
    card += json.dumps(dict(load_model(tmp_path / "run" / "model.safetensors").card))
    assert "site seven" in card
    for name in ("zorp", "1KNE", "3EQS", "nobody"):
        assert name not in card
