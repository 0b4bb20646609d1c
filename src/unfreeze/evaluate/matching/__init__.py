"""Which atoms of an ensemble are which atoms of its reference."""
