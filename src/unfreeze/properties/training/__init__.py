"""Training of mutation effects: examples from tables and a corpus, the fit, cross-validation. Needs torch to train."""
