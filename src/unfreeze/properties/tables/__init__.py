"""Tables of measured mutation effects: rows of a corpus in one form for affinity, stability and melting, and folds.

What a corpus keeps as labels of entries and as label sets becomes one list of :class:`MutationRow` (and of absolute
affinities of wild types), saved so that training opens it at once. Folds that part no alike proteins are made in
:mod:`unfreeze.properties.tables.folds` and kept as small files. Nothing here describes structures; entries are looked
at only to find a protein that is in another one than its source names.
"""

from unfreeze.properties.tables.reading import read_tables
from unfreeze.properties.tables.rows import AbsoluteAffinityRow, EffectTables, MutationRow, Task
from unfreeze.properties.tables.saved import load_tables, save_tables

__all__ = [
    "AbsoluteAffinityRow",
    "EffectTables",
    "MutationRow",
    "Task",
    "load_tables",
    "read_tables",
    "save_tables",
]
