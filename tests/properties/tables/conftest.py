from pathlib import Path
from typing import Any

import pytest

from unfreeze.corpus import Corpus
from unfreeze.corpus.label_sets import LabelRow, LabelSet
from unfreeze.corpus.labels import AffinityLabel, StabilityLabel


def binding(line: int, *mutations: str, change: float | None = 1.0, **more: Any) -> AffinityLabel:
    values: dict[str, Any] = {"temperature_K": 298.0, "delta_g_kJ_mol": -40.0} | more
    return AffinityLabel(
        source=f"skempi2:{line}",
        partners=("A", "B"),
        mutations=mutations,
        delta_delta_g_kJ_mol=change if mutations else None,
        **values,
    )


def folding(name: str, line: str, *mutations: str, **more: Any) -> StabilityLabel:
    return StabilityLabel(source=f"stability-{name}:{line}", mutations=mutations, **more)


@pytest.fixture
def corpus(tmp_path: Path, make) -> Corpus:
    """A complex of two chains with affinities, a protein with stabilities, and two label sets."""
    found = Corpus.create(tmp_path / "corpus")
    pair = make.merge(make.peptide(6), make.moved(make.peptide(6), (0.0, 1.0, 0.0)), chains=["A", "B"])
    with found.new_entry("skempi-1ABC", pair) as entry:
        entry.add_labels(
            [
                binding(2),
                binding(3, "A:A2G", change=4.0),
                binding(4, "A:A2G", "B:A3W", change=9.0, n_measurements=3),
                binding(5, "A:A3G", relation="none", change=None),
                binding(6, "A:A4G", relation=">", change=12.0),
                binding(7, "A:A5G", change=None, note="the wild type is only bounded, so there is no change"),
                binding(8, "A:A5D", temperature_K=None, change=None, delta_g_kJ_mol=None),
                binding(9, "A:A6D", change=2.0, note="approximate"),
            ]
        )
    with found.new_entry("stability-1XYZ", make.peptide(6)) as entry:
        entry.add_labels(
            [
                folding("S1", "2", "A:A102G", chain="A", delta_delta_g_kJ_mol=-5.0),
                folding(
                    "S1", "3", "A:A103W", chain="A", delta_delta_g_kJ_mol=-3.0
                ),  # another mutation than the set has
            ]
        )
    rows = (
        LabelRow(
            identifier="1XYZ_A",
            sequence="MAAAAAA",
            labels=(
                folding("S1", "2", "A3G", delta_delta_g_kJ_mol=-5.0, temperature_K=300.0, pH=7.0),
                folding("S1", "3", "A4D", delta_delta_g_kJ_mol=-3.0),
                folding("S1", "4", "W4D", delta_delta_g_kJ_mol=-3.0),  # the sequence has no W there
            ),
        ),
        LabelRow(
            identifier="P1",
            sequence="MKV",
            labels=(
                folding("S1", "7", "K2A", "V3A", delta_tm_K=-8.0),
                folding("S1", "8,9", "K2A", "V3A", delta_tm_K=-2.0, n_measurements=2),
            ),
        ),
    )
    LabelSet.create(found, "stability-S1", rows, dataset="stability-S1")
    return found
