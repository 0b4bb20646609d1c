from __future__ import annotations

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.properties.protein.descriptors import N_DESCRIPTORS, describe
from unfreeze.properties.protein.encoder import (
    EncoderShape,
    decode,
    encode_proteins,
    initial_parameters,
    parameter_shapes,
)
from unfreeze.properties.protein.letters import AMINO_ACIDS, batch, checked_sequence, letter_codes, shortened

SHAPE = EncoderShape(width=8, n_queries=3, pooled=12, n_descriptors=5, letter=4, structure=True)
OUTPUTS = {"location": 10, "function": 4}
CHAINS = ("MKTAYIAKQR", "GSHMLEDPVDWTRGYCNXQ" * 3, "MA")


def _inputs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    letters, ends = batch([letter_codes(one) for one in CHAINS])
    return letters, ends, np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32)


def test_letters_become_numbers() -> None:
    assert letter_codes("ACX").tolist() == [0, 1, 20]
    letters, ends, _ = _inputs()
    assert letters.shape == (3, 60)
    assert letters[2, 2:].tolist() == [21] * 58
    assert ends[0, 0, :4] == pytest.approx(1.0)
    assert ends[0, 9, 4:] == pytest.approx(1.0)
    assert (ends[0, 10:] == 0).all()


def test_long_chains_keep_both_ends() -> None:
    kept = shortened(3000, 90)
    assert len(kept) == 90
    assert kept[:60].tolist() == list(range(60))
    assert kept[60:].tolist() == list(range(2970, 3000))
    assert shortened(7, 90).tolist() == list(range(7))


def test_sequences_are_checked() -> None:
    assert checked_sequence(" mk\nt* ") == "MKT"
    for wrong, what in (("", "empty"), ("MK-T", "'-' at place 3"), ("MÄK", "place 2"), ("MK1", "'1'")):
        with pytest.raises(InputError, match=what):
            checked_sequence(wrong)


def test_parameters_have_their_shapes() -> None:
    found = {name: array.shape for name, array in initial_parameters(SHAPE, OUTPUTS).items()}
    assert found == parameter_shapes(SHAPE, OUTPUTS)


def test_vectors_do_not_depend_on_the_batch() -> None:
    parameters = initial_parameters(SHAPE, OUTPUTS, seed=1)
    letters, ends, descriptors = _inputs()
    together = encode_proteins(parameters, letters, ends, descriptors)
    for row, chain in enumerate(CHAINS):
        alone = encode_proteins(parameters, *batch([letter_codes(chain)]), descriptors[row : row + 1])
        assert alone[0] == pytest.approx(together[row], abs=1e-4)


def test_numpy_and_torch_agree() -> None:
    torch = pytest.importorskip("torch")
    parameters = initial_parameters(SHAPE, OUTPUTS, seed=2)
    letters, ends, descriptors = _inputs()
    structure = np.random.default_rng(1).standard_normal((3, 60, 7)).astype(np.float32)
    for columns in (None, structure):
        vectors = encode_proteins(parameters, letters, ends, descriptors, columns)
        tensors = {name: torch.from_numpy(array) for name, array in parameters.items()}
        other = encode_proteins(
            tensors, torch.from_numpy(letters), torch.from_numpy(ends), torch.from_numpy(descriptors),
            None if columns is None else torch.from_numpy(columns),
        )  # fmt: skip
        assert other.numpy() == pytest.approx(vectors, abs=1e-4)
        assert decode(tensors, "location", other).shape == (3, 10)


def test_absent_structure_adds_nothing() -> None:
    parameters = initial_parameters(SHAPE, OUTPUTS, seed=3)
    letters, ends, descriptors = _inputs()
    without = encode_proteins(parameters, letters, ends, descriptors)
    with_zeros = encode_proteins(parameters, letters, ends, descriptors, np.zeros((3, 60, 7), dtype=np.float32))
    assert with_zeros == pytest.approx(without, abs=1e-6)


def test_descriptors_are_finite_for_any_chain() -> None:
    for chain in ("M", "MK", "XXXX", "A" * 50, AMINO_ACIDS * 7, "MK" * 2000):
        found = describe(letter_codes(chain))
        assert found.shape == (N_DESCRIPTORS,)
        assert np.isfinite(found).all()
    assert describe(letter_codes("AAAC"))[:2] == pytest.approx([0.75, 0.25])


def test_training_learns_a_signal_at_the_end() -> None:
    pytest.importorskip("torch")
    from unfreeze.properties.protein.model import logits_of
    from unfreeze.properties.protein.training import ProteinSettings, TrainingRows, train_proteins

    random = np.random.default_rng(0)
    truth = np.arange(64) % 2 == 0
    chains = ["".join(random.choice(list(AMINO_ACIDS), 30)) for _ in truth]
    signals = ["M" + ("L" if one else "D") * 8 for one in truth]
    codes = [letter_codes(signal + chain) for signal, chain in zip(signals, chains, strict=True)]
    descriptors = np.stack([describe(one) for one in codes])
    located = np.arange(64) < 56
    labels = {task: truth[:, None].astype(np.float32) for task in ("location", "function")}
    rows = TrainingRows(codes, descriptors, labels, {"location": located, "function": ~located})
    settings = ProteinSettings(
        width=8, n_queries=2, pooled=16, n_descriptor_epochs=8, n_epochs=2, learning_rate=0.02, chains=16, longest=48,
        places=800,
    )  # fmt: skip
    stages = []
    member = train_proteins(rows, settings, stage_done=lambda with_letters, _member: stages.append(with_letters))
    again = train_proteins(rows, settings)
    assert stages == [False, True]
    assert all(np.array_equal(member[name], again[name]) for name in member)
    logits = logits_of(member, codes, descriptors, "location", 48)[:, 0]
    assert ((logits > 0) == truth).mean() > 0.95
