"""`unfreeze.load`: a complex from whatever names one, a file on disk or a PDB id.

Decides which of the two it is; reading is done in :mod:`unfreeze.structure.read`, downloading in
:mod:`unfreeze.structure.fetch`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex
from unfreeze.structure.fetch import fetch_structure, is_pdb_id
from unfreeze.structure.read import read_complex

__all__ = ["load", "locate"]


def load(
    structure: str | Path,
    *,
    chains: Sequence[str] | None = None,
    assembly: str | None = None,
    model: int = 1,
    keep_hydrogens: bool = False,
    keep_waters: bool = False,
) -> Complex:
    """Read a complex from a PDB or mmCIF file (also gzip), or from the PDB by its id.

    Parameters
    ----------
    structure
        A path, or a PDB id such as ``1hvr`` or ``pdb_00001hvr``. An existing file wins over an id.
    chains
        Author names of the chains to keep; all by default.
    assembly
        Name of the biological assembly to build; the deposited coordinates by default.
    model
        Number of the model to take from a file with several, from 1.
    keep_hydrogens, keep_waters
        Keep what is dropped otherwise.

    Returns
    -------
    Complex
        Coordinates in nm.

    Raises
    ------
    InputError
        If there is no such file or id, or if it cannot be read.
    """
    return read_complex(
        locate(structure),
        model=model,
        assembly=assembly,
        chains=chains,
        keep_hydrogens=keep_hydrogens,
        keep_waters=keep_waters,
    )


def locate(structure: str | Path) -> Path:
    """Path of a structure file, downloaded first if a PDB id is given.

    Raises
    ------
    InputError
        If it is neither a file nor an id, or if the download fails.
    """
    path = Path(structure).expanduser()
    if path.is_dir():
        raise InputError(f"{structure} is a folder; give a PDB or mmCIF file, or a PDB id such as 1hvr.")
    if path.exists():
        return path
    if is_pdb_id(str(structure)):
        return fetch_structure(str(structure))
    raise InputError(
        f"{structure}: no such file, and not a PDB id either (four characters such as 1hvr, or pdb_00001hvr)."
    )
