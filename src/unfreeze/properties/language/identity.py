"""Which language model weights were trained with, and that it is the same one which is there now."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unfreeze.errors import InputError

__all__ = ["MAX_WIDTH", "LanguageIdentity", "agree"]

MAX_WIDTH = 8192


@dataclass(frozen=True)
class LanguageIdentity:
    """A language model, told from others by its content.

    Attributes
    ----------
    name
        Of its folder, for people.
    sha256
        Of weights, vocabulary, and what else decides the numbers that it gives.
    width
        Numbers a residue.
    """

    name: str
    sha256: str
    width: int

    @classmethod
    def read(cls, found: Any) -> LanguageIdentity:
        """From the header of a file of weights.

        Raises
        ------
        ValueError
            If it cannot be.
        """
        if not isinstance(found, Mapping) or set(found) != {"name", "sha256", "width"}:
            raise ValueError("'language' must give name, sha256 and width")
        name, sha256, width = found["name"], found["sha256"], found["width"]
        if not isinstance(name, str) or not isinstance(sha256, str) or not re.fullmatch("[0-9a-f]{64}", sha256):
            raise ValueError("'language' has no name or no checksum")
        if type(width) is not int or not 1 <= width <= MAX_WIDTH:
            raise ValueError(f"'language' has width {width!r}, expected 1 to {MAX_WIDTH}")
        return cls(name[:200], sha256, width)


def agree(weights: str, trained: LanguageIdentity | None, found: LanguageIdentity | None) -> None:
    """Refuse a language model other than that which weights were trained with, or none where there was one.

    Parameters
    ----------
    weights
        What messages call the weights.
    trained
        What they were trained with.
    found
        What is there.

    Raises
    ------
    InputError
        If these are not the same.
    """
    if trained is None:
        if found is not None:
            raise InputError(
                f"{weights}: trained without a language model, so that {found.name} cannot be used; give weights that "
                f"were trained with it (--model FILE), or leave --language-model out"
            )
        return
    mine = f"{weights}: trained with the language model {trained.name} ({trained.width} numbers a residue)"
    if found is None:
        raise InputError(f"{mine}; give its folder with --language-model")
    if found.width != trained.width:
        raise InputError(f"{mine}, but {found.name} has {found.width}; give the folder of {trained.name}")
    if found.sha256 != trained.sha256:
        raise InputError(
            f"{mine}, but {found.name} is another model (sha256 {found.sha256[:12]}… and not {trained.sha256[:12]}…); "
            f"give the folder of {trained.name}"
        )
