"""A small dimer with hydrogens and waters, as simulations have it, and its trajectory in every format."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mdtraj
import numpy as np
import pytest
from mdtraj.formats import XTCTrajectoryFile
from numpy.typing import NDArray

from unfreeze.structure.complex import Complex
from unfreeze.structure.write import write_pdb

N_FRAMES = 23


@dataclass
class System:
    """All atoms of two peptides in water, in an order of their own: waters between the chains."""

    molecule: Complex
    trajectory: Any
    heavy_rows: NDArray[np.int64]

    @property
    def heavy_nm(self) -> NDArray[np.float32]:
        return self.trajectory.xyz[:, self.heavy_rows]

    def save(self, path: Path, topology: str = "pdb") -> Path:
        """The trajectory by its ending, and its first frame as the topology beside it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".xtc":
            write_xtc(path, self.trajectory.xyz, self.trajectory.time)
        elif path.suffix == ".h5":
            write_hdf5(path, self.trajectory)
        else:
            with warnings.catch_warnings(action="ignore"):  # mdtraj recommends a package for NetCDF
                self.trajectory.save(str(path))
        if topology:
            self.trajectory[0].save(str(path.with_suffix(f".{topology}")))
        return path


def write_xtc(path: Path, xyz: NDArray[np.float32], times: NDArray[np.floating] | None = None) -> Path:
    """An XTC file as GROMACS would write it, with 500 steps a picosecond."""
    n = len(xyz)
    times = np.arange(n) * 10.0 if times is None else times
    with XTCTrajectoryFile(str(path), "w", force_overwrite=True) as handle:
        handle.write(
            np.ascontiguousarray(xyz, dtype=np.float32),
            time=np.asarray(times, dtype=np.float32),
            step=(np.asarray(times) * 500).astype(np.int32),
            box=np.zeros((n, 3, 3), dtype=np.float32),
        )
    return path


def write_hdf5(path: Path, trajectory: Any, topology: bool = True, **attributes: str) -> Path:
    """An HDF5 file of mdtraj's layout, written without PyTables."""
    h5py = pytest.importorskip("h5py")
    chains = [
        {
            "index": chain.index,
            "chain_id": chain.chain_id,
            "residues": [
                {
                    "index": residue.index, "name": residue.name, "resSeq": residue.resSeq, "segmentID": "",
                    "atoms": [{"index": a.index, "name": a.name, "element": a.element.symbol} for a in residue.atoms],
                }
                for residue in chain.residues
            ],
        }
        for chain in trajectory.topology.chains
    ]  # fmt: skip
    with h5py.File(path, "w") as file:
        data = file.create_dataset(
            "coordinates",
            data=trajectory.xyz,
            chunks=(4, trajectory.n_atoms, 3) if trajectory.n_frames else None,
            maxshape=None,
        )
        data.attrs["units"] = attributes.get("units", "nanometers")
        file.create_dataset("time", data=trajectory.time.astype(np.float32)).attrs["units"] = "picoseconds"
        if topology:
            text = json.dumps({"chains": chains, "bonds": []}).encode()
            file.create_dataset("topology", data=np.array([text]))
    return path


@pytest.fixture(scope="session")
def system(make: SimpleNamespace) -> System:
    one = make.peptide(9)
    molecule = make.merge(one, make.moved(make.peptide(7, -60.0, -45.0), [0.0, 0.0, 2.5]), chains=["A", "B"])
    topology = mdtraj.Topology()
    element = mdtraj.element
    positions: list[NDArray[np.float64]] = []
    heavy: list[int] = []

    def water(chain: Any, number: int) -> None:
        residue = topology.add_residue("HOH", chain, resSeq=number)
        place = np.array([3.0, 0.3 * number, -1.0])
        for name, symbol, shift in (("O", element.oxygen, 0.0), ("H1", element.hydrogen, 0.08),
                                    ("H2", element.hydrogen, -0.08)):  # fmt: skip
            topology.add_atom(name, symbol, residue)
            positions.append(place + np.array([shift, 0.05 * (name != "O"), 0.0]))

    start = molecule.residue_start
    for chain_row in range(molecule.n_chains):
        chain = topology.add_chain(chain_id=str(molecule.chain_name[chain_row]))
        for row in np.flatnonzero(molecule.chain_index == chain_row):
            residue = topology.add_residue("ALA", chain, resSeq=int(molecule.residue_number[row]))
            for atom in range(start[row], start[row + 1]):
                symbol = str(molecule.element[atom])
                heavy.append(len(positions))
                topology.add_atom(str(molecule.atom_name[atom]), element.get_by_symbol(symbol), residue)
                positions.append(molecule.coordinates_nm[atom])
                if symbol == "N":
                    topology.add_atom("H", element.hydrogen, residue)
                    positions.append(molecule.coordinates_nm[atom] + [0.0, 0.0, 0.1])
        waters = topology.add_chain(chain_id="W" if chain_row == 0 else "X")
        for number in range(1, 4):
            water(waters, number + 10 * chain_row)
    noise = np.random.default_rng(5).normal(0, 0.01, (N_FRAMES, len(positions), 3))
    noise[0] = 0
    xyz = (np.array(positions)[None] + noise).astype(np.float32)
    trajectory = mdtraj.Trajectory(xyz, topology, time=np.arange(N_FRAMES) * 20.0)
    return System(molecule, trajectory, np.array(heavy))


@pytest.fixture(scope="session")
def write() -> SimpleNamespace:
    return SimpleNamespace(xtc=write_xtc, hdf5=write_hdf5, pdb=write_pdb)
