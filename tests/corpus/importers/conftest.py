"""The generators of layouts, and what a test of an importer does with a candidate."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

LAYOUTS = Path(__file__).parents[1] / "layouts"


def _load(name: str) -> ModuleType:
    """A module of tests/corpus/layouts; they find each other by their plain names."""
    full = f"corpus_layouts.{name}"
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, LAYOUTS / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = sys.modules[full] = importlib.util.module_from_spec(spec)
        if name == "molecules":
            sys.modules["molecules"] = module
        else:
            _load("molecules")
        spec.loader.exec_module(module)
    return sys.modules[full]


@pytest.fixture(scope="session")
def layouts() -> Iterator[SimpleNamespace]:
    """Generators of the layouts: ``layouts.mdcath.write_mdcath`` and so on."""
    names = ("molecules", "mdcath", "misato", "timewarp", "xtc_sets", "mddb")
    yield SimpleNamespace(**{name: _load(name) for name in names if (LAYOUTS / f"{name}.py").exists()})
    for name in ("molecules", *(one for one in sys.modules if one.startswith("corpus_layouts."))):
        sys.modules.pop(name, None)


def _candidates(name: str, source: Path, options: Mapping[str, str] | None = None) -> list[Any]:
    from unfreeze.corpus.importers.registry import importer

    return list(importer(name).candidates(source, options or {}))


def _read(part: Any, first: int = 0, stride: int = 1, most_bytes: int = 2**25) -> SimpleNamespace:
    """A part read through: its stream, and its blocks put together."""
    with part.open() as stream:
        blocks = list(stream.blocks(first, stride, most_bytes=most_bytes))
    columns = {
        column: None if getattr(blocks[0], column) is None else np.concatenate([getattr(b, column) for b in blocks])
        for column in ("coordinates_nm", "times_ps", "box_nm", "forces_kJ_mol_nm", "energies_kJ_mol")
    }
    return SimpleNamespace(stream=stream, n_blocks=len(blocks), **columns)


@pytest.fixture(scope="session")
def candidates() -> Any:
    """All candidates of an importer, by its name."""
    return _candidates


@pytest.fixture(scope="session")
def read() -> Any:
    """Read a part through."""
    return _read
