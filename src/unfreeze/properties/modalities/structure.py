"""The modality *structure*: what surrounds a residue in space, its own side chain left out.

Every residue with N, CA and C is a site. Its surroundings are seen from a local frame and a virtual Cβ, so they turn
with the molecule, and they do not depend on which side chain the site has: the same columns serve the wild type and
all mutants. Atoms by kind are counted in balls along the direction of the side chain (as pockets are described by
Torng & Altman 2017, BMC Bioinformatics 18, 302, with voxels); the nearest residues, nucleotides, ligands and ions are
listed with kind, distance and direction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.model.local_frames import backbone_torsions, local_frames
from unfreeze.model.network import Array, linear, silu
from unfreeze.properties.modalities.sequence import LETTERS
from unfreeze.structure.complex import Complex

__all__ = [
    "KINDS",
    "N_NEIGHBOURS",
    "N_NODE",
    "N_PAIR",
    "VIRTUAL_CB_NM",
    "Surroundings",
    "encode",
    "layers",
    "protein_sites",
    "surroundings",
]

N_NEIGHBOURS = 24
KINDS = (*LETTERS, "other amino acid", "purine", "pyrimidine", "ligand", "ion")
VIRTUAL_CB_NM = (-0.0527, -0.0774, -0.1210)  # of ideal L-amino acids, in the local frame (x to C, y towards N)
_BALLS = ((0.0, 0.35), (0.0, 0.55), (0.15, 0.45), (0.3, 0.4), (0.3, 0.6), (0.5, 0.5), (0.5, 0.8))
"""Distance from the virtual Cβ along the side chain and radius, nm."""
_ATOM_CLASSES = ("backbone N", "backbone O", "backbone C", "carbon", "ring carbon", "polar N", "polar O", "+", "−", "S")
_CHARGED = {("LYS", "NZ"): 7, ("ARG", "NH1"): 7, ("ARG", "NH2"): 7, ("ARG", "NE"): 7}
_CHARGED |= {("ASP", "OD1"): 8, ("ASP", "OD2"): 8, ("GLU", "OE1"): 8, ("GLU", "OE2"): 8}
_RINGS = {"PHE": "CG CD1 CD2 CE1 CE2 CZ", "TYR": "CG CD1 CD2 CE1 CE2 CZ", "HIS": "CG CD2 CE1"}
_RINGS |= {"TRP": "CG CD1 CD2 CE2 CE3 CZ2 CZ3 CH2"}
_PACKING_NM = (0.6, 0.8, 1.0, 1.3, 1.6, 2.0)
_CENTRES_NM = np.linspace(0.3, 1.6, 12)
_WIDTH_NM = 0.12
_STEPS = (1, 2, 3, 4)
N_NODE = len(_BALLS) * len(_ATOM_CLASSES) + len(_PACKING_NM) + 3 + 6 + 4
N_PAIR = len(KINDS) + 2 * len(_CENTRES_NM) + 3 + 3 + 3 + 2 * len(_STEPS) + 1


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What surrounds sites.

    Attributes
    ----------
    nodes : float32 [n_sites, N_NODE]
        Atoms in balls, packing, torsions, shape of the chain.
    neighbours : int64 [n_sites, N_NEIGHBOURS]
        Rows of the residue table; −1 for none.
    pairs : float32 [n_sites, N_NEIGHBOURS, N_PAIR]
        Features of site and neighbour, zero where there is none.
    """

    nodes: NDArray[np.float32]
    neighbours: NDArray[np.int64]
    pairs: NDArray[np.float32]


def protein_sites(molecule: Complex) -> NDArray[np.int64]:
    """Rows of the residues that can be sites: amino acids with N, CA and C: [n_sites]."""
    whole = (molecule.residue_kind == "protein") & np.isfinite(local_frames(molecule)).all(axis=(1, 2))
    return np.flatnonzero(whole)


def surroundings(molecule: Complex, sites: NDArray[np.int64]) -> Surroundings:
    """Describe what surrounds residues.

    Parameters
    ----------
    molecule
        The complex; everything in it counts as surroundings.
    sites : int64 [n_sites]
        Rows of residues, of :func:`protein_sites`.
    """
    frames = local_frames(molecule)
    alpha = molecule.atom_of_residue("CA")
    at = molecule.coordinates_nm
    origin = at[alpha[sites]]
    frame = frames[sites]
    beta = origin + np.einsum("sij,j->si", frame, VIRTUAL_CB_NM)
    centre, side = _places(molecule, frames)
    nodes = np.concatenate(
        [
            _atoms_in_balls(molecule, sites, origin, beta),
            _packing(molecule, sites, origin, beta),
            _shape(molecule, sites),
        ],
        axis=1,
    )
    neighbours = _nearest(sites, beta, side)
    pairs = _pairs(molecule, sites, neighbours, origin, frame, centre, side, beta)
    return Surroundings(nodes.astype(np.float32), neighbours, pairs.astype(np.float32))


def layers(width: int) -> dict[str, tuple[int, int]]:
    """Names of the linear maps of the encoder, with numbers in and out."""
    return {
        "structure.node": (N_NODE, width),
        "structure.pair": (N_PAIR, width),
        "structure.site": (width, width),
        "structure.message": (width, width),
        "structure.gate": (width, 1),
        "structure.out": (2 * width, width),
    }


def encode(parameters: Mapping[str, Array], nodes: Array, pairs: Array, present: Array) -> Array:
    """Encode sites.

    Parameters
    ----------
    parameters
        Weights by name.
    nodes : [n_sites, N_NODE]
    pairs : [n_sites, N_NEIGHBOURS, N_PAIR]
    present : [n_sites, N_NEIGHBOURS]
        1 for a neighbour, 0 for a place without one.

    Returns
    -------
    [n_sites, width]
    """
    own = silu(linear(parameters, "structure.node", nodes))
    message = silu(linear(parameters, "structure.pair", pairs) + linear(parameters, "structure.site", own)[:, None])
    message = silu(linear(parameters, "structure.message", message))
    gate = linear(parameters, "structure.gate", message)
    gate = (1.0 / (1.0 + np.exp(-gate)) if isinstance(gate, np.ndarray) else gate.sigmoid()) * present[..., None]
    gathered = (message * gate).sum(1) * 0.25
    weight = parameters["structure.out.weight"]
    width = own.shape[1]
    return own @ weight[:width] + gathered @ weight[width:] + parameters["structure.out.bias"]


def _places(molecule: Complex, frames: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where every residue is, and where its side chain (base, ligand) is: [n_residues, 3] twice, nm."""
    at, residue = molecule.coordinates_nm, molecule.residue_index
    representative = molecule.atom_of_residue("CA")
    polymer = np.isin(molecule.residue_kind, ("protein", "nucleic"))
    backbone = polymer[residue] & np.isin(
        molecule.atom_name,
        ("N", "CA", "C", "O", "OXT", "P", "OP1", "OP2", "O5'", "C5'", "C4'", "O4'", "C3'", "O3'", "C2'", "C1'", "O2'"),
    )
    count, total = np.zeros(molecule.n_residues), np.zeros((molecule.n_residues, 3))
    np.add.at(count, residue[~backbone], 1.0)
    np.add.at(total, residue[~backbone], at[~backbone])
    all_count = np.bincount(residue, minlength=molecule.n_residues)
    mean = np.stack([np.bincount(residue, at[:, k], minlength=molecule.n_residues) for k in range(3)], axis=1)
    mean /= np.maximum(all_count, 1)[:, None]
    place = np.where((representative >= 0)[:, None], at[representative], mean)
    side = np.where(count[:, None] > 0, total / np.maximum(count, 1.0)[:, None], place)
    return place, side


def _atom_class(molecule: Complex) -> NDArray[np.int64]:
    """Number of the class of every heavy atom, −1 for hydrogen: [n_atoms]."""
    element, name = molecule.element, molecule.atom_name
    found = np.full(molecule.n_atoms, 3)
    found[element == "N"], found[element == "O"], found[element == "S"] = 5, 6, 9
    parent = molecule.residue_parent_name[molecule.residue_index]
    protein = (molecule.residue_kind == "protein")[molecule.residue_index]
    for backbone, number in (("N", 0), ("O", 1), ("OXT", 8), ("C", 2), ("CA", 3)):
        found[protein & (name == backbone)] = number
    for residue, atoms in _RINGS.items():
        found[(parent == residue) & np.isin(name, atoms.split())] = 4
    for (residue, atom), number in _CHARGED.items():
        found[(parent == residue) & (name == atom)] = number
    found[(molecule.residue_kind == "ion")[molecule.residue_index]] = 7
    found[(molecule.residue_kind == "nucleic")[molecule.residue_index] & np.isin(name, ("OP1", "OP2"))] = 8
    found[element == "H"] = -1
    return found


def _atoms_in_balls(
    molecule: Complex, sites: NDArray[np.int64], origin: NDArray[np.float64], beta: NDArray[np.float64]
) -> NDArray[np.float64]:
    kind = _atom_class(molecule)
    chosen = np.flatnonzero(kind >= 0)
    tree = KDTree(molecule.coordinates_nm[chosen])
    along = beta - origin
    along /= np.linalg.norm(along, axis=1)[:, None]
    columns = []
    for distance, radius in _BALLS:
        lists = tree.query_ball_point(beta + distance * along, radius)
        row = np.repeat(np.arange(len(sites)), [len(one) for one in lists])
        atom = chosen[np.concatenate([*map(np.asarray, lists), np.empty(0)]).astype(np.int64)]
        foreign = molecule.residue_index[atom] != sites[row]
        counts = np.zeros((len(sites), len(_ATOM_CLASSES)))
        np.add.at(counts, (row[foreign], kind[atom[foreign]]), 1.0)
        columns.append(np.log1p(counts))
    return np.concatenate(columns, axis=1)


def _packing(
    molecule: Complex, sites: NDArray[np.int64], origin: NDArray[np.float64], beta: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Neighbours within radii, weighted contact number, half-sphere exposure (Hamelryck 2005, Proteins 59, 38)."""
    points = molecule.coordinates_nm[molecule.representative_atoms()]
    tree = KDTree(points)
    columns = [
        np.log1p(np.asarray(tree.query_ball_point(beta, radius, return_length=True), dtype=np.float64))
        - np.log1p(60 * radius**3)
        for radius in _PACKING_NM
    ]
    lists = tree.query_ball_point(origin, 1.3)
    row = np.repeat(np.arange(len(sites)), [len(one) for one in lists])
    other = np.concatenate([*map(np.asarray, lists), np.empty(0)]).astype(np.int64)
    offset = points[other] - origin[row]
    squared = (offset**2).sum(axis=1)
    foreign = squared > 1e-6
    up = ((offset * (beta - origin)[row]).sum(axis=1) > 0.0) & foreign
    above = np.bincount(row[up], minlength=len(sites))
    below = np.bincount(row[foreign & ~up], minlength=len(sites))
    weighted = np.bincount(row[foreign], 1.0 / squared[foreign], minlength=len(sites))
    return np.stack([*columns, np.log1p(weighted) - 3.0, np.log1p(above) - 2.3, np.log1p(below) - 2.3], axis=1)


def _shape(molecule: Complex, sites: NDArray[np.int64]) -> NDArray[np.float64]:
    torsions = backbone_torsions(molecule)[sites, :2]
    known = np.isfinite(torsions)
    angles = np.where(known, torsions, 0.0)
    alpha = molecule.atom_of_residue("CA")
    columns = [*np.where(known, np.sin(angles), 0.0).T, *np.where(known, np.cos(angles), 0.0).T, *known.astype(float).T]
    for step, mean in ((-4, 0.9), (-2, 0.6), (2, 0.6), (4, 0.9)):
        other = sites + step
        inside = (other >= 0) & (other < molecule.n_residues)
        other = np.where(inside, other, sites)
        inside &= (molecule.chain_index[other] == molecule.chain_index[sites]) & (alpha[other] >= 0)
        offset = molecule.coordinates_nm[alpha[other]] - molecule.coordinates_nm[alpha[sites]]
        columns.append(np.where(inside, np.clip(np.linalg.norm(offset, axis=1), 0.0, 2.0) - mean, 0.0))
    return np.stack(columns, axis=1)


def _nearest(sites: NDArray[np.int64], beta: NDArray[np.float64], side: NDArray[np.float64]) -> NDArray[np.int64]:
    """The residues whose side chains are nearest to the virtual Cβ: [n_sites, N_NEIGHBOURS], −1 for none."""
    found = np.full((len(sites), N_NEIGHBOURS), -1, dtype=np.int64)
    wanted = min(len(side), N_NEIGHBOURS + 1)
    nearest = np.asarray(KDTree(side).query(beta, k=wanted)[1]).reshape(len(sites), wanted)
    own = nearest == sites[:, None]
    order = np.argsort(own, axis=1, kind="stable")[:, : min(wanted - 1, N_NEIGHBOURS)]
    chosen = np.take_along_axis(nearest, order, axis=1)
    found[:, : chosen.shape[1]] = chosen
    return found


def _kind_numbers(molecule: Complex) -> NDArray[np.int64]:
    from unfreeze.structure.chemistry.residues import AMINO_ACIDS

    place = {name: LETTERS.index(acid.letter) for name, acid in AMINO_ACIDS.items()}
    kind = molecule.residue_kind
    found = np.full(molecule.n_residues, KINDS.index("ligand"))
    found[kind == "ion"] = KINDS.index("ion")
    protein = np.flatnonzero(kind == "protein")
    names = molecule.residue_parent_name[protein].tolist()
    found[protein] = [place.get(name, KINDS.index("other amino acid")) for name in names]
    nucleic = np.flatnonzero(kind == "nucleic")
    purine = np.isin(np.char.lstrip(molecule.residue_parent_name[nucleic], "D"), ("A", "G", "I"))
    found[nucleic] = np.where(purine, KINDS.index("purine"), KINDS.index("pyrimidine"))
    return found


def _pairs(
    molecule: Complex,
    sites: NDArray[np.int64],
    neighbours: NDArray[np.int64],
    origin: NDArray[np.float64],
    frame: NDArray[np.float64],
    centre: NDArray[np.float64],
    side: NDArray[np.float64],
    beta: NDArray[np.float64],
) -> NDArray[np.float64]:
    present = neighbours >= 0
    other = np.where(present, neighbours, sites[:, None])
    columns = [np.eye(len(KINDS))[_kind_numbers(molecule)[other]]]
    to_side, to_centre = side[other] - beta[:, None], centre[other] - origin[:, None]
    for offset in (to_side, to_centre):
        length = np.linalg.norm(offset, axis=2)
        columns.append(np.exp(-0.5 * ((length[..., None] - _CENTRES_NM) / _WIDTH_NM) ** 2))
    for offset in (to_side, to_centre, side[other] - centre[other]):
        unit = offset / np.maximum(np.linalg.norm(offset, axis=2), 0.05)[..., None]
        columns.append(np.einsum("snd,sdk->snk", unit, frame))
    same_chain = molecule.chain_index[other] == molecule.chain_index[sites][:, None]
    step = np.where(same_chain & (molecule.residue_kind[other] == "protein"), other - sites[:, None], 10**6)
    columns += [(step == sign * k)[..., None].astype(float) for k in _STEPS for sign in (-1, 1)]
    columns.append((~same_chain)[..., None].astype(float))
    return np.concatenate(columns, axis=2) * present[..., None]
