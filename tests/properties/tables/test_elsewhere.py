from unfreeze.corpus import Corpus
from unfreeze.corpus.mutations import Mutation
from unfreeze.properties.mutants import build_mutant
from unfreeze.properties.tables import MutationRow
from unfreeze.properties.tables.elsewhere import located, lone_chains

LETTERS = "M" + 12 * "A"


def row(mutation: str, letters: str = LETTERS, entry: str = "") -> MutationRow:
    one = Mutation.read(mutation)
    return MutationRow(
        "stability", -1.0, (one,), "P00001", "S1", "S1:2", entry, sequence=letters, positions=(one.number,)
    )


def test_a_protein_is_found_in_another_entry(tmp_path, make):
    corpus = Corpus.create(tmp_path / "corpus")
    with corpus.new_entry("1XYZ", make.peptide(12)):
        pass
    rows = [
        row("A3G"),
        row("W3G", "MAW" + 10 * "A"),  # the entry has another residue there
        row("A20G", 24 * "ACDEFG"),  # another protein
        row("A3G", entry="2ABC"),
        row("M1A"),  # not in the entry
    ]
    found = located(rows, corpus)
    assert (found[0].entry, found[0].chain, [str(one) for one in found[0].mutations]) == ("1XYZ", "A", ["A:A2G"])
    assert (found[0].positions, found[0].sequence) == ((3,), LETTERS)
    assert list(found[1:]) == rows[1:]


def test_entries_with_partners_of_another_kind_are_no_place(make):
    alone, other = make.peptide(12), make.moved(make.peptide(12), (0.0, 2.0, 0.0))
    (chain,) = lone_chains("copies", make.merge(alone, other, chains=["A", "B"]))
    assert (chain.letters, chain.labels[0]) == (12 * "A", "A:1")
    mutant = build_mutant(other, [Mutation.read("A:A6S")])
    assert not lone_chains("partners", make.merge(alone, mutant, chains=["A", "B"]))
