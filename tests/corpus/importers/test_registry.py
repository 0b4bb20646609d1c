from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from unfreeze.corpus.importers import registry
from unfreeze.errors import InputError


@pytest.fixture
def restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_MODULES", dict(registry._MODULES))


def test_the_sets_of_the_data_document_are_there() -> None:
    assert {"generic", "atlas", "mdcath", "misato", "mdgen", "timewarp", "bioemu", "mddb"} <= set(registry.names())


@pytest.mark.parametrize("name", ["atlas", "mdcath", "misato", "mdgen", "timewarp", "bioemu", "mddb"])
def test_every_importer_tells_what_a_user_must_know(name: str) -> None:
    found = registry.importer(name)
    assert found.name == name
    assert found.summary and found.licence and found.citation
    assert all(text and text[-1] != "." for text in found.options.values())


def test_an_unknown_name_is_refused_with_a_likely_one() -> None:
    with pytest.raises(InputError, match="Did you mean mdcath"):
        registry.importer("mdcat")


def test_a_package_above_adds_its_own(restored: None, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("an_importer_of_campaigns")
    module.IMPORTER = SimpleNamespace(name="campaigns", options={})  # type: ignore[attr-defined]
    registry.register("campaigns", module.__name__)
    assert "campaigns" in registry.names()
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert registry.importer("campaigns").name == "campaigns"
    registry.register("campaigns", module.__name__)  # twice the same is no mistake
    with pytest.raises(ValueError, match="already"):
        registry.register("campaigns", "another")
    with pytest.raises(ValueError, match="no name"):
        registry.register("Campaigns of mine", "another")


def test_unknown_options_are_refused() -> None:
    one = registry.importer("mdcath")
    with pytest.raises(InputError, match=r"no option 'temprature'.*Did you mean temperatures"):
        registry.check_options(one, {"temprature": "320"}, Path("x"))
