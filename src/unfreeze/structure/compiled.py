"""`compiled`: compile a function of arrays to machine code, once a machine where that can be remembered.

Import this only in modules that hold such functions, and those only where they are called: numba takes longer to
import than most verbs take to run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

__all__ = ["compiled", "compiled_loosely"]

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile at the first call, without the interpreter's lock; IEEE arithmetic in the order written.

    The machine code is kept beside the package or, where that cannot be written, in the user's cache folder; where
    neither can be written it is compiled again in every process. A function must get arrays of the same types at
    every call (C-contiguous, writable), or it is compiled once for each.
    """
    return _compile(function, fastmath=False)


def compiled_loosely(function: F) -> F:
    """The same, but sums may be taken in any order, several terms at once; NaN and infinities keep their meaning."""
    return _compile(function, fastmath={"reassoc", "contract", "nsz"})


def _compile(function: F, fastmath: bool | set[str]) -> F:
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": fastmath}
    try:
        return numba.njit(function, cache=True, **options)  # type: ignore[call-overload]
    except RuntimeError:  # "cannot cache function …: no locator available for file …"
        return numba.njit(function, **options)  # type: ignore[call-overload]
