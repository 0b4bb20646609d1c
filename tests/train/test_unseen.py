"""Ingredients that a network is not to see, and corrections that are trusted in part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.model.base_motion import BaseMotion
from unfreeze.model.features import EDGE_COLUMNS, NODE_COLUMNS, block_graph
from unfreeze.model.motion_model import bounded, head
from unfreeze.model.network import encode
from unfreeze.model.weights import load_model
from unfreeze.structure.read import read_complex
from unfreeze.train.examples import Example
from unfreeze.train.recipe import Recipe
from unfreeze.train.recipe_file import parse_change, read_recipe
from unfreeze.train.run import train

ROOT = Path(__file__).parents[2]
Recipes = Callable[..., Recipe]


def test_columns_are_of_what_they_are_named_after() -> None:
    """Other springs change the columns of springs alone; distances are in no other edge column that a shift changes."""
    molecule = read_complex(ROOT / "corpora" / "seed" / "1KNE.pdb")
    base = BaseMotion.of(molecule, n_draws=20)
    graph = block_graph(base)
    other = block_graph(replace(base, moves=1.5 * base.moves + 0.01, rotations=2.0 * base.rotations))
    nodes = {int(k) for k in np.flatnonzero((graph.nodes != other.nodes).any(axis=0))}
    edges = {int(k) for k in np.flatnonzero((graph.edges != other.edges).any(axis=(0, 1)))}
    assert nodes and nodes <= set(NODE_COLUMNS["springs"])
    assert edges == set(EDGE_COLUMNS["springs"])
    # the first 15 columns tell the distance of two blocks: the nearest centre of their Gaussians is where it is
    place = np.argmax(graph.edges[..., :10], axis=-1)
    length = graph.edges[..., 14] + 1.0
    inside = (graph.present > 0) & (length > 0.35) & (length < 1.1)
    assert np.abs(np.linspace(0.35, 1.1, 10)[place] - length)[inside].max() < 0.05
    assert {14, 29} <= set(EDGE_COLUMNS["distances"])


@pytest.mark.parametrize("ingredient", ["distances", "springs"])
def test_what_is_hidden_decides_nothing(
    recipe: Recipes, examples: tuple[Example, ...], tmp_path: Path, ingredient: str
) -> None:
    train(recipe(model={"width": 12, "layers": 1, "without": [ingredient]}), tmp_path / "run", show=False)
    [member] = load_model(tmp_path / "run" / "model.safetensors").members
    graph = next(one for one in examples if one.source.entry == "3EQS").features

    def said(nodes: np.ndarray, edges: np.ndarray) -> np.ndarray:
        return head(member, "rmsf", encode(member, nodes, graph.neighbours, graph.present.astype(np.float32), edges))

    nodes, edges = graph.nodes.copy(), graph.edges.astype(np.float32)
    seen = said(nodes, edges)
    nodes[:, list(NODE_COLUMNS[ingredient])] += 1.0
    edges[..., list(EDGE_COLUMNS[ingredient])] += 1.0
    assert np.array_equal(said(nodes, edges), seen)
    assert not np.array_equal(said(nodes, edges + 1.0), seen)  # the others decide


def test_half_of_the_trust_is_half_of_the_corrections(recipe: Recipes, tmp_path: Path) -> None:
    models = []
    for trust in (1.0, 0.5):
        folder = tmp_path / str(trust)
        train(recipe(model={"width": 12, "layers": 1, "trust": trust}), folder, show=False)
        models.append(load_model(folder / "model.safetensors").members[0])
    graph = block_graph(BaseMotion.of(read_complex(ROOT / "corpora" / "seed" / "3EQS.pdb")))
    hidden = encode(models[0], graph.nodes, graph.neighbours, graph.present, graph.edges)
    whole, half = (head(one, "rmsf", hidden) for one in models)
    assert np.abs(bounded(whole[:, 0])).max() > 1e-3
    assert half[:, 0] == pytest.approx(0.5 * whole[:, 0], abs=1e-6)
    assert np.array_equal(half[:, 1], whole[:, 1])
    for name in ("b_factor", "uncertainty"):
        assert np.array_equal(head(models[0], name, hidden), head(models[1], name, hidden))


def test_nothing_can_be_hidden_from_a_start_that_has_seen_it() -> None:
    with pytest.raises(InputError, match="random weights"):
        read_recipe(
            ROOT / "recipes" / "models" / "unfreeze-1.yaml",
            dict(map(parse_change, ["data.corpora=[here]", "model.start=base", "model.without=[springs]"])),
        )
