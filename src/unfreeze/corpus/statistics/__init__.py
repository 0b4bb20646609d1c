"""What is in a corpus, in numbers: sizes, conditions, coverage, motion, convergence, duplicates, licences, labels."""

from unfreeze.corpus.statistics.collect import corpus_statistics
from unfreeze.corpus.statistics.tables import Table, statistics_tables

__all__ = ["Table", "corpus_statistics", "statistics_tables"]
