"""Batches for training from a corpus: draws, crops, batches of bounded size, and corpora that lie elsewhere."""
