"""The part of a recipe that says what is learned from: corpora, parts of a split, kinds of examples, how often each."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

__all__ = ["KINDS", "Count", "DataSettings", "Kind", "Share", "SourceWeight", "Strict", "Texts", "Weight"]

Kind = Literal["md", "b_factor", "rearrangement"]
KINDS: tuple[Kind, ...] = ("md", "b_factor", "rearrangement")
"""What an example teaches: amplitudes of a trajectory, B-factors of a crystal, or displacements between structures."""

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Weight = Annotated[float, Field(ge=0.0)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
Texts = Annotated[tuple[str, ...], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]


class Strict(BaseModel):
    """Refuses keys that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SourceWeight(Strict):
    """How often the examples of a set are drawn, relative to what they would be.

    Attributes
    ----------
    dataset, kind
        Name of the set in the corpus and kind of example; None for any.
    factor
        0 is never.
    """

    dataset: str | None = None
    kind: Kind | None = None
    factor: Weight = 1.0


class DataSettings(Strict):
    """What is learned from.

    Attributes
    ----------
    corpora
        Folders, relative to the recipe or absolute.
    split, train, validation
        Name of a split kept with every corpus, and its parts; without a split everything is trained on.
    hold_out_later
        Share of the time of every trajectory, from its end, that is not trained on but validated on instead of parts.
    exclude
        Entries that are left out.
    kinds
        Kinds of examples that are used.
    weights
        How often sets are drawn.
    group_exponent
        1: groups of alike sequences are drawn as often as they have entries; 0: all equally often.
    most_blocks, fewest_blocks
        Entries with more or fewer blocks of protein are left out.
    fewest_frames
        Windows of fewer frames give no target.
    validation_examples
        At most as many are validated on, evenly taken.
    """

    corpora: Texts = ()
    split: str | None = None
    train: Texts = ("train",)
    validation: Texts = ("validation",)
    hold_out_later: Annotated[float, Field(ge=0.0, le=0.9)] = 0.0
    exclude: Texts = ()
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)] = KINDS
    weights: tuple[SourceWeight, ...] = ()
    group_exponent: Share = 1.0
    most_blocks: Count = 1200
    fewest_blocks: Annotated[int, Field(ge=4)] = 5
    fewest_frames: Annotated[int, Field(ge=4)] = 10
    validation_examples: Count = 300
