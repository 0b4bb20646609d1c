"""Folders of language models, and what is computed of them against transformers called plainly."""

from __future__ import annotations

import importlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.properties.language import esm
from unfreeze.properties.language.embeddings import open_language_model
from unfreeze.properties.language.folder import open_folder

VOCABULARY = "<cls> <pad> <eos> <unk> L A G V S E R T I D P K Q N F Y M H W C X B U Z O . - <null_1> <mask>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Looks like a model."""
    path = tmp_path / "model"
    path.mkdir()
    config = {"model_type": "esm", "hidden_size": 16, "max_position_embeddings": 68}
    (path / "config.json").write_text(json.dumps(config))
    (path / "vocab.txt").write_text("\n".join(VOCABULARY.split()))
    (path / "model.safetensors").write_bytes(b"nothing")
    return path


def test_a_model_is_known_by_its_content(folder: Path, tmp_path: Path) -> None:
    found = open_folder(folder)
    assert (found.identity.name, found.identity.width, found.longest) == ("model", 16, 64)
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert open_folder(copy).identity.sha256 == found.identity.sha256
    (copy / "model.safetensors").write_bytes(b"else")
    assert open_folder(copy).identity.sha256 != found.identity.sha256


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (shutil.rmtree, "no such folder"),
        (lambda path: (path / "config.json").unlink(), "holds no config.json"),
        (lambda path: (path / "config.json").write_text("[1]"), "is not the configuration"),
        (lambda path: (path / "config.json").write_text('{"model_type": "bert"}'), "of type 'bert'"),
        (lambda path: (path / "config.json").write_text('{"model_type": "esm"}'), "hidden_size is None"),
        (lambda path: (path / "vocab.txt").write_text("L A G"), "has no letter C"),
        (lambda path: (path / "model.safetensors").rename(path / "pytorch_model.bin"), "pickled weights"),
    ],
)
def test_what_is_no_model_is_refused_in_a_sentence(folder: Path, spoil, message: str) -> None:
    spoil(folder)
    with pytest.raises(InputError, match=message) as error:
        open_folder(folder)
    assert "\n" not in str(error.value)


def test_without_the_extra_what_to_install_is_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str):
        raise ImportError(name)

    monkeypatch.setattr(esm, "import_module", absent)
    with pytest.raises(InputError, match=r"pip install 'unfreeze\[plm\]'"):
        open_language_model(folder, tmp_path).residues(["MKTAYIAKQR"])
    monkeypatch.setattr(importlib.import_module("unfreeze.properties.language.folder"), "import_module", absent)
    with pytest.raises(InputError, match=r"somebody/esm2: no such folder.*unfreeze\[plm\]"):
        open_folder("somebody/esm2")


def test_the_forward_pass_is_that_of_transformers(tiny_esm: Path, tmp_path: Path) -> None:
    torch, transformers = (pytest.importorskip(name) for name in ("torch", "transformers"))
    tokenizer = transformers.EsmTokenizer.from_pretrained(tiny_esm)
    plain = transformers.EsmForMaskedLM.from_pretrained(tiny_esm).eval()

    def expected(text: str) -> np.ndarray:
        with torch.no_grad():
            found = plain(**tokenizer(text, return_tensors="pt"), output_hidden_states=True)
        return found.hidden_states[-1][0, 1:-1].numpy()

    chains = ["MKTAYIAKQRQISFVKSHFSRQ", "ACDEFGHIKLMNPQRSTVWYX", "MK", "ACDEFGHIKLMNPQRSTVWY" * 4]
    found = open_language_model(tiny_esm, tmp_path).residues(chains)
    for text, vectors in zip(chains[:3], found, strict=False):
        np.testing.assert_allclose(vectors, expected(text), atol=2e-3)  # of 16 bits
    long = chains[3]  # 80 residues, windows of 64: the first ends at 64, the second begins at 16
    np.testing.assert_allclose(found[3][:40], expected(long[:64])[:40], atol=2e-3)
    np.testing.assert_allclose(found[3][40:], expected(long[16:])[24:], atol=2e-3)


def test_weights_that_are_not_whole_are_refused(tiny_esm: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    copy = shutil.copytree(tiny_esm, tmp_path / "copy")
    tensors = load_file(copy / "model.safetensors")
    kept = {name: one for name, one in tensors.items() if "layer.1.output.dense.weight" not in name}
    assert len(kept) < len(tensors)
    save_file(kept, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"the weights lack .*layer\.1\.output\.dense\.weight"):
        open_language_model(copy, tmp_path).residues(["MKTAYIAKQR"])
    (copy / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(InputError, match="transformers cannot load the model"):
        open_language_model(copy, tmp_path).residues(["MKTAYIAKQR"])
