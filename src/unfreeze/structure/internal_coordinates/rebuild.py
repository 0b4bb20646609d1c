"""Heavy atoms of proteins from backbone frames and torsions, for all frames and residues at once.

:class:`ResidueBuilder` measures or looks up every residue's bond geometry once and then turns frames and torsions into
coordinates, atom level by atom level (Parsons et al. 2005, J. Comput. Chem. 26, 1063). Hydrogens, nucleic acids and
ligands are not built, and nothing here avoids clashes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.chemistry.residues import BACKBONE, TORSION_NAMES
from unfreeze.structure.complex import Complex
from unfreeze.structure.geometry import torsion_angles
from unfreeze.structure.internal_coordinates.build_tables import (
    FIXED,
    N_FRAME_ATOMS,
    N_SLOTS,
    NO_ATOM,
    OXT_SLOT,
    chi_slots,
    ideal_backbone,
    residue_templates,
    slot_atoms,
    step_tables,
)
from unfreeze.structure.internal_coordinates.frames import BackboneFrames, backbone_frames, gram_schmidt_frames
from unfreeze.structure.internal_coordinates.torsions import torsions

__all__ = ["ResidueBuilder", "place_atoms"]

O_SLOT = BACKBONE.index("O")
PSI = TORSION_NAMES.index("psi")
NO_CHI = np.pi
"""Torsion given to side-chain atoms the input lacks: extended."""


def place_atoms(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    c: NDArray[np.float64],
    length_nm: NDArray[np.float64],
    angle: NDArray[np.float64],
    torsion: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Points d with the bond c-d, the angle b-c-d and the torsion a-b-c-d.

    Parameters
    ----------
    a, b, c
        [..., 3], nm.
    length_nm, angle, torsion
        [...], nm and rad.

    Returns
    -------
    float64 [..., 3]
        In nm.
    """
    axis = c - b
    axis = axis / np.linalg.norm(axis, axis=-1, keepdims=True)
    normal = np.cross(b - a, axis)
    normal = normal / np.linalg.norm(normal, axis=-1, keepdims=True)
    across = np.cross(normal, axis)
    radius = length_nm * np.sin(angle)
    return (
        c
        - (length_nm * np.cos(angle))[..., None] * axis
        + (radius * np.cos(torsion))[..., None] * across
        + (radius * np.sin(torsion))[..., None] * normal
    )


def bond_angles(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angle a-b-c in rad of points [..., 3]."""
    u, v = a - b, c - b
    return np.arctan2(np.linalg.norm(np.cross(u, v), axis=-1), (u * v).sum(axis=-1))


class ResidueBuilder:
    """Builds the heavy atoms of every protein residue from its backbone frame and its torsions.

    N, CA and C follow the frame; O turns with psi and the side chain with chi1 to chi5. Where a torsion is NaN the
    input's own value stands (for atoms the input lacks, an extended side chain). Heavy atoms that the parent amino
    acid lacks (of modified residues) move rigidly with the nearest atom that it has.

    Parameters
    ----------
    system
        The complex.
    ideal
        Take bond lengths, angles and fixed torsions from :mod:`unfreeze.structure.chemistry.ideal_geometry`, not the
        input. Atoms the input lacks are ideal in any case.

    Attributes
    ----------
    residues : int64 [n_built]
        Residues that are built: amino acids with N, CA and C.
    built : bool [n_atoms]
        Atoms of the complex that are built.
    """

    def __init__(self, system: Complex, *, ideal: bool = False) -> None:
        start = backbone_frames(system)
        self.residues = np.flatnonzero(np.isfinite(start.rotations[0]).all(axis=(1, 2)))
        self._n_atoms = system.n_atoms
        template = residue_templates(system)[self.residues]
        self._atoms = slot_atoms(system, template, self.residues)
        self._references, self._driver, table = step_tables(template)
        here = self._atoms >= 0
        self._driver[~here[:, OXT_SLOT], OXT_SLOT] = NO_ATOM
        slots = np.full((len(self.residues), N_SLOTS, 3), np.nan)
        slots[here] = system.coordinates_nm[self._atoms[here]]
        own_torsions = torsions(system)[0, self.residues]

        # a D residue is the mirror image: fixed torsions and branch offsets change sign
        arms = slots[:, [0, 2, 4]] - slots[:, 1:2]
        mirrored = np.einsum("ri,ri->r", arms[:, 0], np.cross(arms[:, 1], arms[:, 2])) < 0
        table[mirrored, :, 2] *= -1.0
        self._fallback = np.zeros((len(self.residues), N_SLOTS))
        for slot in range(N_FRAME_ATOMS, N_SLOTS):
            missing = np.flatnonzero(~here[:, slot] & (self._driver[:, slot] > NO_ATOM))
            turn = self._turn(own_torsions[None], table[..., 2], slot, missing, default=NO_CHI)[0]
            a, b, c = (slots[missing, self._references[missing, slot, k]] for k in range(3))
            slots[missing, slot] = place_atoms(a, b, c, table[missing, slot, 0], table[missing, slot, 1], turn)
        measured = self._measure(slots)
        self._fallback = measured[..., 2].copy()
        # torsions the input does not define (chain ends, missing atoms) are those of the atoms just filled in
        filled = np.full_like(own_torsions, np.nan)
        filled[:, PSI] = measured[:, O_SLOT, 2] - table[:, O_SLOT, 2]
        rows, columns, ends = chi_slots(template)
        filled[rows, columns] = measured[rows, ends, 2]
        driving = self._driving(np.where(np.isnan(own_torsions), filled, own_torsions)[None], slice(None))[0]
        measured[..., 2] -= np.where(np.isnan(driving), 0.0, driving)
        self._geometry = table if ideal else measured
        local = slots[:, :N_FRAME_ATOMS] - slots[:, 1:2]
        rotations = start.rotations[0, self.residues]
        self._backbone = ideal_backbone(template) if ideal else np.einsum("rji,rkj->rki", rotations, local)
        self._find_extras(system, slots)
        self.built = np.zeros(system.n_atoms, dtype=bool)
        self.built[self._atoms[here]] = True
        self.built[self._extra_atoms] = True

    def build(
        self,
        frames: BackboneFrames,
        torsion_values: NDArray[np.floating],
        others_nm: NDArray[np.floating] | None = None,
    ) -> NDArray[np.float64]:
        """Build coordinates.

        Parameters
        ----------
        frames
            Rotations [n_frames, n_residues, 3, 3] and origins in nm [n_frames, n_residues, 3].
        torsion_values
            [n_frames, n_residues, 8], rad; only psi and chi are used (phi and omega follow from the frames).
        others_nm
            [n_frames, n_atoms, 3] (or broadcast to it): where the atoms that are not built come from.

        Returns
        -------
        float64 [n_frames, n_atoms, 3]
            In nm; atoms that are not built are NaN, or from `others_nm`.
        """
        slots = self.build_slots(frames, torsion_values)
        n_frames = len(slots)
        result = np.full((n_frames, self._n_atoms, 3), np.nan)
        if others_nm is not None:
            result[:] = others_nm
        here = self._atoms >= 0
        result[:, self._atoms[here]] = slots[:, here]
        axes, origin = self._extra_frames(slots)
        result[:, self._extra_atoms] = origin + np.einsum("feij,ej->fei", axes, self._extra_local)
        return result

    def build_slots(self, frames: BackboneFrames, torsion_values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Build every atom the amino acids have, those missing in the input too.

        Parameters
        ----------
        frames, torsion_values
            As for :meth:`build`.

        Returns
        -------
        float64 [n_frames, n_built, 15, 3]
            In nm, in the order of :data:`unfreeze.structure.chemistry.residues.AMINO_ACIDS`, OXT last; NaN where the
            amino acid has no such atom.
        """
        rotations, origins = frames.rotations[:, self.residues], frames.origins_nm[:, self.residues]
        turning = np.asarray(torsion_values, dtype=np.float64)[:, self.residues]
        slots = np.full((*origins.shape[:2], N_SLOTS, 3), np.nan)
        slots[:, :, :N_FRAME_ATOMS] = np.einsum("frij,rkj->frki", rotations, self._backbone) + origins[:, :, None]
        for slot in range(N_FRAME_ATOMS, N_SLOTS):
            rows = np.flatnonzero(self._driver[:, slot] > NO_ATOM)
            turn = self._turn(turning, self._geometry[..., 2], slot, rows)
            a, b, c = (slots[:, rows, self._references[rows, slot, k]] for k in range(3))
            length, angle = (np.broadcast_to(self._geometry[rows, slot, k], turn.shape) for k in range(2))
            slots[:, rows, slot] = place_atoms(a, b, c, length, angle, turn)
        return slots

    def _driving(self, turning: NDArray[np.float64], slot: int | slice) -> NDArray[np.float64]:
        """Values of the torsions that turn the atoms of a slot; NaN where none does: [n_frames, n_built, ...]."""
        driver = self._driver[:, slot]
        rows = np.arange(len(driver)).reshape(-1, *([1] * (driver.ndim - 1)))
        return np.where(driver >= 0, turning[:, rows, np.maximum(driver, 0)], np.nan)

    def _turn(
        self,
        turning: NDArray[np.float64],
        offset: NDArray[np.float64],
        slot: int,
        rows: NDArray[np.int64],
        default: float | None = None,
    ) -> NDArray[np.float64]:
        """Torsion a-b-c-d of a slot: driving torsion plus offset, fixed, or the input's own: [n_frames, n_rows]."""
        driving = self._driving(turning, slot)[:, rows]
        instead = self._fallback[rows, slot] if default is None else default + offset[rows, slot]
        turned = np.where(np.isnan(driving), instead, driving + offset[rows, slot])
        return np.where(self._driver[rows, slot] == FIXED, offset[rows, slot], turned)

    def _measure(self, slots: NDArray[np.float64]) -> NDArray[np.float64]:
        """Length, angle and torsion of every slot: [n_built, 15, 3]."""
        rows = np.arange(len(slots))[:, None]
        a, b, c = (slots[rows, self._references[..., k]] for k in range(3))
        return np.stack(
            [np.linalg.norm(slots - c, axis=-1), bond_angles(b, c, slots), torsion_angles(a, b, c, slots)], axis=-1
        )

    def _find_extras(self, system: Complex, slots: NDArray[np.float64]) -> None:
        """Heavy atoms in no slot: the nearest slot atom of their residue, and their place in its local frame."""
        row_of = np.full(system.n_residues, -1, dtype=np.int64)
        row_of[self.residues] = np.arange(len(self.residues))
        taken = np.zeros(system.n_atoms, dtype=bool)
        taken[self._atoms[self._atoms >= 0]] = True
        heavy = ~np.isin(system.element, ["H", "D"])
        self._extra_atoms = np.flatnonzero(~taken & heavy & (row_of[system.residue_index] >= 0))
        self._extra_rows = row_of[system.residue_index[self._extra_atoms]]
        gap = np.linalg.norm(slots[self._extra_rows] - system.coordinates_nm[self._extra_atoms][:, None], axis=-1)
        gap[self._atoms[self._extra_rows] < 0] = np.inf
        near = gap.argmin(axis=1) if len(gap) else np.zeros(0, dtype=np.int64)
        # N and CA have no references of their own: C takes their part in the frame
        before = self._references[self._extra_rows, near, 1:]
        before[near == 0] = (2, 1)
        before[near == 1] = (2, 0)
        before[near == 2] = (0, 1)
        self._extra_near = np.concatenate([near[:, None], before[:, ::-1]], axis=1)
        axes, origin = self._extra_frames(slots[None])
        self._extra_local = np.einsum("eij,ei->ej", axes[0], system.coordinates_nm[self._extra_atoms] - origin[0])

    def _extra_frames(self, slots: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        origin, first, plane = (slots[:, self._extra_rows, self._extra_near[:, k]] for k in range(3))
        return gram_schmidt_frames(origin, first, plane), origin
