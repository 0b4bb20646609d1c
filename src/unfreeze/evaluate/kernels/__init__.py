"""Loops that are compiled: what numpy cannot do in one pass."""
