"""The folder of a language model in the layout of Hugging Face, looked at before anything of it is loaded.

Expected are ``config.json`` (an ESM-2 model, or ESM-1b), ``vocab.txt``, and weights as safetensors, in one file or in
several with ``model.safetensors.index.json``. Pickled weights are never opened, nor is code that lies beside them.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from unfreeze.corpus.mutations import AMINO_ACIDS
from unfreeze.errors import InputError
from unfreeze.properties.language.identity import MAX_WIDTH, LanguageIdentity

__all__ = ["EXTRA", "LanguageFolder", "open_folder"]

EXTRA = "a protein language model needs transformers and torch: pip install 'unfreeze[plm]'"

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_CONFIG, _VOCABULARY, _WEIGHTS, _INDEX = "config.json", "vocab.txt", "model.safetensors", "model.safetensors.index.json"
_SMALL_FILES = ("tokenizer_config.json", "special_tokens_map.json")
_DECIDING = (
    *("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "position_embedding_type"),
    *("max_position_embeddings", "layer_norm_eps", "emb_layer_norm_before", "token_dropout"),
    *("mask_token_id", "pad_token_id"),
)
_SPECIALS = 4  # positions of a window that no residue has: both ends of a chain, and where ESM begins to count


@dataclass(frozen=True)
class LanguageFolder:
    """A folder that was looked at.

    Attributes
    ----------
    path
        Where it is.
    identity
        Which model it holds.
    longest
        Residues that the model reads at once.
    """

    path: Path
    identity: LanguageIdentity
    longest: int


def open_folder(text: str | Path) -> LanguageFolder:
    """Look at a folder, or at the one that Hugging Face keeps for a name.

    Parameters
    ----------
    text
        A folder; or a name such as ``facebook/esm2_t12_35M_UR50D``, which is downloaded once unless it is there.

    Raises
    ------
    InputError
        If there is no such folder, or no model in it that can be read.
    """
    path = Path(text).expanduser()
    name = path.resolve().name
    if not path.is_dir():
        if path.exists() or not _NAME.fullmatch(str(text)):
            raise InputError(f"{text}: no such folder; expected an ESM-2 model in the layout of Hugging Face")
        path, name = _downloaded(str(text)), str(text)
    config = _config(path)
    width, positions = config.get("hidden_size"), config.get("max_position_embeddings")
    if type(width) is not int or not 1 <= width <= MAX_WIDTH:
        raise InputError(f"{path / _CONFIG}: hidden_size is {width!r}, expected 1 to {MAX_WIDTH}")
    if type(positions) is not int or not 16 <= positions <= 100_000:
        raise InputError(f"{path / _CONFIG}: max_position_embeddings is {positions!r}, expected 16 to 100,000")
    _check_vocabulary(path / _VOCABULARY)
    digest = hashlib.sha256(json.dumps({key: config.get(key) for key in _DECIDING}, sort_keys=True).encode())
    for file in (path / _VOCABULARY, *_weights(path)):
        try:
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        except OSError as error:
            raise InputError(f"{file}: cannot be read ({error.strerror or error}), and is part of the model") from None
    return LanguageFolder(path, LanguageIdentity(name, digest.hexdigest(), width), positions - _SPECIALS)


def _config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads((path / _CONFIG).read_text(encoding="utf-8"))
        kind = config.get("model_type")
    except OSError:
        raise InputError(f"{path}: holds no {_CONFIG}; expected an ESM-2 model as Hugging Face lays it out") from None
    except (ValueError, AttributeError):
        raise InputError(f"{path / _CONFIG}: is not the configuration of a model; copy or download it again") from None
    if kind != "esm":
        raise InputError(f"{path}: holds a model of type {kind!r}; of language models only ESM-2 (type 'esm') is read")
    return config


def _check_vocabulary(path: Path) -> None:
    try:
        absent = sorted({*AMINO_ACIDS, "X"} - set(path.read_text(encoding="utf-8").split()))
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path}: cannot be read, and is part of the model; download it again") from None
    if absent:
        raise InputError(f"{path}: has no letter {absent[0]}; expected the vocabulary of ESM-2")


def _weights(path: Path) -> list[Path]:
    if (path / _WEIGHTS).is_file():
        return [path / _WEIGHTS]
    if not (path / _INDEX).is_file():
        raise InputError(
            f"{path}: holds no {_WEIGHTS}; pickled weights (.bin, .pt) are never read, for they can run programs: "
            f"save them as safetensors (save_pretrained of transformers does)"
        )
    try:
        names = set(json.loads((path / _INDEX).read_text(encoding="utf-8"))["weight_map"].values())
        return sorted(path / Path(name).name for name in names)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{path / _INDEX}: cannot be read; copy or download the model again") from None


def _downloaded(name: str) -> Path:
    try:
        hub = import_module("huggingface_hub")
    except ImportError:
        raise InputError(f"{name}: no such folder, and to download it {EXTRA}") from None
    wanted = [_CONFIG, _VOCABULARY, *_SMALL_FILES, "model*.safetensors", _INDEX]
    try:
        return Path(hub.snapshot_download(name, allow_patterns=wanted))
    except Exception as error:  # of the network, of the hub, of the disk: the library has dozens
        why = " ".join(str(error).split())[:160]
        raise InputError(f"{name}: neither a folder nor a model that could be downloaded ({why})") from None
