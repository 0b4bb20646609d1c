"""Importers, one module a set; the registry is :mod:`unfreeze.corpus.importers.registry`."""
