"""What choosing sees of a system: its sequences, the interfaces between them, and roughly how large it is.

Profiles of candidates come from structure files; those of what has been simulated are made in
:mod:`unfreeze.simulate.choose.covered`. Nothing is prepared or repaired here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.files.yaml_file import read_text
from unfreeze.structure.complex import Complex
from unfreeze.structure.fetch import is_pdb_id
from unfreeze.structure.load import load
from unfreeze.structure.similarity.interfaces import partner_interfaces
from unfreeze.structure.similarity.sequences import chain_sequences

__all__ = ["STRUCTURE_ENDINGS", "Profile", "profile_of", "read_candidates", "stem_of", "structures_in"]

STRUCTURE_ENDINGS = (".pdb", ".cif", ".ent", ".mmcif")
_LIST_ENDINGS = (".txt", ".list", ".lst")
_HEAVY_TO_ALL = 2.0  # atoms with hydrogens for each heavy atom of protein


@dataclass(frozen=True, eq=False)
class Profile:
    """A system as choosing sees it.

    Attributes
    ----------
    name
        For people; unique among candidates.
    source
        File or PDB id, as it was given or found.
    n_atoms
        Estimated atoms with hydrogens, without water.
    chains
        Names of its polymer chains.
    sequences
        Their letters.
    interfaces
        Pairs of rows of `chains` that touch, each with its contacts as positions in the two sequences: [n, 2].
    """

    name: str
    source: str
    n_atoms: int
    chains: tuple[str, ...]
    sequences: tuple[str, ...]
    interfaces: tuple[tuple[int, int, NDArray[np.int64]], ...]


def profile_of(molecule: Complex, *, name: str, source: str) -> Profile:
    """The profile of a structure.

    Raises
    ------
    InputError
        If it has neither protein nor nucleic acid.
    """
    chains = chain_sequences(molecule)
    if not chains:
        raise InputError(f"{source}: has no chain of protein or nucleic acid to choose by")
    n_heavy = int((~np.isin(molecule.element, ("H", "D"))).sum())
    found = partner_interfaces(molecule, chains)
    return Profile(
        name=name,
        source=source,
        n_atoms=round(_HEAVY_TO_ALL * n_heavy),
        chains=tuple(chain.chain for chain in chains),
        sequences=tuple(chain.letters for chain in chains),
        interfaces=tuple((one.first, one.second, one.contacts) for one in found),
    )


def read_candidates(
    given: Sequence[str], progress: Callable[[int, int, int], None] = lambda done, total, failed: None
) -> tuple[list[Profile], dict[str, str]]:
    """Profiles of everything that is given.

    Parameters
    ----------
    given
        Structure files, PDB ids, folders of structures, and text files (``.txt``, ``.list``) with one of these a line.
    progress
        Told how many of how many are read, and how many of these could not be.

    Returns
    -------
    profiles : list of Profile
        Those that can be read, in order.
    left_out : dict
        Of each of the others, why.

    Raises
    ------
    InputError
        If one of those given is nothing of the kind, or none can be read.
    """
    sources = list(dict.fromkeys(source for one in given for source in _expand(one)))
    profiles: list[Profile] = []
    left_out: dict[str, str] = {}
    taken: set[str] = set()
    for number, source in enumerate(sources, start=1):
        name = stem = stem_of(source)
        copies = 1
        while name in taken:
            copies += 1
            name = f"{stem}-{copies}"
        try:
            profiles.append(profile_of(load(source), name=name, source=source))
            taken.add(name)
        except InputError as error:
            left_out[source] = str(error)
        progress(number, len(sources), len(left_out))
    if sources and not profiles:
        source, reason = next(iter(left_out.items()))
        raise InputError(f"none of the {len(sources)} candidates can be read; the first, {source}: {reason}")
    return profiles, left_out


def structures_in(folder: Path) -> list[Path]:
    """Structure files in a folder and below, hidden ones left out, in order of name."""
    found = (path for path in folder.rglob("*") if _is_structure(path) and path.is_file())
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def stem_of(source: str) -> str:
    """Name of a structure from its file or id."""
    text = re.sub(r"(\.(pdb|cif|mmcif|ent|gz))+$", "", Path(source).name, flags=re.IGNORECASE)
    return re.sub(r"[^A-Za-z0-9_.+-]", "-", text).strip(".+-")[:40].rstrip(".") or "system"


def _is_structure(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(STRUCTURE_ENDINGS)


def _expand(text: str, within: Path | None = None) -> list[str]:
    """Files and ids that an argument, or a line of a list, stands for."""
    path = Path(text).expanduser()
    if within is not None and not path.is_absolute():
        path = within / path
    if path.is_dir():
        inside = structures_in(path)
        if not inside:
            raise InputError(f"{text}: no structure in this folder; expected files such as 1abc.pdb or 1abc.cif.gz")
        return [str(one) for one in inside]
    if path.is_file():
        if within is None and path.suffix.lower() in _LIST_ENDINGS:
            lines = [line.split("#")[0].strip() for line in read_text(path).splitlines()]
            return [source for line in lines if line for source in _expand(line, path.parent)]
        return [str(path)]
    if is_pdb_id(text):
        return [text]
    where = "" if within is None else f" (in a list in {within})"
    raise InputError(
        f"{text}: no such file or folder, and not a PDB id either{where}. Give structures, folders of them, ids such "
        "as 1hvr, or a text file that lists them."
    )
