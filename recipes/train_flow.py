"""Train the flow of side-chain torsions, and put it into a file of weights.

    python recipes/train_flow.py recipes/flow.yaml --data FOLDER [FOLDER ...] --out flow.safetensors
    python recipes/train_flow.py recipes/flow.yaml --data ... --out flow.safetensors --into model.safetensors
    python recipes/train_flow.py recipes/flow.yaml --trained flow.safetensors --into model.safetensors

FOLDERs hold the recipe's trajectories, NAME.pdb and NAME.xtc. --into takes a trained model and writes it again with the
flow in it; with --trained, a flow that is there already. The same recipe and data give the same weights.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from unfreeze.errors import InputError, UnfreezeError
from unfreeze.files.atomic import atomic_path
from unfreeze.model.flow_weights import flow_of, flow_tensors
from unfreeze.model.weights import load_model, save_model
from unfreeze.train.flow_recipe import FlowRecipe, load_flow_examples, read_flow_recipe
from unfreeze.train.flow_training import train_flow


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, nargs="+")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--hold-out", type=int, help="a fold that is left out")
    parser.add_argument("--trained", type=Path, help="a flow that --out wrote; nothing is trained")
    parser.add_argument("--into", type=Path, help="a trained model to put the flow into")
    arguments = parser.parse_args()
    folders, out = arguments.data, arguments.out
    model = None if arguments.into is None else load_model(arguments.into)
    if arguments.trained is not None:
        flow = flow_of(safetensors.numpy.load(arguments.trained.read_bytes()))
    elif folders is not None and out is not None:
        flow = _train(read_flow_recipe(arguments.recipe), folders, arguments.hold_out)
        with atomic_path(out) as temporary:
            temporary.write_bytes(safetensors.numpy.save(flow_tensors(flow)))
    else:
        raise InputError("give either --data and --out, or --trained")
    if model is not None and arguments.into is not None:
        save_model(arguments.into, replace(model, flow=flow))


def _train(recipe: FlowRecipe, folders: list[Path], hold_out: int | None) -> dict[str, NDArray[np.float32]]:
    begun = time.monotonic()
    examples = load_flow_examples(recipe, folders, lambda name: print(f"read {name}", flush=True))
    chosen = [example for entry, example in examples if entry.fold != hold_out]

    def report(step: int, loss: float) -> None:
        print(f"step {step:5d}  {loss:.3f} nats a torsion  {time.monotonic() - begun:.0f} s", flush=True)

    return train_flow(chosen, recipe.flow_settings(), report)


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
    except UnfreezeError as error:
        sys.exit(f"failed: {error}")
