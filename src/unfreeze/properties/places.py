"""Where mutations are: residues of a structure by name, and one partner of a complex alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.complex import Complex

__all__ = ["chains_of", "label_of", "partner_atoms", "residue_labels"]


def chains_of(molecule: Complex, text: str) -> tuple[str, ...]:
    """Names of the chains of a partner: ``HL``, ``H1,L1`` or one name of several letters."""
    if text in molecule.chain_name.tolist():
        return (text,)
    return tuple(text.split(",")) if "," in text else tuple(text)


def partner_atoms(molecule: Complex, partners: Sequence[str], part: str) -> Complex:
    """The complex of two partners, or one of them, with what the file counts as part of their chains.

    Parameters
    ----------
    molecule
        All there is.
    partners
        Two texts as in :func:`chains_of`.
    part
        ``bound``, ``first`` or ``second``.
    """
    chosen = {"bound": partners, "first": partners[:1], "second": partners[1:]}[part]
    names = [name for text in chosen for name in chains_of(molecule, text)]
    return molecule.take_atoms(np.isin(molecule.chain_name[molecule.atom_chain_index], names))


def residue_labels(molecule: Complex, residues: NDArray[np.int64]) -> list[str]:
    """``A:12``, ``A:12B`` of residues."""
    chains = molecule.chain_name[molecule.chain_index[residues]].tolist()
    numbers = molecule.residue_number[residues].tolist()
    codes = np.char.upper(molecule.residue_insertion_code[residues]).tolist()
    return [f"{chain}:{number}{code}" for chain, number, code in zip(chains, numbers, codes, strict=True)]


def label_of(chain: str, number: int, insertion_code: str) -> str:
    """The same of one residue."""
    return f"{chain}:{number}{insertion_code}"
