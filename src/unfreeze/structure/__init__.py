"""Molecules and files: complexes, ensembles, reading, writing, geometry, validity. No physics, no sampling."""
