import numpy as np
import pytest

from unfreeze.corpus.mutations import AMINO_ACIDS, Mutation
from unfreeze.properties.effect_model import load_effect_model
from unfreeze.properties.effect_prediction import Surrounding, summed
from unfreeze.properties.exchange_table import fit_table, shipped_table
from unfreeze.properties.stability import predict_stability

SEQUENCE = "MQYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE"


def test_there_and_back_is_nothing():
    for values in shipped_table().values.values():
        assert values.shape == (20, 20) and np.abs(values).max() > 3.0
        np.testing.assert_array_equal(values, -values.T)


def test_what_was_measured_is_found_again():
    rng = np.random.default_rng(0)
    energy, pairs = rng.normal(size=20), rng.normal(size=(20, 20))
    truth = energy[None, :] - energy[:, None] + pairs - pairs.T
    kinds = rng.integers(0, 20, (6000, 2))
    counts = np.zeros((len(kinds), 20, 20))
    counts[np.arange(len(kinds)), *kinds.T] = 1.0
    found = fit_table(counts, truth[tuple(kinds.T)], np.ones(len(kinds)), 0.01)
    np.testing.assert_allclose(found, truth, atol=0.01)
    np.testing.assert_array_equal(found, -found.T)


def test_from_a_sequence_half_is_the_table():
    model = load_effect_model()
    asked = [Mutation("", 3, "", "Y", "A"), Mutation("", 5, "", "L", "P")]
    table, said = shipped_table(), {}
    place = Surrounding(model, SEQUENCE, asked, "stability")
    for task in ("stability", "melting"):
        by_table = table.told(task, asked, len(SEQUENCE))
        said[task] = summed(0.5 * place.exchange(task) + 0.5 * by_table, [[0], [1], [0, 1]])
    effects = predict_stability(SEQUENCE, [asked[:1], asked[1:], asked], model=model).effects
    told = {"stability": [one.delta_delta_g_kJ_mol for one in effects], "melting": [one.delta_tm_K for one in effects]}
    for task, values in told.items():
        np.testing.assert_allclose(values, said[task][0], rtol=1e-6)
    expected = table.errors["stability"].error(*said["stability"])
    np.testing.assert_allclose([one.error_kJ_mol for one in effects], expected, rtol=1e-6)
    assert effects[1].delta_delta_g_kJ_mol < 0.0  # a proline in a strand
    k, m = AMINO_ACIDS.index("L"), AMINO_ACIDS.index("P")
    assert table.told("stability", asked[1:], 56)[0] == pytest.approx(table.values["stability"][k, m])
    assert table.told("melting", asked, 400)[0] == pytest.approx(table.told("melting", asked, 100)[0] * 4**-0.75)
