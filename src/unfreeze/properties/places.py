"""Where mutations are: residues of a structure by name, chains of a partner, and one partner of a complex alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex

__all__ = ["chains_of", "label_of", "partner_atoms", "read_chains", "residue_labels", "sides_of"]


def read_chains(text: str, chains: Collection[str]) -> tuple[str, ...]:
    """Names that a text means, whether there are such chains or not.

    Parameters
    ----------
    text
        ``HL``, ``H1,L1``, or one name of several letters where there is such a chain.
    chains
        All there are.
    """
    plain = text.strip()
    if plain in chains:
        return (plain,)
    return tuple(part.strip() for part in plain.split(",")) if "," in plain else tuple(plain)


def chains_of(molecule: Complex, partner: str | Sequence[str]) -> tuple[str, ...]:
    """Names of the chains of a partner, each once.

    Parameters
    ----------
    molecule
        The complex.
    partner
        A text as for :func:`read_chains`, or the names.

    Raises
    ------
    InputError
        If a chain is not in the complex or none is named.
    """
    known = [str(name) for name in molecule.chain_name]
    wanted = read_chains(partner, known) if isinstance(partner, str) else tuple(str(name) for name in partner)
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        raise InputError(
            f"{molecule.source.name or 'the structure'}: no chain {', '.join(map(repr, unknown)) or 'given'} for the "
            f"partner {partner!r}; it has {', '.join(known)}. Write partners as HL and A, or with commas where names "
            f"are longer"
        )
    return tuple(dict.fromkeys(wanted))


def sides_of(molecule: Complex, partners: Sequence[str | Sequence[str]] | None) -> NDArray[np.int64]:
    """Side of the interface of every residue, −1 for neither: [n_residues].

    Raises
    ------
    InputError
        If a partner names a chain that is not there.
    """
    side = np.full(molecule.n_residues, -1, dtype=np.int64)
    for number, partner in enumerate(partners or ()):
        side[np.isin(molecule.chain_name, chains_of(molecule, partner))[molecule.chain_index]] = number
    return side


def partner_atoms(molecule: Complex, partners: Sequence[str], part: str) -> Complex:
    """The complex of two partners, or one of them, with what the file counts as part of their chains.

    Parameters
    ----------
    molecule
        All there is.
    partners
        Two texts as for :func:`read_chains`; chains that are not there add nothing.
    part
        ``bound``, ``first`` or ``second``.
    """
    chosen = {"bound": partners, "first": partners[:1], "second": partners[1:]}[part]
    known = molecule.chain_name.tolist()
    names = [name for text in chosen for name in read_chains(text, known)]
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
