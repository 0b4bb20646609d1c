"""Side chains of drawn frames: torsions from the flow where they fit in, those of the reference where none does.

A frame of rigid blocks has every side chain as in the reference structure and is sound. Side chains are then turned one
after the other, in an order drawn for the frame: a few times torsions are drawn for each, and the first that bring it
within no other atom's clash distance stay. So a frame never has a clash that it did not have before. A side chain that
fits nowhere has another turn after all others have had theirs, and else stays as it was. Of the two ways to place a
symmetric group, which look the same, it takes the one nearer to the reference, so that atoms keep their places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.model.features import BlockGraph
from unfreeze.model.flow import TorsionTables, torsion_tables
from unfreeze.model.side_chain_features import side_chain_graph
from unfreeze.structure.blocks import Blocks
from unfreeze.structure.chemistry.covalent import metal_atoms
from unfreeze.structure.complex import Complex
from unfreeze.structure.internal_coordinates.side_chains import N_CHI, SideChains
from unfreeze.structure.validity import CLASH_NM, RING_CONTACT_NM

__all__ = ["SideChainDraws"]

_TRIES, _ROUNDS = 6, 2
_APART_NM = CLASH_NM + 1e-4  # rounding to single precision must not make a clash
_COORDINATION_NM = 0.28

Lists = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Lists of different lengths: where each begins, and all their items."""


@dataclass(frozen=True, eq=False)
class SideChainDraws:
    """Draws side chains in frames of one complex under given conditions.

    Attributes
    ----------
    side_chains
        Those that are turned.
    tables
        The flow, evaluated for them.
    reference
        [n, 4], their torsions in the reference structure, rad; 0 where there is none.
    moves, own, inner
        Atoms that every torsion moves (lists of n × 4), heavy atoms that move (n), and pairs of heavy atoms of one
        residue of which at least one moves and whose distance changes (n).
    block, pivot, reach, members
        Block of every side chain; of every block, the atom about which it extends, how far it may extend, nm, and
        its heavy atoms.
    """

    side_chains: SideChains
    tables: TorsionTables
    reference: NDArray[np.float64]
    moves: Lists
    own: Lists
    inner: Lists
    block: NDArray[np.int64]
    pivot: NDArray[np.int64]
    reach: NDArray[np.float64]
    members: Lists

    @classmethod
    def of(
        cls,
        molecule: Complex,
        blocks: Blocks,
        graph: BlockGraph,
        flow: Mapping[str, NDArray[np.float32]],
        *,
        temperature_K: float = 300.0,
        timescale_ns: float = 100.0,
    ) -> SideChainDraws | None:
        """Evaluate the flow for a complex; None if it has no side chain that can turn.

        Parameters
        ----------
        molecule, blocks
            The complex in its reference structure, and its blocks.
        graph
            Features of the complex.
        flow
            Weights (`model.flow`).
        temperature_K, timescale_ns
            Conditions.
        """
        side_chains = SideChains.of(molecule, blocks.bonds, _coordinating(molecule))
        if len(side_chains) == 0:
            return None
        given = side_chain_graph(graph, molecule, blocks, side_chains)
        tables = torsion_tables(flow, given, temperature_K=temperature_K, timescale_ns=timescale_ns)
        heavy = ~np.isin(molecule.element, ("H", "D"))
        n = len(side_chains)
        place = np.concatenate([N_CHI * row + k for k, row in enumerate(side_chains.moved_row)])
        atoms = np.concatenate(side_chains.moved_atom)
        first = heavy[side_chains.moved_atom[0]]
        block = blocks.atom_block[side_chains.quads[:, 0, 1]]
        pivot, reach = _extents(molecule, blocks, side_chains, block)
        members = np.flatnonzero(heavy)
        return cls(
            side_chains=side_chains,
            tables=tables,
            reference=given.reference.astype(np.float64),
            moves=_lists(place, atoms, N_CHI * n),
            own=_lists(side_chains.moved_row[0][first], side_chains.moved_atom[0][first], n),
            inner=_inner_pairs(molecule, blocks, side_chains, heavy),
            block=block,
            pivot=pivot,
            reach=reach,
            members=_lists(blocks.atom_block[members], members, blocks.n_blocks),
        )

    def apply(
        self, frames_nm: NDArray[np.float64], numbers: NDArray[np.int64], *, seed: int, attempt: int
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Turn the side chains of frames.

        Parameters
        ----------
        frames_nm
            [n_frames, n_atoms, 3], nm, of rigid blocks; not changed.
        numbers, seed, attempt
            As for :meth:`unfreeze.sample.sampler.HarmonicSampler.frames`; they say which random numbers are used.

        Returns
        -------
        float64 [n_frames, n_atoms, 3], int64 [n_frames]
            Frames, and how many of their side chains have torsions that were drawn.
        """
        from unfreeze.sample.side_chain_kernels import turn_side_chains

        made = np.array(frames_nm, dtype=np.float64, order="C")
        turned = np.zeros(len(made), dtype=np.int64)
        n = len(self.side_chains)
        axes = np.ascontiguousarray(self.side_chains.quads[..., 1:3])
        for row, number in enumerate(numbers.tolist()):
            stream = np.random.SeedSequence(seed, spawn_key=(number, attempt, 1))
            random = np.random.Generator(np.random.PCG64(stream))
            turned[row] = n - turn_side_chains(
                made[row],
                random.permutation(n),
                random.random((n, _ROUNDS * _TRIES, N_CHI)),
                self.tables.cumulative,
                self.tables.defined,
                self.side_chains.symmetric,
                self.reference,
                axes,
                *self.moves,
                *self.own,
                *self.inner,
                self.block,
                *self._near(made[row]),
                *self.members,
                self.pivot,
                self.reach,
                _APART_NM,
                _ROUNDS,
            )
        return made, turned

    def _near(self, frame_nm: NDArray[np.float64]) -> Lists:
        """Blocks that a block may touch, of every block."""
        tree = KDTree(frame_nm[self.pivot])
        longest = float(self.reach[self.block].max()) + float(self.reach.max()) + _APART_NM
        pairs = tree.query_pairs(longest, output_type="ndarray").reshape(-1, 2)
        both = np.concatenate([pairs, pairs[:, ::-1]]).astype(np.int64)
        return _lists(both[:, 0], both[:, 1], len(self.pivot))


def _lists(owner: NDArray[np.int64], items: NDArray[np.int64], n: int) -> Lists:
    order = np.argsort(owner, kind="stable")
    return np.searchsorted(owner[order], np.arange(n + 1)), np.ascontiguousarray(items[order])


def _coordinating(molecule: Complex) -> NDArray[np.bool_]:
    """Residues with an atom at a metal: [n_residues]; they hold on to it."""
    held = np.zeros(molecule.n_residues, dtype=bool)
    metal = np.flatnonzero(metal_atoms(molecule))
    if len(metal):
        found = KDTree(molecule.coordinates_nm).query_ball_point(molecule.coordinates_nm[metal], _COORDINATION_NM)
        held[molecule.residue_index[np.concatenate([np.array(near, dtype=np.int64) for near in found])]] = True
    return held


def _extents(
    molecule: Complex, blocks: Blocks, side_chains: SideChains, block: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """An atom of every block and how far its others may be from it whatever the torsions: [n_blocks] twice, nm."""
    at = molecule.coordinates_nm
    pivot = np.zeros(blocks.n_blocks, dtype=np.int64)
    pivot[blocks.atom_block[::-1]] = np.arange(molecule.n_atoms)[::-1]
    pivot[block] = side_chains.quads[:, 0, 1]
    away = np.linalg.norm(at - at[pivot[blocks.atom_block]], axis=1)
    bonds = np.linalg.norm(at[side_chains.quads[..., 2]] - at[side_chains.quads[..., 1]], axis=2).cumsum(axis=1)
    for k in range(N_CHI):
        row, atom = side_chains.moved_row[k], side_chains.moved_atom[k]
        last = side_chains.shell[k] == k
        row, atom = row[last], atom[last]
        away[atom] = bonds[row, k] + np.linalg.norm(at[atom] - at[side_chains.quads[row, k, 2]], axis=1)
    reach = np.zeros(blocks.n_blocks)
    np.maximum.at(reach, blocks.atom_block, away)
    return pivot, reach + 0.02  # a peptide oxygen is not quite rigid


def _inner_pairs(molecule: Complex, blocks: Blocks, side_chains: SideChains, heavy: NDArray[np.bool_]) -> Lists:
    """Pairs of heavy atoms of a residue that could clash when its side chain turns."""
    neighbours: list[set[int]] = [set() for _ in range(molecule.n_atoms)]
    for one, other in blocks.bonds.tolist():
        neighbours[one].add(other)
        neighbours[other].add(one)
    shell = np.full(molecule.n_atoms, -1, dtype=np.int64)
    for row, atoms in zip(side_chains.shell, side_chains.moved_atom, strict=True):
        shell[atoms] = row
    starts = np.searchsorted(molecule.residue_index, np.arange(molecule.n_residues + 1))
    at, owner, pairs = molecule.coordinates_nm, [], []
    for row, residue in enumerate(side_chains.residue.tolist()):
        atoms = [atom for atom in range(starts[residue], starts[residue + 1]) if heavy[atom]]
        for one in atoms:
            close = neighbours[one].union(*(neighbours[atom] for atom in neighbours[one]))
            for other in atoms:
                if shell[one] <= shell[other] or other in close:
                    continue
                if np.linalg.norm(at[one] - at[other]) >= RING_CONTACT_NM:
                    owner.append(row)
                    pairs.append((one, other))
    return _lists(np.array(owner, dtype=np.int64), np.array(pairs, dtype=np.int64).reshape(-1, 2), len(side_chains))
