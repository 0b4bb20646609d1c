"""All importers that `unfreeze corpus` knows, in the order in which they are listed."""

from __future__ import annotations

from unfreeze.corpus.importers.registry import importer, names
from unfreeze.corpus.importing.source import Importer

__all__ = ["all_importers"]


def all_importers() -> list[Importer]:
    """Every importer; those of sets that need a package that is not installed are there, too."""
    return [importer(name) for name in names()]
