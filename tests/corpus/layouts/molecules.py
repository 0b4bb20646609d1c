"""Real MD of small peptides with hydrogens put on, as the sets have them, to fill their layouts with.

The hydrogens (one on N, one on Cα) stand roughly where they belong; nothing looks closer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import mdtraj
import numpy as np
from numpy.typing import NDArray

SEED = Path(__file__).parents[3] / "corpora" / "seed"
ATOMIC_NUMBER = {"H": 1, "C": 6, "N": 7, "O": 8, "S": 16, "ZN": 30}


@dataclass(frozen=True, eq=False)
class Molecule:
    """Names of atoms and their places in every frame, nm."""

    name: NDArray[Any]
    element: NDArray[Any]
    residue_name: NDArray[Any]
    residue_number: NDArray[Any]
    chain: NDArray[Any]
    frames_nm: NDArray[np.float64]

    @property
    def n_atoms(self) -> int:
        return len(self.name)

    @property
    def heavy(self) -> NDArray[np.bool_]:
        return self.element != "H"

    @property
    def atomic_number(self) -> NDArray[np.int64]:
        return np.array([ATOMIC_NUMBER[symbol] for symbol in self.element.tolist()])

    def take(self, atoms: Any) -> Molecule:
        columns = (self.name, self.element, self.residue_name, self.residue_number, self.chain)
        return Molecule(*(column[atoms] for column in columns), self.frames_nm[:, atoms])

    def pdb(self, *, head: str = "", end: str = "END\n", chains: bool = True) -> str:
        """The first frame as PDB text."""
        lines = []
        for at in range(self.n_atoms):
            name = self.name[at] if len(self.name[at]) == 4 else f" {self.name[at]:<3}"
            chain = self.chain[at] if chains else " "
            x, y, z = 10 * self.frames_nm[0, at]
            lines.append(
                f"ATOM  {at + 1:5d} {name} {self.residue_name[at]:>3} {chain}{self.residue_number[at]:4d}    "
                f"{x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00          {self.element[at]:>2}\n"
            )
        return head + "".join(lines) + end


@cache
def heavy_atoms(name: str = "GYDPETGTWG", n_frames: int = 12) -> Molecule:
    """Frames of a simulation in corpora/seed."""
    trajectory = mdtraj.load(str(SEED / f"{name}.xtc"), top=str(SEED / f"{name}.pdb"))[:n_frames]
    atoms = list(trajectory.topology.atoms)
    return Molecule(
        np.array([atom.name for atom in atoms]),
        np.array([atom.element.symbol.upper() for atom in atoms]),
        np.array([atom.residue.name for atom in atoms]),
        np.array([atom.residue.resSeq for atom in atoms]),
        np.array([atom.residue.chain.chain_id or "AB"[atom.residue.chain.index] for atom in atoms]),
        trajectory.xyz.astype(np.float64),
    )


@cache
def all_atoms(name: str = "GYDPETGTWG", n_frames: int = 12) -> Molecule:
    """The same with hydrogens on N and Cα."""
    heavy = heavy_atoms(name, n_frames)
    xyz = heavy.frames_nm
    rows, elements, names, places = [], [], [], []
    for at in range(heavy.n_atoms):
        rows.append(at)
        elements.append(heavy.element[at])
        names.append(heavy.name[at])
        places.append(xyz[:, at])
        if heavy.name[at] not in ("N", "CA") or (heavy.name[at] == "N" and heavy.residue_name[at] == "PRO"):
            continue
        near = np.flatnonzero(np.linalg.norm(xyz[0] - xyz[0, at], axis=1) < 0.17)
        away = xyz[:, at] - xyz[:, near[near != at]].mean(axis=1)
        rows.append(at)
        elements.append("H")
        names.append("H" if heavy.name[at] == "N" else "HA")
        places.append(xyz[:, at] + 0.1 * away / np.linalg.norm(away, axis=-1, keepdims=True))
    columns = (heavy.residue_name, heavy.residue_number, heavy.chain)
    return Molecule(
        np.array(names), np.array(elements), *(column[rows] for column in columns), np.stack(places, axis=1)
    )


def write_xtc(
    path: Path, frames_nm: NDArray[Any], times_ps: NDArray[Any], steps: NDArray[Any] | None = None, box_nm: float = 0.0
) -> Path:
    """An XTC file as GROMACS writes it: 500 steps a picosecond unless steps are given."""
    from mdtraj.formats import XTCTrajectoryFile

    path.parent.mkdir(parents=True, exist_ok=True)
    steps = (np.asarray(times_ps) * 500) % 2**31 if steps is None else steps
    with XTCTrajectoryFile(str(path), "w", force_overwrite=True) as handle:
        handle.write(
            np.ascontiguousarray(frames_nm, dtype=np.float32),
            time=np.asarray(times_ps, dtype=np.float32),
            step=np.asarray(steps).astype(np.int32),
            box=np.repeat(box_nm * np.eye(3, dtype=np.float32)[None], len(frames_nm), axis=0),
        )
    return path
