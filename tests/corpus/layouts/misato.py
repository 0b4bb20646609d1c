"""MISATO's HDF5 file, as its preprocessing writes it: numbers instead of names, Å, no box and no time.

The maps here have the form of the set's pickles, with a few residues and types.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from molecules import Molecule, all_atoms
from numpy.typing import NDArray

RESIDUES = ("MOL", "ACE", *"ALA ARG ASN ASP CYS GLN GLU GLY HIS ILE LEU LYS MET PHE PRO SER THR TRP TYR VAL".split())
TYPES = ("c3", "N", "H", "CX", "H1", "C", "O", "CT", "OH", "O2", "S", "HO", "oh")


def complex_with_ligand(n_frames: int = 12) -> tuple[Molecule, NDArray[np.int64]]:
    """A peptide with hydrogens and an alcohol beside it, and where the molecules begin."""
    protein = all_atoms(n_frames=n_frames)
    places = np.array([[0.0, 0.0, 0.0], [0.15, 0.0, 0.0], [0.20, 0.13, 0.0], [-0.04, 0.1, 0.0]])
    start = protein.frames_nm[:, :1] + np.array([2.0, 0.0, 0.0])
    whole = Molecule(
        np.concatenate([protein.name, ["C1", "C2", "O3", "H4"]]),
        np.concatenate([protein.element, ["C", "C", "O", "H"]]),
        np.concatenate([protein.residue_name, ["MOL"] * 4]),
        np.concatenate([protein.residue_number, [protein.residue_number.max() + 1] * 4]),
        np.concatenate([protein.chain, ["L"] * 4]),
        np.concatenate([protein.frames_nm, start + places], axis=1),
    )
    return whole, np.array([0, protein.n_atoms])


def amber_types(molecule: Molecule) -> list[str]:
    """Amber's types of atoms, near enough: what tells residues apart is O before N."""
    types = []
    for name, element, residue in zip(molecule.name, molecule.element, molecule.residue_name, strict=True):
        ligand = {"C": "c3", "O": "oh", "H": "HO"}
        main = {"N": "N", "H": "H", "CA": "CX", "HA": "H1", "C": "C", "O": "O", "OXT": "O2"}
        side = {"C": "CT", "O": "OH", "N": "N", "S": "S", "H": "H1"}
        types.append(ligand[element] if residue == "MOL" else main.get(name, side[element]))
    return types


def in_amber_order(molecule: Molecule, begin: NDArray[np.int64]) -> Molecule:
    """Amber lists C and O last in a residue; ours come after CA."""
    order: list[int] = []
    for residue in dict.fromkeys(zip(molecule.chain.tolist(), molecule.residue_number.tolist(), strict=True)):
        rows = np.flatnonzero((molecule.chain == residue[0]) & (molecule.residue_number == residue[1]))
        last = [at for name in ("C", "O", "OXT") for at in rows if molecule.name[at] == name]
        order += [at for at in rows if at not in last] + (last if molecule.residue_name[rows[0]] != "MOL" else [])
    return molecule.take(np.array(order))


def write_misato(
    path: Path, identifiers: Collection[str] = ("11GS", "1A4G"), *, faults: Collection[str] = (), n_frames: int = 100
) -> tuple[Path, Molecule, NDArray[np.int64]]:
    """The file, what is in each of its complexes, and where molecules begin.

    ``faults``: ``no_begin``, ``bad_begin``, ``virtual`` (coordinates in another file), ``other_order``.
    """
    molecule, begin = complex_with_ligand(12)
    molecule = in_amber_order(molecule, begin)
    repeats = -(-n_frames // 12)
    rng = np.random.default_rng(7)
    frames = np.tile(molecule.frames_nm, (repeats, 1, 1))[:n_frames] * 10
    frames = frames + rng.normal(scale=0.01, size=(n_frames, 1, 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for identifier in identifiers:
            group = file.create_group(identifier)
            store: dict[str, Any] = {"compression": "gzip"}
            group.create_dataset("trajectory_coordinates", data=frames, dtype="f8", **store)
            numbers = molecule.atomic_number
            group.create_dataset("atoms_number", data=numbers, dtype="i8", **store)
            group.create_dataset("atoms_element", data=np.unique(numbers, return_inverse=True)[1], dtype="i8", **store)
            types = [TYPES.index(name) for name in amber_types(molecule)]
            group.create_dataset("atoms_type", data=types, dtype="i8", **store)
            residues = [RESIDUES.index(name) for name in molecule.residue_name.tolist()]
            group.create_dataset("atoms_residue", data=residues, dtype="i8", **store)
            if "no_begin" not in faults:
                wrong = np.array([0, molecule.n_atoms + 5])
                group["molecules_begin_atom_index"] = wrong if "bad_begin" in faults else begin
            for name in ("rmsd_ligand", "distance", "interaction_energy", "bSASA"):
                group[f"frames_{name}"] = rng.random(n_frames)
    if "virtual" in faults:
        with h5py.File(path, "a") as file:
            layout = h5py.VirtualLayout(shape=frames.shape, dtype="f8")
            layout[:] = h5py.VirtualSource("/somewhere/else.h5", "x", shape=frames.shape)
            del file["11GS/trajectory_coordinates"]
            file["11GS"].create_virtual_dataset("trajectory_coordinates", layout)
    return path, molecule, begin


def write_maps(path: Path, molecule: Molecule) -> Path:
    """The name maps as JSON."""
    names, place = [], 0
    types = amber_types(molecule)
    for at in range(molecule.n_atoms):
        place = place + 1 if at and molecule.residue_number[at] == molecule.residue_number[at - 1] else 0
        names.append([molecule.residue_name[at], place, types[at], molecule.name[at]])
    maps = {
        "residues": {str(number): name for number, name in enumerate(RESIDUES)},
        "types": {str(number): name for number, name in enumerate(TYPES)},
        "names": [list(row) for row in dict.fromkeys(tuple(row) for row in names)],
    }
    path.write_text(json.dumps(maps))
    return path


def write_prmtop(path: Path, molecule: Molecule, n_waters: int = 3) -> Path:
    """An Amber topology with chloride and water behind the solute, packed as the release has it."""
    names = [*molecule.name.tolist(), "Cl-", *(["O", "H1", "H2"] * n_waters)]
    numbers = [*molecule.atomic_number.tolist(), 17, *([8, 1, 1] * n_waters)]
    first = np.flatnonzero(np.diff(molecule.residue_number, prepend=-1)).tolist()
    labels = [molecule.residue_name[at] for at in first]
    n_solute = molecule.n_atoms
    first += [n_solute, *(n_solute + 1 + 3 * k for k in range(n_waters))]
    labels += ["Cl-", *["WAT"] * n_waters]

    def section(flag: str, form: str, values: list[Any], width: int, per_line: int) -> str:
        texts = [f"{value:<{width}}" if isinstance(value, str) else f"{value:>{width}}" for value in values]
        rows = ["".join(texts[at : at + per_line]) for at in range(0, max(len(texts), 1), per_line)]
        return f"%FLAG {flag}\n%FORMAT({form})\n" + "\n".join(rows) + "\n"

    pointers = [len(names), *[0] * 10, len(labels), *[0] * 19]
    masses = [f"{mass:16.8E}" for mass in np.ones(len(names))]
    text = "%VERSION  VERSION_STAMP = V0001.000  DATE = 01/01/20  00:00:00\n"
    text += section("TITLE", "20a4", ["default_name"], 20, 1)
    text += section("POINTERS", "10I8", pointers, 8, 10)
    text += section("ATOM_NAME", "20a4", [f"{name:<4}" for name in names], 4, 20)
    text += section("MASS", "5E16.8", masses, 16, 5)
    text += section("ATOMIC_NUMBER", "10I8", numbers, 8, 10)
    text += section("RESIDUE_LABEL", "20a4", [f"{label:<4}" for label in labels], 4, 20)
    text += section("RESIDUE_POINTER", "10I8", [at + 1 for at in first], 8, 10)
    for flag in ("BONDS_INC_HYDROGEN", "BONDS_WITHOUT_HYDROGEN"):
        text += section(flag, "10I8", [], 8, 10)
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt") as handle:
        handle.write(text)
    return path
