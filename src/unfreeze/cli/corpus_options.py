"""Options that several commands of `unfreeze corpus` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "SMALLER",
    "CorpusArgument",
    "EntriesOption",
    "JsonOption",
    "PlaceArgument",
    "parse_fractions",
    "parse_settings",
    "quoted",
]

SMALLER = "Take fewer at a time (--only, --entry)."

CorpusArgument = Annotated[str, typer.Argument(metavar="CORPUS", help="Folder of the corpus, or its URL.")]


def _a_folder(path: Path) -> Path:
    if ":/" in str(path):  # Path makes one stroke of two
        raise typer.BadParameter(f"{path}: a URL; a corpus is written and verified where it lies, by its folder")
    return path


PlaceArgument = Annotated[Path, typer.Argument(metavar="CORPUS", help="Folder of the corpus.", callback=_a_folder)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print a summary for programs, and nothing else.")]
EntriesOption = Annotated[
    list[str] | None, typer.Option("--entry", metavar="NAME", help="Only this entry; give it again for more.")
]


def parse_settings(texts: list[str] | None) -> dict[str, str]:
    """``NAME=VALUE`` options as a mapping.

    Raises
    ------
    typer.BadParameter
        If one has no name or no ``=``.
    """
    settings = {}
    for text in texts or []:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise typer.BadParameter(f"{text!r}; expected NAME=VALUE", param_hint="--set")
        settings[name.strip()] = value
    return settings


def parse_fractions(text: str) -> dict[str, float]:
    """``train=0.8,validation=0.1,test=0.1`` as a mapping.

    Raises
    ------
    typer.BadParameter
        If that cannot be read.
    """
    try:
        pairs = [part.split("=") for part in text.split(",")]
        fractions = {name.strip(): float(share) for name, share in pairs}
        if len(fractions) != len(pairs) or not all(0 < share <= 1 for share in fractions.values()):
            raise ValueError
    except ValueError:
        raise typer.BadParameter(
            f"{text!r}; expected names and shares above 0, such as train=0.8,validation=0.1,test=0.1",
            param_hint="--fractions",
        ) from None
    return fractions


def quoted(value: object) -> str:
    """As a shell takes it."""
    import shlex

    return shlex.quote(str(value))
