"""Choices as people write them, found in the structure: residues, mutations, states and disulfides.

What does not fit the structure is refused with what is there instead.
"""

from __future__ import annotations

import re

import gemmi

from unfreeze.errors import InputError
from unfreeze.structure.chemistry.residues import AMINO_ACIDS
from unfreeze.structure.prepare.draft import Bond, Draft, Residue
from unfreeze.structure.prepare.hydrogens import STATES

__all__ = ["find_disulfides", "find_mutations", "find_residue", "find_states"]

_ADDRESS = re.compile(r"\s*([^:\s]+)\s*:\s*(-?\d+)([A-Za-z]?)\s*")
_MUTATION = re.compile(r"\s*([^:\s]+)\s*:\s*([A-Za-z0-9]{3}|[A-Za-z])(-?\d+)([A-Za-z]?)([A-Za-z]{3}|[A-Za-z])\s*")
_LETTERS = {acid.letter: name for name, acid in AMINO_ACIDS.items()}
_MOST_DISULFIDE_NM = 0.6


def find_residue(draft: Draft, address: str, option: str) -> Residue:
    """The residue at an address such as ``A:57`` or ``H:100A``.

    Raises
    ------
    InputError
        If it is not written so or there is none.
    """
    found = _ADDRESS.fullmatch(address)
    if not found:
        raise InputError(f"{option}: {address!r} is no residue; write chain and number, such as A:57 or H:100A")
    chain, number, code = found[1], int(found[2]), found[3]
    return _residue(draft, chain, number, code, option, address)


def _residue(draft: Draft, chain: str, number: int, code: str, option: str, text: str) -> Residue:
    chains = list(dict.fromkeys(residue.chain for residue in draft.residues))
    if chain not in chains:
        raise InputError(f"{option}: {text!r}: there is no chain {chain}; there are {', '.join(chains)}")
    here = [residue for residue in draft.residues if residue.chain == chain and residue.number == number]
    exact = [residue for residue in here if residue.code == code]
    exact = [residue for residue in exact if residue.kind in ("protein", "nucleic")] or exact
    if exact:
        return exact[0]
    if here:
        raise InputError(
            f"{option}: {text!r}: found {', '.join(one.label for one in here)} there; mind insertion codes"
        )
    numbers = [residue.number for residue in draft.residues if residue.chain == chain and residue.polymer]
    span = f"its residues are numbered {min(numbers)} to {max(numbers)}" if numbers else "it has no polymer"
    raise InputError(f"{option}: {text!r}: chain {chain} has no residue {number}{code}; {span}")


def find_mutations(draft: Draft, texts: tuple[str, ...]) -> list[tuple[Residue, str]]:
    """Residues to mutate, and what each becomes.

    Parameters
    ----------
    draft
        The structure.
    texts
        ``A:K15A``, ``A:LYS15ALA``, ``H:T100aA``.

    Raises
    ------
    InputError
        If one is not written so, names a residue that is not there, or another than is found.
    """
    found: list[tuple[Residue, str]] = []
    for text in texts:
        parts = _MUTATION.fullmatch(text)
        if not parts:
            raise InputError(f"mutation {text!r} is not understood; write chain:residue, number, new residue: A:K15A")
        chain, old, number, code, new = parts.groups()
        wanted = new.upper() if len(new) == 3 else _LETTERS.get(new.upper(), "")
        if wanted not in AMINO_ACIDS:
            raise InputError(f"mutation {text!r}: {new} is none of the 20 amino acids")
        residue = _mutated(draft, chain, int(number), code, text)
        if residue.kind != "protein":
            raise InputError(f"mutation {text!r}: {residue.label} is no amino acid; only these are mutated")
        if old.upper() not in _names(residue):
            raise InputError(f"mutation {text!r}: found {residue.label} there, not {old}; check chain and numbering")
        if any(other is residue for other, _ in found):
            raise InputError(f"mutation {text!r}: {residue.label} is mutated twice")
        found.append((residue, wanted))
    return found


def _mutated(draft: Draft, chain: str, number: int, code: str, text: str) -> Residue:
    """The residue at an address whose insertion code may be written large or small."""
    codes = {
        residue.code
        for residue in draft.residues
        if residue.chain == chain and residue.number == number and residue.code
    }
    same = sorted(one for one in codes if one.upper() == code.upper())
    return _residue(draft, chain, number, code if code in codes or not same else same[0], "mutation", text)


def _names(residue: Residue) -> set[str]:
    """What a residue may be called in a mutation: its name, that of its parent, and its letter."""
    parent = residue.parent
    letter = AMINO_ACIDS[parent].letter if parent in AMINO_ACIDS else ""
    tabulated = gemmi.find_tabulated_residue(residue.name).one_letter_code.strip().upper()
    return {residue.name, parent, letter, tabulated} - {""}


def find_states(draft: Draft, texts: tuple[str, ...]) -> dict[int, str]:
    """States chosen for single residues, by id of the residue.

    Raises
    ------
    InputError
        If one is not written ``A:57=HIP`` or is no state of the residue.
    """
    states: dict[int, str] = {}
    for text in texts:
        address, equals, state = (part.strip() for part in text.partition("="))
        if not equals:
            raise InputError(f"state {text!r} is not understood; write residue=state, such as A:57=HIP")
        residue, state = find_residue(draft, address, "state"), state.upper()
        options = STATES.get(residue.name, ())
        if not options:
            raise InputError(f"state {text!r}: {residue.label} has one state only; {', '.join(STATES)} have several")
        if state == "CYX" or state not in options:
            free = ", ".join(option for option in options if option != "CYX")
            more = "; disulfides are chosen with --disulfides" if residue.name == "CYS" else ""
            raise InputError(f"state {text!r}: {residue.label} can be {free}{more}")
        states[id(residue)] = state
    return states


def find_disulfides(draft: Draft, texts: tuple[str, ...]) -> list[Bond]:
    """Disulfides given as pairs such as ``A:5-A:55``.

    Raises
    ------
    InputError
        If a pair is not written so, is not of two cysteines, or is too far apart to be bound.
    """
    bonds: list[Bond] = []
    used: set[int] = set()
    for text in texts:
        parts = re.fullmatch(r"(.+\d[A-Za-z]?)\s*-\s*(.+)", text.strip())
        if not parts:
            raise InputError(f"disulfide {text!r} is not understood; write two residues, such as A:5-A:55")
        pair = [find_residue(draft, part, "disulfide") for part in parts.groups()]
        for residue in pair:
            if residue.name != "CYS" or "SG" not in residue.atoms:
                raise InputError(f"disulfide {text!r}: {residue.label} is no cysteine with SG")
            if id(residue) in used:
                raise InputError(f"disulfide {text!r}: {residue.label} is in two disulfides")
            used.add(id(residue))
        gap = float(((pair[0].at("SG") - pair[1].at("SG")) ** 2).sum() ** 0.5)
        if pair[0] is pair[1] or gap > _MOST_DISULFIDE_NM:
            raise InputError(
                f"disulfide {text!r}: the sulfurs are {gap:.2f} nm apart; a bond is 0.2 nm long, "
                f"and minimising cannot close more than {_MOST_DISULFIDE_NM} nm"
            )
        bonds.append((pair[0], "SG", pair[1], "SG"))
    return bonds
