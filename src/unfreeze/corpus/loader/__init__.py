"""Batches for training from a corpus: draws, crops, batches of bounded size, and corpora that lie elsewhere."""

from unfreeze.corpus.loader.batches import Batch, Place, SampleInfo
from unfreeze.corpus.loader.choice import Choice, Weights
from unfreeze.corpus.loader.crops import Crop
from unfreeze.corpus.loader.dense import padded
from unfreeze.corpus.loader.draws import Frames
from unfreeze.corpus.loader.features import Features
from unfreeze.corpus.loader.loader import Loader
from unfreeze.corpus.loader.plan import BatchSize

__all__ = [
    "Batch",
    "BatchSize",
    "Choice",
    "Crop",
    "Features",
    "Frames",
    "Loader",
    "Place",
    "SampleInfo",
    "Weights",
    "padded",
]
