"""What the network sees of a complex: a graph of blocks with features that do not change when the complex is turned.

A node is a rigid block (a residue, a nucleotide, a fragment of a ligand, an ion); its neighbours are the blocks next
along the chain and the nearest others, so the cost is linear in size. There is no residue index and no chain name:
renumbering, reordering or renaming chains changes nothing. Distances and directions are taken from representative
atoms and local frames; the motion that the untrained elastic network predicts is an input too, so that the network
has to learn only where physics that simple is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from unfreeze.model.base_motion import BaseMotion
from unfreeze.model.local_frames import backbone_torsions, local_frames, side_centres
from unfreeze.physics.links import trace_pairs

__all__ = [
    "EDGE_COLUMNS",
    "FEATURES_VERSION",
    "NODE_COLUMNS",
    "N_EDGE_FEATURES",
    "N_NEIGHBOURS",
    "N_NODE_FEATURES",
    "BlockGraph",
    "block_graph",
]

FEATURES_VERSION = 1  # stored weights name the version that they were trained on
N_NEIGHBOURS = 28
N_NODE_FEATURES, N_EDGE_FEATURES = 71, 61
NODE_COLUMNS = {"distances": (), "springs": tuple(range(25, 29))}
EDGE_COLUMNS = {"distances": (*range(30), *range(54, 59)), "springs": (59, 60)}
"""Columns by what they are of: distances between blocks and their contacts; the motion of the untrained springs."""
_CHAIN_STEPS = 4  # neighbours that many bonds away along the chain are always in the graph
AMINO_ACIDS = tuple("ALA ARG ASN ASP CYS GLN GLU GLY HIS ILE LEU LYS MET PHE PRO SER THR TRP TYR VAL".split())
_KINDS = (*AMINO_ACIDS, "other amino acid", "purine", "pyrimidine", "ligand", "ion")
_PACKING_RADII_NM = (0.6, 0.8, 1.0, 1.4, 2.0)
_DISTANCE_CENTRES_NM = np.concatenate([np.linspace(0.35, 1.1, 10), np.linspace(1.25, 2.0, 4)])
_DISTANCE_WIDTH_NM = 0.1


@dataclass(frozen=True, eq=False)
class BlockGraph:
    """Features of a complex for the network.

    Attributes
    ----------
    nodes : float32 [n_blocks, n_node_features]
        Features of the blocks.
    neighbours : int32 [n_blocks, N_NEIGHBOURS]
        Neighbours of every block; its own number where there are fewer.
    present : float32 [n_blocks, N_NEIGHBOURS]
        1 for a neighbour, 0 for a place without one.
    edges : float32 [n_blocks, N_NEIGHBOURS, n_edge_features]
        Features of block and neighbour, zero where there is none.
    base_rmsf_nm : float32 [n_blocks]
        RMSF of the block's atom in the untrained harmonic ensemble, nm.
    is_protein : bool [n_blocks]
        Blocks whose motion is learned; the others are context.
    """

    nodes: NDArray[np.float32]
    neighbours: NDArray[np.int32]
    present: NDArray[np.float32]
    edges: NDArray[np.float32]
    base_rmsf_nm: NDArray[np.float32]
    is_protein: NDArray[np.bool_]

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return len(self.nodes)


def block_graph(base: BaseMotion) -> BlockGraph:
    """Compute the features of a complex.

    Parameters
    ----------
    base
        The complex with the motion of its untrained elastic network.
    """
    body, chain = _bodies(base), _chain_neighbours(base)
    neighbours, present = _neighbours(base.points_nm, chain)
    frames = local_frames(base.molecule)[base.blocks.block_residue]
    side = side_centres(base.molecule, base.blocks)
    nodes = _node_features(base, body, chain, frames, side)
    edges = _edge_features(base, body, chain, neighbours, frames, side) * present[..., None]
    kind = base.molecule.residue_kind[base.blocks.block_residue]
    return BlockGraph(
        nodes=nodes.astype(np.float32),
        neighbours=neighbours.astype(np.int32),
        present=present.astype(np.float32),
        edges=edges.astype(np.float32),
        base_rmsf_nm=base.rmsf_nm.astype(np.float32),
        is_protein=kind == "protein",
    )


def _bodies(base: BaseMotion) -> NDArray[np.int64]:
    """Number of the covalently joined body of every block: [n_blocks]."""
    ends = base.blocks.atom_block[np.concatenate([base.blocks.links, np.stack(trace_pairs(base.molecule), axis=1)])]
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(base.blocks.n_blocks,) * 2)
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _chain_neighbours(base: BaseMotion) -> NDArray[np.int64]:
    """Blocks 1 to _CHAIN_STEPS along the chain backwards and forwards: [n_blocks, 2 _CHAIN_STEPS]; -1 for none.

    Columns: −1, +1, −2, +2, … Only peptide and phosphodiester bonds count, and CA–CA steps where only CA is known.
    """
    n_blocks = base.blocks.n_blocks
    following = np.full(n_blocks, -1, dtype=np.int64)
    links = np.concatenate([base.blocks.links, np.stack(trace_pairs(base.molecule), axis=1)])
    names = base.molecule.atom_name[links]
    ends = base.blocks.atom_block[links]
    forward = np.isin(names[:, 0], ("C", "O3'")) & np.isin(names[:, 1], ("N", "P"))
    backward = np.isin(names[:, 1], ("C", "O3'")) & np.isin(names[:, 0], ("N", "P"))
    trace = (names == "CA").all(axis=1)
    following[ends[forward | trace, 0]] = ends[forward | trace, 1]
    following[ends[backward, 1]] = ends[backward, 0]
    preceding = np.full(n_blocks, -1, dtype=np.int64)
    preceding[following[following >= 0]] = np.flatnonzero(following >= 0)
    chain = np.full((n_blocks, 2 * _CHAIN_STEPS), -1, dtype=np.int64)
    for column, step in ((0, preceding), (1, following)):
        at = step
        for k in range(_CHAIN_STEPS):
            chain[:, 2 * k + column] = at
            at = np.where(at >= 0, step[at], -1)
    own = np.arange(n_blocks)[:, None]
    chain[chain == own] = -1  # a ring of fewer residues than that
    return chain


def _neighbours(
    points_nm: NDArray[np.float64], chain: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The chain neighbours and the nearest blocks of every block, without repeats: [n_blocks, N_NEIGHBOURS] twice."""
    n_blocks = len(points_nm)
    own = np.arange(n_blocks)[:, None]
    n_nearest = min(n_blocks, N_NEIGHBOURS + 1)
    nearest = KDTree(points_nm).query(points_nm, k=n_nearest)[1].reshape(n_blocks, -1)
    candidates = np.concatenate([np.where(chain >= 0, chain, own), nearest], axis=1)
    order = np.argsort(candidates, axis=1, kind="stable")
    ordered = np.take_along_axis(candidates, order, axis=1)
    repeated = np.zeros(candidates.shape, dtype=bool)
    repeated[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    drop = np.zeros_like(repeated)
    np.put_along_axis(drop, order, repeated, axis=1)
    drop |= candidates == own
    rank = np.argsort(drop, axis=1, kind="stable")[:, :N_NEIGHBOURS]
    neighbours = np.take_along_axis(candidates, rank, axis=1)
    present = ~np.take_along_axis(drop, rank, axis=1)
    missing = N_NEIGHBOURS - neighbours.shape[1]
    if missing > 0:
        neighbours = np.concatenate([neighbours, np.repeat(own, missing, axis=1)], axis=1)
        present = np.concatenate([present, np.zeros((n_blocks, missing), dtype=bool)], axis=1)
    return np.where(present, neighbours, own), present


def _node_features(
    base: BaseMotion,
    body: NDArray[np.int64],
    chain: NDArray[np.int64],
    frames: NDArray[np.float64],
    side: NDArray[np.float64],
) -> NDArray[np.float64]:
    molecule, blocks, points = base.molecule, base.blocks, base.points_nm
    n_blocks = blocks.n_blocks
    columns: list[NDArray[np.float64]] = [_kinds(base)]
    log_rmsf, log_rotation = np.log(base.rmsf_nm), np.log(base.rotation_rms_rad)
    columns += [
        log_rmsf + 2.5,
        log_rmsf - np.median(log_rmsf),
        log_rotation + 1.5,
        log_rotation - np.median(log_rotation),
    ]
    tree, atoms_tree = KDTree(points), KDTree(molecule.coordinates_nm)
    for radius in _PACKING_RADII_NM:
        for centre in (points, side):
            count = atoms_tree.query_ball_point(centre, radius, return_length=True)
            columns.append(np.log1p(np.asarray(count, dtype=np.float64)) - np.log1p(90.0 * (4.19 * radius**3)) + 1.0)
    # weighted contact number: sum of 1/r² (Lin et al. 2008, Proteins 72, 929), over blocks within 3 nm
    near = tree.query_pairs(3.0, output_type="ndarray")
    inverse = 1.0 / np.maximum(((points[near[:, 0]] - points[near[:, 1]]) ** 2).sum(axis=1), 0.09)
    weighted = np.bincount(near.ravel(order="F"), np.tile(inverse, 2), minlength=n_blocks)
    columns += [np.log1p(weighted) - 4.0, np.log1p(weighted) - np.median(np.log1p(weighted))]
    # half-sphere exposure (Hamelryck 2005, Proteins 59, 38) along CA to side chain
    up = side - points
    close = near[((points[near[:, 0]] - points[near[:, 1]]) ** 2).sum(axis=1) < 1.3**2]
    upper = np.zeros(n_blocks)
    for one, other in (close.T, close[:, ::-1].T):
        above = ((points[other] - points[one]) * up[one]).sum(axis=1) > 0.0
        upper += np.bincount(one, above.astype(np.float64), minlength=n_blocks)
    total = np.bincount(close.ravel(), minlength=n_blocks)
    columns += [np.log1p(upper) - 2.5, np.log1p(total - upper) - 2.5]
    columns += [*_chain_ends(chain), *_chain_shape(points, chain), *_contacts_across(base, body)]
    torsions = backbone_torsions(molecule)[blocks.block_residue]
    known = np.isfinite(torsions)
    angles = np.where(known, torsions, 0.0)
    columns += [
        *np.where(known, np.sin(angles), 0.0).T,
        *np.where(known, np.cos(angles), 0.0).T,
        *known.astype(float).T,
    ]
    centre = points.mean(axis=0)
    radius = np.linalg.norm(points - centre, axis=1)
    gyration = max(float(np.sqrt((radius**2).mean())), 0.1)
    columns += [
        radius / gyration - 1.0,
        np.full(n_blocks, np.log(n_blocks) - 5.3),
        np.full(n_blocks, np.log(gyration) - 0.6),
    ]
    columns.append(np.isfinite(frames).all(axis=(1, 2)).astype(float))
    return np.column_stack(columns)


def _kinds(base: BaseMotion) -> NDArray[np.float64]:
    """One-hot kind of every block: [n_blocks, n_kinds]."""
    residue = base.blocks.block_residue
    name, kind = base.molecule.residue_parent_name[residue], base.molecule.residue_kind[residue]
    index = np.full(len(residue), _KINDS.index("ligand"))
    index[kind == "ion"] = _KINDS.index("ion")
    nucleic = kind == "nucleic"
    purine = np.isin(np.char.lstrip(name, "D"), ("A", "G", "I"))
    index[nucleic] = np.where(purine, _KINDS.index("purine"), _KINDS.index("pyrimidine"))[nucleic]
    protein = kind == "protein"
    place = {amino: k for k, amino in enumerate(AMINO_ACIDS)}
    index[protein] = [place.get(str(one), len(AMINO_ACIDS)) for one in name[protein]]
    return np.eye(len(_KINDS))[index]


def _chain_ends(chain: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """How near the two ends of the chain are: 4 columns of exp(−bonds/scale)."""
    columns = []
    for column in (0, 1):
        step = chain[:, column]
        distance = np.where(step < 0, 0.0, np.inf)
        for _ in range(24):
            distance = np.where(step >= 0, np.minimum(distance, distance[step] + 1.0), 0.0)
        columns += [np.exp(-distance / 2.0), np.exp(-distance / 8.0)]
    return columns


def _chain_shape(points: NDArray[np.float64], chain: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """Distances along the chain from i−k to i+k and from i to i±k, nm, relative to helix–strand means."""
    own = np.arange(len(points))
    columns = []
    pairs = [(chain[:, 0], chain[:, 1], 0.6), (chain[:, 2], chain[:, 3], 0.9), (chain[:, 4], chain[:, 5], 1.3)]
    pairs += [(own, chain[:, 4], 0.75), (own, chain[:, 5], 0.75), (own, chain[:, 6], 0.9), (own, chain[:, 7], 0.9)]
    for one, other, mean in pairs:
        known = (one >= 0) & (other >= 0)
        columns.append(np.where(known, np.linalg.norm(points[one] - points[other], axis=1) - mean, 0.0))
    return columns


def _contacts_across(base: BaseMotion, body: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """Heavy-atom contacts of every block with other bodies and, within it, far along: log counts."""
    pairs = base.springs.atoms[: base.springs.n_contact]
    length = np.linalg.norm(
        base.molecule.coordinates_nm[pairs[:, 0]] - base.molecule.coordinates_nm[pairs[:, 1]], axis=1
    )
    block = base.blocks.atom_block[pairs]
    across = body[block[:, 0]] != body[block[:, 1]]
    polar = np.isin(base.molecule.element[pairs], ("N", "O")).all(axis=1)
    columns = []
    for chosen in (across & (length < 0.5), across & (length < 0.8), polar & (length < 0.35), length < 0.42):
        count = np.bincount(block[chosen].ravel(), minlength=base.blocks.n_blocks)
        columns.append(np.log1p(count.astype(np.float64)))
    return columns


def _edge_features(
    base: BaseMotion,
    body: NDArray[np.int64],
    chain: NDArray[np.int64],
    neighbours: NDArray[np.int64],
    frames: NDArray[np.float64],
    side: NDArray[np.float64],
) -> NDArray[np.float64]:
    n_blocks, n_neighbours = neighbours.shape
    points = base.points_nm
    frames = np.nan_to_num(frames)
    own = np.repeat(np.arange(n_blocks), n_neighbours)
    other = neighbours.ravel()
    pairs = np.stack([own, other], axis=1)
    offset = points[other] - points[own]
    distance = np.linalg.norm(offset, axis=1)
    unit = offset / np.maximum(distance, 1e-6)[:, None]
    side_distance = np.linalg.norm(side[other] - side[own], axis=1)
    columns: list[NDArray[np.float64]] = []
    for length in (distance, side_distance):
        columns += list(np.exp(-0.5 * ((length[:, None] - _DISTANCE_CENTRES_NM) / _DISTANCE_WIDTH_NM) ** 2).T)
        columns.append(length - 1.0)
    columns += [*np.einsum("pd,pdk->kp", unit, frames[own]), *np.einsum("pd,pdk->kp", -unit, frames[other])]
    columns += list(np.einsum("pdi,pdj->pij", frames[own], frames[other]).reshape(-1, 9).T)
    for column in range(2 * _CHAIN_STEPS):
        columns.append((chain[own, column] == other).astype(np.float64))
    columns.append((body[own] != body[other]).astype(np.float64))
    columns += _pair_contacts(base, pairs)
    columns += [base.correlations(pairs), np.log(np.maximum(base.distance_spreads_nm(pairs), 1e-4)) + 3.5]
    return np.stack(columns, axis=1).reshape(n_blocks, n_neighbours, -1)


def _pair_contacts(base: BaseMotion, pairs: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """Log numbers of heavy-atom contacts of pairs of blocks: within 0.42, 0.6, 0.8 nm, polar, and log stiffness."""
    n_blocks = base.blocks.n_blocks
    atoms = base.springs.atoms
    length = np.linalg.norm(
        base.molecule.coordinates_nm[atoms[:, 0]] - base.molecule.coordinates_nm[atoms[:, 1]], axis=1
    )
    block = np.sort(base.blocks.atom_block[atoms], axis=1)
    keys, place = np.unique(block[:, 0] * n_blocks + block[:, 1], return_inverse=True)
    wanted = np.sort(pairs, axis=1)
    key = wanted[:, 0] * n_blocks + wanted[:, 1]
    at = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
    known = keys[at] == key
    polar = np.isin(base.molecule.element[atoms], ("N", "O")).all(axis=1)
    contact = np.arange(len(atoms)) < base.springs.n_contact
    columns = []
    for weight in (
        contact & (length < 0.42),
        contact & (length < 0.6),
        contact & (length < 0.8),
        contact & polar & (length < 0.35),
        base.springs.stiffness / 1000.0,
    ):
        total = np.bincount(place, weight.astype(np.float64), minlength=len(keys))
        columns.append(np.where(known, np.log1p(total[at]), 0.0))
    return columns
