import itertools

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.simulate.ladder import (
    BOLTZMANN_kJ_mol_K,
    acceptance_of,
    even_ladder,
    expected_heat_capacity,
    geometric_ladder,
    ladder_for_acceptance,
    measured_heat_capacity,
    predicted_acceptance,
)

C = 30 * BOLTZMANN_kJ_mol_K


def energies(temperatures_K, n, capacity=C, seed=0):
    """Potential energies of independent oscillators: [n, n_states]."""
    scale = BOLTZMANN_kJ_mol_K * np.array(temperatures_K)
    return np.random.default_rng(seed).gamma(capacity / BOLTZMANN_kJ_mol_K, scale, size=(n, len(scale)))


def test_a_geometric_ladder_has_equal_ratios_and_the_ends_that_were_asked_for():
    ladder = geometric_ladder(300, 600, 6)
    assert ladder[0] == 300 and ladder[-1] == 600
    ratios = np.divide(ladder[1:], ladder[:-1])
    assert np.allclose(ratios, ratios[0])


@pytest.mark.parametrize("ends", [(300, 300), (400, 300), (0, 300), (300, float("inf")), (300, float("nan"))])
def test_ladders_must_ascend(ends):
    with pytest.raises(InputError, match="ascend"):
        geometric_ladder(*ends, 3)
    with pytest.raises(InputError, match="ascend"):
        ladder_for_acceptance(*ends, 0.3, C)


def test_one_temperature_is_no_ladder():
    with pytest.raises(InputError, match="two temperatures"):
        geometric_ladder(300, 600, 1)


@pytest.mark.parametrize(("cold", "hot", "capacity"), [(300, 360, C), (300, 330, 10 * C), (300, 600, C / 10)])
def test_predicted_acceptance_is_what_oscillators_of_that_heat_capacity_show(cold, hot, capacity):
    n = 200_000
    drawn = acceptance_of(energies((cold, hot), n, capacity), (cold, hot))[0]
    predicted = predicted_acceptance(cold, hot, capacity)
    assert drawn == pytest.approx(predicted, abs=5 * 0.5 / np.sqrt(n))  # 5 SD: once in two million
    assert predicted_acceptance(hot, cold, capacity) == predicted


def test_molecules_without_potential_always_exchange():
    assert predicted_acceptance(300, 600, 0.0) == 1.0


def test_a_ladder_for_an_acceptance_is_the_shortest_that_has_it():
    ladder = ladder_for_acceptance(300, 600, 0.3, C)
    assert predicted_acceptance(ladder[0], ladder[1], C) >= 0.3
    shorter = geometric_ladder(300, 600, len(ladder) - 1)
    assert predicted_acceptance(shorter[0], shorter[1], C) < 0.3
    assert ladder_for_acceptance(300, 310, 0.3, C) == (300.0, 310.0)


def test_ladders_that_no_machine_can_run_are_refused():
    with pytest.raises(InputError, match="replicas would be needed"):
        ladder_for_acceptance(300, 600, 0.3, expected_heat_capacity(6 * 1_000_000, n_waters=1_000_000))
    with pytest.raises(InputError, match="between 0 and 1"):
        ladder_for_acceptance(300, 600, 30, C)


def test_an_even_ladder_undoes_uneven_acceptance():
    uneven = (300.0, 320.0, 380.0, 400.0, 480.0)
    shares = [predicted_acceptance(a, b, C) for a, b in itertools.pairwise(uneven)]
    assert np.allclose(even_ladder(uneven, shares), geometric_ladder(300, 480, 5), rtol=2e-3)


def test_an_even_ladder_needs_exchanges_that_were_accepted_and_some_that_were_not():
    for share in (0.0, 1.0):
        with pytest.raises(InputError, match=r"300 to 400 K: measured acceptance"):
            even_ladder((300, 400, 500), [share, 0.3])
    with pytest.raises(ValueError, match="gaps"):
        even_ladder((300, 400, 500), [0.3])


def test_heat_capacity_follows_from_the_spread_of_energies():
    n = 20_000
    measured = measured_heat_capacity(energies((300,), n)[:, 0], 300)
    assert measured == pytest.approx(C, rel=5 * np.sqrt(2.2 / n))


def test_the_heat_capacity_is_expected_from_degrees_of_freedom_and_water():
    dry, wet = expected_heat_capacity(54), expected_heat_capacity(54 + 600, n_waters=100)
    assert dry == pytest.approx(27 * BOLTZMANN_kJ_mol_K)
    assert wet - dry == pytest.approx(100 * 0.052)
    assert expected_heat_capacity(54 + 600, 100, "opc") > wet == expected_heat_capacity(54 + 600, 100, "tip3pfb")
