"""One corpus for all molecular dynamics: a store, importers into it, splits that do not leak, and a loader.

>>> from unfreeze.corpus import Corpus
>>> corpus = Corpus.open("my-corpus")                          # doctest: +SKIP
>>> corpus.entry("1brs").trajectory("R1").frame(7)             # doctest: +SKIP

The names below are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unfreeze.corpus.importing.driver import run_import
    from unfreeze.corpus.loader.loader import Loader
    from unfreeze.corpus.schema import Conditions, Source, TrajectoryRecord
    from unfreeze.corpus.store.store import Corpus

__all__ = ["Conditions", "Corpus", "Loader", "Source", "TrajectoryRecord", "run_import"]

_HOME_OF = {
    "Conditions": "unfreeze.corpus.schema",
    "Corpus": "unfreeze.corpus.store.store",
    "Loader": "unfreeze.corpus.loader.loader",
    "Source": "unfreeze.corpus.schema",
    "TrajectoryRecord": "unfreeze.corpus.schema",
    "run_import": "unfreeze.corpus.importing.driver",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'unfreeze.corpus' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
