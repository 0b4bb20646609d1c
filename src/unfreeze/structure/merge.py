"""`merge_complexes`: several complexes side by side as one, in the coordinates that they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from unfreeze.structure.chemistry.links import find_links
from unfreeze.structure.complex import Complex, Source

__all__ = ["merge_complexes"]


def merge_complexes(parts: Sequence[Complex], chain_names: Sequence[str], name: str = "") -> Complex:
    """Put complexes side by side.

    Parameters
    ----------
    parts
        What to merge; nothing is moved.
    chain_names
        Name of every chain of the whole, in the order of the parts, each once.
    name
        Name of the source of the whole.

    Returns
    -------
    Complex
        Links are found anew, so that bonds between the parts are known.

    Raises
    ------
    ValueError
        If there is not one name a chain or a name is there twice.
    """
    n_chains = sum(part.n_chains for part in parts)
    if len(chain_names) != n_chains or len(set(chain_names)) != n_chains:
        raise ValueError(f"expected {n_chains} different chain names, got {', '.join(chain_names)}")
    shift = {
        "residue_index": np.cumsum([0, *(part.n_residues for part in parts)]),
        "chain_index": np.cumsum([0, *(part.n_chains for part in parts)]),
        "links": np.cumsum([0, *(part.n_atoms for part in parts)]),
    }
    values: dict[str, Any] = {}
    for item in fields(Complex):
        columns = [getattr(part, item.name) for part in parts]
        if item.name == "source":
            notes = [note for part in parts for note in part.source.notes]
            values[item.name] = Source(name=name, notes=tuple(dict.fromkeys(notes)))
        elif item.name == "chain_name":
            values[item.name] = np.array(list(chain_names))
        elif item.name in shift:
            moved = [column + by for column, by in zip(columns, shift[item.name][:-1], strict=True)]
            values[item.name] = np.concatenate(moved)
        else:
            values[item.name] = np.concatenate(columns)
    merged = Complex(**values)
    return replace(merged, links=find_links(merged))
