from unfreeze.corpus.mutations import Mutation
from unfreeze.properties.tables.interface_groups import (
    ComplexSequences,
    complex_sequences,
    homologous_interfaces,
    mutated_sites,
    shared_sites,
)

_A, _B, _C, _D = ("A" * 40, "C" * 40, "D" * 40, "E" * 40)


def _pair(*touching: tuple[str, str]) -> ComplexSequences:
    return ComplexSequences(tuple({one for pair in touching for one in pair}), touching)


def test_both_partners_must_be_alike():
    complexes = {"one": _pair((_A, _B)), "two": _pair((_C, _D)), "three": _pair((_A, _D))}
    assert homologous_interfaces(complexes, []) == []
    assert homologous_interfaces(complexes, [(_A, _C)]) == [("two", "three")]
    assert homologous_interfaces(complexes, [(_A, _C), (_B, _D)]) == [
        ("one", "two"),
        ("one", "three"),
        ("two", "three"),
    ]
    # whichever partner is written first
    assert homologous_interfaces({"one": _pair((_A, _B)), "two": _pair((_B, _A))}, []) == [("one", "two")]


def test_peptides_are_all_alike():
    complexes = {"one": _pair((_A, "GAVLI")), "two": _pair((_A, "WWWWFFFF")), "three": _pair((_B, "GAVLI"))}
    assert homologous_interfaces(complexes, []) == [("one", "two")]


def test_chains_that_touch_across_the_partners(make):
    first, second = make.peptide(12, chain="A"), make.peptide(10, chain="B")
    far = make.moved(make.peptide(9, chain="C"), (0.0, 0.0, 50.0))
    molecule = make.merge(first, make.moved(second, (0.0, 0.0, 0.45)), far, chains=["A", "B", "C"])
    found = complex_sequences(molecule, ("A", "BC"))
    assert found.touching == (("A" * 12, "A" * 10),)
    assert set(found.chains) == {"A" * 12, "A" * 10, "A" * 9}
    assert complex_sequences(molecule, ("A", "C")).touching == (("A" * 12, "A" * 9),)  # none touches: all across


def test_the_same_mutation_of_the_same_protein(make):
    molecule = make.peptide(20)
    sites = {
        "one": mutated_sites(molecule, [Mutation("A", 10, "", "A", "G")]),
        "two": mutated_sites(molecule, [Mutation("A", 12, "", "A", "G"), Mutation("A", 99, "", "A", "G")]),
        "other residue": mutated_sites(molecule, [Mutation("A", 12, "", "A", "W")]),
        "near the end": mutated_sites(molecule, [Mutation("A", 2, "", "A", "G")]),
    }
    assert sites["two"] == {("A" * 9, 4, "G")}
    assert shared_sites(sites) == [("one", "two")]
