"""Interfaces: contacts against brute force, buried area against the whole surface."""

from __future__ import annotations

import mdtraj
import numpy as np
import pytest

from unfreeze.structure.complex import Complex
from unfreeze.structure.observables.interfaces import find_interfaces, find_parties
from unfreeze.structure.observables.surface import buried_area_nm2


def _complex(
    points: np.ndarray, chain: list[int], kind: list[str] | None = None, atoms_per_residue: int = 1
) -> Complex:
    """Carbon atoms, `atoms_per_residue` a residue; `chain` and `kind` are per residue."""
    n_residues, n_atoms = len(chain), len(points)
    kinds = np.array(kind or ["protein"] * n_residues)
    return Complex(
        coordinates_nm=points,
        atom_name=np.array(["CA"] * n_atoms),
        element=np.array(["C"] * n_atoms),
        residue_index=np.repeat(np.arange(n_residues), atoms_per_residue),
        atom_b_factor=np.zeros(n_atoms),
        atom_occupancy=np.ones(n_atoms),
        atom_charge=np.zeros(n_atoms, dtype=np.int64),
        atom_altloc=np.array([""] * n_atoms),
        residue_name=np.where(kinds == "ligand", "LIG", "ALA"),
        residue_parent_name=np.array(["ALA"] * n_residues),
        residue_kind=kinds,
        residue_hetero=kinds == "ligand",
        residue_number=np.arange(1, n_residues + 1),
        residue_insertion_code=np.array([""] * n_residues),
        residue_label_number=np.arange(1, n_residues + 1),
        residue_label_chain=np.array([""] * n_residues),
        residue_entity=np.array([""] * n_residues),
        chain_index=np.array(chain, dtype=np.int64),
        chain_name=np.array([chr(65 + c) for c in sorted(set(chain))]),
        links=np.empty((0, 2), dtype=np.int64),
    )


def test_contacts_hold_weaken_break_and_form():
    # A at x = 0, B at x = 0.45; residues 0.8 nm apart along y, so only partners touch
    rows = np.arange(4) * 0.8
    left = np.stack([np.zeros(4), rows, np.zeros(4)], axis=1)
    right = left + np.array([0.45, 0.0, 0.0])
    right[3, 0] = 0.9  # not in contact in the input
    molecule = _complex(np.concatenate([left, right]), [0] * 4 + [1] * 4)
    frames = np.repeat(molecule.coordinates_nm[None], 20, axis=0)
    frames[::2, 5, 0] = 0.9  # second pair: half the frames
    frames[:, 6, 0] = 0.9  # third pair: gone
    frames[:10, 7, 0] = 0.4  # fourth pair: formed in half
    (found,) = find_interfaces(molecule, frames)
    assert (found.first, found.second) == ("A", "B")
    assert (found.n_persistent, found.n_weak, found.n_lost, found.n_formed) == (1, 1, 1, 1)
    assert found.residues.tolist() == [[0, 4], [1, 5], [2, 6], [3, 7]]
    assert np.allclose(found.persistence, [1.0, 0.5, 0.0, 0.5])
    assert np.allclose(found.native_fraction, np.where(np.arange(20) % 2 == 0, 1 / 3, 2 / 3))
    weights = np.zeros(20)
    weights[1] = 1.0
    (weighted,) = find_interfaces(molecule, frames, weights)
    assert np.allclose(weighted.persistence, [1.0, 1.0, 0.0, 1.0])


@pytest.mark.parametrize("seed", range(4))
def test_contacts_agree_with_all_distances(seed):
    rng = np.random.default_rng(seed)
    points = rng.uniform(0.0, 2.0, size=(90, 3))
    molecule = _complex(points, sorted(rng.integers(0, 3, size=30).tolist()), atoms_per_residue=3)
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    chain = molecule.atom_chain_index
    near = np.argwhere((distance <= 0.5) & (chain[:, None] < chain[None]))
    expected = {tuple(pair) for pair in molecule.residue_index[near].tolist()}
    found = find_interfaces(molecule, points[None])
    assert {tuple(pair) for item in found for pair in item.residues.tolist()} == expected
    assert all(np.allclose(item.persistence, 1.0) for item in found)


def test_free_ligands_are_parties_of_their_own_and_small_ones_are_not():
    points = np.zeros((24, 3))
    points[:, 0] = np.arange(24) * 0.15
    molecule = _complex(points, [0, 0, 0, 1], ["protein", "ligand", "protein", "protein"], atoms_per_residue=6)
    parties = find_parties(molecule)
    assert parties.name == ("A", "B", "LIG 2 (A)")
    assert parties.is_ligand == (False, False, True)
    assert parties.of_residue.tolist() == [0, 2, 0, 1]
    small = _complex(points[:4], [0, 0, 0, 1], ["protein", "ligand", "protein", "protein"])
    assert find_parties(small).name == ("A", "B")


def test_buried_area_is_that_of_the_whole_surfaces():
    rng = np.random.default_rng(7)
    grid = np.stack(np.meshgrid(*[np.arange(6) * 0.3] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    first = grid + rng.normal(scale=0.02, size=grid.shape)
    second = grid + np.array([1.9, 0.1, 0.0])
    points = np.concatenate([first, second])
    element = np.array(["C", "N", "O"])[rng.integers(0, 3, size=len(points))]
    a, b = np.arange(len(first)), np.arange(len(first), len(points))

    def area(atoms: np.ndarray) -> float:
        topology = mdtraj.Topology()
        residue = topology.add_residue("X", topology.add_chain())
        for symbol in element[atoms]:
            topology.add_atom(symbol, mdtraj.element.get_by_symbol(symbol), residue)
        return float(mdtraj.shrake_rupley(mdtraj.Trajectory(points[None, atoms].astype(np.float32), topology)).sum())

    whole = 0.5 * (area(a) + area(b) - area(np.concatenate([a, b])))
    assert whole > 1.0
    assert buried_area_nm2(points[None], element, a, b)[0] == pytest.approx(whole, rel=0.01)
    assert buried_area_nm2(points[None], element, a, a[:0])[0] == 0.0


def test_parties_that_never_touch_share_no_interface():
    points = np.array([[0.0, 0.0, 0.0], [5.0, 0.0, 0.0]])
    assert find_interfaces(_complex(points, [0, 1]), points[None]) == []
    assert find_interfaces(_complex(points, [0, 0]), points[None]) == []


def test_frames_measured_together_bury_what_each_buries_alone():
    rng = np.random.default_rng(5)
    points = np.stack(np.meshgrid(*[np.arange(4) * 0.3] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    frames = points + rng.normal(scale=0.05, size=(6, len(points), 3))
    element = np.full(len(points), "C")
    a, b = np.arange(0, 32), np.arange(32, 64)
    together = buried_area_nm2(frames, element, a, b)
    assert together.min() > 1.0
    assert np.array_equal(together, np.concatenate([buried_area_nm2(frame[None], element, a, b) for frame in frames]))
