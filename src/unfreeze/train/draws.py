"""Which examples are in which batch: draw k is a function of the seed and k alone, by counter-based random numbers.

So a training that is taken up again goes on with the same examples, and all processes of a distributed training know
the whole of every batch, of which each takes its share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.train.examples import Example
from unfreeze.train.recipe import Stage
from unfreeze.train.recipe_data import DataSettings

__all__ = ["DrawPlan", "generator", "plan_draws", "shares"]

_MOST_EXAMPLES = 64  # in a batch of tiny peptides


def generator(seed: int, *place: int) -> np.random.Generator:
    """A generator whose numbers depend on the seed and a place of up to three numbers, and on nothing before."""
    # numbers are drawn by counting up the first word of the counter: places are kept apart by the others
    counter = np.array([0, *place, 0, 0, 0], dtype=np.uint64)[:4]
    return np.random.Generator(np.random.Philox(key=np.array([seed, 0], dtype=np.uint64), counter=counter))


@dataclass(frozen=True, eq=False)
class DrawPlan:
    """How often each example is drawn.

    Attributes
    ----------
    seed, stream
        Draws of different streams (members, stages) have nothing to do with each other.
    cumulative : float64 [n_examples]
        Cumulative probabilities.
    n_blocks : int64 [n_examples]
        Sizes of the examples.
    batch_blocks
        A batch has no more blocks, unless its only example has.
    """

    seed: int
    stream: int
    cumulative: NDArray[np.float64]
    n_blocks: NDArray[np.int64]
    batch_blocks: int

    def example(self, k: int) -> int:
        """Number of the example of draw k."""
        value = generator(self.seed, self.stream, k).random()
        return int(min(np.searchsorted(self.cumulative, value, side="right"), len(self.cumulative) - 1))

    def batch(self, first: int) -> tuple[list[int], int]:
        """Examples of the batch that begins with draw `first`, and the first draw of the next."""
        chosen = [self.example(first)]
        total, k = int(self.n_blocks[chosen[0]]), first + 1
        while len(chosen) < _MOST_EXAMPLES:
            number = self.example(k)
            total += int(self.n_blocks[number])
            if total > self.batch_blocks:
                break
            chosen.append(number)
            k += 1
        return chosen, k

    @property
    def blocks_an_epoch(self) -> int:
        """Blocks of all examples that can be drawn."""
        return int(self.n_blocks[np.diff(self.cumulative, prepend=0.0) > 0.0].sum())


def plan_draws(
    examples: Sequence[Example], settings: DataSettings, stage: Stage, *, seed: int, stream: int, batch_blocks: int
) -> DrawPlan:
    """The plan of a stage.

    Raises
    ------
    InputError
        If a kind is to be drawn of which there are no examples, or nothing can be drawn.
    """
    weights = _weights(examples, settings)
    kinds = np.array([example.source.kind for example in examples])
    wanted = {**stage.draw} or dict.fromkeys(sorted(set(kinds.tolist())), 1.0)
    probabilities = np.zeros(len(examples))
    for kind, share in wanted.items():
        of_kind = np.where(kinds == kind, weights, 0.0)
        if share > 0.0 and not of_kind.sum() > 0.0:
            raise InputError(
                f"stage {stage.name!r}: draw: asks for {kind}, but there are no such examples to train on. "
                "Leave it out, or look at data.kinds and data.weights."
            )
        if share > 0.0:
            probabilities += share * of_kind / of_kind.sum()
    cumulative = np.cumsum(probabilities / probabilities.sum())
    sizes = np.array([example.n_blocks for example in examples])
    return DrawPlan(seed, stream, cumulative, sizes, batch_blocks)


def shares(sizes: Sequence[int], n_ranks: int) -> list[list[int]]:
    """Places of a batch for every rank, about as many blocks each; ranks may be left with none."""
    loads, places = [0] * n_ranks, [[] for _ in range(n_ranks)]
    for place in sorted(range(len(sizes)), key=lambda k: (-sizes[k], k)):
        rank = loads.index(min(loads))
        loads[rank] += sizes[place]
        places[rank].append(place)
    return [sorted(one) for one in places]


def _weights(examples: Sequence[Example], settings: DataSettings) -> NDArray[np.float64]:
    """How often each example is drawn among its kind, not normalised: [n_examples]."""
    sizes = Counter((example.source.kind, example.source.group) for example in examples)
    weights = np.empty(len(examples))
    for number, example in enumerate(examples):
        source = example.source
        weights[number] = sizes[source.kind, source.group] ** (settings.group_exponent - 1.0)
        for rule in settings.weights:
            if rule.dataset in (None, source.dataset) and rule.kind in (None, source.kind):
                weights[number] *= rule.factor
    return weights
