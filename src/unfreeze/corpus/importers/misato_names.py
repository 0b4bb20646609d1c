"""What the atoms of MISATO are called: from Amber topologies, PDB files or the name maps rewritten as JSON.

Upstream the maps are pickles, which can run any code when they are read; so they are refused, and the program that made
them can write them as JSON::

    {"residues": {"0": "MOL", "1": "ACE", "2": "ALA"}, "types": {"14": "CX"}, "names": [["ALA", 0, "N", "N"]]}

where a row of ``names`` is residue, place of the atom within it from 0, Amber type, and the name.
"""

from __future__ import annotations

import gzip
import tempfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import gemmi
import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.importers.shared.folders import read_json_object
from unfreeze.corpus.importers.shared.options import existing_path
from unfreeze.errors import InputError
from unfreeze.trajectories.atom_tables import AtomNames

if TYPE_CHECKING:
    from unfreeze.corpus.importers.misato import AtomNumbers

__all__ = ["Named", "Namer", "namer"]

_PICKLES = (".pickle", ".pkl", ".p", ".joblib")
_LIGAND = "MOL"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_IONS = ("CL-", "NA+", "K+", "CIO", "CL", "NA", "K")
_MOST_BYTES = 1 << 30
# Oxygen of the side chain's amide, which nitrogen follows as it follows the oxygen of the main chain: its place in the
# residue from 1, inside a chain and at the N-terminus, in Amber's order of atoms.
_AMIDES = {"ASN": (9, 11), "GLN": (12, 14)}


@dataclass(frozen=True, eq=False)
class Named:
    """Names of the atoms of a complex, and a remark on where they are from."""

    names: AtomNames
    note: str


class Namer(ABC):
    """A source of names."""

    def refusal(self, identifier: str) -> str | None:
        """Why a complex has no names, if that is known without reading it."""
        return None

    @abstractmethod
    def names(self, atoms: AtomNumbers) -> Named:
        """Names of the atoms of a complex.

        Raises
        ------
        InputError
            If they do not fit what the set says of its atoms.
        """


def namer(source: Path, options: Mapping[str, str]) -> Namer:
    """The source of names that the options give.

    Raises
    ------
    InputError
        If there is none, several, or it is a pickle.
    """
    given = [name for name in ("topologies", "structures", "maps") if name in options]
    if len(given) != 1:
        raise InputError(
            f"{source}: names of residues and atoms are numbers in this file, so it must be said where they come from: "
            "topologies=FOLDER (the release's Amber topologies, PDBID/production.top.gz), structures=FOLDER (PDB files "
            f"with all atoms, PDBID.pdb) or maps=FILE.json (the release's maps, rewritten as JSON). {len(given)} were "
            "given."
        )
    path = existing_path(options, given[0])
    assert path is not None
    if path.suffix.lower() in _PICKLES:
        raise InputError(
            f"{path}: a pickle can run any code when it is read, so it is not read. Write the maps as JSON where they "
            "come from: residues, types and names."
        )
    if given[0] == "maps":
        return _Maps(path)
    if not path.is_dir():
        raise InputError(f"{path}: a folder was expected, with a file or subfolder a PDB id.")
    return _Topologies(path) if given[0] == "topologies" else _Structures(path)


def _of_file(folder: Path, patterns: tuple[str, ...], identifier: str) -> Path | None:
    """The file of a complex, by its id in lower or upper case."""
    for name in dict.fromkeys([identifier.lower(), identifier.upper(), identifier]):
        for pattern in patterns:
            path = folder / pattern.format(id=name)
            if path.is_file():
                return path
    return None


class _InFolder(Namer):
    """Names from a file a complex."""

    patterns: tuple[str, ...]

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def refusal(self, identifier: str) -> str | None:
        if _of_file(self.folder, self.patterns, identifier):
            return None
        return f"{self.folder}: there is no {self.patterns[0].format(id=identifier)}, so the atoms have no names."

    def path(self, atoms: AtomNumbers) -> Path:
        path = _of_file(self.folder, self.patterns, atoms.identifier)
        if path is None:
            raise InputError(str(self.refusal(atoms.identifier)))
        return path


class _Topologies(_InFolder):
    """Names from Amber topologies, of which water and ions were stripped for the set."""

    patterns = ("{id}/production.top.gz", "{id}/production.top", "{id}.top.gz", "{id}.top", "{id}.prmtop", "{id}.parm7")

    def names(self, atoms: AtomNumbers) -> Named:
        from unfreeze.structure.chemistry.polymers import is_water

        path = self.path(atoms)
        names = _read_prmtop(path)
        water = np.array([is_water(str(name)) for name in names.residue_name.tolist()], dtype=bool)
        ions = np.isin(np.strings.upper(names.residue_name), _IONS)
        masks = (np.ones(len(names), dtype=bool), ~water, ~(water | ions))
        mask = next((one for one in masks if int(one.sum()) == len(atoms)), None)
        if mask is None:
            raise InputError(
                f"{path}: {len(names)} atoms, {int(masks[2].sum())} without water and ions; the set has {len(atoms)} "
                f"of {atoms.identifier}. They do not belong together."
            )
        return _checked(_take(names, mask, atoms), atoms, path)


class _Structures(_InFolder):
    """Names from PDB files that list all atoms in the order of the set."""

    patterns = ("{id}.pdb", "{id}_MD_frame0.pdb", "{id}.pdb.gz", "{id}.ent")

    def names(self, atoms: AtomNumbers) -> Named:
        from unfreeze.structure.reading.one_model import parse_structure

        path = self.path(atoms)
        _, table, _ = parse_structure(path)
        table = table.take(table.model == 0)
        if len(table) != len(atoms):
            raise InputError(
                f"{path}: {len(table)} atoms; the set has {len(atoms)} of {atoms.identifier}. A file with exactly "
                "these atoms, hydrogens too, was expected, such as h5_to_pdb.py of the set writes."
            )
        # Names of four letters reach into the column of alternate locations in files of the set's own program.
        names = np.array([f"{a}{b}" for a, b in zip(table.atom_name, table.altloc, strict=True)], dtype=np.str_)
        keys = [table.chain, table.number, table.insertion_code, table.residue_name, atoms.molecule]
        new = np.zeros(len(table), dtype=bool)
        for key in keys:
            new[1:] |= key[1:] != key[:-1]
        named = AtomNames(
            np.cumsum(new).astype(np.int64), table.number, table.residue_name, names, _chains(atoms), table.element
        )
        return _checked(named, atoms, path)


class _Maps(Namer):
    """Names from the set's own numbers, by its maps as JSON."""

    def __init__(self, path: Path) -> None:
        self.path = path
        value = read_json_object(path)
        try:
            self._residues = {int(number): str(name) for number, name in value["residues"].items()}
            self._types = {int(number): str(name) for number, name in value["types"].items()}
            self._names = {(str(a), int(b), str(c)): str(d) for a, b, c, d in value["names"]}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"{path}: not the maps of MISATO ({type(error).__name__}: {error}); an object with residues and types "
                "(number: name) and names (rows of residue, place, type, name) was expected."
            ) from None

    def names(self, atoms: AtomNumbers) -> Named:
        residue_name = np.array([self._look_up(self._residues, "residue", n) for n in atoms.residue.tolist()])
        types = [self._look_up(self._types, "type", n) for n in atoms.type.tolist()]
        residue, place = _residues(atoms, residue_name.tolist(), types)
        names, n_unknown = [], 0
        for at, kind in enumerate(types):
            name = self._names.get((str(residue_name[at]), int(place[at]), kind))
            if name is None and atoms.atomic_number[at] != 1 and residue_name[at] != _LIGAND:
                n_unknown += 1
            names.append(name or f"{_symbol(int(atoms.atomic_number[at]))}{place[at] + 1}")
        n_heavy = int(((atoms.atomic_number != 1) & (residue_name != _LIGAND)).sum())
        if n_unknown > 0.1 * n_heavy:
            raise InputError(
                f"{self.path}: {n_unknown} of {n_heavy} heavy atoms of {atoms.identifier} have no name in the maps, so "
                "the maps are not those of this file. Give those of the same release."
            )
        named = AtomNames(residue, residue + 1, residue_name, np.array(names), _chains(atoms), _elements(atoms))
        note = f" {n_unknown} heavy atoms are not in the maps and are called by their element." if n_unknown else ""
        return Named(named, f"Names of atoms are from the maps {self.path.name}.{note}")

    def _look_up(self, table: Mapping[int, str], what: str, number: int) -> str:
        if number not in table:
            raise InputError(f"{self.path}: there is no {what} {number} in the maps; they are not those of this file.")
        return table[number]


def _residues(
    atoms: AtomNumbers, residue_name: list[str], types: list[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Residue of every atom, and its place in the residue, both from 0.

    A residue ends where its name changes, where a molecule ends, and where the nitrogen of the next follows its oxygen:
    so the set's own program has it, since no numbers of residues are in the file.
    """
    residue, place = np.zeros(len(types), dtype=np.int64), np.zeros(len(types), dtype=np.int64)
    molecule = atoms.molecule
    for at in range(1, len(types)):
        same = residue_name[at] == residue_name[at - 1] and molecule[at] == molecule[at - 1]
        if same and residue_name[at] != _LIGAND and types[at - 1][:1] == "O" and types[at][:1] == "N":
            same = int(place[at - 1]) + 1 in _AMIDES.get(residue_name[at], ())
        residue[at] = residue[at - 1] + (not same)
        place[at] = place[at - 1] + 1 if same else 0
    return residue, place


def _chains(atoms: AtomNumbers) -> NDArray[np.str_]:
    """A chain a molecule, in the order of the file."""
    n_molecules = len(atoms.begin)
    letters = [_LETTERS[at] if at < len(_LETTERS) else f"Z{at}" for at in range(n_molecules)]
    return np.array(letters)[atoms.molecule]


def _symbol(number: int) -> str:
    return gemmi.Element(number).name.upper()


def _elements(atoms: AtomNumbers) -> NDArray[np.str_]:
    unique, inverse = np.unique(atoms.atomic_number, return_inverse=True)
    return np.array([_symbol(int(number)) for number in unique])[inverse]


def _take(names: AtomNames, mask: NDArray[np.bool_], atoms: AtomNumbers) -> AtomNames:
    residue = np.unique(names.residue[mask], return_inverse=True)[1].astype(np.int64)
    return AtomNames(
        residue,
        names.number[mask],
        names.residue_name[mask],
        names.atom_name[mask],
        _chains(atoms),
        names.element[mask],
    )


def _checked(names: AtomNames, atoms: AtomNumbers, path: Path) -> Named:
    """Names whose elements are those that the set gives; the set's elements are kept."""
    from unfreeze.corpus.importers.shared.topology import atomic_numbers

    found = atomic_numbers(names.element)
    wrong = (found != atoms.atomic_number) & (found > 0)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"{path}: atom {at + 1} is {names.residue_name[at]}{names.number[at]}/{names.atom_name[at]} there and "
            f"{_symbol(int(atoms.atomic_number[at]))} in the set ({int(wrong.sum())} such atoms), so the order of the "
            f"atoms is another. Give the file that belongs to {atoms.identifier}."
        )
    named = AtomNames(
        names.residue, names.number, names.residue_name, names.atom_name, names.chain, _elements(atoms), names.bonds
    )
    return Named(named, f"Names of atoms are from {path.name}.")


def _read_prmtop(path: Path) -> AtomNames:
    from unfreeze.trajectories.atom_tables import names_of_mdtraj

    with tempfile.TemporaryDirectory(prefix="unfreeze-") as folder:
        plain = path
        if path.suffix.lower() == ".gz":
            plain = Path(folder) / "production.prmtop"
            try:
                with gzip.open(path, "rb") as packed:
                    content = packed.read(_MOST_BYTES + 1)
            except (OSError, EOFError, zlib.error) as error:
                raise InputError(f"{path}: the gzip file is damaged ({error}). Download it again.") from None
            if len(content) > _MOST_BYTES:
                raise InputError(f"{path}: larger than {_MOST_BYTES / 1e6:,.0f} MB when decompressed; not read.")
            plain.write_bytes(content)
        from mdtraj.formats.prmtop import load_prmtop

        try:
            topology = load_prmtop(str(plain))
        except Exception as error:  # mdtraj raises KeyError, IndexError, ValueError and others
            text = " ".join(str(error).split())[:200]
            raise InputError(f"{path}: cannot be read as an Amber topology ({type(error).__name__}: {text}).") from None
    if topology.n_atoms == 0:
        raise InputError(f"{path}: the topology has no atoms.")
    return names_of_mdtraj(topology, number_residues=True)
