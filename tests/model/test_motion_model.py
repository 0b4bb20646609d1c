"""Predictions: physics where nothing is learned, the mean of members, and uncertainty that grows with their quarrel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unfreeze.model.base_motion import BaseMotion
from unfreeze.model.features import block_graph


@pytest.fixture(scope="module")
def graph(make):
    return block_graph(BaseMotion.of(make.read("pdb1ejg.pdb")))


@pytest.mark.parametrize(("temperature_K", "timescale_ns"), ((300.0, 100.0), (350.0, 10.0), (280.0, 1e4)))
def test_zero_heads_are_the_untrained_springs_under_the_law_of_time(graph, motion_model, temperature_K, timescale_ns):
    predicted = motion_model(0.0).predict(graph, temperature_K=temperature_K, timescale_ns=timescale_ns)
    expected = graph.base_rmsf_nm * np.sqrt(temperature_K / 300.0) * (timescale_ns / 100.0) ** 0.09
    assert predicted.rmsf_nm == pytest.approx(expected, rel=1e-5)
    assert predicted.log_uncertainty == pytest.approx(0.2, rel=1e-5)
    assert (predicted.temperature_K, predicted.timescale_ns) == (temperature_K, timescale_ns)


def test_members_are_averaged_and_their_quarrel_is_uncertainty(graph, motion_model):
    model = motion_model(0.2, n_members=3)
    whole = model.predict(graph)
    alone = [replace(model, members=(member,)).predict(graph) for member in model.members]
    logs = np.log([one.rmsf_nm for one in alone])
    assert np.log(whole.rmsf_nm) == pytest.approx(logs.mean(axis=0))
    variance = np.mean([one.log_uncertainty**2 for one in alone], axis=0) + logs.var(axis=0)
    assert whole.log_uncertainty == pytest.approx(np.sqrt(variance))
    scaled = replace(model, uncertainty_scale=1.5).predict(graph)
    assert scaled.log_uncertainty == pytest.approx(1.5 * whole.log_uncertainty)
    assert np.array_equal(scaled.rmsf_nm, whole.rmsf_nm)


def test_time_enters_as_a_power_of_each_block(graph, motion_model):
    model = motion_model(0.1)
    short, middle, long = (np.log(model.predict(graph, timescale_ns=t).rmsf_nm) for t in (1.0, 10.0, 100.0))
    assert long - middle == pytest.approx(middle - short, abs=1e-9)
    assert (long - short).std() > 1e-3
