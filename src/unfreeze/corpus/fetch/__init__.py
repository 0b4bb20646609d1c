"""Fetching public sets: what there is, where it lies, and how it is brought here whole."""

from unfreeze.corpus.fetch.fetching import FetchProgress, FetchReport, fetch, plan
from unfreeze.corpus.fetch.sets import SETS, DataSet, find_set

__all__ = ["SETS", "DataSet", "FetchProgress", "FetchReport", "fetch", "find_set", "plan"]
