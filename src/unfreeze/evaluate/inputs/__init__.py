"""Read ensembles and trajectories as people have them."""

from __future__ import annotations

from unfreeze.evaluate.inputs.load import load_frames

__all__ = ["load_frames"]
