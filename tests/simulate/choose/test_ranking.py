import numpy as np
import pytest

from unfreeze.simulate.choose.covered import Covered
from unfreeze.simulate.choose.halves import Disagreement
from unfreeze.simulate.choose.profile import Profile
from unfreeze.simulate.choose.ranking import ChoiceSettings, choose_next

LETTERS = np.array(list("ACDEFGHIKLMNPQRSTVWY"))
ANY_SIZE = ChoiceSettings(cost_exponent=0.0)


def sequence(seed, length=120):
    return "".join(np.random.default_rng(seed).choice(LETTERS, length))


A, B, C, D = (sequence(seed) for seed in range(4))
HERE, THERE = range(10, 20), range(60, 70)


def system(name, *sequences, touching=(), n_atoms=1000):
    """`touching`: pairs of chains, each with the positions that touch on either side."""
    interfaces = tuple((a, b, np.array([(p, q) for p in on_a for q in on_b])) for a, b, on_a, on_b in touching)
    chains = tuple("ABCDEF"[: len(sequences)])
    return Profile(name, f"{name}.pdb", n_atoms, chains, tuple(sequences), interfaces)


def names(choice):
    return [one.name for one in choice.suggestions]


def covered(profile, value=None, time_ps=5000.0):
    disagreement = None if value is None else Disagreement(value, 0.0, 0.0, "two halves")
    return Covered(profile, time_ps, 1, disagreement)


def test_the_worth_of_a_complex_is_that_of_its_clusters():
    choice = choose_next([system("ab", A, B, touching=[(0, 1, HERE, HERE)])], settings=ANY_SIZE)
    (one,) = choice.suggestions
    assert one.worth == one.score == 1 + 1 + 2 + 1  # two sequences, a pair of partners, a site
    assert one.reason == "2 new sequences A, B; new pair of partners A–B"
    assert choice.coverage["interface families"] == {"all": 1, "covered": 0, "with suggestions": 1}


def test_each_choice_takes_those_before_it_as_done():
    complex = system("ab", A, B, touching=[(0, 1, HERE, HERE)])
    alone = [system("a", A), system("b", B), system("c", C)]
    choice = choose_next([*alone, complex], settings=ANY_SIZE)
    assert names(choice) == ["ab", "c", "a", "b"]
    assert [one.score for one in choice.suggestions] == [5.0, 1.0, 0.25, 0.25]
    assert choice.suggestions[2].reason == "nothing new: its sequence A is there once, as in ab"


def test_known_partners_that_were_never_together_are_new():
    have = [covered(system("a", A)), covered(system("b", B))]
    together = system("ab", A, B, touching=[(0, 1, HERE, HERE)])
    (one,) = choose_next([together], have, settings=ANY_SIZE).suggestions
    assert one.worth == 2 + 1 + 0.25 + 0.25
    assert one.reason == "new pair of partners A–B"


def test_an_interface_is_known_by_both_partners_not_by_one():
    have = [covered(system("ab", A, B, touching=[(0, 1, HERE, HERE)]))]
    same = system("again", B, A, touching=[(0, 1, HERE, HERE)])
    half = system("half", A, D, touching=[(0, 1, HERE, HERE)])
    elsewhere = system("elsewhere", A, B, touching=[(0, 1, THERE, THERE)])
    choice = choose_next([same, half, elsewhere], have, settings=ANY_SIZE)
    assert names(choice) == ["half", "elsewhere", "again"]
    by_name = {one.name: one for one in choice.suggestions}
    assert by_name["half"].reason == "new sequence B; new pair of partners A–B"
    assert by_name["elsewhere"].reason == "new site A–B"
    assert by_name["again"].reason.startswith("nothing new: its site A–B is there once, as in ab")


def test_size_decides_between_equals_and_by_default_divides():
    large, small = system("large", A, n_atoms=8000), system("small", B, n_atoms=2000)
    assert names(choose_next([large, small], settings=ANY_SIZE)) == ["small", "large"]
    pair = system("pair", C, D, touching=[(0, 1, HERE, HERE)], n_atoms=4000)
    assert [one.score for one in choose_next([large, small, pair]).suggestions] == [5 / 4, 1 / 2, 1 / 8]
    assert names(choose_next([large, small, pair], settings=ChoiceSettings(cost_exponent=2.0)))[0] == "pair"


def test_what_has_not_settled_is_extended_in_proportion():
    have = [covered(system("settled", A), 0.05), covered(system("wandering", B), 0.8), covered(system("short", C))]
    choice = choose_next([system("d", D)], have, settings=ANY_SIZE)
    assert [(one.action, one.name) for one in choice.suggestions] == [
        ("new", "d"),
        ("extend", "wandering"),
        ("extend", "settled"),
    ]
    assert choice.suggestions[1].score == pytest.approx(0.8)
    assert choice.suggestions[1].reason == "80% of its motion lies between two halves after 5 ns"


def test_others_alike_are_counted_and_count_limits():
    mutants = [system(f"m{row}", A[:row] + "W" + A[row + 1 :]) for row in range(5)]
    choice = choose_next(mutants, count=2)
    assert names(choice) == ["m0", "m1"]
    assert choice.suggestions[0].reason == "new sequence A; 4 other candidates alike"
    assert choice.coverage["sequence clusters"]["all"] == 1


def test_nothing_worth_choosing_ends_the_list():
    assert choose_next([], []).suggestions == ()
    settings = ChoiceSettings(again=0.0)
    assert names(choose_next([system("a", A), system("b", A)], settings=settings)) == ["a"]


def test_it_says_that_it_is_a_heuristic():
    assert "heuristic" in choose_next([]).note
