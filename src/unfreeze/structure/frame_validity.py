"""The result of checking frames: counts of faults a frame, and the figures of them all.

Only the table and its arithmetic; the checks themselves are :mod:`unfreeze.structure.validity`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FrameValidity"]


@dataclass(frozen=True, eq=False)
class FrameValidity:
    """What is wrong with each of some frames.

    Attributes
    ----------
    bad_peptide_bonds, bad_consecutive_ca, bad_bond_lengths : int64 [n_frames]
        Pairs beyond the limits, those included that are so in the input.
    inverted_centres : int64 [n_frames]
        Chiral centres of the wrong hand, those included that are so in the input.
    new_cis_peptides : int64 [n_frames]
        Peptide bonds before residues other than proline that are cis and trans in the input.
    new_clashes : int64 [n_frames]
        Pairs of heavy atoms closer than 0.22 nm, not bonded, not 1-3, and not so close in the input.
    nonplanar_groups : int64 [n_frames]
        Rings, carboxyl, amide and guanidinium groups and bases that are bent.
    new_faults : int64 [n_frames]
        All of the above that the input does not have.
    n_peptide_bonds, n_consecutive_ca, n_bonds, n_centres, n_planar_groups
        How many are checked in each frame.
    """

    bad_peptide_bonds: NDArray[np.int64]
    bad_consecutive_ca: NDArray[np.int64]
    bad_bond_lengths: NDArray[np.int64]
    inverted_centres: NDArray[np.int64]
    new_cis_peptides: NDArray[np.int64]
    new_clashes: NDArray[np.int64]
    nonplanar_groups: NDArray[np.int64]
    new_faults: NDArray[np.int64]
    n_peptide_bonds: int
    n_consecutive_ca: int
    n_bonds: int
    n_centres: int
    n_planar_groups: int

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.new_faults)

    @property
    def passes(self) -> NDArray[np.bool_]:
        """Whether a frame adds no fault to those of the input: [n_frames]."""
        return self.new_faults == 0

    def take(self, frames: NDArray[np.int64] | NDArray[np.bool_]) -> FrameValidity:
        """Keep some frames, given as indices or as a mask."""
        values: dict[str, Any] = {item.name: getattr(self, item.name) for item in fields(self)}
        return replace(self, **{name: value[frames] for name, value in values.items() if isinstance(value, np.ndarray)})

    @staticmethod
    def concatenate(parts: Sequence[FrameValidity]) -> FrameValidity:
        """Join the results for several sets of frames of one complex, in order.

        Raises
        ------
        ValueError
            If there are no parts, or they are of different complexes.
        """
        if not parts:
            raise ValueError("FrameValidity.concatenate needs at least one part")
        values: dict[str, Any] = {}
        for item in fields(FrameValidity):
            column = [getattr(part, item.name) for part in parts]
            if isinstance(column[0], np.ndarray):
                values[item.name] = np.concatenate(column)
            elif len(set(column)) == 1:
                values[item.name] = column[0]
            else:
                raise ValueError(f"FrameValidity.concatenate: parts differ in {item.name}: {sorted(set(column))}")
        return FrameValidity(**values)

    def summary(self) -> dict[str, float | int]:
        """Shares and totals over all frames, with the keys of ``ensemble.json``; a share of nothing is 1."""

        def valid_share(bad: NDArray[np.int64], n_items: int) -> float:
            total = n_items * self.n_frames
            return 1.0 - float(bad.sum()) / total if total else 1.0

        return {
            "frames_valid_share": float(self.passes.mean()) if self.n_frames else 1.0,
            "peptide_bonds_valid_share": valid_share(self.bad_peptide_bonds, self.n_peptide_bonds),
            "consecutive_ca_valid_share": valid_share(self.bad_consecutive_ca, self.n_consecutive_ca),
            "bond_lengths_valid_share": valid_share(self.bad_bond_lengths, self.n_bonds),
            "n_inverted_centres": int(self.inverted_centres.sum()),
            "n_new_cis_peptides": int(self.new_cis_peptides.sum()),
            "n_new_clashes": int(self.new_clashes.sum()),
            "n_nonplanar_groups": int(self.nonplanar_groups.sum()),
        }
