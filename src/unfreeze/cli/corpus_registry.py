"""All that `unfreeze corpus import` knows, in the order in which it is listed: importers, and campaigns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from unfreeze.corpus.importers.registry import importer, names

__all__ = ["CAMPAIGN", "ImporterWords", "all_importers"]


class ImporterWords(NamedTuple):
    """What a list says of an importer."""

    name: str
    summary: str
    licence: str
    citation: str
    options: Mapping[str, str]


CAMPAIGN = ImporterWords(
    "campaign",
    "folders of campaigns or runs of unfreeze simulate; given again, what is new is appended",
    "as given",
    "",
    {"licence": "SPDX identifier of the licence"},
)


def all_importers() -> list[ImporterWords]:
    """Every importer; those of sets that need a package that is not installed are there, too."""
    found = [importer(name) for name in names()]
    words = [ImporterWords(one.name, one.summary, one.licence, one.citation, one.options) for one in found]
    return [*words, CAMPAIGN]
