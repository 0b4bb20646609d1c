"""Frames made of complexes, and complexes told in other words: renamed, renumbered, reordered, shortened."""

from __future__ import annotations

from dataclasses import fields, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from unfreeze.evaluate.frames import Frames
from unfreeze.structure.chemistry.residues import AMINO_ACIDS
from unfreeze.structure.complex import Complex
from unfreeze.structure.geometry import rotation_matrices


def _frames(molecule: Complex, n_frames: int = 6, seed: int = 0, spread_nm: float = 0.01) -> Frames:
    """Smooth motion (an elastic stretch and shear of random size) with a little noise, each frame turned and moved."""
    generator = np.random.default_rng(seed)
    start = molecule.coordinates_nm
    centred = start - start.mean(axis=0)
    strain = generator.normal(0.0, 0.02, (n_frames, 3, 3))
    moved = centred + centred @ strain + generator.normal(0.0, spread_nm, (n_frames, *start.shape))
    turns = rotation_matrices(generator.normal(0.0, 1.0, (n_frames, 3)))
    moved = moved @ turns + generator.normal(0.0, 2.0, (n_frames, 1, 3))
    return Frames(molecule, moved.astype(np.float32), name=f"frames {seed}")


def _reordered(frames: Frames, atoms: Any) -> Frames:
    """Atoms in another order, residues and chains whole: what a file that lists chains otherwise would give."""
    atoms = np.asarray(atoms)
    m = frames.molecule
    residues, first = np.unique(m.residue_index[atoms], return_index=True)
    residues = residues[np.argsort(first)]
    chains, first = np.unique(m.chain_index[residues], return_index=True)
    chains = chains[np.argsort(first)]
    residue_row, chain_row, atom_row = np.zeros(m.n_residues, int), np.zeros(m.n_chains, int), np.full(m.n_atoms, -1)
    residue_row[residues], chain_row[chains] = np.arange(len(residues)), np.arange(len(chains))
    atom_row[atoms] = np.arange(len(atoms))
    links = atom_row[m.links]
    values: dict[str, Any] = {"source": m.source, "links": np.sort(links[(links >= 0).all(axis=1)], axis=1)}
    for item in fields(Complex):
        value = getattr(m, item.name)
        if item.name == "residue_index":
            values[item.name] = residue_row[value[atoms]]
        elif item.name == "chain_index":
            values[item.name] = chain_row[value[residues]]
        elif item.name == "chain_name":
            values[item.name] = value[chains]
        elif item.name.startswith("residue_"):
            values[item.name] = value[residues]
        elif item.name not in values:
            values[item.name] = value[atoms]
    return replace(frames, molecule=Complex(**values), coordinates_nm=frames.coordinates_nm[:, atoms])


def _kept(frames: Frames, keep: Any) -> Frames:
    """Some of the atoms, as a mask."""
    keep = np.asarray(keep)
    return replace(frames, molecule=frames.molecule.take_atoms(keep), coordinates_nm=frames.coordinates_nm[:, keep])


def _kept_residues(frames: Frames, keep: Any) -> Frames:
    return _kept(frames, np.asarray(keep)[frames.molecule.residue_index])


def _changed(frames: Frames, **arrays: Any) -> Frames:
    """Other names or numbers."""
    return replace(frames, molecule=replace(frames.molecule, **arrays))


def _chain_order(frames: Frames, *chains: str) -> Frames:
    m = frames.molecule
    names = m.chain_name[m.atom_chain_index]
    return _reordered(frames, np.concatenate([np.flatnonzero(names == chain) for chain in chains]))


def _pairs_to_flip(molecule: Complex) -> list[list[tuple[int, int]]]:
    """One list of atom pairs for every group of equivalent atoms that is whole."""
    groups = []
    start = molecule.residue_start
    for residue, parent in enumerate(molecule.residue_parent_name.tolist()):
        rows = {str(molecule.atom_name[k]): k for k in range(start[residue], start[residue + 1])}
        if parent in AMINO_ACIDS and molecule.residue_kind[residue] == "protein":
            wanted = AMINO_ACIDS[parent].symmetric_pairs
            if wanted and set(AMINO_ACIDS[parent].atoms) <= rows.keys():
                groups.append([(rows[a], rows[b]) for a, b in wanted])
        if molecule.residue_kind[residue] == "protein" and {"N", "CA", "C", "O", "OXT"} <= rows.keys():
            groups.append([(rows["O"], rows["OXT"])])
        if molecule.residue_kind[residue] == "nucleic" and {"OP1", "OP2", "P", "O5'"} <= rows.keys():
            groups.append([(rows["OP1"], rows["OP2"])])
    return groups


def _flipped(frames: Any, molecule: Complex, seed: int, share: float = 0.5) -> Any:
    """The same frames with labels of a random half of all groups exchanged, anew in every frame."""
    generator = np.random.default_rng(seed)
    frames = np.array(frames)
    for group in _pairs_to_flip(molecule):
        chosen = np.flatnonzero(generator.random(len(frames)) < share)
        for a, b in group:
            frames[chosen[:, None], [a, b]] = frames[chosen[:, None], [b, a]]
    return frames


@pytest.fixture(scope="session")
def tell() -> SimpleNamespace:
    """Ways to make frames and to tell them in other words."""
    return SimpleNamespace(
        frames=_frames,
        reordered=_reordered,
        kept=_kept,
        kept_residues=_kept_residues,
        changed=_changed,
        chain_order=_chain_order,
        pairs_to_flip=_pairs_to_flip,
        flipped=_flipped,
    )
