"""One structure file as an entry could hold it: its complex, its models, method, resolution and B-factors.

Reading is done in :mod:`unfreeze.structure`; here the header's facts are added. Several files of one sequence are
brought together in :mod:`unfreeze.corpus.static.states`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.labels import BFactorLabel
from unfreeze.corpus.schema import Conditions
from unfreeze.corpus.static.b_factors import label_b_factors
from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex
from unfreeze.structure.read import read_models
from unfreeze.structure.reading.one_model import build_model, parse_structure, with_missing

__all__ = ["StaticStructure", "has_polymer", "read_structure", "static_conditions"]


@dataclass(frozen=True, eq=False)
class StaticStructure:
    """A structure file.

    Attributes
    ----------
    complex
        First model, heavy atoms without waters unless hydrogens were asked for; with atoms that all models have.
    coordinates_nm : float32 [n_models, n_atoms, 3]
    method
        As the file has it (``X-RAY DIFFRACTION``), or empty.
    resolution_A
        None where the file has none.
    head
        First bytes of the file, for what its remarks say.
    """

    complex: Complex
    coordinates_nm: NDArray[np.float32]
    method: str = ""
    resolution_A: float | None = None
    head: bytes = b""

    @property
    def n_models(self) -> int:
        """Number of models."""
        return len(self.coordinates_nm)

    def b_factors(self, source: str, licence: str = "unknown") -> BFactorLabel | None:
        """The label of its B-factors; None without polymers."""
        return label_b_factors(
            self.complex,
            source=source,
            method=self.method,
            resolution_A=self.resolution_A,
            head=self.head,
            licence=licence,
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What reading it changed or found, one sentence each."""
        source = self.complex.source
        counts = [
            (source.n_waters_dropped, "waters left out"),
            (source.n_hydrogens_dropped, "hydrogens left out"),
            (source.n_alternates_dropped, "atoms of alternate locations left out"),
            (len(source.missing_residues), "residues of the sequence record have no coordinates"),
            (len(source.missing_atoms), "residues lack heavy atoms"),
        ]
        return tuple(f"{n} {words}." for n, words in counts if n) + source.notes


def has_polymer(molecule: Complex) -> bool:
    """Whether there is a protein or nucleic acid at all."""
    return bool(np.isin(molecule.residue_kind, ("protein", "nucleic")).any())


def static_conditions(structure: StaticStructure) -> Conditions:
    """Conditions of a structure that was not simulated: its method and resolution, in words."""
    words = [structure.method.capitalize()] if structure.method else []
    words += [f"{structure.resolution_A:.2f} Å"] if structure.resolution_A else []
    return Conditions(kind="static", method=", ".join(words))


def read_structure(path: str | os.PathLike[str], *, keep_hydrogens: bool = False) -> StaticStructure:
    """Read a structure file with all its models; the last few are kept in memory.

    Raises
    ------
    InputError
        If it cannot be read, or there is no polymer in it.
    """
    place = Path(path)
    try:
        found = place.stat()
    except OSError as error:
        raise InputError(f"{place}: cannot be read ({error.strerror}).") from None
    return _read(place, keep_hydrogens, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=6)
def _read(path: Path, keep_hydrogens: bool, mtime_ns: int, size: int) -> StaticStructure:
    content, table, header = parse_structure(path)
    if header.n_models > 1:
        molecule, frames = read_models(path, keep_hydrogens=keep_hydrogens)
    else:
        options = {"keep_hydrogens": keep_hydrogens, "keep_waters": False}
        molecule, _, copies = build_model(content, table, header, 1, None, options)
        molecule = with_missing(molecule, header, copies)
        frames = molecule.coordinates_nm[None]
    if not has_polymer(molecule):
        raise InputError(f"{path.name}: no protein and no nucleic acid in it; an entry needs one.")
    info = header.structure.info
    method = info["_exptl.method"] if "_exptl.method" in info else ""  # noqa: SIM401  gemmi's map has no get
    resolution = header.structure.resolution
    return StaticStructure(
        molecule,
        frames.astype(np.float32),
        " ".join(method.split()),
        float(resolution) if resolution and resolution > 0 else None,
        content.data[: 2**18],
    )
