"""Scores of an ensemble against molecular dynamics: metrics, protocols, tables.

>>> from unfreeze.evaluate import compare
>>> compare("1abc-ensemble", "1abc-md")["rmsf_ca_r"]  # doctest: +SKIP
"""
