"""What all pages share: templates, styles and scripts of the package, put together so that a page loads nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import jinja2

from unfreeze.report.packing import content_hash

__all__ = ["Assets", "assets", "page_environment"]


@dataclass(frozen=True)
class Assets:
    """Style and script of a page.

    Attributes
    ----------
    style, script
        Texts that are put into the page.
    script_sources
        What its Content-Security-Policy lets run: the script, and others by their hashes.
    """

    style: str
    script: str
    script_sources: str


def assets(styles: Sequence[str], scripts: Sequence[str], *others: str) -> Assets:
    """Join files of the package.

    Parameters
    ----------
    styles, scripts
        Names of files in ``static``; scripts share one scope and nothing outside of it.
    *others
        Further scripts that the page may run, such as that of a viewer.
    """
    script = "(() => {\n'use strict';\n" + "\n".join(_text("static", name) for name in scripts) + "\n})();"
    sources = " ".join(content_hash(text) for text in (script, *others))
    return Assets("".join(_text("static", name) for name in styles), script, sources)


def page_environment(**filters: Callable[..., Any]) -> jinja2.Environment:
    """Templates of the package: everything that is put into them is escaped, and a name that is not known fails."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: _text("templates", name)),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters)
    return environment


def _text(folder: str, name: str) -> str:
    found = resources.files("unfreeze.report").joinpath(folder, name).read_text(encoding="utf-8")
    return found.replace("\r\n", "\n")
