"""The table of predicted fluctuations: what is written is read, and no other table is taken for it."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unfreeze.errors import InputError
from unfreeze.structure.fluctuations import Fluctuations


@pytest.fixture(scope="module")
def helix(make):
    return make.peptide(6, -62, -42)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.none(), st.floats(0.0, 50.0)), min_size=6, max_size=6))
def test_what_is_written_is_read(helix, tmp_path, values):
    predicted = np.array([np.nan if value is None else value for value in values])
    written = Fluctuations(predicted, 0.5 * predicted, 2.0 * predicted)
    path = tmp_path / "fluctuations.csv"
    path.write_text(written.table(helix, np.arange(6.0)), encoding="utf-8", newline="")
    read = Fluctuations.read(path, helix)
    for name in ("predicted_nm", "low_nm", "high_nm"):
        one, other = getattr(read, name), getattr(written, name)
        assert np.array_equal(np.isnan(one), np.isnan(other))
        assert np.nan_to_num(one) == pytest.approx(np.nan_to_num(other), abs=6e-5)
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["sampled_rmsf_angstrom"] for row in rows] == [f"{10.0 * k:.3f}" for k in range(6)]


@pytest.mark.parametrize(
    ("edit", "said"),
    (
        (lambda text: "", "residues are not those"),
        (lambda text: "\n".join(text.splitlines()[:-1]), "residues are not those"),
        (lambda text: text.replace("ALA,3", "GLY,3"), "residues are not those"),
        (lambda text: text.replace("predicted_rmsf", "rmsf"), "cannot be read"),
        (lambda text: text.replace("1.000", "one"), "cannot be read"),
        (lambda text: text + "A,ALA\n", "residues are not those"),
        (lambda text: "\x00" + text, "fluctuations.csv"),
    ),
)
def test_another_table_is_refused_by_name(helix, tmp_path, edit, said):
    numbers = np.full(6, 0.1)
    path = tmp_path / "fluctuations.csv"
    path.write_text(edit(Fluctuations(numbers, numbers, numbers).table(helix, numbers)), encoding="utf-8")
    with pytest.raises(InputError, match=said) as refused:
        Fluctuations.read(path, helix)
    assert str(path) in str(refused.value)
