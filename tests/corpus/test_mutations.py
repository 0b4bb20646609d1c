from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unfreeze.corpus.labels import AffinityLabel
from unfreeze.corpus.mutations import AMINO_ACIDS, Mutation, NumberedResidues, differences
from unfreeze.errors import InputError


def test_plain_and_skempi_spellings_are_one():
    assert Mutation.read_skempi("LI45G") == Mutation.read("I:L45G") == Mutation.read("L45G", chain="I")
    assert str(Mutation.read_skempi("VA100bI")) == "A:V100BI"
    assert Mutation.read_skempi("EB-3K") == Mutation("B", -3, "", "E", "K")


@pytest.mark.parametrize("text", ["", "L", "45G", "L45", "B45G", "L45X", "l45g", "L4 5G", "LI", "L45G;DROP"])
def test_what_is_no_mutation_is_refused_with_an_example(text):
    with pytest.raises(InputError, match=r"L38G|LI45G|amino acid"):
        Mutation.read(text)


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from("ABxy19"), st.integers(-99, 9999), st.sampled_from(["", "A", "C"]), st.sampled_from(AMINO_ACIDS),
    st.sampled_from(AMINO_ACIDS),
)  # fmt: skip
def test_written_mutations_are_read_again_and_fit_labels(chain, number, code, old, new):
    mutation = Mutation(chain, number, code, old, new)
    assert Mutation.read(str(mutation)) == mutation
    label = AffinityLabel(source="t:1", partners=("A", "B"), mutations=(str(mutation),))
    assert label.mutations == (str(mutation),)


def test_faults_name_what_is_there(make):
    residues = NumberedResidues(make.merge(make.peptide(4), make.peptide(4), chains=["A", "B"]))
    assert residues.fault(Mutation.read("A:A2G")) == ""
    assert "no chain C (it has A, B)" in residues.fault(Mutation.read("C:A2G"))
    assert "no residue 77" in residues.fault(Mutation.read("A:A77G"))
    assert "has A there, not L" in residues.fault(Mutation.read("A:L2G"))


def test_differences_of_sequences():
    assert [str(one) for one in differences("MKV", "MRV")] == ["K2R"]
    assert differences("MKV", "MKV") == ()
    with pytest.raises(InputError, match="keep the length"):
        differences("MKV", "MK")
