"""Parts of a corpus for training, validation and testing that share nothing they should not: made, kept and checked."""

from unfreeze.corpus.split.entries import SplitInput
from unfreeze.corpus.split.leakage import Leak, LeakageReport, leakage
from unfreeze.corpus.split.make import make_split
from unfreeze.corpus.split.reading import read_parts
from unfreeze.corpus.split.split_file import Split, SplitMethod, split_names

__all__ = [
    "Leak",
    "LeakageReport",
    "Split",
    "SplitInput",
    "SplitMethod",
    "leakage",
    "make_split",
    "read_parts",
    "split_names",
]
