"""Merging complexes."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.structure.merge import merge_complexes


def test_parts_keep_their_atoms_and_links(make):
    dimer = make.read("1hvr")
    first, second = dimer.take_chains(["A"]), dimer.take_chains(["B"])
    merged = merge_complexes([first, second], ["A", "B"], name="whole")
    assert np.array_equal(merged.coordinates_nm, dimer.coordinates_nm)
    assert np.array_equal(merged.links, dimer.links)
    assert np.array_equal(merged.residue_number, dimer.residue_number)
    assert merged.chain_name.tolist() == ["A", "B"]
    assert merged.source.name == "whole"


def test_names_must_be_one_a_chain(make):
    peptide = make.peptide(3)
    with pytest.raises(ValueError, match="2 different chain names"):
        merge_complexes([peptide, peptide], ["A", "A"])
