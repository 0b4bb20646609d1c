"""Where chains are broken, and what is missing there: from the sequence record, or from numbers and distances.

Only finding is done here; closing gaps and ending chains are elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from unfreeze.structure.chemistry.polymers import residue_parent
from unfreeze.structure.prepare.draft import Draft, Residue

__all__ = ["Gap", "find_gaps"]

_TEXT = re.compile(r"(?P<chain>.+):(?P<name>\D*?)(?P<number>-?\d+)")
_STRETCHED_NM = 0.30
BACKBONE = {"protein": ("N", "CA", "C"), "nucleic": ("O5'", "C5'", "C4'", "C3'", "O3'")}


@dataclass
class Gap:
    """A place where a chain goes on, or should, without being bound.

    Attributes
    ----------
    before, after
        Residues at the gap; None beyond the first and the last residue of a chain.
    names
        Standard residues that are missing, in order; None where they are not known.
    note
        What is known about it, without a full stop.
    """

    before: Residue | None
    after: Residue | None
    names: list[str] | None
    note: str

    @property
    def label(self) -> str:
        """``A:LYS12-A:GLY20``."""
        return "-".join(one.label for one in (self.before, self.after) if one is not None)

    @property
    def distance_nm(self) -> float:
        """Distance from C (or O3') before to N (or P) after; NaN at chain ends and where one is missing."""
        if self.before is None or self.after is None:
            return float("nan")
        ends = ("O3'", "P") if self.before.kind == "nucleic" else ("C", "N")
        if ends[0] not in self.before.atoms or ends[1] not in self.after.atoms:
            return float("nan")
        return float(np.linalg.norm(self.before.at(ends[0]) - self.after.at(ends[1])))

    @property
    def stretched(self) -> bool:
        """Whether nothing is missing but the bond is too long, or only the phosphate between two nucleotides."""
        if self.names != [] or self.before is None or self.after is None:
            return False
        if self.before.kind == self.after.kind == "nucleic" and "P" not in self.after.atoms:
            oxygens = self.before.atoms.get("O3'"), self.after.atoms.get("O5'")
            if oxygens[0] is None or oxygens[1] is None:
                return False
            return float(np.linalg.norm(oxygens[0].position - oxygens[1].position)) < _STRETCHED_NM
        return self.distance_nm < _STRETCHED_NM


def find_gaps(draft: Draft) -> tuple[list[Gap], list[Residue]]:
    """Gaps of all chains, and the residues without a whole backbone, which count as missing.

    Parameters
    ----------
    draft
        Its source has what the sequence record has beyond the coordinates.

    Returns
    -------
    gaps
        In order; missing ends of chains are among them.
    incomplete
        To be dropped before the gaps are dealt with.
    """
    absent = _absent(draft)
    gaps: list[Gap] = []
    incomplete: list[Residue] = []
    for chain in dict.fromkeys(residue.chain for residue in draft.residues):
        residues = [residue for residue in draft.residues if residue.chain == chain and residue.polymer]
        if not residues:
            continue
        texts = absent.get(chain, [])
        names: list[str] | None = []
        while texts and texts[0][1] < residues[0].number:
            names.append(texts.pop(0)[0])
        before: Residue | None = None
        broken, first = bool(names), True
        for at, residue in enumerate(residues):
            if at > 0 and not residue.joined:
                broken = True
                missing = _run(texts, residues[at - 1])
                if missing is None and residue.number != residues[at - 1].number + 1:
                    names = None
                elif names is not None:
                    names += missing or []
            whole = residue.kind not in BACKBONE or all(name in residue.atoms for name in BACKBONE[residue.kind])
            if not whole:
                incomplete.append(residue)
                broken = True
                if names is not None:
                    names.append(residue.parent)
                continue
            if broken and (before is not None or first):
                gaps.append(_gap(before, residue, names))
            before, names, broken, first = residue, [], False, False
        trailing = _run(texts, residues[-1])
        if names is not None and (names or trailing):
            gaps.append(_gap(before, None, names + (trailing or [])))
    return gaps, incomplete


def _absent(draft: Draft) -> dict[str, list[tuple[str, int]]]:
    """Name (empty if not known) and number of the residues that are missing, by chain, in order."""
    found: dict[str, list[tuple[str, int]]] = {}
    for text in draft.source.missing_residues:
        parts = _TEXT.fullmatch(text)
        if parts:
            found.setdefault(parts["chain"], []).append((parts["name"], int(parts["number"])))
    return found


def _run(texts: list[tuple[str, int]], before: Residue) -> list[str] | None:
    """Names of the missing residues that follow a residue, taken from the list; None if there are none."""
    numbers = [number for _, number in texts]
    if before.number + 1 not in numbers:
        return None
    start = numbers.index(before.number + 1)
    end = start
    while end < len(texts) and numbers[end] == before.number + 1 + end - start:
        end += 1
    names = [name for name, _ in texts[start:end]]
    del texts[:end]
    return names


def _gap(before: Residue | None, after: Residue | None, names: list[str] | None) -> Gap:
    if names is not None and "" in names:
        n_missing, names = len(names), None
        return Gap(
            before, after, None, f"{n_missing} residue{'s' if n_missing > 1 else ''} by number, sequence unknown"
        )
    if names is None:
        return Gap(before, after, None, "what is missing is not known")
    if not names:
        return Gap(before, after, names, "no residue is missing")
    shown = " ".join(names[:12]) + (" ..." if len(names) > 12 else "")
    return Gap(before, after, [residue_parent(name) for name in names], f"{len(names)} missing: {shown}")
