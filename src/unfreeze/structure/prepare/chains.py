"""Making chains whole: short gaps are built, what stays open is capped or charged, missing atoms are added.

Where gaps are is found in :mod:`unfreeze.structure.prepare.gaps`; the coordinates come from the modules on loops, ends
and side chains. What is done is noted.
"""

from __future__ import annotations

import zlib
from collections.abc import Container

import numpy as np

from unfreeze.errors import InputError
from unfreeze.structure.chemistry.residues import AMINO_ACIDS
from unfreeze.structure.prepare.changes import Changes
from unfreeze.structure.prepare.draft import Draft, Residue
from unfreeze.structure.prepare.ends import add_ace, add_nme, charge_end
from unfreeze.structure.prepare.gaps import Gap, find_gaps
from unfreeze.structure.prepare.loops import build_loop
from unfreeze.structure.prepare.nucleotides import complete_nucleotides, name_old_dna
from unfreeze.structure.prepare.settings import PreparationSettings
from unfreeze.structure.prepare.side_chains import add_carbonyl, complete_side_chain, lacks

__all__ = ["make_whole"]


def make_whole(
    draft: Draft, settings: PreparationSettings, changes: Changes, given_up: Container[str]
) -> dict[int, str]:
    """Close or end every chain, and add the heavy atoms that are missing.

    Parameters
    ----------
    draft
        Changed in place.
    settings
        The choices.
    changes
        Told what is done.
    given_up
        Labels of gaps that are not to be built.

    Returns
    -------
    dict
        Label of the gap for every residue that was built to close one, by id of the residue.

    Raises
    ------
    InputError
        If no residue has its whole backbone.
    """
    for chain in name_old_dna(draft):
        changes.add("renamed", "", f"Chain {chain} has no O2' and is DNA; its nucleotides are called so.")
    gaps, incomplete = find_gaps(draft)
    for residue in incomplete:
        changes.add("dropped", residue.label, f"{residue.label} lacks backbone atoms and counts as missing.")
    draft.drop(incomplete)
    if not any(residue.kind in ("protein", "nucleic") for residue in draft.residues):
        raise InputError(
            f"{draft.source.name or 'structure'}: no residue has its whole backbone (N, CA, C); a model of "
            "representative atoms cannot be prepared"
        )
    for segment in draft.segments():
        for residue in segment[:-1]:
            if residue.atoms.pop("OXT", None) is not None:
                changes.add("dropped", residue.label, f"{residue.label}: OXT dropped; the chain goes on there.")
    for residue in draft.residues:
        if residue.kind == "protein" and lacks(residue):
            _complete(draft, residue, changes)
    gaps = [gap for gap in gaps if not _join(gap, changes)]
    for segment in draft.segments():
        first = segment[0]
        gone = [name for name in ("P", "OP1", "OP2", "OP3") if first.kind == "nucleic" and first.atoms.pop(name, None)]
        if gone:
            changes.add("terminus", first.label, f"{first.label}: the 5' phosphate was taken off ({' '.join(gone)}).")
    for residue, names in complete_nucleotides(draft, settings.seed):
        verb = "were" if len(names) > 1 else "was"
        changes.add("built", residue.label, f"{residue.label}: {' '.join(names)} {verb} built.")
    starts, stops, made = _deal_with_gaps(draft, gaps, settings, changes, given_up)
    for segment in draft.segments():
        _end_segment(draft, segment, starts, stops, settings, changes)
    return made


def _complete(draft: Draft, residue: Residue, changes: Changes) -> None:
    """Add the atoms that an amino acid lacks, the carbonyl oxygen first."""
    built = []
    if "O" not in residue.atoms:
        at = draft.residues.index(residue)
        following = draft.residues[at + 1] if at + 1 < len(draft.residues) else None
        add_carbonyl(residue, following, draft.heavy_positions(without=[residue]))
        built.append("O")
    built += complete_side_chain(residue, draft.heavy_positions(without=[residue]))
    if not residue.built:
        verb = "were" if len(built) > 1 else "was"
        changes.add("built", residue.label, f"{residue.label}: {' '.join(built)} {verb} built.")


def _join(gap: Gap, changes: Changes) -> bool:
    """Bind the ends of a gap at which nothing is missing; whether that was so."""
    if not gap.stretched or gap.after is None:
        return False
    gap.after.joined = True
    if gap.distance_nm > 0:
        changes.add("joined", gap.label, f"{gap.label} were bound, although {gap.distance_nm:.2f} nm apart.")
        changes.warn(f"The bond {gap.label} is {gap.distance_nm:.2f} nm long in the input.")
    return True


def _deal_with_gaps(
    draft: Draft, gaps: list[Gap], settings: PreparationSettings, changes: Changes, given_up: Container[str]
) -> tuple[dict[int, Gap], dict[int, Gap], dict[int, str]]:
    """Build what can be built; for what stays open, the gap at every start and stop of a stretch, by id."""
    starts: dict[int, Gap] = {}
    stops: dict[int, Gap] = {}
    made: dict[int, str] = {}
    for gap in gaps:
        inner = gap.before is not None and gap.after is not None
        if inner and _buildable(gap, settings):
            if gap.label in given_up:
                reason = "built, but not free of faults"
            elif (residues := _build(draft, gap, settings, changes)) is not None:
                made.update(dict.fromkeys(map(id, residues), gap.label))
                continue
            else:
                reason = "no way to build them without clashes was found"
            changes.warn(f"The gap {gap.label} is left open: {reason}.")
        if gap.after is not None:
            starts[id(gap.after)] = gap
        if gap.before is not None:
            stops[id(gap.before)] = gap
        if inner:
            changes.add("gap", gap.label, f"The chain stays open between {gap.label} ({gap.note}).")
        else:
            side = "before" if gap.before is None else "after"
            changes.add("gap", gap.label, f"Residues {side} {gap.label} are not built ({gap.note}).")
    return starts, stops, made


def _buildable(gap: Gap, settings: PreparationSettings) -> bool:
    ends = (gap.before, gap.after)
    protein = all(end is not None and end.kind == "protein" for end in ends)
    known = gap.names is not None and all(name in AMINO_ACIDS for name in gap.names)
    return protein and known and 0 < len(gap.names or ()) <= settings.build_gaps


def _build(draft: Draft, gap: Gap, settings: PreparationSettings, changes: Changes) -> list[Residue] | None:
    before = {id(residue) for residue in draft.residues}
    rng = np.random.default_rng([settings.seed, zlib.crc32(gap.label.encode())])
    redone = build_loop(draft, gap, rng)
    if redone is None:
        return None
    new = [residue for residue in draft.residues if id(residue) not in before]
    text = f"{' '.join(residue.label for residue in new)} {'were' if len(new) > 1 else 'was'} built"
    if redone:
        text += f", and {' '.join(residue.label for residue in redone)} anew"
    changes.add("gap built", gap.label, text + ".")
    return [*new, *redone]


def _end_segment(
    draft: Draft,
    segment: list[Residue],
    starts: dict[int, Gap],
    stops: dict[int, Gap],
    settings: PreparationSettings,
    changes: Changes,
) -> None:
    first, last = segment[0], segment[-1]
    # force fields know no amino acid with both its ends charged
    alone = first is last and first.kind == "protein"
    if alone or (first.kind == "protein" and _capped(starts.get(id(first)), settings)):
        cap = add_ace(draft, first)
        changes.add("capped", cap.label, f"ACE was put before {first.label}.")
    if last.kind != "protein":
        return
    if alone or _capped(stops.get(id(last)), settings):
        cap = add_nme(draft, last)
        changes.add("capped", cap.label, f"NME was put after {last.label}.")
    elif charge_end(last):
        changes.add("built", last.label, f"{last.label}: OXT was built.")


def _capped(gap: Gap | None, settings: PreparationSettings) -> bool:
    """Whether an end of a stretch is capped; without a gap it is where the sequence ends."""
    if gap is not None and gap.before is not None and gap.after is not None:
        return settings.gap_ends == "capped"
    return settings.termini == "capped" or (settings.termini == "auto" and gap is not None)
