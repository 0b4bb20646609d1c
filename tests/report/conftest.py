"""Synthetic ensembles for the report: helices of any length and number, a ligand, a nucleic acid, hostile names."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from unfreeze.structure.complex import Complex, Source
from unfreeze.structure.ensemble import ENSEMBLE_SCHEMA, Ensemble

# one residue of an ideal helix in cylindrical coordinates: radius (nm), angle (deg), rise (nm)
_HELIX = {
    "N": (0.154, -28.0, -0.091),
    "CA": (0.228, 0.0, 0.0),
    "C": (0.168, 26.0, 0.111),
    "O": (0.200, 22.0, 0.233),
    "CB": (0.330, 12.0, -0.060),
}


def helix(n_residues: int, offset: Sequence[float]) -> np.ndarray:
    """Backbone and CB of an ideal alpha helix along z: [n_residues * 5, 3], nm."""
    turn = np.deg2rad(100.0) * np.arange(n_residues)
    atoms = []
    for radius, angle, rise in _HELIX.values():
        phase = turn + np.deg2rad(angle)
        atoms.append([radius * np.cos(phase), radius * np.sin(phase), 0.15 * np.arange(n_residues) + rise])
    return np.array(atoms).transpose(2, 0, 1).reshape(-1, 3) + np.asarray(offset)


def build_complex(
    lengths: Sequence[int],
    names: Sequence[str] | None = None,
    *,
    spacing: float = 0.95,
    ligand: bool = False,
    title: str = "A synthetic bundle",
) -> Complex:
    """Parallel helices, `spacing` nm apart on a square grid; a ring ligand in the first chain if wanted."""
    side = int(np.ceil(np.sqrt(len(lengths))))
    parts = [helix(n, (spacing * (k % side), spacing * (k // side), 0.0)) for k, n in enumerate(lengths)]
    atom_names = [np.tile(list(_HELIX), n) for n in lengths]
    counts = [np.full(n, 5) for n in lengths]
    chain = [np.full(n, k) for k, n in enumerate(lengths)]
    numbers = [np.arange(1, n + 1) for n in lengths]
    kinds = [np.full(n, "protein") for n in lengths]
    if ligand:
        ring = np.deg2rad(60.0 * np.arange(6))
        centre = parts[0].mean(axis=0) - np.array([0.75, 0.0, 0.0])
        points = np.stack([np.zeros(6), 0.14 * np.cos(ring), 0.14 * np.sin(ring)], axis=1) + centre
        for store, value in (
            (parts, points),
            (atom_names, np.array([f"C{k}" for k in range(1, 7)])),
            (counts, np.array([6])),
            (chain, np.array([0])),
            (numbers, np.array([900])),
            (kinds, np.array(["ligand"])),
        ):
            store.insert(1, value)
    return _assemble(parts, atom_names, counts, chain, numbers, kinds, names, title)


def ligand_alone() -> Complex:
    """A benzene ring and nothing else."""
    ring = np.deg2rad(60.0 * np.arange(6))
    points = np.stack([0.14 * np.cos(ring), 0.14 * np.sin(ring), np.zeros(6)], axis=1)
    names = np.array([f"C{k}" for k in range(1, 7)])
    one = [np.array([6])], [np.array([0])], [np.array([1])], [np.array(["ligand"])]
    return _assemble([points], [names], *one, None, "A lone ligand")


def nucleic_acid(n_residues: int = 12) -> Complex:
    """Two strands of P and C4' atoms only, close enough to touch."""
    parts, names = [], []
    for strand in range(2):
        turn = np.deg2rad(36.0) * np.arange(n_residues) + strand * np.pi * 0.8
        points = [
            np.stack([r * np.cos(turn), r * np.sin(turn), 0.34 * np.arange(n_residues)], axis=1) for r in (0.9, 0.2)
        ]
        parts.append(np.stack(points, axis=1).reshape(-1, 3))
        names.append(np.tile(["P", "C4'"], n_residues))
    two = [np.full(n_residues, 2)] * 2, [np.full(n_residues, k) for k in range(2)]
    numbers, kinds = [np.arange(1, n_residues + 1)] * 2, [np.full(n_residues, "nucleic")] * 2
    return _assemble(parts, names, *two, numbers, kinds, None, "Two strands")


def _assemble(parts, atom_names, counts, chain, numbers, kinds, names, title) -> Complex:
    points, atom_name = np.concatenate(parts), np.concatenate(atom_names).astype(str)
    kind, chains = np.concatenate(kinds), np.concatenate(chain).astype(np.int64)
    n_atoms, n_residues = len(points), len(kind)
    component = np.select([kind == "protein", kind == "nucleic"], ["ALA", "DA"], default="BNZ")
    return Complex(
        coordinates_nm=points,
        atom_name=atom_name,
        element=np.array([name[0] for name in atom_name]),
        residue_index=np.repeat(np.arange(n_residues), np.concatenate(counts)),
        atom_b_factor=np.zeros(n_atoms),
        atom_occupancy=np.ones(n_atoms),
        atom_charge=np.zeros(n_atoms, dtype=np.int64),
        atom_altloc=np.full(n_atoms, ""),
        residue_name=component,
        residue_parent_name=component,
        residue_kind=kind,
        residue_hetero=kind == "ligand",
        residue_number=np.concatenate(numbers).astype(np.int64),
        residue_insertion_code=np.full(n_residues, ""),
        residue_label_number=np.zeros(n_residues, dtype=np.int64),
        residue_label_chain=np.full(n_residues, ""),
        residue_entity=np.full(n_residues, ""),
        chain_index=chains,
        chain_name=np.array(names or [chr(65 + k) for k in range(chains.max() + 1)]),
        links=np.empty((0, 2), dtype=np.int64),
        source=Source(name="bundle.pdb", title=title),
    )


def build_ensemble(molecule: Complex, n_frames: int = 30, *, weighted: bool = False, seed: int = 0) -> Ensemble:
    """Smooth random deformations with a floppy far end."""
    rng = np.random.default_rng(seed)
    waves = rng.normal(size=(6, 3)) / 2.0
    directions = rng.normal(size=(6, 3))
    field = np.sin(molecule.coordinates_nm @ waves.T + rng.uniform(0.0, 6.28, 6))[:, :, None] * directions
    amplitude = 0.05 * rng.normal(size=(n_frames, 6))
    height = molecule.coordinates_nm[:, 2:3] / max(float(np.abs(molecule.coordinates_nm[:, 2]).max()), 1e-9)
    frames = molecule.coordinates_nm + np.einsum("fm,amk->fak", amplitude, field * (0.3 + height[:, None] ** 2))
    weights = rng.exponential(size=n_frames) if weighted else None
    record = {
        "schema": ENSEMBLE_SCHEMA,
        "created": "2026-01-01T00:00:00Z",
        "unfreeze_version": "0.1.0",
        "versions": {"python": "3.11", "numpy": "2.0"},
        "command": "unfreeze sample bundle.pdb",
        "input": {"name": "bundle.pdb", "title": molecule.source.title, "sha256": "0" * 64},
        "conditions": {"temperature_K": 300.0, "timescale_ns": 100.0, "force_field": None},
        "model": {"name": "harmonic", "parameters": {"cutoff_nm": 0.8}},
        "seed": 0,
        "checks": {"frames_valid_share": 0.9996, "n_new_clashes": 2, "input": {"frames_valid_share": 1.0}},
        "warnings": ["one warning"],
    }
    share = None if weights is None else weights / weights.sum()
    return Ensemble(molecule, frames.astype(np.float32), share, record)


@pytest.fixture
def make_complex() -> Callable[..., Complex]:
    """Builder of parallel helices."""
    return build_complex


@pytest.fixture
def make_ensemble() -> Callable[..., Ensemble]:
    """Builder of a deforming ensemble of a complex."""
    return build_ensemble


@pytest.fixture
def lone_ligand() -> Complex:
    """A complex of one ligand."""
    return ligand_alone()


@pytest.fixture
def two_strands() -> Complex:
    """A complex of two nucleic acid strands."""
    return nucleic_acid()
