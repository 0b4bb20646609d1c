"""What the 3-D view of a page shows: which atoms, which frames, in which order, in how many bytes.

Pictures need neither every atom of a large complex nor every frame. What is left out is decided here and is said
on the page; every number on the page comes from all atoms and frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.report.packing import byte_planes
from unfreeze.structure.complex import Complex
from unfreeze.structure.observables.motion import normalised_weights

__all__ = ["Scene", "make_scene", "tour"]

MAX_FRAMES = 60
FEWEST_FRAMES = 24
ATOM_FRAMES = 600_000  # atoms times frames; about 2.4 bytes each in the page
_STEP_A = 0.02
_PROTEIN_BACKBONE = ("N", "CA", "C", "O", "OXT")
_NUCLEIC_BACKBONE = ("P", "O5'", "C5'", "C4'", "C3'", "O3'", "C1'", "N1", "N3", "N9", "C2", "C4", "C6")


@dataclass(frozen=True, eq=False)
class Scene:
    """Atoms and frames for the viewer.

    Attributes
    ----------
    atoms : int64 [n_shown_atoms]
        Rows of the complex.
    detail
        What those atoms are, in words.
    frames : int64 [n_shown_frames]
        Frames shown, in the order in which they are shown.
    layout
        JSON-ready tables from which the page builds its structure.
    coordinates
        Quantised coordinates as byte planes: the input, then every frame's difference from it.
    """

    atoms: NDArray[np.int64]
    detail: str
    frames: NDArray[np.int64]
    layout: dict[str, Any]
    coordinates: bytes


def make_scene(
    molecule: Complex,
    coordinates_nm: NDArray[np.floating],
    weights: NDArray[np.float64] | None,
    residue_rmsf_a: NDArray[np.float64],
) -> Scene:
    """Choose, thin, order and quantise.

    Parameters
    ----------
    molecule
        The complex; its coordinates are the input.
    coordinates_nm
        [n_frames, n_atoms, 3], nm, superposed.
    weights
        [n_frames] or None.
    residue_rmsf_a
        [n_residues] RMSF for colouring, Å.
    """
    atoms, detail = _choose_atoms(molecule)
    frames = _choose_frames(len(coordinates_nm), weights, max(8, ATOM_FRAMES // max(len(atoms), 1)))
    trace = molecule.representative_atoms()
    order = tour(coordinates_nm[np.ix_(frames, trace if len(trace) else atoms)])
    frames = frames[order]
    centre = molecule.coordinates_nm[atoms].mean(axis=0)
    axes = _axes(molecule.coordinates_nm[atoms] - centre)
    start = 10.0 * (molecule.coordinates_nm[atoms] - centre) @ axes.T
    moved = 10.0 * (coordinates_nm[np.ix_(frames, atoms)] - centre) @ axes.T
    extent = max(float(np.abs(start).max(initial=0.0)), float(np.abs(moved - start).max(initial=0.0)))
    step = max(_STEP_A, extent / 32_000.0)
    base = np.round(start / step).astype(np.int16)
    change = (np.round(moved / step) - base).astype(np.int16)
    layout = _tables(molecule, atoms, residue_rmsf_a)
    layout.update(step=step, axes=np.round(axes, 6).tolist(), frames=(frames + 1).tolist(), detail=detail)
    return Scene(atoms, detail, frames, layout, byte_planes(base) + byte_planes(change))


def tour(points: NDArray[np.floating]) -> NDArray[np.int64]:
    """A closed short round through frames [n_frames, n_points, 3], so that neighbours look alike.

    Nearest neighbour, then 2-opt: an ensemble has no order of its own, and a random one flickers.
    """
    n_frames = len(points)
    if n_frames < 4:
        return np.arange(n_frames)
    flat = np.asarray(points, dtype=np.float64).reshape(n_frames, -1)
    squares = (flat**2).sum(axis=1)
    distance = np.sqrt(np.maximum(squares[:, None] + squares[None] - 2.0 * flat @ flat.T, 0.0))
    route = [0]
    left = set(range(1, n_frames))
    while left:
        nearest = min(left, key=lambda frame: distance[route[-1], frame])
        route.append(nearest)
        left.remove(nearest)
    path = np.array(route)
    improved = True
    while improved:
        improved = False
        for i in range(n_frames - 2):
            after = np.arange(i + 2, n_frames if i else n_frames - 1)
            a, b, c, d = path[i], path[i + 1], path[after], path[(after + 1) % n_frames]
            gain = distance[a, b] + distance[c, d] - distance[a, c] - distance[b, d]
            best = int(gain.argmax()) if len(after) else 0
            if len(after) and gain[best] > 1e-9:
                path[i + 1 : after[best] + 1] = path[i + 1 : after[best] + 1][::-1]
                improved = True
    return path


def _axes(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation [3, 3] that lays the longest axis along x and the shortest along z, where the camera looks from."""
    _, _, axes = np.linalg.svd(points.T @ points)
    axes[2] *= np.sign(np.linalg.det(axes))
    return axes


def _choose_atoms(molecule: Complex) -> tuple[NDArray[np.int64], str]:
    heavy = ~np.isin(molecule.element, ("H", "D"))
    kind = molecule.residue_kind[molecule.residue_index]
    protein, nucleic = kind == "protein", kind == "nucleic"
    other = ~protein & ~nucleic
    backbone = (protein & np.isin(molecule.atom_name, _PROTEIN_BACKBONE)) | (
        nucleic & np.isin(molecule.atom_name, _NUCLEIC_BACKBONE)
    )
    trace = np.zeros(molecule.n_atoms, dtype=bool)
    trace[molecule.representative_atoms()] = True
    levels = (
        (heavy, "all heavy atoms"),
        (heavy & (backbone | other), "the backbone, ligands and ions"),
        (heavy & (trace | other), "one atom a residue, ligands and ions"),
        (trace, "one atom a residue"),
    )
    for mask, detail in levels:
        if mask.sum() * FEWEST_FRAMES <= ATOM_FRAMES:
            return np.flatnonzero(mask), detail
    return np.flatnonzero(levels[-1][0]), levels[-1][1]


def _choose_frames(n_frames: int, weights: NDArray[np.float64] | None, budget: int) -> NDArray[np.int64]:
    """Frames evenly spaced in cumulative weight, each once."""
    wanted = min(MAX_FRAMES, budget, n_frames)
    cumulative = np.cumsum(normalised_weights(weights, n_frames))
    middle = (np.arange(wanted) + 0.5) / max(wanted, 1)
    return np.unique(np.minimum(np.searchsorted(cumulative, middle), n_frames - 1))


def _tables(molecule: Complex, atoms: NDArray[np.int64], residue_rmsf_a: NDArray[np.float64]) -> dict[str, Any]:
    residues, residue_of_atom = np.unique(molecule.residue_index[atoms], return_inverse=True)
    names, name_of_atom = np.unique(molecule.atom_name[atoms], return_inverse=True)
    elements, element_of_atom = np.unique(molecule.element[atoms], return_inverse=True)
    components, component = np.unique(molecule.residue_name[residues], return_inverse=True)
    trace = np.isin(atoms, molecule.representative_atoms())
    parent = molecule.residue_parent_name[residues]
    kind = molecule.residue_kind[residues]
    dna = (kind == "nucleic") & np.char.startswith(parent.astype(str), "D")
    code = np.select([kind == "protein", dna, kind == "nucleic"], [0, 1, 2], default=3)
    return {
        "atomNames": names.tolist(),
        "atomName": name_of_atom.tolist(),
        "elements": elements.tolist(),
        "element": element_of_atom.tolist(),
        "atomResidue": np.diff(residue_of_atom, prepend=0).tolist(),
        "components": components.tolist(),
        "component": component.tolist(),
        "number": molecule.residue_number[residues].tolist(),
        "insertion": molecule.residue_insertion_code[residues].tolist(),
        "kind": code.tolist(),
        "chain": molecule.chain_index[residues].tolist(),
        "rmsf": np.round(residue_rmsf_a[residues], 2).tolist(),
        "trace": np.flatnonzero(trace).tolist(),
    }
