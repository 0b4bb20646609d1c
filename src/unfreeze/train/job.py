"""What every process of a training is told, and what its networks begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unfreeze.model.features import N_EDGE_FEATURES, N_NODE_FEATURES
from unfreeze.model.motion_model import HEADS, MotionModel
from unfreeze.model.network import NetworkShape, initial_parameters
from unfreeze.model.weights import load_model
from unfreeze.train.recipe import Recipe
from unfreeze.train.unseen import without_rows

__all__ = ["Job", "load_start", "starts"]


@dataclass(frozen=True, eq=False)
class Job:
    """What every process of a training is told.

    Attributes
    ----------
    folder, recipe
        Of the run.
    n_members
        Networks.
    starts
        Parameters that each begins with.
    levels
        Logarithm of the factor on all amplitudes by kind of solvent (`train.levels`).
    show, tensorboard
        How it is told of.
    """

    folder: Path
    recipe: Recipe
    n_members: int
    starts: Sequence[Mapping[str, NDArray[np.float32]]]
    levels: Mapping[str, float] = field(default_factory=dict)
    show: bool = True
    tensorboard: bool = False

    def member_folder(self, member: int) -> Path:
        """Folder of a network."""
        return self.folder / "members" / f"{member:02d}"


def load_start(recipe: Recipe) -> MotionModel | None:
    """The model that a recipe starts from; None for random weights."""
    if recipe.model.start is None:
        return None
    return load_model(None if recipe.model.start == "base" else recipe.model.start)


def starts(recipe: Recipe, start: MotionModel | None, n_members: int) -> list[Mapping[str, NDArray[np.float32]]]:
    """Parameters that each network begins with."""
    if start is not None:
        return [start.members[member % len(start.members)] for member in range(n_members)]
    shape = NetworkShape(N_NODE_FEATURES, N_EDGE_FEATURES, recipe.model.width, recipe.model.layers)
    random = [initial_parameters(shape, HEADS, seed=recipe.seed + 1000003 * member) for member in range(n_members)]
    return [without_rows(one, recipe.model.without) for one in random]
