"""`Fluctuations`: how much every residue was predicted to move, and ``fluctuations.csv``, the table of it.

The table has a row for every residue with a representative atom (CA, P or C1'), in the order of the complex.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex

__all__ = ["FLUCTUATIONS_FILE", "Fluctuations"]

FLUCTUATIONS_FILE = "fluctuations.csv"
_NAMES = ("chain", "residue", "number", "insertion_code")
_FIGURES = ("predicted_rmsf_angstrom", "low_angstrom", "high_angstrom", "sampled_rmsf_angstrom")


@dataclass(frozen=True, eq=False)
class Fluctuations:
    """Predicted RMSF of representative atoms, with the interval that the model expects to hold 68 % of the truth.

    Attributes
    ----------
    predicted_nm, low_nm, high_nm : float64 [n_representatives]
        RMSF and the ends of its interval, nm; NaN where nothing was predicted (nucleotides).
    """

    predicted_nm: NDArray[np.float64]
    low_nm: NDArray[np.float64]
    high_nm: NDArray[np.float64]

    def table(self, molecule: Complex, sampled_nm: NDArray[np.float64]) -> str:
        """The text of ``fluctuations.csv``.

        Parameters
        ----------
        molecule
            The complex.
        sampled_nm
            [n_representatives], RMSF of the frames, nm.
        """
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*_NAMES, *_FIGURES])
        columns = (self.predicted_nm, self.low_nm, self.high_nm, sampled_nm)
        for row, residue in enumerate(_residues(molecule)):
            values = [f"{10.0 * column[row]:.3f}" if np.isfinite(column[row]) else "" for column in columns]
            writer.writerow([*_name(molecule, int(residue)), *values])
        return stream.getvalue()

    @classmethod
    def read(cls, path: Path, molecule: Complex) -> Fluctuations:
        """Read ``fluctuations.csv``.

        Parameters
        ----------
        path
            The file.
        molecule
            The complex that it belongs to.

        Raises
        ------
        InputError
            If the file is not such a table, or not one of this complex.
        """
        try:
            with path.open(encoding="utf-8", newline="") as stream:
                rows = list(csv.DictReader(stream))
            figures = np.array(
                [[float(row[name]) / 10.0 if row[name] else math.nan for name in _FIGURES[:3]] for row in rows]
            ).reshape(-1, 3)
            names = [tuple(row[name] for name in _NAMES) for row in rows]
        except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
            raise InputError(f"{path}: cannot be read as a table of fluctuations ({error})") from None
        if names != [_name(molecule, int(residue)) for residue in _residues(molecule)]:
            raise InputError(f"{path}: its residues are not those of the topology beside it")
        return cls(*figures.T.copy())


def _residues(molecule: Complex) -> NDArray[np.int64]:
    return molecule.residue_index[molecule.representative_atoms()]


def _name(molecule: Complex, residue: int) -> tuple[str, str, str, str]:
    return (
        str(molecule.chain_name[molecule.chain_index[residue]]),
        str(molecule.residue_name[residue]),
        str(molecule.residue_number[residue]),
        str(molecule.residue_insertion_code[residue]),
    )
