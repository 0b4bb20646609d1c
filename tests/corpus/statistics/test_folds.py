import numpy as np
import pytest

from unfreeze.corpus.statistics.folds import fold_class, secondary_structure
from unfreeze.corpus.statistics.motion import alike


def test_ideal_helix_and_strand_are_told(make):
    helix = secondary_structure(make.peptide(30, -60.0, -45.0))
    assert (helix == "H").mean() > 0.85 and not (helix == "E").any()
    strand = secondary_structure(make.peptide(30, -120.0, 130.0))
    assert (strand == "E").mean() > 0.85 and not (strand == "H").any()
    mirror = secondary_structure(make.peptide(30, -60.0, -45.0, hand=-1.0))
    assert (mirror == "H").mean() < (helix == "H").mean()


def test_too_short_or_no_protein_has_none(make):
    assert set(secondary_structure(make.peptide(4, -60.0, -45.0))) == {"-"}
    assert set(secondary_structure(make.alkane(10))) == {"-"}


def test_a_break_ends_a_helix(make):
    one = make.peptide(12, -60.0, -45.0)
    two = make.merge(one, make.moved(one, [5.0, 0.0, 0.0]), chains=["A", "A"])
    assert np.array_equal(secondary_structure(two), np.tile(secondary_structure(one), 2))


def test_of_a_real_protein(make):
    protease = make.read("1hvr")
    found = secondary_structure(protease)[protease.residue_kind == "protein"]
    # HIV protease: one short helix a chain, half strands
    assert 0.03 < (found == "H").mean() < 0.12
    assert 0.4 < (found == "E").mean() < 0.65


@pytest.mark.parametrize(
    ("helix", "strand", "fold"),
    [(0.5, 0.0, "mainly helix"), (0.1, 0.4, "mainly strand"), (0.3, 0.2, "helix and strand"),
     (0.1, 0.05, "little of either"), (0.15, 0.10, "helix and strand")],
)  # fmt: skip
def test_classes(helix, strand, fold):
    assert fold_class(helix, strand) == fold


def test_likeness_of_fluctuations():
    ramp = np.arange(10.0)
    assert alike(ramp, 2 * ramp + 1) == 1.0
    assert alike(ramp, -ramp) == -1.0
    assert alike(ramp, np.ones(10)) is None
