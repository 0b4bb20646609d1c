"""ESM-2 through transformers (Lin et al. 2023, Science 379, 1123): the numbers that it has for residues."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.properties.language.folder import EXTRA, LanguageFolder

__all__ = ["Forward", "load_esm"]

Forward = Callable[[Sequence[str]], list[NDArray[np.float32]]]
"""From texts of one letter a residue, none too long for the model, to [n_residues, width] each."""

_UNUSED = ("pooler.", "contact_head.")


def load_esm(folder: LanguageFolder) -> Forward:
    """Load a model; its last hidden states are what it gives.

    Parameters
    ----------
    folder
        Of the model. Only safetensors are read, and no code of the folder is run.

    Raises
    ------
    InputError
        If transformers is not installed, or the weights are not whole.
    """
    try:
        torch, transformers = import_module("torch"), import_module("transformers")
    except ImportError:
        raise InputError(f"{folder.identity.name}: {EXTRA}") from None
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    where = {"local_files_only": True}
    try:
        model, found = transformers.EsmModel.from_pretrained(
            folder.path, use_safetensors=True, add_pooling_layer=False, output_loading_info=True, **where
        )
        tokenizer = transformers.EsmTokenizer.from_pretrained(folder.path, **where)
        absent = sorted(str(name) for name in found["missing_keys"] if not str(name).startswith(_UNUSED))
        absent += [str(one) for one in found["mismatched_keys"]]
    except Exception as error:  # whatever the library makes of files that are not whole
        why = " ".join(str(error).split())[:200]
        raise InputError(f"{folder.path}: transformers cannot load the model ({why})") from None
    if absent:
        more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        raise InputError(f"{folder.path}: the weights lack {absent[0]}{more}; copy or download the model again")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = model.float().eval().to(device)

    def forward(texts: Sequence[str]) -> list[NDArray[np.float32]]:
        given = tokenizer([" ".join(text) for text in texts], padding=True, return_tensors="pt")
        with torch.inference_mode():
            hidden = model(**{name: one.to(device) for name, one in given.items()}).last_hidden_state.cpu().numpy()
        # before the residues stands one token that opens the chain
        return [hidden[k, 1 : 1 + len(text)] for k, text in enumerate(texts)]

    return forward
