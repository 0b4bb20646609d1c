"""What others may see of a corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from unfreeze.corpus.labels import AffinityLabel
from unfreeze.corpus.privacy import PublicView
from unfreeze.corpus.schema import Conditions, Source, TrajectoryRecord
from unfreeze.corpus.store import Corpus


@pytest.fixture
def view(make: Any, tmp_path: Path, request: pytest.FixtureRequest) -> PublicView:
    private: bool = request.param
    corpus = Corpus.create(
        tmp_path / "zorp drug", private=private, alias="corpus A" if private else "", description="zorp"
    )
    for identifier, dataset, licence in (("zorp-1", "zorpbase", "ask zorp"), ("zorp-2", "ATLAS", "CC-BY-NC-4.0")):
        with corpus.new_entry(identifier, make.peptide(3), title="zorp 1", notes=("zorp",)) as entry:
            source = Source(dataset=dataset, identifier="zorp-1", licence=licence, citation="Zorp", url="zorp.example")
            record = TrajectoryRecord(name="zorp run", conditions=Conditions(method="zorp engine"), source=source)
            with entry.begin_trajectory(record) as writer:
                writer.append(make.peptide(3).coordinates_nm[None])
                writer.finish(mended=("zorp file was mended",), quality={"file": "zorp.xtc"})
            entry.add_labels([AffinityLabel(partners=("A", "B"), source="zorpbase:7", note="zorp", method="zorp")])
    return PublicView(corpus)


def everything(view: PublicView) -> str:
    """All that the view tells, as text."""
    told: list[object] = [view.name, view.description, view.licences()]
    for identifier in view.corpus.identifiers:
        manifest = view.corpus.entry(identifier).manifest
        names = view.trajectory_names(manifest)
        told += [
            view.entry_name(identifier),
            view.entry(manifest),
            view.complex(view.corpus.entry(identifier).complex).source,
        ]
        told += [view.trajectory(record, names[record.name]) for record in manifest.trajectories]
    return repr(told)


@pytest.mark.parametrize("view", [True], indirect=True)
def test_a_private_corpus_tells_nothing_of_its_own(view: PublicView) -> None:
    text = everything(view)
    cited = text.replace("'citation': 'Zorp'", "")  # of the public set, as its licence asks
    assert "zorp" not in cited.lower()
    assert text.count("Zorp") == 1
    assert view.entry_name("zorp-2") == "corpus-A-0002"
    assert dict(view.licences().datasets) == {"CC-BY-NC-4.0": ("ATLAS",), "proprietary": ("corpus A",)}
    assert not view.licences(["zorp-2"]).commercial
    with pytest.raises(KeyError):
        view.entry_name("other")


@pytest.mark.parametrize("view", [False], indirect=True)
def test_an_open_corpus_tells_all(view: PublicView) -> None:
    text = everything(view)
    for words in ("zorp drug", "zorp run", "zorp.xtc", "zorp file was mended", "zorpbase:7", "zorp engine", "ask zorp"):
        assert words in text
    assert view.entry_name("zorp-2") == "zorp-2"
