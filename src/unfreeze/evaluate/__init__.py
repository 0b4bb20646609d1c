"""Scores of an ensemble against molecular dynamics: metrics, protocols, tables.

>>> from unfreeze.evaluate import compare
>>> compare("1abc-ensemble", "1abc-md")["rmsf_ca_r"]  # doctest: +SKIP

The names below are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unfreeze.evaluate.comparison import compare
    from unfreeze.evaluate.protocols import find_protocol
    from unfreeze.evaluate.result import TargetResult
    from unfreeze.evaluate.run import evaluate_targets
    from unfreeze.evaluate.targets import read_targets

__all__ = ["TargetResult", "compare", "evaluate_targets", "find_protocol", "read_targets"]

_HOME_OF = {
    "TargetResult": "unfreeze.evaluate.result",
    "compare": "unfreeze.evaluate.comparison",
    "evaluate_targets": "unfreeze.evaluate.run",
    "find_protocol": "unfreeze.evaluate.protocols",
    "read_targets": "unfreeze.evaluate.targets",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'unfreeze.evaluate' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
