"""The recipe of a training: data, network, stages and everything else that decides the weights, as strict models.

One YAML file is one recipe; it is read in :mod:`unfreeze.train.recipe_file`. Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from unfreeze.train.recipe_data import Count, DataSettings, Kind, Share, Strict, Texts, Weight

__all__ = [
    "Augmentation",
    "DivergenceSettings",
    "LossWeights",
    "ModelSettings",
    "OptimizerSettings",
    "Recipe",
    "Stage",
]

ScoreName = Literal["rmsf_log_error", "rmsf_mae_A", "rmsf_r", "b_factor_r"]
Positive = Annotated[float, Field(gt=0.0)]


class ModelSettings(Strict):
    """The networks.

    Attributes
    ----------
    width, layers
        Sizes of :class:`unfreeze.model.network.NetworkShape`; not used when there is something to start from.
    members
        Networks that are trained one after the other from different seeds; None for as many as the start has, or 1.
    start
        ``base`` for the model that is shipped, a path for another one, None for random weights.
    trust
        What is left of the corrections of RMSF in the end: where few trajectories say how large they should be, a
        part of them is better on others.
    without
        What the networks are not to see, to learn what it is worth; only with random weights.
    """

    width: Annotated[int, Field(ge=4, le=2048)] = 64
    layers: Annotated[int, Field(ge=1, le=32)] = 3
    members: Annotated[int, Field(ge=1, le=64)] | None = None
    start: str | None = None
    trust: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    without: tuple[Literal["distances", "springs"], ...] = ()

    @model_validator(mode="after")
    def _from_random_weights(self) -> Self:
        if self.without and self.start is not None:
            raise ValueError("expected random weights (start: null) with without: the start has seen everything")
        return self


class LossWeights(Strict):
    """Weights of the losses (:mod:`unfreeze.train.losses`)."""

    rmsf: Weight = 1.0
    amplitude: Weight = 1.0
    rmsf_r: Weight = 1.0
    exponent: Weight = 1.0
    uncertainty: Weight = 0.1
    b_factor: Weight = 1.0
    b_factor_r: Weight = 1.0
    rearrangement: Weight = 1.0
    correction: Weight = 0.02


class Stage(Strict):
    """One part of a training; the optimiser begins anew with each, from the averaged weights of the one before.

    Attributes
    ----------
    name
        For people.
    steps, epochs
        How long: one of the two. An epoch draws as many blocks as there are in the examples it draws from.
    learning_rate, warm_up_steps, schedule, final_share
        Linear warm-up, then a cosine down to that share of the rate, or constant.
    weight_decay
        Of AdamW, on weights and not on biases.
    losses
        Weights of the losses.
    draw
        Probability of each kind of example; all kinds that there are equally when empty.
    freeze
        Beginnings of names of parameters that stay as they are, such as ``embed`` or ``layers.0``.
    patience
        The stage ends after this many validations without a better score; None for never.
    """

    name: str = "training"
    steps: Count | None = None
    epochs: Positive | None = None
    learning_rate: Positive = 1e-3
    warm_up_steps: Annotated[int, Field(ge=0)] = 50
    schedule: Literal["cosine", "constant"] = "cosine"
    final_share: Share = 0.05
    weight_decay: Weight = 0.02
    losses: LossWeights = LossWeights()
    draw: Mapping[Kind, Weight] = {}
    freeze: Texts = ()
    patience: Count | None = None

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("expected one of steps and epochs, found " + ("neither" if self.steps is None else "both"))
        if self.draw and sum(self.draw.values()) <= 0.0:
            raise ValueError("expected a probability above 0 in draw")
        return self


class OptimizerSettings(Strict):
    """AdamW (Loshchilov & Hutter 2019, ICLR).

    Attributes
    ----------
    betas
        Of the running means.
    clip
        Largest norm of the gradient.
    error_cap
        Squared errors of logarithms count up to this; None for no bound.
    """

    betas: tuple[Share, Share] = (0.9, 0.999)
    clip: Positive = 1.0
    error_cap: Positive | None = 1.0


class Augmentation(Strict):
    """What is blotted out at random while training.

    Attributes
    ----------
    edge_dropout
        Share of the neighbours whose edge features are zero.
    feature_dropout
        Share of the node features, column by column in every example, that are zero.
    """

    edge_dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.1
    feature_dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0


class DivergenceSettings(Strict):
    """When a training is taken to go wrong.

    Attributes
    ----------
    most_skipped
        Steps in a row whose loss or gradient is not finite before the last checkpoint is returned to, with half the
        learning rate.
    most_returns
        Returns before the training ends with an error.
    warn_sd
        A mean loss of ten steps that is this many standard deviations above that of the last 200 is warned of.
    """

    most_skipped: Count = 5
    most_returns: Annotated[int, Field(ge=0)] = 4
    warn_sd: Positive = 6.0


class Recipe(Strict):
    """A training.

    Attributes
    ----------
    name, description
        For people; they go into the card of the model.
    data, model, stages, optimizer, augment, divergence
        See there.
    batch_blocks
        A batch is filled with examples up to this many blocks, over all devices.
    ema_decay
        Of the averaged weights, which are what is validated and kept.
    score
        What decides which step is kept; None for ``rmsf_log_error`` where there is MD to validate on, else
        ``b_factor_r``.
    seed
        Of all random numbers.
    precision, devices
        ``auto``: bf16-mixed where the device computes in it, all GPUs; else 32-true on one CPU process.
    validate_every, checkpoint_every
        In steps.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$")] = "motion"
    description: str = ""
    data: DataSettings = DataSettings()
    model: ModelSettings = ModelSettings()
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    optimizer: OptimizerSettings = OptimizerSettings()
    augment: Augmentation = Augmentation()
    divergence: DivergenceSettings = DivergenceSettings()
    batch_blocks: Count = 1600
    ema_decay: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.998
    score: ScoreName | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    devices: Literal["auto"] | Count = "auto"
    validate_every: Count = 200
    checkpoint_every: Count = 200
