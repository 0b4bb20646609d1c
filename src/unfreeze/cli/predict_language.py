"""Weights that were trained with a protein language model, and that model, which the user has."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unfreeze.properties.effect_model import EffectModel
    from unfreeze.properties.protein.model import ProteinModel

__all__ = ["effects_with_language", "language_entry", "proteins_with_language"]


def effects_with_language(model: Path | None, folder: str | None) -> EffectModel | Path | None:
    """Weights of mutation effects as they were named, or read together with a language model where one was.

    Raises
    ------
    InputError
        If one of them cannot be read, or they do not belong together.
    """
    if folder is None:
        return model
    from unfreeze.properties.effect_model import load_effect_model
    from unfreeze.properties.language.embeddings import open_language_model

    return load_effect_model(model, open_language_model(folder))


def proteins_with_language(model: Path | None, folder: str | None) -> ProteinModel | None:
    """The same of weights of whole proteins; None for those of this installation.

    Raises
    ------
    InputError
        If one of them cannot be read, or they do not belong together.
    """
    if model is None and folder is None:
        return None
    from unfreeze.properties.language.embeddings import open_language_model
    from unfreeze.properties.protein.weights import load_protein_model

    return load_protein_model(model, open_language_model(folder) if folder is not None else None)


def language_entry(model: Any) -> dict[str, Any]:
    """What a record says of the language model that weights were used with; nothing where there was none."""
    reader = getattr(model, "reader", None)
    return {"language_model": asdict(reader.identity)} if reader is not None else {}
