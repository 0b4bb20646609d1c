"""What measured values do to predictions: nothing where there are none, and else what a Gaussian process must."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unfreeze.corpus.mutations import Mutation
from unfreeze.properties.effects import MutationEffect
from unfreeze.properties.known import (
    Measurements,
    Rows,
    Wild,
    left_out_in_turn,
    load_likeness,
    tell,
    update,
)
from unfreeze.properties.known.amino_acids import ALIKE
from unfreeze.properties.known.likeness import covariance
from unfreeze.properties.known.reading import KnownValues, Measured

OF = replace(load_likeness("affinity"), least=0.0)
NAMES = ("A:K15A", "A:K15W", "A:L20A", "B:D35A", "B:D35N", "A:K15A+B:D35A", "B:Y90F", "B:G99A")


def mutations(text: str) -> tuple[Mutation, ...]:
    return tuple(map(Mutation.read, text.split("+")))


def rows(*, sign: float = 1.0) -> Rows:
    """Eight mutations of five residues along a line, the last predicted as exactly zero."""
    random = np.random.default_rng(1)
    every = tuple(map(mutations, NAMES))
    value = sign * np.array([*random.normal(3.0, 4.0, len(every) - 1), 0.0])
    place = {15: 0.0, 20: 0.4, 35: 0.7, 90: 3.0, 99: 4.0}
    points = np.array([[place[one.number], 0.0, 0.0] for together in every for one in together])
    return Rows(every, value, 3.0 + 0.3 * np.abs(value), points, np.zeros(len(every), dtype=np.int64))


def measured(where: list[int], values: list[float], error: float = 1.0, absolute: bool = False) -> Measurements:
    n = len(where)
    return Measurements(
        np.array(where, dtype=np.int64),
        np.zeros(n, dtype=np.int64),
        np.array(values, dtype=np.float64),
        np.full(n, error),
        np.full(n, absolute),
    )


def test_nothing_known_changes_nothing_to_the_last_digit():
    found = update(rows(), measured([], []), OF)
    assert (found.value == rows().value).all() and (found.error == rows().error).all()


def test_alone_every_prediction_has_the_error_that_it_had():
    every = rows()
    assert np.linalg.eigvalsh(ALIKE).min() > 0 and (np.diag(ALIKE) == 1).all()
    shared = covariance(every, every, OF)
    assert np.allclose(np.diag(shared)[:-1], (1 - OF.rest) * every.error[:-1] ** 2)
    assert np.linalg.eigvalsh(shared).min() > -1e-9 and np.allclose(shared, shared.T)


def test_what_was_measured_comes_out_within_its_error():
    given = [-4.0, 9.0, 2.0]
    found = update(rows(), measured([0, 2, 5], given, 0.2), OF)
    assert np.allclose(found.value[[0, 2, 5]], given, atol=0.4)
    assert (found.error[[0, 2, 5]] < 0.6).all()


def test_the_like_moves_more_than_the_unlike_and_the_far():
    base = rows()
    found = update(base, measured([0], [float(base.value[0]) + 10.0], 0.5), OF)
    moved, before = (found.value - base.value) / base.error, base.error
    assert moved[0] > moved[1] > moved[6] > 0.0 and moved[5] > moved[6]
    assert (found.error[:6] / found.scale < before[:6]).all()


def test_far_from_the_interface_nothing_moves():
    base = rows()
    found = update(base, measured([0, 1, 2], [20.0, 20.0, 20.0]), OF)
    assert found.value[7] == 0.0 and found.error[7] == base.error[7]


def test_what_is_predicted_as_nearly_nothing_moves_hardly():
    base = rows()
    value = base.value.copy()
    value[6], size = 0.05, replace(OF, least=0.3)
    near = Rows(base.mutations, value, base.error, base.points, base.quantity)
    moved = [update(near, measured([0, 1, 2], [30.0, 30.0, 30.0]), of).value[6] - 0.05 for of in (OF, size)]
    assert 0.0 < moved[1] < 0.1 * moved[0]


def test_the_order_of_what_is_known_does_not_matter():
    there = update(rows(), measured([0, 2, 3], [1.0, 5.0, 7.0]), OF)
    back = update(rows(), measured([3, 0, 2], [7.0, 1.0, 5.0]), OF)
    assert np.allclose(there.value, back.value) and np.allclose(there.error, back.error)
    order = [4, 0, 7, 3, 1, 6, 2, 5]
    turned = update(rows().take(order), measured([order.index(k) for k in (0, 2, 3)], [1.0, 5.0, 7.0]), OF)
    assert np.allclose(turned.value, there.value[order]) and np.allclose(turned.error, there.error[order])


def test_all_signs_turned_turns_all_answers():
    there = update(rows(), measured([0, 2, 3], [1.0, 5.0, -7.0]), OF)
    back = update(rows(sign=-1.0), measured([0, 2, 3], [-1.0, -5.0, 7.0]), OF)
    assert np.allclose(there.value, -back.value) and np.allclose(there.error, back.error)


def test_likeness_of_an_exchange_and_of_its_reverse_is_the_negative():
    exchange = replace(OF, level=0.0, place=0.0, slope=0.0, rest=0.0)
    every = rows()
    there = Rows(every.mutations[:1], every.value[:1], every.error[:1], every.points[:1], every.quantity[:1])
    back = replace_mutations(there, "A:A15K")
    other = every.take([1])
    assert np.allclose(covariance(there, other, exchange), -covariance(back, other, exchange), atol=1e-9)
    assert covariance(there, back, exchange)[0, 0] == pytest.approx(-(float(every.error[0]) ** 2))


def replace_mutations(of: Rows, text: str) -> Rows:
    return Rows((mutations(text),), of.value, of.error, of.points, of.quantity)


def test_far_off_values_make_errors_larger_and_near_ones_smaller():
    base = rows()
    near = update(base, measured([0, 2, 3], [float(base.value[k]) for k in (0, 2, 3)]), OF)
    far = update(base, measured([0, 2, 3], [float(base.value[k]) + s for k, s in ((0, 30), (2, -30), (3, 30))]), OF)
    assert near.scale < 1.0 < far.scale and far.error[6] > base.error[6] > near.error[6]


def test_leaving_out_in_closed_form_is_leaving_out():
    known = measured([0, 2, 3, 5], [1.0, 5.0, 7.0, 12.0])
    closed = left_out_in_turn(rows(), known, OF)
    for k in range(4):
        rest = [j for j in range(4) if j != k]
        some = measured([int(known.row[j]) for j in rest], [float(known.value[j]) for j in rest])
        without = update(rows(), some, OF)
        assert closed[k] == pytest.approx(known.value[k] - without.value[known.row[k]])


def test_free_energies_of_mutants_tell_the_wild_type_too():
    base, wild = rows(), Wild(-40.0, 9.0)
    values = [-55.0 + float(base.value[k]) for k in (0, 2, 3, 6)]
    found = update(base, measured([0, 2, 3, 6], values, 1.0, absolute=True), OF, (wild, None))
    assert found.wild[0] is not None
    value, error = found.wild[0]
    assert value == pytest.approx(-55.0, abs=3.0) and error < 5.0
    own = update(base, measured([-1], [-50.0], 0.5, absolute=True), OF, (wild, None))
    assert own.wild[0] is not None and own.wild[0][0] == pytest.approx(-50.0, abs=0.1)
    assert (own.value == base.value).all() and np.allclose(own.absolute_error, np.hypot(base.error, own.wild[0][1]))


def effects(values: list[float], *, tm: bool = False) -> list[MutationEffect]:
    texts = ("K2A", "L3A", "V4A", "W5A", "I6A", "F7A")
    return [
        MutationEffect(mutations(text), value, 4.0, value / 3 if tm else None, 5.0 if tm else None, "far")
        for text, value in zip(texts, values, strict=True)
    ]


def known(kind: str, values: dict[str, float]) -> KnownValues:
    rows = [Measured(mutations(text) if text else (), kind, value, None, "t.csv") for text, value in values.items()]
    return KnownValues(tuple(rows), "t.csv")


def test_melting_points_move_free_energies_too():
    predicted = effects([-3.0, -4.0, -3.0, -8.0, -5.0, -6.0], tm=True)
    given = known("tm", {"": 340.0, "K2A": 330.0, "V4A": 328.0})
    told = tell(predicted, given, "MKLVWIFAAAAAAAAAAAAAAA", "stability", likeness=replace(OF, quantities=0.6))
    assert told.wild is not None and told.wild[0] == pytest.approx(340.0, abs=1.0)
    assert told.effects[0].delta_tm_K == pytest.approx(-10.0, abs=2.0)
    assert all(a.delta_delta_g_kJ_mol < b.delta_delta_g_kJ_mol for a, b in zip(told.effects, told.alone, strict=True))
    assert told.effects[0].outside == "" and told.effects[1].outside == "far"
    assert np.isfinite(told.absolute_error).all()


def test_a_table_with_the_other_sign_is_told():
    values = [-12.0, -2.0, -14.0, -1.0, -11.0, -3.0]
    texts = ("K2A", "L3A", "V4A", "W5A", "I6A", "F7A")
    sure = [replace(one, error_kJ_mol=2.0) for one in effects(values)]
    turned = tell(sure, known("ddg", dict(zip(texts, [-v for v in values], strict=True))), "MKLVWIF", "stability")
    right = tell(sure, known("ddg", dict(zip(texts, values, strict=True))), "MKLVWIF", "stability")
    assert any("other sign" in note for note in turned.notes) and not right.notes
