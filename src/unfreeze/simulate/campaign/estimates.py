"""Sizes and speeds before anything is built or measured: rough, and only for ordering work and first plans.

Atoms are counted from the sequence or the file, water from the box; speeds are one core's, from measurements of small
peptides with OBC2 and of boxes of some thousand atoms.
"""

from __future__ import annotations

import gzip
import heapq
from functools import lru_cache
from pathlib import Path

from unfreeze.simulate.campaign.inputs import PREPARED_NAME
from unfreeze.simulate.campaign.tasks import BuildOrder
from unfreeze.simulate.engine.schedule import equilibration, seconds_per_step
from unfreeze.simulate.settings import SimulationSettings

__all__ = ["equilibration_steps", "makespan", "rough_atoms", "rough_cost", "rough_ns_per_day", "steps_per_ns"]

_ATOMS_A_RESIDUE = 15.7
"""With hydrogens, over the composition of proteins."""
_HEAVY_TO_ALL = 2.0
_ATOMS_A_NM3 = 100.0
"""Of water."""
_NM3_AN_ATOM = 0.0105
"""Of protein, hydrogens counted."""
_UNKNOWN = 5000


def rough_cost(build: BuildOrder, root: Path) -> float:
    """Seconds that a ps of production takes on one core, by estimate."""
    simulation = build.simulation
    n_atoms = rough_atoms(build, root)
    return 86.4 / rough_ns_per_day(n_atoms, simulation)


def rough_ns_per_day(n_atoms: int, settings: SimulationSettings, platform: str = "CPU") -> float:
    """Speed of one worker, by estimate; of a replica exchange that of all temperatures together."""
    step_s = seconds_per_step(n_atoms, explicit=settings.system.explicit, platform=platform)
    return 86400 / (step_s * steps_per_ns(settings))


def steps_per_ns(settings: SimulationSettings) -> float:
    """Integration steps of a ns of production, those of all temperatures of a replica exchange together."""
    ladder = settings.replica_exchange
    return 1e6 / settings.protocol.time_step_fs * (1 if ladder is None else len(ladder.temperatures_K))


def equilibration_steps(settings: SimulationSettings) -> int:
    """Integration steps before production; an iteration of the minimisation counts as two."""
    segments = equilibration(settings, most_steps=2**62)
    return sum(2 * segment.n_steps if segment.stage == "minimise" else segment.n_steps for segment in segments)


def makespan(durations: list[float], n_workers: int) -> float:
    """Time that tasks take on some workers when the longest come first.

    Parameters
    ----------
    durations
        Of the tasks, in any unit.
    n_workers
        Workers.
    """
    ends = [0.0] * max(1, min(n_workers, len(durations)))
    for duration in sorted(durations, reverse=True):
        heapq.heapreplace(ends, ends[0] + duration)
    return max(ends)


def rough_atoms(build: BuildOrder, root: Path) -> int:
    """Particles of a system, water included, by estimate."""
    if build.kind == "sequence":
        n_residues = len(build.sequence.replace(":", ""))
        n_atoms = _ATOMS_A_RESIDUE * n_residues
    else:
        path = root / build.path / (PREPARED_NAME if build.kind == "prepared" else "")
        n_atoms = _atoms_in(path) * (1.0 if build.kind == "prepared" else _HEAVY_TO_ALL)
    if not build.simulation.system.explicit:
        return round(n_atoms)
    # A globule in a box; a stretched chain, as peptides start, needs more.
    width = 1.3 * 2 * (3 * n_atoms * _NM3_AN_ATOM / 12.566) ** (1 / 3) + 2 * build.simulation.system.padding_nm
    shape = {"cube": 1.0, "octahedron": 0.77, "dodecahedron": 0.71}[build.simulation.system.box_shape]
    return round(n_atoms + max(0.0, shape * width**3 - n_atoms * _NM3_AN_ATOM) * _ATOMS_A_NM3)


@lru_cache(maxsize=4096)
def _atoms_in(path: Path) -> int:
    """Lines of atoms in the first model of a PDB or mmCIF file, water left out."""
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data).decode("latin-1")
    except (OSError, EOFError):
        return _UNKNOWN
    n_atoms = 0
    for line in text.splitlines():
        if line.startswith("ENDMDL"):
            break
        n_atoms += line.startswith(("ATOM", "HETATM")) and "HOH" not in line
    return n_atoms or _UNKNOWN
