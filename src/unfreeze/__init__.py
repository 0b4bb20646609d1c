"""unfreeze: protein models that learn motion from molecular dynamics.

>>> import unfreeze
>>> ensemble = unfreeze.sample("1hvr.cif", n_frames=100)  # doctest: +SKIP
>>> ensemble.save("1hvr-ensemble")                        # doctest: +SKIP

The names below are imported when they are first used, so that `import unfreeze` and `unfreeze --help` cost
nothing. `unfreeze.sample` is a sub-package that can also be called: see its docstring.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unfreeze.errors import InputError, UnfreezeError
    from unfreeze.sample.call import sample
    from unfreeze.structure.complex import Complex
    from unfreeze.structure.ensemble import Ensemble
    from unfreeze.structure.load import load

__version__ = "0.1.0"

__all__ = ["Complex", "Ensemble", "InputError", "UnfreezeError", "__version__", "load", "sample"]

_HOME_OF = {
    "Complex": "unfreeze.structure.complex",
    "Ensemble": "unfreeze.structure.ensemble",
    "InputError": "unfreeze.errors",
    "UnfreezeError": "unfreeze.errors",
    "load": "unfreeze.structure.load",
}


def __getattr__(name: str) -> Any:
    if name == "sample":
        return import_module("unfreeze.sample")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'unfreeze' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
