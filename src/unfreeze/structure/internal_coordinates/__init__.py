"""Backbone frames, torsions, and heavy atoms rebuilt from them."""
