"""Losses against numbers worked out by hand, draws and shares, batches against single examples."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import torch

from unfreeze.errors import InputError
from unfreeze.model.features import N_EDGE_FEATURES, N_NODE_FEATURES
from unfreeze.model.motion_model import HEADS
from unfreeze.model.network import NetworkShape, initial_parameters
from unfreeze.train import losses as of
from unfreeze.train.batches import make_batch
from unfreeze.train.divergence import rises, verdict
from unfreeze.train.draws import generator, plan_draws, shares
from unfreeze.train.examples import Example
from unfreeze.train.network import apply, parameters_of
from unfreeze.train.recipe import Augmentation, DivergenceSettings, LossWeights, Recipe
from unfreeze.train.recipe_data import KINDS
from unfreeze.train.validate import score_table, uncertainty_scale

SEGMENT = torch.tensor([0, 0, 0, 1, 1])
WEIGHT = torch.tensor([0.5, 0.25])


def test_centred_and_capped() -> None:
    values = torch.tensor([1.0, 2.0, 0.0, 3.0, 1.0])
    assert float(of.centred_loss(values, SEGMENT, WEIGHT)) == pytest.approx(0.5 * 5 / 3 + 0.25 * 5.0)
    assert float(of.centred_loss(values, SEGMENT, WEIGHT, 1.0)) == pytest.approx(0.5 * 2 / 3 + 0.25 * 1.0)


def test_amplitude_asks_nothing_where_there_is_no_clock() -> None:
    level, known = torch.tensor([0.5, 2.0]), torch.tensor([1.0, 0.0])
    assert float(of.amplitude_loss(level, known, WEIGHT)) == pytest.approx(0.5 * 0.25)


def test_correlation() -> None:
    seen = torch.tensor([1.0, 2.0, 3.0, 1.0, 2.0])
    same, opposite = 5.0 * seen + 1.0, -seen
    assert float(of.correlation_loss(same, seen, SEGMENT, WEIGHT)) == pytest.approx(0.0, abs=1e-5)
    assert float(of.correlation_loss(opposite, seen, SEGMENT, WEIGHT)) == pytest.approx(1.5)
    flat = torch.ones(5, requires_grad=True)
    loss = of.correlation_loss(flat, seen, SEGMENT, WEIGHT)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0.75)
    assert flat.grad is not None
    assert bool(torch.isfinite(flat.grad).all())


def test_uncertainty_is_least_at_the_size_of_the_errors() -> None:
    residual = torch.tensor([0.2, -0.2, 0.2, 0.1, -0.1])
    value = of.uncertainty_loss(residual, torch.full((5,), math.log(0.2)), SEGMENT, torch.tensor([1.0, 0.0]))
    assert float(value) == pytest.approx(math.log(0.2) + 0.5)
    for factor in (0.8, 1.25):
        other = torch.full((5,), math.log(0.2 * factor))
        assert float(of.uncertainty_loss(residual, other, SEGMENT, torch.tensor([1.0, 0.0]))) > float(value)


def test_b_factors_have_no_scale() -> None:
    seen = torch.tensor([1.0, 2.0, 4.0, 0.0, 1.0])
    assert float(of.pattern_loss(seen + torch.tensor([3.0, 3.0, 3.0, -1.0, -1.0]), seen, SEGMENT, WEIGHT)) == (
        pytest.approx(0.0, abs=1e-6)
    )


def test_an_untrained_network_is_its_physics(examples: tuple[Example, ...]) -> None:
    shape = NetworkShape(N_NODE_FEATURES, N_EDGE_FEATURES, 12, 1)
    parameters = parameters_of(initial_parameters(shape, HEADS))
    example = next(one for one in examples if one.source.entry == "1KNE")
    assert example.motion is not None
    batch = make_batch([example], n_motion=1, n_b_factor=0)
    total, parts = of.losses(apply(parameters, batch), batch, LossWeights(), None)
    base = np.log(example.features.base_rmsf_nm)
    by_window = []
    for row, time_ns, weight in zip(
        example.motion.log_rmsf, example.motion.time_ns, example.motion.weights, strict=True
    ):
        residual = (base + 0.09 * np.log(time_ns / 100.0) - row)[np.isfinite(row)]
        by_window.append(weight * np.array([residual.var(), residual.mean() ** 2]))
    found = np.array([float(parts["rmsf"]), float(parts["amplitude"])])
    assert found == pytest.approx(np.sum(by_window, axis=0), rel=1e-3)
    assert float(total) == pytest.approx(
        sum(getattr(LossWeights(), name) * float(value) for name, value in parts.items()), rel=1e-5
    )
    table = score_table([parameters], [example])
    assert table.rows["rmsf_r"]["model"] == pytest.approx(table.rows["rmsf_r"]["harmonic"], abs=1e-6)
    assert table.rows["rmsf_mae_A"]["amplitude"] <= table.rows["rmsf_mae_A"]["harmonic"] * 1.01
    assert (uncertainty_scale([parameters], [example]) or 0.0) < 1.0  # σ = 1 is far too much


def test_a_batch_is_its_examples(examples: tuple[Example, ...]) -> None:
    shape = NetworkShape(N_NODE_FEATURES, N_EDGE_FEATURES, 12, 2)
    generate = np.random.default_rng(0)
    arrays = {
        name: value + 0.1 * generate.standard_normal(value.shape).astype(np.float32)
        for name, value in initial_parameters(shape, HEADS).items()
    }
    parameters = parameters_of(arrays)
    kinds = Counter(one.source.kind for one in examples)
    numbers = {
        f"n_{name}": kinds[kind] for name, kind in zip(("motion", "b_factor", "rearrangement"), KINDS, strict=True)
    }
    together = make_batch(examples, **numbers)
    outputs = apply(parameters, together)
    loss, _ = of.losses(outputs, together, LossWeights())
    offset, losses = 0, {kind: [] for kind in kinds}
    for example in examples:
        alone = make_batch([example], n_motion=1, n_b_factor=1)
        single = apply(parameters, alone)
        part = outputs["rmsf"][offset : offset + example.n_blocks]
        assert torch.allclose(single["rmsf"], part, atol=2e-5)
        losses[example.source.kind].append(float(of.losses(single, alone, LossWeights())[0]))
        offset += example.n_blocks
    assert float(loss) == pytest.approx(sum(np.mean(one) for one in losses.values()), rel=1e-4)


def test_dropout_depends_on_its_place_alone(examples: tuple[Example, ...]) -> None:
    def edges(place: int) -> torch.Tensor:
        augment = Augmentation(edge_dropout=0.5, feature_dropout=0.2)
        random = [generator(1, 2, place)]
        return make_batch(examples[:1], n_motion=1, n_b_factor=1, augment=augment, random=random).edges

    assert torch.equal(edges(3), edges(3))
    assert not torch.equal(edges(3), edges(4))
    kept = (edges(3).abs().sum(dim=2) > 0.0).float().sum() / (examples[0].features.present).sum()
    assert 0.4 < float(kept) < 0.6


def test_draws_are_functions_of_their_place(examples: tuple[Example, ...], recipe: Callable[..., Recipe]) -> None:
    chosen = recipe()
    plan = plan_draws(examples, chosen.data, chosen.stages[0], seed=3, stream=0, batch_blocks=200)
    batches, k = [], 0
    for _ in range(20):
        batch, k = plan.batch(k)
        batches.append(batch)
        assert len(batch) == 1 or sum(examples[number].n_blocks for number in batch) <= 200
    assert [plan.example(number) for number in range(k)] == [number for batch in batches for number in batch]
    stage = chosen.stages[0].model_copy(update={"draw": {"md": 1.0}})
    only = plan_draws(examples, chosen.data, stage, seed=3, stream=0, batch_blocks=200)
    assert {examples[only.example(number)].source.kind for number in range(50)} == {"md"}
    crystals = [one for one in examples if one.source.kind == "b_factor"]
    with pytest.raises(InputError, match="asks for md"):
        plan_draws(crystals, chosen.data, stage, seed=3, stream=0, batch_blocks=200)


def test_shares_are_whole_and_even() -> None:
    found = shares([5, 1, 4, 2, 2], 2)
    assert sorted(place for one in found for place in one) == [0, 1, 2, 3, 4]
    assert [sum([5, 1, 4, 2, 2][place] for place in one) for one in found] == [7, 7]
    assert shares([3], 2) == [[0], []]


def test_a_rising_loss_is_seen() -> None:
    settings = DivergenceSettings()
    random = np.random.default_rng(0)
    calm = list(1.0 + 0.1 * random.standard_normal(150))
    assert rises(calm, settings) is None
    assert (rises([*calm, *[1.5] * 10], settings) or 0.0) > settings.warn_sd
    assert "went well" in verdict(n_steps=9, n_skipped=0, n_returns=0, n_warnings=0, best_step=9, last_step=9)
    assert "2 of 9" in verdict(n_steps=9, n_skipped=2, n_returns=0, n_warnings=0, best_step=9, last_step=9)
