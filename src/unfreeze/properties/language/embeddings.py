"""`LanguageModel`: embeddings of chains, each computed once and kept in the user's cache by the content of both.

The folder is ``language-1/MODEL`` in ``UNFREEZE_CACHE``, or in the platform's cache folder: one ``.npy`` of 16-bit
numbers a chain. Removing it costs nothing but time.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from unfreeze.corpus.mutations import AMINO_ACIDS
from unfreeze.errors import InputError
from unfreeze.files.atomic import atomic_path
from unfreeze.properties.language.esm import Forward, load_esm
from unfreeze.properties.language.folder import open_folder
from unfreeze.properties.language.identity import LanguageIdentity
from unfreeze.properties.language.windows import batches, joined_windows, window_starts

__all__ = ["LanguageModel", "open_language_model", "readable"]

_MOST_TOKENS = 4096  # of a batch, with what it is padded with
_SCHEME = "language-1"

Progress = Callable[[int, int], None]


class LanguageModel:
    """A language model and what it said before.

    Parameters
    ----------
    identity
        Which model it is.
    longest
        Residues that it reads at once.
    load
        Gives the model itself, when a chain is not in the cache.
    cache
        Folder for embeddings.
    """

    def __init__(self, identity: LanguageIdentity, longest: int, load: Callable[[], Forward], cache: Path) -> None:
        self.identity, self.longest = identity, longest
        self._load, self._cache = load, cache / _SCHEME / identity.sha256[:24]
        self._forward: Forward | None = None

    def residues(self, sequences: Sequence[str], progress: Progress | None = None) -> list[NDArray[np.float16]]:
        """One vector a residue.

        Parameters
        ----------
        sequences
            One letter a residue; what is none of the twenty amino acids is read as X.
        progress
            Told how many chains of how many are there.

        Returns
        -------
        list of float16 [n_residues, width]
        """
        return self._found(sequences, ".npy", lambda one: one, progress)

    def summaries(
        self,
        sequences: Sequence[str],
        summary: Callable[[NDArray[np.float32]], NDArray[np.float32]],
        name: str,
        progress: Progress | None = None,
    ) -> list[NDArray[np.float16]]:
        """What a function makes of the vectors of every chain; only that is kept, for there may be many chains.

        Parameters
        ----------
        sequences, progress
            As for :meth:`residues`.
        summary
            From [n_residues, width] to what is kept.
        name
            Of the function, in names of files.
        """
        return self._found(sequences, f".{name}.npy", summary, progress)

    def _found(self, sequences: Sequence[str], ending: str, summary, progress: Progress | None):
        texts = [readable(one) for one in sequences]
        distinct = list(dict.fromkeys(texts))
        found = {text: one for text in distinct if (one := self._kept(self._path(text, ending), text)) is not None}
        missing = [text for text in distinct if text not in found]
        for group in batches([len(text) for text in missing], _MOST_TOKENS):
            if progress is not None:
                progress(len(found), len(distinct))
            chosen = [missing[k] for k in group]
            for text, vectors in zip(chosen, self._embedded(chosen), strict=True):
                found[text] = self._keep(self._path(text, ending), summary(vectors))
        return [found[text] for text in texts]

    def _embedded(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Vectors of chains, computed now."""
        if self._forward is None:
            self._forward = self._load()
        starts = [window_starts(len(text), self.longest) for text in texts]
        pieces = [text[at : at + self.longest] for text, begins in zip(texts, starts, strict=True) for at in begins]
        vectors: dict[int, NDArray[np.float32]] = {}
        for batch in batches([len(piece) for piece in pieces], _MOST_TOKENS):
            found = self._forward([pieces[k] for k in batch])
            vectors.update(zip(batch, found, strict=True))
        parts = iter([vectors[k] for k in range(len(pieces))])
        return [joined_windows([next(parts) for _ in begins], begins) for begins in starts]

    def _path(self, text: str, ending: str) -> Path:
        digest = hashlib.sha256(text.encode("ascii")).hexdigest()
        return self._cache / digest[:2] / f"{digest[:40]}{ending}"

    def _kept(self, path: Path, text: str) -> NDArray[np.float16] | None:
        """What the cache has; None where that is nothing, or not whole."""
        try:
            found = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        fits = found.ndim == 1 or found.shape == (len(text), self.identity.width)
        return found if found.dtype == np.float16 and fits else None

    def _keep(self, path: Path, values: NDArray[np.float32]) -> NDArray[np.float16]:
        with np.errstate(over="ignore"):
            small = values.astype(np.float16)
        if not np.isfinite(small).all():
            raise InputError(f"{self.identity.name}: the language model gives numbers that are not finite")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(path) as building, building.open("wb") as stream:
                np.save(stream, small, allow_pickle=False)
        except (OSError, InputError) as error:
            raise InputError(
                f"cannot write embeddings to the cache {self._cache} ({error}); set UNFREEZE_CACHE to a folder you can "
                f"write to"
            ) from None
        return small


def open_language_model(text: str | Path, cache: str | Path | None = None) -> LanguageModel:
    """Open a language model; it is loaded when the first chain is asked for that the cache does not have.

    Parameters
    ----------
    text
        Its folder, or its name at Hugging Face (:func:`unfreeze.properties.language.folder.open_folder`).
    cache
        Folder for embeddings; ``UNFREEZE_CACHE`` or the platform's cache folder when None.
    """
    folder = open_folder(text)
    chosen = cache or os.environ.get("UNFREEZE_CACHE") or platformdirs.user_cache_dir("unfreeze")
    return LanguageModel(folder.identity, folder.longest, lambda: load_esm(folder), Path(chosen).expanduser())


def readable(letters: str) -> str:
    """Letters as a language model reads them: the twenty amino acids, and X for all else."""
    return "".join(letter if letter in AMINO_ACIDS else "X" for letter in letters)
