"""Damaged files give a complex or an InputError, never anything else."""

from __future__ import annotations

import gzip
import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import example_file

FUZZER = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "fuzz_readers.py"))
check, mutate = FUZZER["check"], FUZZER["mutate"]


@pytest.mark.parametrize("name", ["charges.pdb", "elements.pdb", "mmcif/5PTI.cif.gz", "conect_parsing.pdb"])
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_damaged_files(tmp_path_factory, name, seed):
    data = example_file(name).read_bytes()
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    assert check(mutate(data, np.random.default_rng(seed)), tmp_path_factory.mktemp("fuzz")) in ("read", "refused")


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=300), start=st.sampled_from([b"", b"\x1f\x8b", b"data_", b"ATOM  ", b"MODEL"]))
def test_arbitrary_bytes(tmp_path_factory, data, start):
    assert check(start + data, tmp_path_factory.mktemp("fuzz")) == "refused"
