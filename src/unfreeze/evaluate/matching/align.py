"""`align_pair`: the matched atoms of both sides, equivalent atoms named alike, superposed on one structure."""

from __future__ import annotations

import tempfile
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.evaluate.frames import AlignedPair, Frames, Side
from unfreeze.evaluate.matching.equivalent import EquivalentAtoms
from unfreeze.evaluate.matching.match import Matching, match
from unfreeze.evaluate.matching.superposition import Superposer, frame_spans
from unfreeze.structure.complex import Complex

__all__ = ["MAX_IN_MEMORY_BYTES", "align_pair"]

MAX_IN_MEMORY_BYTES = 2_000_000_000
"""Frames of one side that are larger, and were a memory map, are aligned into a temporary file."""
_MIN_FIT = 3


def align_pair(
    reference: Frames, ensemble: Frames, *, structure: Complex | None = None, relabel: bool = True
) -> tuple[AlignedPair, Matching]:
    """Bring an ensemble and its reference to the same atoms, labels and frame of space.

    Every frame of both sides is superposed on the reference structure by least squares over the matched
    representative atoms (Cα, P or C1'; all matched atoms where these are fewer than three).

    Parameters
    ----------
    reference, ensemble
        The two sides. They are not changed; frames are read in blocks.
    structure
        Another structure of the reference's atoms to superpose on and to compare with; its own when None.
    relabel
        Whether names of equivalent atoms are made a function of geometry, see
        :mod:`unfreeze.evaluate.matching.equivalent`.

    Returns
    -------
    pair : AlignedPair
        float32 frames of the matched atoms. Weights, replicas and clock are those of the input.
    matching : Matching
        How atoms were found.

    Raises
    ------
    InputError
        If nothing matches, there are no frames, or a coordinate is not finite.
    ValueError
        If `structure` has other atoms than the reference.
    """
    if structure is not None:
        reference = replace(reference, molecule=_checked(structure, reference))
    for side in (reference, ensemble):
        if side.n_frames == 0:
            raise InputError(
                f"{side.name} has no frames; one was expected at least. Check the trajectory and --stride."
            )
    matching = match(reference, ensemble)
    molecule = reference.molecule.take_atoms(matching.reference_atoms)
    equivalent = EquivalentAtoms(molecule) if relabel else None
    if equivalent is not None:
        molecule = molecule.with_coordinates(equivalent.structure_nm)
    representatives = molecule.representative_atoms()
    few = len(representatives) < _MIN_FIT
    if few:
        note = f"Frames were superposed over all {molecule.n_atoms} matched atoms: too few residues matched."
        matching = replace(matching, notes=(*matching.notes, note))
    superposer = Superposer(molecule.coordinates_nm, None if few else representatives)

    def side_of(frames: Frames, atoms: NDArray[np.int64]) -> Side:
        moved = _aligned(frames, atoms, superposer, equivalent)
        return Side.of(
            molecule, moved, frames.weights, replica_start=frames.replica_start, time_step_ps=frames.time_step_ps
        )

    pair = AlignedPair(
        ensemble=side_of(ensemble, matching.ensemble_atoms), reference=side_of(reference, matching.reference_atoms)
    )
    return pair, matching


def _checked(structure: Complex, reference: Frames) -> Complex:
    mine = reference.molecule
    if structure.n_atoms != mine.n_atoms or (structure.atom_name != mine.atom_name).any():
        raise ValueError(f"structure has other atoms ({structure.n_atoms}) than {reference.name} ({mine.n_atoms})")
    return structure


def _aligned(
    frames: Frames, atoms: NDArray[np.int64], superposer: Superposer, equivalent: EquivalentAtoms | None
) -> NDArray[np.float32]:
    """Matched atoms of all frames, relabelled and superposed: float32 [n_frames, n_matched, 3]."""
    source = frames.coordinates_nm
    moved = _empty((len(source), len(atoms), 3), isinstance(source, np.memmap))
    for span in frame_spans(len(source), max(source.shape[1], 1)):
        # doubles only within a block: rounding after the rotation, not before, leaves 1e-7 of a coordinate
        block = np.asarray(source[span], dtype=np.float32)[:, atoms]
        if equivalent is not None:
            equivalent.relabel(block)
        moved[span] = superposer.move(block, frames.name, span.start)
    return moved


def _empty(shape: tuple[int, ...], mapped: bool) -> NDArray[np.float32]:
    if not mapped or 4 * np.prod([float(size) for size in shape]) <= MAX_IN_MEMORY_BYTES:
        return np.empty(shape, dtype=np.float32)
    with tempfile.TemporaryFile(prefix="unfreeze-") as file:  # the map keeps it until the array goes
        return np.memmap(file, dtype=np.float32, mode="w+", shape=shape)
