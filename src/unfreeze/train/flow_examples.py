"""What the flow of side-chain torsions learns from: trajectories, as torsions and as graphs of a few of their frames.

Any frame can be the reference that the others are drawn around. Beside the structure that a trajectory came with, a few
of its own frames are taken, so that the network sees side chains start from every well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unfreeze.model.base_motion import BaseMotion
from unfreeze.model.features import block_graph
from unfreeze.model.side_chain_features import SideChainGraph, side_chain_graph
from unfreeze.structure.complex import Complex
from unfreeze.structure.internal_coordinates.side_chains import SideChains

__all__ = ["FlowExample", "flow_example"]


@dataclass(frozen=True, eq=False)
class FlowExample:
    """One trajectory.

    Attributes
    ----------
    name
        Its name.
    residue_names : str [n_side_chains]
        Amino acid of every side chain.
    torsions : float32 [n_frames, n_side_chains, 4]
        χ1 to χ4, rad; NaN where there is none.
    step_ns
        Time between frames; NaN where nobody knows.
    references : tuple of int
        Frames that graphs were made of; −1 for the structure that the trajectory came with, which is at its start.
    graphs
        Their graphs.
    weight
        How often it is drawn, beside others of its size.
    """

    name: str
    residue_names: NDArray[np.str_]
    torsions: NDArray[np.float32]
    step_ns: float
    references: tuple[int, ...]
    graphs: tuple[SideChainGraph, ...]
    weight: float = 1.0

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.torsions)

    def window(self, reference: int, random: np.random.Generator) -> tuple[NDArray[np.int64], float]:
        """Frames of a stretch of time around a reference, that frame left out, and the length of the stretch in ns.

        With a clock stretches are of the whole length, half of it, a quarter or an eighth; without one, the whole.
        """
        length, at = self.n_frames, self.references[reference]
        if np.isfinite(self.step_ns):
            length = max(min(length, 8), int(length * 2.0 ** -random.integers(0, 4)))
        first = max(0, max(at, 0) - length + 1)
        begin = int(random.integers(first, min(max(at, 0), self.n_frames - length) + 1))
        frames = np.arange(begin, begin + length)
        return frames[frames != at], length * self.step_ns


def flow_example(
    name: str,
    molecule: Complex,
    frames_nm: NDArray[np.floating],
    *,
    step_ns: float = float("nan"),
    n_references: int = 3,
    weight: float = 1.0,
) -> FlowExample:
    """Prepare a trajectory.

    Parameters
    ----------
    name
        Its name.
    molecule
        The complex in the structure that the trajectory came with.
    frames_nm
        [n_frames, n_atoms, 3], nm.
    step_ns
        Time between frames; NaN where nobody knows.
    n_references
        Graphs to make: of that structure, and of frames spread evenly over the trajectory.
    weight
        How often it is drawn.
    """
    spread = (np.arange(n_references - 1) + 0.5) / max(n_references - 1, 1) * len(frames_nm)
    references = (-1, *(int(frame) for frame in spread))
    side_chains, graphs = None, []
    for frame in references:
        posed = molecule if frame < 0 else molecule.with_coordinates(frames_nm[frame].astype(np.float64))
        base = BaseMotion.of(posed)
        if side_chains is None:
            side_chains = SideChains.of(molecule, base.blocks.bonds)
        graphs.append(side_chain_graph(block_graph(base), posed, base.blocks, side_chains))
    assert side_chains is not None
    return FlowExample(
        name=name,
        residue_names=molecule.residue_parent_name[side_chains.residue],
        torsions=side_chains.values(frames_nm).astype(np.float32),
        step_ns=step_ns,
        references=references,
        graphs=tuple(graphs),
        weight=weight,
    )
