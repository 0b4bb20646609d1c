"""Buried area distributions, and frames that stand for all."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metrics.interface_area import (
    AREA_FRAMES,
    BURIED_AREA_MEAN,
    BURIED_AREA_W1,
    buried_areas_nm2,
    spread_frames,
)
from unfreeze.structure.observables.interfaces import find_interfaces


def _statistic(metric, ensemble, reference):
    found = metric.measure(ensemble, reference)
    return found.statistic(found.ensemble.at(), found.reference.at())


def test_area_is_that_of_the_interface_and_falls_apart(cases):
    molecule = cases.dimer()
    apart = molecule.coordinates_nm + np.where(molecule.atom_chain_index == 1, 9.0, 0.0)[:, None]
    bound, loose = Side.of(molecule, molecule.coordinates_nm[None]), Side.of(molecule, apart[None])
    (interface,) = find_interfaces(molecule, molecule.coordinates_nm[None])
    area = interface.buried_area_input_nm2
    assert area > 1.0
    assert buried_areas_nm2(bound).values[0, 0] == pytest.approx(area, rel=0.01)
    assert _statistic(BURIED_AREA_W1, loose, bound) == pytest.approx(area, rel=0.01)
    assert _statistic(BURIED_AREA_MEAN, loose, bound) == 0.0
    assert _statistic(BURIED_AREA_W1, bound, bound) == 0.0


def test_spread_frames_follow_the_weights():
    frames, weights = spread_frames(np.full(1000, 1e-3), AREA_FRAMES)
    assert len(frames) == AREA_FRAMES and set(np.diff(frames)) <= {9, 10, 11}
    assert np.allclose(weights, 0.01)
    heavy = np.full(1000, 0.5 / 999)
    heavy[700] = 0.5
    frames, weights = spread_frames(heavy, AREA_FRAMES)
    assert weights.sum() == pytest.approx(1.0)
    assert weights[frames == 700] == pytest.approx(0.5, abs=0.011)
    few = np.array([0.2, 0.8])
    assert spread_frames(few, AREA_FRAMES)[1].tolist() == [0.2, 0.8]
