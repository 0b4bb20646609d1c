"""The index spares reading manifests, and never shows what is not there."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from unfreeze.corpus.schema import EntryManifest
from unfreeze.corpus.store import Corpus
from unfreeze.corpus.store import index as index_module
from unfreeze.corpus.store.sealed import seal_text

OLD_NS = 10**10


def put_entry(corpus: Corpus, name: str, title: str = "") -> Path:
    """A manifest as an old writer left it."""
    manifest = EntryManifest(
        identifier=name, title=title, n_atoms=5, n_residues=1, chains=("A",), sequences=("A",), topology={}
    )
    path = corpus.path / "entries" / name / "manifest.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(seal_text("manifest", manifest.model_dump_json()))
    then = time.time_ns() - OLD_NS
    os.utime(path, ns=(then, then))
    return path


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Entries whose manifests were read for the index."""
    found: list[str] = []
    original = index_module.read_bytes

    def read(path: Path) -> bytes:
        found.append(path.parent.name)
        return original(path)

    monkeypatch.setattr(index_module, "read_bytes", read)
    return found


def test_only_what_changed_is_read(corpus: Corpus, reads: list[str]) -> None:
    for i in range(20):
        put_entry(corpus, f"e{i:02d}")
    assert len(Corpus.open(corpus.path)) == 20 and len(reads) == 20
    reads.clear()
    assert len(Corpus.open(corpus.path).index) == 20 and reads == []
    put_entry(corpus, "e03", "new")
    put_entry(corpus, "e99")
    (corpus.path / "entries/e05/manifest.json").unlink()
    again = Corpus.open(corpus.path)
    assert sorted(reads) == ["e03", "e99"]
    assert "e05" not in again and again.summary("e03").title == "new" and len(again) == 20
    reads.clear()
    assert list(Corpus.open(corpus.path).index) == list(again.index) and reads == []


def test_young_manifests_are_read_again(corpus: Corpus, reads: list[str]) -> None:
    """Two commits in one tick of the clock of the file system have the same time, and may have the same size."""
    path = put_entry(corpus, "pep", "one")
    now = time.time_ns()
    os.utime(path, ns=(now, now))
    assert Corpus.open(corpus.path).summary("pep").title == "one"
    put_entry(corpus, "pep", "two")
    os.utime(path, ns=(now, now))
    assert Corpus.open(corpus.path).summary("pep").title == "two"


@pytest.mark.parametrize("damage", ["gone", "flipped", "other", "not ours"])
def test_a_damaged_index_is_made_again(corpus: Corpus, damage: str, reads: list[str]) -> None:
    put_entry(corpus, "pep")
    Corpus.open(corpus.path)
    path = corpus.path / "index.json"
    data = bytearray(path.read_bytes())
    if damage == "gone":
        path.unlink()
    elif damage == "flipped":
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    elif damage == "other":
        path.write_bytes(seal_text("index", '{"version": 99}'))
    else:
        path.write_text("[]")
    reads.clear()
    assert Corpus.open(corpus.path).identifiers == ("pep",) and reads == ["pep"]
    reads.clear()
    assert Corpus.open(corpus.path).identifiers == ("pep",) and reads == []


def test_a_corpus_that_may_only_be_read(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    put_entry(corpus, "pep")

    def refuse(*arguments: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(index_module, "write_sealed", refuse)
    assert Corpus.open(corpus.path).identifiers == ("pep",)
    assert not (corpus.path / "index.json").exists()


def test_opening_does_not_look_into_ten_thousand_manifests(corpus: Corpus, reads: list[str]) -> None:
    text = put_entry(corpus, "e0").read_text()
    names = [f"e{i}" for i in range(2000)]
    for name in names[1:]:
        put_entry(corpus, name)
    assert text
    Corpus.open(corpus.path)
    reads.clear()
    again = Corpus.open(corpus.path)
    assert len(again) == 2000 and again.index[3].identifier == sorted(names)[3] and reads == []
    assert [item.identifier for item in again.index[5:8]] == sorted(names)[5:8]
