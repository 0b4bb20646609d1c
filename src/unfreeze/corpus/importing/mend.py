"""Putting frames right where that can be done without guessing: units, torn molecules, chains in other periodic images.

What is done is counted, so that it can be said; what cannot be done is refused by the checks.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.importing.molecule import TORN_SLACK_NM, Expected, expected_of
from unfreeze.structure.chemistry.links import find_links
from unfreeze.structure.complex import Complex

__all__ = ["Mender", "box_factor", "whole_reference"]

_APART_SLACK_NM = 1.0
_APART_GAIN_NM = 0.5
_NEAR_NM = 0.3
_PEPTIDE_NM = 0.2


class Mender:
    """Makes molecules whole and brings them together with the box, in place.

    Attributes
    ----------
    n_made_whole, n_brought_together
        Frames so far.
    """

    def __init__(self, expected: Expected) -> None:
        self.expected = expected
        self.n_made_whole = 0
        self.n_brought_together = 0

    def make_whole(self, frames: NDArray[np.float32], box_nm: NDArray[np.float32], chosen: NDArray[np.int64]) -> None:
        """Put every atom of the frames `chosen` at the image next to the atom it is bound to."""
        from unfreeze.corpus.importing.frame_kernels import make_whole

        boxes, inverses = _boxes(box_nm)
        make_whole(frames, boxes, inverses, chosen, self.expected.tree_atom, self.expected.tree_parent, _NEAR_NM)
        self.n_made_whole += len(chosen)

    def bring_together(self, frames: NDArray[np.float32], box_nm: NDArray[np.float32]) -> NDArray[np.float32]:
        """Put molecules that stand apart at the nearest image: distances of the joined ones, [n, n_joined], nm."""
        from unfreeze.corpus.importing.frame_kernels import bring_together

        expected = self.expected
        boxes, inverses = _boxes(box_nm)
        apart = np.zeros((len(frames), len(expected.joined)), dtype=np.float32)
        moved = np.zeros(len(frames), dtype=bool)
        bring_together(
            frames, boxes, inverses, expected.joined, expected.anchors, apart, expected.distance_nm,
            _APART_SLACK_NM, _APART_GAIN_NM, expected.molecule, moved,
        )  # fmt: skip
        self.n_brought_together += int(moved.sum())
        return apart

    def sentences(self, n_frames: int) -> tuple[str, ...]:
        """What was done, for the record."""
        said = []
        for n, words in (
            (self.n_made_whole, "Molecules torn across the periodic box were made whole"),
            (self.n_brought_together, "Chains in different periodic images were brought together"),
        ):
            if n:
                said.append(f"{words} in {n:,} of {n_frames:,} frames.")
        return tuple(said)


def _boxes(box_nm: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    boxes = np.ascontiguousarray(box_nm, dtype=np.float64)
    return boxes, np.ascontiguousarray(np.linalg.inv(boxes), dtype=np.float64)


def box_factor(frames: NDArray[np.float32], box_nm: NDArray[np.float32], factor: float) -> float:
    """Whether a box is in the unit of the coordinates that were scaled by `factor`, or in nm already."""
    if factor == 1.0:
        return 1.0
    extent = float(np.ptp(frames, axis=1).max()) * factor
    edge = float(np.linalg.norm(box_nm, axis=-1).max())
    return factor if abs(np.log(edge * factor / extent)) < abs(np.log(edge / extent)) else 1.0


def whole_reference(complex: Complex, box_nm: NDArray[np.floating] | None) -> tuple[Complex, str]:
    """The complex with torn chains of its reference made whole, and a sentence about it, empty if nothing was done.

    Parameters
    ----------
    complex
        As a topology gives it, which may be one frame of a periodic simulation.
    box_nm : [3, 3] or None
        Rows are box vectors.
    """
    if box_nm is None:
        return complex, ""
    box = np.asarray(box_nm, dtype=np.float64)
    expected = expected_of(complex)
    xyz = complex.coordinates_nm
    long = np.linalg.norm(xyz[expected.bonds[:, 0]] - xyz[expected.bonds[:, 1]], axis=1)
    is_torn = bool((long > expected.length_nm + TORN_SLACK_NM).any())
    pairs = _cut_peptides(complex, box)
    if not is_torn and len(pairs) == 0:
        return complex, ""
    links = np.unique(np.sort(np.concatenate([complex.links.reshape(-1, 2), pairs]), axis=1), axis=0)
    joined = expected_of(replace(complex, links=links))
    frames = xyz[None].astype(np.float32)
    boxes = box[None].astype(np.float32)
    mender = Mender(joined)
    mender.make_whole(frames, boxes, np.zeros(1, dtype=np.int64))
    whole = replace(complex, coordinates_nm=frames[0].astype(np.float64), links=links)
    whole = replace(whole, links=find_links(whole))
    together = Mender(expected_of(whole))
    if together.expected.n_molecules > 1:
        together.bring_together(frames, boxes)
        whole = whole.with_coordinates(frames[0])
    notes = tuple(note for note in whole.source.notes if "periodic box" not in note)
    whole = replace(whole, source=replace(whole.source, notes=notes))
    return whole, "The topology was torn across the periodic box; it was made whole."


def _cut_peptides(complex: Complex, box: NDArray[np.float64]) -> NDArray[np.int64]:
    """C and N of consecutive residues that are neighbours in another image only: [n, 2]."""
    carbon, nitrogen = complex.atom_of_residue("C"), complex.atom_of_residue("N")
    phosphorus, oxygen = complex.atom_of_residue("P"), complex.atom_of_residue("O3'")
    same = complex.chain_index[:-1] == complex.chain_index[1:]
    found = []
    for kind, first, second in (("protein", carbon, nitrogen), ("nucleic", oxygen, phosphorus)):
        of_kind = complex.residue_kind == kind
        rows = np.flatnonzero(same & of_kind[:-1] & of_kind[1:] & (first[:-1] >= 0) & (second[1:] >= 0))
        pairs = np.stack([first[rows], second[rows + 1]], axis=1)
        vector = complex.coordinates_nm[pairs[:, 0]] - complex.coordinates_nm[pairs[:, 1]]
        far = np.linalg.norm(vector, axis=1) > 2 * _PEPTIDE_NM
        fraction = vector @ np.linalg.inv(box)
        nearest = (fraction - np.rint(fraction)) @ box
        shifts = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3) @ box
        least = np.linalg.norm(nearest[:, None] + shifts, axis=-1).min(axis=1) if len(nearest) else np.zeros(0)
        found.append(pairs[far & (least < _PEPTIDE_NM + 0.05)])
    return np.concatenate(found)
