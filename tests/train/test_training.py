"""Trainings: that they learn, go on with the same bits, share batches between processes, and end when they diverge."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unfreeze.errors import InputError, UnfreezeError
from unfreeze.model.weights import load_model
from unfreeze.train import member as member_module
from unfreeze.train.checkpoints import Checkpoints, read_tensors
from unfreeze.train.job import starts
from unfreeze.train.log import read_log
from unfreeze.train.losses import losses
from unfreeze.train.member import MemberTraining
from unfreeze.train.recipe import Recipe
from unfreeze.train.run import train
from unfreeze.train.stopping import Stopper

Recipes = Callable[..., Recipe]
STAGES = [
    {"name": "crystals", "steps": 5, "learning_rate": 5e-3, "warm_up_steps": 2, "draw": {"b_factor": 1.0}},
    {"name": "motion", "steps": 6, "learning_rate": 5e-3, "warm_up_steps": 2, "freeze": ["embed"]},
]


class StopAfter(Stopper):
    """Wants to stop when it was asked so many times."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.left = n

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.fixture(scope="module")
def whole(recipe: Recipes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of two stages and two networks that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    train(recipe(stages=STAGES, model={"width": 12, "layers": 1, "members": 2}), folder, show=False)
    return folder


def steps(folder: Path) -> list[dict[str, Any]]:
    """Lines of the log without what the clock decides."""
    lines = [dict(line) for line in read_log(folder / "log.jsonl") if line["kind"] != "note"]
    return [{key: line[key] for key in line if key not in ("seconds", "memory_MB")} for line in lines]


def test_what_is_there_in_the_end(whole: Path) -> None:
    model = load_model(whole / "model.safetensors")
    assert len(model.members) == 2
    card = json.loads((whole / "card.json").read_text())
    assert card == json.loads(json.dumps(dict(model.card)))
    assert card["data"]["train"]["entries"] == 3
    assert card["limits"]["temperature_K"] == [300.0, 320.0]
    assert set(card["scores"]) == {"rmsf_r", "rmsf_mae_A", "rmsf_log_error"}
    assert "nobody" in (whole / "card.md").read_text()
    assert len([line for line in steps(whole) if line["kind"] == "step"]) == 22
    assert not list(whole.rglob("checkpoints"))
    first, second = model.members
    assert not np.array_equal(first["embed.0.weight"], second["embed.0.weight"])


@pytest.mark.parametrize("n_done", [1, 4, 5, 7, 12, 16])
def test_a_stopped_training_goes_on_with_the_same_bits(
    n_done: int, whole: Path, recipe: Recipes, tmp_path: Path
) -> None:
    chosen = recipe(stages=STAGES, model={"width": 12, "layers": 1, "members": 2})
    folder = tmp_path / "run"
    stopped = train(chosen, folder, show=False, stopper=StopAfter(n_done + 4))  # asked for every example, too
    assert stopped.model is None
    train(chosen, folder, show=False)
    assert steps(folder) == steps(whole)
    for member in ("00", "01"):
        tensors, _ = read_tensors(folder / "members" / member / "member.safetensors")
        expected, _ = read_tensors(whole / "members" / member / "member.safetensors")
        assert all(np.array_equal(tensors[name], expected[name]) for name in expected)


def test_killed_anywhere_it_goes_on_from_the_last_checkpoint(
    whole: Path, recipe: Recipes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = recipe(stages=STAGES, model={"width": 12, "layers": 1, "members": 2})
    folder = tmp_path / "run"
    real = MemberTraining._step
    for kill_at in (2, 4, 3, 7):  # steps since the last kill
        made = 0

        def step(self: MemberTraining, kill_at: int = kill_at) -> bool:
            nonlocal made
            made += 1
            if made == kill_at:
                raise RuntimeError("killed")
            return real(self)

        monkeypatch.setattr(MemberTraining, "_step", step)
        with pytest.raises(RuntimeError, match="killed"):
            train(chosen, folder, show=False)
        # the last checkpoint is damaged on top of it: the one before serves
        found = sorted(folder.rglob("step-*.safetensors"))
        if kill_at == 3 and len(found) == 2:
            found[-1].write_bytes(found[-1].read_bytes()[:-100])
    monkeypatch.undo()
    train(chosen, folder, show=False)
    assert steps(folder) == steps(whole)
    ours, theirs = (load_model(one / "model.safetensors").members for one in (folder, whole))
    for one, other in zip(ours, theirs, strict=True):
        assert all(np.array_equal(one[name], other[name]) for name in one)


def test_frozen_parameters_stay(recipe: Recipes, tmp_path: Path) -> None:
    stages = [{"steps": 3, "learning_rate": 1e-2, "freeze": ["embed", "layers"], "draw": {"md": 1.0}}]
    folder = tmp_path / "run"
    train(recipe(stages=stages), folder, show=False)
    trained = load_model(folder / "model.safetensors").members[0]
    start = starts(recipe(), None, 1)[0]
    changed = {name for name in start if not np.array_equal(start[name], trained[name])}
    assert changed
    assert all(name.startswith("heads.") for name in changed)


def test_it_learns_one_example_by_heart(recipe: Recipes, tmp_path: Path) -> None:
    chosen = recipe(
        data={"corpora": recipe().data.corpora, "exclude": ["1KBH", "3EQS", "1HVR"]},
        stages=[{"steps": 60, "learning_rate": 1e-2, "warm_up_steps": 5}],
        augment={"edge_dropout": 0.0},
    )
    train(chosen, tmp_path / "run", show=False)
    found = [line["loss"] for line in read_log(tmp_path / "run" / "log.jsonl") if line["kind"] == "step"]
    assert found[-1] < 0.2 * found[0]


def test_two_processes_are_one(recipe: Recipes, tmp_path: Path) -> None:
    stages = [{"steps": 4, "learning_rate": 1e-3, "warm_up_steps": 2}]
    for devices in (1, 2):
        chosen = recipe(stages=stages, devices=devices, optimizer={"betas": [0.9, 0.99]})
        train(chosen, tmp_path / str(devices), show=False)
    one, two = ([line for line in steps(tmp_path / name) if line["kind"] == "step"] for name in "12")
    assert len(one) == len(two) == 4
    for first, second in zip(one, two, strict=True):
        assert first["losses"].keys() == second["losses"].keys()
        assert first["loss"] == pytest.approx(second["loss"], rel=2e-4)
        assert first["gradient_norm"] == pytest.approx(second["gradient_norm"], rel=2e-3)


def broken_losses(bad: Callable[[int], bool]) -> Callable[..., Any]:
    """Losses that are NaN at calls chosen by their number."""
    calls = 0

    def compute(outputs: Mapping[str, torch.Tensor], *arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        total, parts = losses(outputs, *arguments)
        return (total * float("nan") if bad(calls) else total), parts

    return compute


def test_steps_without_a_finite_gradient_are_skipped(
    recipe: Recipes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(member_module, "losses", broken_losses(lambda call: call in (2, 3)))
    result = train(recipe(), tmp_path / "run", show=False)
    assert result.card["training"][0]["skipped"] == 2
    assert result.card["training"][0]["returns"] == 0
    assert "2 of 8 steps" in result.card["training"][0]["verdict"]
    monkeypatch.setattr(member_module, "losses", broken_losses(lambda call: 4 <= call < 9))
    result = train(recipe(), tmp_path / "again", show=False)
    assert result.card["training"][0]["returns"] == 1
    found = [line for line in read_log(tmp_path / "again" / "log.jsonl") if line["kind"] == "step"]
    rates = {line["total"]: line["learning_rate"] for line in found[-4:]}
    usual = [line for line in read_log(tmp_path / "run" / "log.jsonl") if line["kind"] == "step"]
    assert rates[8] == pytest.approx(0.5 * usual[-1]["learning_rate"])


def test_a_training_that_diverges_ends_with_a_verdict(
    recipe: Recipes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(member_module, "losses", broken_losses(lambda call: call > 3))
    with pytest.raises(UnfreezeError, match=r"diverged: 2 steps in a row.*after 1 returns"):
        train(recipe(divergence={"most_skipped": 2, "most_returns": 1}), tmp_path / "run", show=False)


def test_a_folder_has_one_training(recipe: Recipes, whole: Path, corpus: Path, tmp_path: Path) -> None:
    same = recipe(stages=STAGES, model={"width": 12, "layers": 1, "members": 2})
    with pytest.raises(InputError, match=r"another recipe, which differs in seed\."):
        train(same.model_copy(update={"seed": 7}), whole, show=False)
    (tmp_path / "mine.txt").write_text("notes")
    with pytest.raises(InputError, match="is no training"):
        train(recipe(), tmp_path, show=False)
    before = load_model(whole / "model.safetensors").members
    assert train(same, whole, show=False).model == whole / "model.safetensors"
    after = load_model(whole / "model.safetensors").members
    assert all(np.array_equal(one[name], other[name]) for one, other in zip(before, after, strict=True) for name in one)


def test_checkpoints_are_whole_or_not_there(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path)
    assert kept.latest() is None
    for number in range(4):
        kept.save(number, {"a": np.arange(number + 1.0)}, {"step": number, "loss": 0.1 + 0.2})
    assert [path.name[5:14] for path in sorted(tmp_path.glob("*.safetensors"))] == ["000000002", "000000003"]
    found = kept.latest()
    assert found is not None
    assert found[1] == {"step": 3, "loss": 0.1 + 0.2}
    path = tmp_path / "step-000000003.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    found = kept.latest()
    assert found is not None
    assert found[1]["step"] == 2
    assert "not as it was written" in kept.ignored[0]
    (tmp_path / "step-000000002.json").unlink()
    assert kept.latest() is None
