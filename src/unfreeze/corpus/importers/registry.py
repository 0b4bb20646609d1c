"""The importers by name: where each is, and what it says of its set.

A module of an importer offers one object that does what :class:`unfreeze.corpus.importing.source.Importer` says, under
the name ``IMPORTER``. Modules are imported when their importer is asked for. Packages above this one add theirs with
:func:`register`, so that the corpus needs to know nothing of them.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from unfreeze.corpus.importing.source import Importer
from unfreeze.errors import InputError

__all__ = ["check_options", "importer", "modules", "names", "register"]

_HERE = "unfreeze.corpus.importers"
_BUILT_IN = (
    *("generic", "atlas", "mdcath", "misato", "mdgen", "timewarp", "bioemu", "mddb"),
    *("static", "skempi", "docking55", "stability", "location", "function"),
)
_MODULES: dict[str, str] = {name: f"{_HERE}.{name}" for name in _BUILT_IN}
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


def names() -> tuple[str, ...]:
    """Names of all importers, those of this package first; nothing is imported."""
    return tuple(_MODULES)


def register(name: str, module: str) -> None:
    """Add an importer.

    Parameters
    ----------
    name
        What users call it: lower-case letters, digits, ``_`` and ``-``.
    module
        Full name of the module that has ``IMPORTER``; it is not imported yet.

    Raises
    ------
    ValueError
        If the name is taken by another module, or is no name.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of an importer: lower-case letters, digits, _ and - were expected")
    if _MODULES.setdefault(name, module) != module:
        raise ValueError(f"the importer {name!r} is {_MODULES[name]} already, so it cannot be {module} too")


def modules() -> Mapping[str, str]:
    """Name of every importer and the module that has it."""
    return MappingProxyType(_MODULES)


def importer(name: str) -> Importer:
    """The importer of that name.

    Raises
    ------
    InputError
        If there is none; the message has the names that are like it.
    """
    if name not in _MODULES:
        like = difflib.get_close_matches(name.lower(), _MODULES, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(like)}?" if like else ""
        raise InputError(f"no importer is called {name!r}; there are {', '.join(_MODULES)}.{hint}")
    return import_module(_MODULES[name]).IMPORTER


def check_options(importer: Importer, options: Mapping[str, str], source: Path) -> None:
    """Refuse options that an importer does not know, rather than pass over what a user asked for.

    Raises
    ------
    InputError
        Naming the first of them.
    """
    for name in options:
        if name not in importer.options:
            like = difflib.get_close_matches(name, importer.options, n=1)
            known = ", ".join(importer.options) or "none"
            raise InputError(
                f"{source}: the importer {importer.name} has no option {name!r} (it has {known})."
                + (f" Did you mean {like[0]}?" if like else "")
            )
