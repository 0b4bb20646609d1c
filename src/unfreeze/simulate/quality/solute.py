"""The part of a saved complex that the checks look at: heavy atoms of the solute, without water and free ions.

Water and ions may be anywhere; hydrogens say nothing that their heavy atoms do not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.chemistry.polymers import is_water
from unfreeze.structure.complex import Complex

__all__ = ["Solute", "heavy_solute"]


@dataclass(frozen=True, eq=False)
class Solute:
    """Heavy atoms of the solute.

    Attributes
    ----------
    molecule
        The complex of them.
    rows : int64 [n_atoms]
        Their rows among the saved atoms.
    """

    molecule: Complex
    rows: NDArray[np.int64]

    def take(self, coordinates_nm: NDArray[np.floating]) -> NDArray[np.float64]:
        """Their coordinates: [n_frames, n_atoms, 3] of [n_frames, n_saved, 3]."""
        chosen = coordinates_nm if len(self.rows) == coordinates_nm.shape[1] else coordinates_nm[:, self.rows]
        return np.asarray(chosen, dtype=np.float64)


def heavy_solute(saved: Complex) -> Solute:
    """Find them in the complex of the saved atoms; bonds to what is left out go."""
    water = np.array([is_water(name) for name in saved.residue_name.tolist()], dtype=bool)
    kept = ~water & (saved.residue_kind != "ion")
    # virtual sites of water models have no element
    heavy = ~np.isin(saved.element, ["H", "D", "X", ""])
    rows = np.flatnonzero(heavy & kept[saved.residue_index])
    return Solute(saved.take_atoms(rows), rows)
