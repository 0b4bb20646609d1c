"""What a network is not to see: a recipe without distances, or without the motion of the untrained springs.

For trainings that ask what an ingredient is worth. The columns are zero while training, and so are the weights that
read them, in the beginning and for ever: no gradient reaches them, and weight decay leaves zero as it is. The weights
that come out can be used as any others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from unfreeze.model.features import EDGE_COLUMNS, NODE_COLUMNS
from unfreeze.train.examples import Example

__all__ = ["Ingredient", "hide", "without_rows"]

Ingredient = Literal["distances", "springs"]


def hide(examples: Sequence[Example], ingredients: Sequence[Ingredient]) -> tuple[Example, ...]:
    """The same examples with the columns of some ingredients zero."""
    if not ingredients:
        return tuple(examples)
    found = []
    for example in examples:
        nodes, edges = example.features.nodes.copy(), example.features.edges.copy()
        for ingredient in ingredients:
            nodes[:, list(NODE_COLUMNS[ingredient])] = 0.0
            edges[..., list(EDGE_COLUMNS[ingredient])] = 0.0
        found.append(replace(example, features=replace(example.features, nodes=nodes, edges=edges)))
    return tuple(found)


def without_rows(
    parameters: Mapping[str, NDArray[np.float32]], ingredients: Sequence[Ingredient]
) -> dict[str, NDArray[np.float32]]:
    """The same parameters with the weights that read the columns of some ingredients zero."""
    found = dict(parameters)
    for name, array in parameters.items():
        columns = NODE_COLUMNS if name == "embed.0.weight" else EDGE_COLUMNS if name.endswith(".edge.weight") else None
        if columns is not None and ingredients:
            found[name] = array.copy()
            for ingredient in ingredients:
                found[name][list(columns[ingredient])] = 0.0
    return found
