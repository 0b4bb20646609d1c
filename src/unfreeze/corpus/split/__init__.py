"""Parts of a corpus for training, validation and testing that share nothing they should not: made, kept and checked."""
