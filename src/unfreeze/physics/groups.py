"""Which atoms must keep which shape: the rigid groups that covalent geometry consists of.

Blocks are rigid by definition. Across every bond between blocks two overlapping groups hold lengths and angles
and leave the torsion about the bond free: each end with its neighbours and the other end. A peptide bond, which
does not turn, is one planar group (Cα, C, O, N, Cα; Cδ too in proline), and its O belongs to the plane, not to
the residue, so that φ and ψ stay free.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unfreeze.physics.links import (
    are_peptide_links,
    bonded_neighbours,
    coordination_pairs,
    neighbours_of,
    oriented,
    trace_pairs,
)
from unfreeze.structure.blocks import Blocks
from unfreeze.structure.complex import Complex
from unfreeze.structure.geometry import torsion_angles

__all__ = ["RigidGroups", "find_groups"]

# A peptide plane, nm and degrees: Engh & Huber 2001, International Tables F, 18.3; C–N as structure/validity.py has it
_CA_C, _C_O, _C_N, _N_CA, _N_CD = 0.1525, 0.1229, 0.1329, 0.1459, 0.1474
_CA_C_O, _CA_C_N, _C_N_CA, _C_N_CD = 120.1, 117.2, 121.7, 128.4
_C_N_CA_CIS, _C_N_CD_CIS = 127.0, 120.6


@dataclass(frozen=True, eq=False)
class RigidGroups:
    """Groups of atoms with the shape each is to keep.

    Attributes
    ----------
    atoms : int64 [n_members]
        Members of all groups, one group after the other.
    start : int64 [n_groups + 1]
        Where each group begins in `atoms`.
    template_nm : float64 [n_members, 3]
        The shape: coordinates in any frame, nm.
    carbonyl : int64 [n_peptides, 4]
        CA, C, N (next residue) and O of every peptide bond whose O is placed from its plane.
    carbonyl_template_nm : float64 [n_peptides, 3]
        Where O sits in the frame of CA, C and N, nm.
    carried : bool [n_atoms]
        Atoms that follow their block and are in no group: they need not be solved for.
    """

    atoms: NDArray[np.int64]
    start: NDArray[np.int64]
    template_nm: NDArray[np.float64]
    carbonyl: NDArray[np.int64]
    carbonyl_template_nm: NDArray[np.float64]
    carried: NDArray[np.bool_]


def find_groups(molecule: Complex, blocks: Blocks) -> RigidGroups:
    """Find the rigid groups of a complex.

    Parameters
    ----------
    molecule, blocks
        The complex in its reference structure, whose shapes the groups keep, and its rigid blocks. Peptide planes
        that are distorted in the reference structure get ideal geometry instead.
    """
    links = blocks.links
    is_peptide = are_peptide_links(molecule, links)
    bond = oriented(molecule, links[is_peptide], "C")
    before, after = molecule.residue_index[bond[:, 0]], molecule.residue_index[bond[:, 1]]
    named = {name: molecule.atom_of_residue(name) for name in ("CA", "C", "O", "N", "CD")}
    is_proline = molecule.residue_parent_name[after] == "PRO"
    plane = np.stack(
        [
            named["CA"][before],
            bond[:, 0],
            named["O"][before],
            bond[:, 1],
            named["CA"][after],
            np.where(is_proline, named["CD"][after], -1),
        ],
        axis=1,
    )
    plane_template = _plane_templates(molecule.coordinates_nm, plane)
    has_plane_oxygen = (plane[:, [0, 1, 2, 3]] >= 0).all(axis=1)
    carbonyl = plane[has_plane_oxygen][:, [0, 1, 3, 2]]
    members, shapes, counts = _flatten(plane, plane_template)

    held = coordination_pairs(molecule)
    held = held[
        (blocks.atom_block[held[:, 0]] != blocks.atom_block[held[:, 1]]) & ~np.isin(held, carbonyl[:, 3]).any(1)
    ]
    other_members, other_counts = _angle_groups(molecule, blocks, np.concatenate([links[~is_peptide], held]))
    trace = np.stack(trace_pairs(molecule), axis=1)
    other_members = np.concatenate([other_members, trace.ravel()])
    other_counts = np.concatenate([other_counts, np.full(len(trace), 2)])
    joined = np.concatenate([links, held])
    block_members, block_counts, carried = _block_groups(molecule, blocks, carbonyl[:, 3], joined)
    later = np.concatenate([other_members, block_members])
    return RigidGroups(
        atoms=np.concatenate([members, later]),
        start=np.concatenate([[0], np.cumsum(np.concatenate([counts, other_counts, block_counts]))]),
        template_nm=np.concatenate([shapes, molecule.coordinates_nm[later]]),
        carbonyl=carbonyl,
        carbonyl_template_nm=_in_plane_frame(*(plane_template[has_plane_oxygen][:, k] for k in (0, 1, 3, 2))),
        carried=carried,
    )


def _flatten(
    table: NDArray[np.int64], templates: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Drop the absent members (−1) of a table of groups."""
    present = table >= 0
    return table[present], templates[present], present.sum(axis=1)


def _plane_templates(points: NDArray[np.float64], plane: NDArray[np.int64]) -> NDArray[np.float64]:
    """Shape of every peptide plane: the reference structure's where that is sound, ideal elsewhere: [n, 6, 3].

    A plane twisted half way between cis and trans keeps its own shape: neither ideal one would fit its residues.
    """
    shapes = points[plane]
    alpha, carbonyl, _, nitrogen, next_alpha, _ = shapes.transpose(1, 0, 2)
    whole = (plane[:, [0, 4]] >= 0).all(axis=1)
    length = np.linalg.norm(carbonyl - nitrogen, axis=1)
    span = np.linalg.norm(alpha - next_alpha, axis=1)
    omega = np.degrees(np.abs(torsion_angles(alpha, carbonyl, nitrogen, next_alpha)))
    cis = whole & (omega < 90.0)
    ideal_span = np.where(cis, 0.295, 0.380)
    # a little inside the limits of the validity check, since projection leaves an error of its own
    sound = (np.abs(length - _C_N) < 0.008) & (~whole | (np.abs(span - ideal_span) < 0.018))
    twisted = whole & (omega > 35.0) & (omega < 145.0)
    ideal = np.where(cis[:, None, None], _ideal_plane(cis=True), _ideal_plane(cis=False))
    return np.where((sound | twisted)[:, None, None], shapes, ideal)


def _ideal_plane(*, cis: bool) -> NDArray[np.float64]:
    """CA, C, O, N, CA, CD of a planar peptide in the xy plane, nm: [6, 3]."""

    def toward(degrees: float, length: float) -> NDArray[np.float64]:
        return length * np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees)), 0.0])

    carbonyl, nitrogen = np.zeros(3), np.array([_C_N, 0.0, 0.0])
    alpha = toward(_CA_C_N, _CA_C)
    oxygen = toward(_CA_C_N + _CA_C_O, _C_O)
    # in trans the next CA lies across the bond from CA; in cis on the same side
    side = 1.0 if cis else -1.0
    angle_alpha, angle_delta = (_C_N_CA_CIS, _C_N_CD_CIS) if cis else (_C_N_CA, _C_N_CD)
    next_alpha = nitrogen + toward(side * (180.0 - angle_alpha), _N_CA)
    delta = nitrogen + toward(-side * (180.0 - angle_delta), _N_CD)
    return np.stack([alpha, carbonyl, oxygen, nitrogen, next_alpha, delta])


def _in_plane_frame(
    alpha: NDArray[np.float64],
    carbonyl: NDArray[np.float64],
    nitrogen: NDArray[np.float64],
    oxygen: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Coordinates of O in the frame of CA, C and N: [n, 3], nm."""
    return np.einsum("nij,ni->nj", plane_frames(alpha, carbonyl, nitrogen), oxygen - carbonyl)


def plane_frames(
    alpha: NDArray[np.float64], carbonyl: NDArray[np.float64], nitrogen: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Frames with x from C to CA and N in the xy half-plane; axes are columns: [..., 3, 3] for points [..., 3]."""
    x = alpha - carbonyl
    x = x / np.linalg.norm(x, axis=-1, keepdims=True)
    y = nitrogen - carbonyl
    y = y - (y * x).sum(axis=-1, keepdims=True) * x
    y = y / np.maximum(np.linalg.norm(y, axis=-1, keepdims=True), 1e-12)
    return np.stack([x, y, np.cross(x, y)], axis=-1)


def _angle_groups(
    molecule: Complex, blocks: Blocks, links: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each end of a link with its bonded neighbours in its block and the other end: members and group sizes."""
    row_start, neighbour = bonded_neighbours(molecule.n_atoms, blocks.bonds)
    centre, far = np.concatenate([links, links[:, ::-1]]).T
    owner, beside = neighbours_of(centre, row_start, neighbour)
    keep = blocks.atom_block[beside] == blocks.atom_block[centre[owner]]
    group = np.concatenate([np.arange(len(centre)), np.arange(len(centre)), owner[keep]])
    member = np.concatenate([centre, far, beside[keep]])
    order = np.lexsort((member, group))
    return member[order], np.bincount(group, minlength=len(centre)).astype(np.int64)


def _block_groups(
    molecule: Complex, blocks: Blocks, plane_oxygen: NDArray[np.int64], links: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """One group a block, without the peptide oxygens; in amino acids only the atoms that hold it in the chain."""
    residue = blocks.block_residue[blocks.atom_block]
    backbone = np.isin(molecule.atom_name, ("N", "CA", "C", "CB"))
    has_frame = np.bincount(residue[backbone], minlength=molecule.n_residues)[residue] >= 3
    member = ~(has_frame & (molecule.residue_kind[residue] == "protein")) | backbone
    # the ends of a link and their neighbours (a disulfide's SG and CB) carry the block too
    row_start, neighbour = bonded_neighbours(molecule.n_atoms, blocks.bonds)
    ends = links.ravel()
    owner, beside = neighbours_of(ends, row_start, neighbour)
    member[ends] = True
    member[beside[blocks.atom_block[beside] == blocks.atom_block[ends[owner]]]] = True
    member[plane_oxygen] = False
    carried = ~member
    carried[plane_oxygen] = False
    atoms = np.flatnonzero(member)
    atoms = atoms[np.argsort(blocks.atom_block[atoms], kind="stable")]
    counts = np.bincount(blocks.atom_block[atoms], minlength=blocks.n_blocks)
    return atoms, counts, carried
