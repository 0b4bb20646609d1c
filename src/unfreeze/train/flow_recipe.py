"""The recipe of the flow of side-chain torsions: which trajectories, what is known of each, and how to train."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

import pydantic

from unfreeze.errors import InputError
from unfreeze.files.validation import validated
from unfreeze.files.yaml_file import read_yaml
from unfreeze.structure.read import read_complex
from unfreeze.structure.write import read_xtc
from unfreeze.train.flow_examples import FlowExample, flow_example
from unfreeze.train.flow_training import FlowSettings

__all__ = ["FlowRecipe", "FlowTrajectory", "load_flow_examples", "read_flow_recipe"]


class _Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class FlowTrajectory(_Strict):
    """One trajectory: ``NAME.pdb`` and ``NAME.xtc``, heavy atoms, the same in both.

    Attributes
    ----------
    name
        Name of the files.
    fold
        Trajectories of alike proteins have one fold, so that it can be held out whole.
    step_ns
        Time between frames; left out where nobody knows.
    skip
        Frames at the start that are left out.
    weight
        How often it is drawn, beside others of its size.
    references
        Frames that side chains are drawn around, the structure in the PDB file being one.
    """

    name: str
    fold: int
    step_ns: float | None = pydantic.Field(default=None, gt=0)
    skip: int = pydantic.Field(default=0, ge=0)
    weight: float = pydantic.Field(default=1.0, gt=0)
    references: int = pydantic.Field(default=3, ge=1)


class FlowRecipe(_Strict):
    """A whole recipe.

    Attributes
    ----------
    settings
        Any of :class:`unfreeze.train.flow_training.FlowSettings`.
    trajectories
        The data.
    """

    settings: dict[str, float | int] = {}
    trajectories: tuple[FlowTrajectory, ...]

    @pydantic.field_validator("settings")
    @classmethod
    def _known(cls, value: dict[str, float | int]) -> dict[str, float | int]:
        known = {field.name for field in fields(FlowSettings)}
        unknown = sorted(set(value) - known)
        if unknown:
            raise ValueError(f"unknown key {unknown[0]}; known are: {', '.join(sorted(known))}")
        return value

    def flow_settings(self) -> FlowSettings:
        """The settings, those not named as usual."""
        return FlowSettings(**self.settings)  # type: ignore[arg-type]


def read_flow_recipe(path: Path) -> FlowRecipe:
    """Read a recipe.

    Raises
    ------
    InputError
        If it is not one; the message names line and key.
    """
    document = read_yaml(path)
    return validated(FlowRecipe, document.data, document, ())


def load_flow_examples(
    recipe: FlowRecipe, folders: Sequence[Path], say: Callable[[str], None] | None = None
) -> list[tuple[FlowTrajectory, FlowExample]]:
    """Read and prepare the trajectories of a recipe.

    Parameters
    ----------
    recipe
        The recipe.
    folders
        Where their files are, searched in order.
    say
        Called with the name of each that is ready.

    Raises
    ------
    InputError
        If files are absent or cannot be read.
    """
    found = []
    for one in recipe.trajectories:
        folder = next((folder for folder in folders if (folder / f"{one.name}.xtc").is_file()), None)
        if folder is None:
            searched = ", ".join(map(str, folders))
            raise InputError(f"{one.name}.xtc is in none of {searched}; name its folder, or take it out of the recipe")
        molecule = read_complex(folder / f"{one.name}.pdb")
        frames = read_xtc(folder / f"{one.name}.xtc", molecule.n_atoms)[one.skip :]
        step = float("nan") if one.step_ns is None else one.step_ns
        example = flow_example(one.name, molecule, frames, step_ns=step, n_references=one.references, weight=one.weight)
        found.append((one, example))
        if say:
            say(one.name)
    return found
