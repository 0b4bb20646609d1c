"""Chains in windows and batches, and what the cache keeps; no language model is needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unfreeze.errors import InputError
from unfreeze.properties.language.embeddings import LanguageModel, readable
from unfreeze.properties.language.identity import LanguageIdentity, agree
from unfreeze.properties.language.windows import batches, joined_windows, window_starts
from unfreeze.properties.modalities.language import summary

ONE, LONG = "MKTAYIAKQRQISFVKSHFS", "ACDEFGHIKLMNPQRSTVWY" * 7


@given(st.integers(1, 3000), st.integers(16, 200))
def test_windows_cover_a_chain_and_overlap(n: int, longest: int) -> None:
    starts = window_starts(n, longest)
    assert starts[0] == 0 and starts[-1] == max(n - longest, 0)
    steps = np.diff(starts)
    assert (steps > 0).all() and (steps <= longest - longest // 4 + 1).all()
    residues = np.arange(n)[:, None]
    parts = [residues[start : start + longest] for start in starts]
    np.testing.assert_array_equal(joined_windows(parts, starts), residues)


@given(st.lists(st.integers(1, 300), max_size=40))
def test_batches_are_bounded_and_whole(lengths: list[int]) -> None:
    found = list(batches(lengths, 256))
    assert sorted(k for batch in found for k in batch) == list(range(len(lengths)))
    assert all(len(batch) * max(lengths[k] for k in batch) <= 256 for batch in found if len(batch) > 1)


def test_a_residue_comes_from_the_window_that_sees_most_around_it(pretended: LanguageModel, counted) -> None:
    (found,) = pretended.residues([LONG])
    assert found.shape == (140, 4) and found.dtype == np.float16
    # the pretended model sees two residues either side: no window was cut so near
    np.testing.assert_array_equal(found, counted([LONG])[0].astype(np.float16))


def test_what_was_said_once_is_kept(pretended: LanguageModel, counted, tmp_path: Path) -> None:
    first = pretended.residues([ONE, LONG, ONE])
    asked = counted.asked
    again = pretended.residues([LONG, ONE])
    assert counted.asked == asked
    np.testing.assert_array_equal(again[0], first[1])
    np.testing.assert_array_equal(again[1], first[2])
    for path in (tmp_path / "embeddings").rglob("*.npy"):
        path.write_bytes(path.read_bytes()[:100])
    np.testing.assert_array_equal(pretended.residues([ONE])[0], first[0])
    assert counted.asked == asked + 1
    (of_chain,) = pretended.summaries([LONG], summary, "means")
    assert of_chain.shape == (12,) and of_chain.dtype == np.float16
    np.testing.assert_allclose(of_chain[:4], first[1].mean(axis=0), atol=2e-3)


def test_what_is_no_amino_acid_is_read_as_x(pretended: LanguageModel) -> None:
    assert readable("MKUaZO-X") == "MKXXXXXX"
    unknown, plain = pretended.residues(["MKUTT", "MKXTT"])
    np.testing.assert_array_equal(unknown, plain)


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    identity = LanguageIdentity("broken", "00" * 32, 2)

    def forward(texts):
        return [np.full((len(text), 2), np.nan, dtype=np.float32) for text in texts]

    with pytest.raises(InputError, match="broken: the language model gives numbers that are not finite"):
        LanguageModel(identity, 40, lambda: forward, tmp_path).residues([ONE])
    file = tmp_path / "file"
    file.write_text("")
    working = LanguageModel(identity, 40, lambda: lambda texts: [np.ones((len(one), 2)) for one in texts], file)
    with pytest.raises(InputError, match="set UNFREEZE_CACHE"):
        working.residues([ONE])


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, "give its folder with --language-model"),
        (LanguageIdentity("other", "cd" * 32, 8), "but other has 8"),
        (LanguageIdentity("other", "cd" * 32, 4), "other is another model"),
    ],
)
def test_another_language_model_is_refused(found: LanguageIdentity | None, message: str) -> None:
    trained = LanguageIdentity("esm2", "ab" * 32, 4)
    agree("weights", trained, LanguageIdentity("copy", "ab" * 32, 4))
    agree("weights", None, None)
    with pytest.raises(InputError, match=message):
        agree("weights", trained, found)
    with pytest.raises(InputError, match="trained without a language model"):
        agree("weights", None, trained)
