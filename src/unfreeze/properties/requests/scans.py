"""Scans: every residue of an interface, of a chain or of everything, to the 19 others or to those wished for."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from unfreeze.corpus.mutations import AMINO_ACIDS
from unfreeze.errors import InputError
from unfreeze.properties.requests.mutations import MAX_REQUESTS, Requested
from unfreeze.properties.requests.partners import Partners
from unfreeze.properties.requests.residues import MutableResidues, Site
from unfreeze.structure.chemistry.residues import AMINO_ACIDS as BY_NAME

__all__ = ["amino_acids_of", "scan"]

_LETTER = {name: acid.letter for name, acid in BY_NAME.items() if acid.letter in AMINO_ACIDS}


def amino_acids_of(text: str | None) -> str:
    """The letters that `text` names: ``ALA``, ``ALA,VAL``, or one letter each as ``AVL``; all 20 for None.

    A text of three letters that is the name of an amino acid is taken for that.

    Raises
    ------
    InputError
        If a part is none of these.
    """
    if text is None:
        return AMINO_ACIDS
    found = ""
    for part in text.replace(" ", ",").upper().split(","):
        unknown = "" if part in _LETTER else "".join(letter for letter in part if letter not in AMINO_ACIDS)
        if not part or unknown:
            raise InputError(
                f"--to {text}: {unknown or 'nothing'} is no amino acid; give names such as ALA, or letters such as AVL"
            )
        found += _LETTER.get(part, part)
    return "".join(dict.fromkeys(found))


def scan(
    what: str,
    residues: MutableResidues,
    *,
    partners: Partners | None = None,
    to: str = AMINO_ACIDS,
) -> Requested:
    """The single mutations of a scan.

    Parameters
    ----------
    what
        ``interface`` (needs partners), ``chain:A`` or ``all``.
    residues
        What can be mutated.
    partners
        The two sides of an interface; with them, ``all`` is all chains of either.
    to
        Letters to mutate to.

    Raises
    ------
    InputError
        If there is no such scan or chain, nothing to mutate, or too much.
    """
    notes, rows = [], None
    chains: Collection[str] = partners.chains if partners is not None else residues.chains
    if what == "interface":
        if partners is None:
            raise InputError("--scan interface: an interface is between two partners; ask for chain:A or all")
        rows = partners.interface
        sites: Sequence[Site] = [site for site in residues.sites if site.row in rows]
        counts = [sum(site.chain in side for site in sites) for side in (partners.first, partners.second)]
        notes.append(
            f"The scan mutates {counts[0]} residues of {partners.names[0]} and {counts[1]} of {partners.names[1]}, "
            f"those with a heavy atom within {10 * partners.cutoff_nm:g} Å of the other partner."
        )
    elif what == "all":
        sites = [site for site in residues.sites if site.chain in chains]
    elif what.startswith("chain:"):
        chain = what.removeprefix("chain:")
        if partners is not None and chain in residues.chains and chain not in partners.chains:
            raise InputError(f"--scan {what}: chain {chain} is of neither partner ({partners}); choose one that is")
        chains, sites = (chain,), residues.of_chain(chain)
    else:
        raise InputError(f"--scan {what}: expected interface, chain:A (a chain name) or all")
    mutations = tuple((site.to(mutant),) for site in sites for mutant in to if mutant != site.letter)
    if not mutations:
        raise InputError(f"--scan {what}: there is nothing to mutate to {', '.join(to)} in {residues.name}")
    if len(mutations) > MAX_REQUESTS:
        raise InputError(
            f"--scan {what}: {len(mutations):,} mutations, and at most {MAX_REQUESTS:,} are predicted at once; scan "
            f"chain by chain, or to fewer amino acids with --to"
        )
    return Requested(mutations, (*notes, *residues.notes(chains, rows)))
