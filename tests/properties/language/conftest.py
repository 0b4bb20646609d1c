"""A language model that is none, for tests of everything around it, and a tiny ESM-2 where transformers is there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from unfreeze.properties.language.embeddings import LanguageModel
from unfreeze.properties.language.identity import LanguageIdentity

VOCABULARY = "<cls> <pad> <eos> <unk> L A G V S E R T I D P K Q N F Y M H W C X B U Z O . - <null_1> <mask>"


class Counted:
    """Numbers made of the letters near a residue, and a count of how often they were asked for."""

    def __init__(self, width: int = 4) -> None:
        self.width, self.asked = width, 0

    def __call__(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        self.asked += len(texts)
        return [np.stack([self._vector(text[max(k - 2, 0) : k + 3]) for k in range(len(text))]) for text in texts]

    def _vector(self, letters: str) -> NDArray[np.float32]:
        seed = int.from_bytes(hashlib.sha256(letters.encode()).digest()[:4], "little")
        return np.random.default_rng(seed).standard_normal(self.width).astype(np.float32)


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def pretended(counted: Counted, tmp_path: Path) -> LanguageModel:
    """Reads 40 residues at once, four numbers each."""
    identity = LanguageIdentity("pretended", "ab" * 32, counted.width)
    return LanguageModel(identity, 40, lambda: counted, tmp_path / "embeddings")


@pytest.fixture(scope="session")
def tiny_esm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an ESM-2 of two layers and random weights, saved by transformers as the published ones are."""
    transformers = pytest.importorskip("transformers", reason="the extra plm is not installed")
    torch = pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("models") / "tiny_esm2"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY.split()))
    torch.manual_seed(0)
    config = transformers.EsmConfig(
        vocab_size=33,
        mask_token_id=32,
        pad_token_id=1,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=68,
        position_embedding_type="rotary",
        token_dropout=True,
        emb_layer_norm_before=False,
    )
    transformers.EsmForMaskedLM(config).save_pretrained(folder)
    transformers.EsmTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder
