"""Count the side-chain rotamers of crystal structures and write them as the library of ``properties.mutants``.

A rotamer is a cell of the torus of torsions: thirds of the circle for torsions about two tetrahedral carbons, parts of
30° for torsions that end on a flat group (half the circle where the group is symmetric). For each cell the mean and the
spread of the torsions, and how likely it is given the well of χ1; for the wells of χ1, how likely they are in each part
of 30° × 30° of the Ramachandran map (as in Dunbrack & Cohen 1997, Protein Sci. 6, 1661, but coarser).

    python benchmarks/rotamer_library.py FOLDER [FOLDER ...] --leave-out 1CSE,1BRS --out rotamers.safetensors
"""

from __future__ import annotations

import argparse
import itertools
from collections import defaultdict
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from unfreeze.errors import UnfreezeError
from unfreeze.structure.chemistry.residues import AMINO_ACIDS
from unfreeze.structure.internal_coordinates.side_chains import N_CHI, symmetric_chi
from unfreeze.structure.internal_coordinates.torsions import torsions
from unfreeze.structure.read import read_complex

MAX_B_FACTOR = 40.0
N_PARTS = 12
RARE = 0.004
FLAT = {"ASN": 1, "ASP": 1, "GLN": 2, "GLU": 2, "HIS": 1, "PHE": 1, "TRP": 1, "TYR": 1}
"""Torsions that end on a flat group, counted from 0."""


def cells(name: str, chi: np.ndarray, symmetric: np.ndarray) -> np.ndarray:
    """Cell of every torsion: [n, n_chi]."""
    found = np.zeros(chi.shape, dtype=np.int64)
    for k in range(chi.shape[1]):
        turn = np.mod(chi[:, k], np.pi if symmetric[k] else 2 * np.pi)
        if name == "PRO":
            found[:, k] = chi[:, 0] > 0.0
        elif FLAT.get(name) == k:
            # parts are centred on 0, 30°, … so that the usual planes are not cut in two
            n = 6 if symmetric[k] else 12
            found[:, k] = np.mod(np.floor(turn / (np.pi / 6) + 0.5), n)
        else:
            found[:, k] = np.floor(turn / (2 * np.pi / 3))
    return found


def gather(folders: list[Path], left_out: set[str]) -> dict[str, np.ndarray]:
    """Name of the amino acid to phi, psi, chi1 to chi4 of every residue that is clear: [n, 6]."""
    rows: dict[str, list[np.ndarray]] = defaultdict(list)
    seen: set[str] = set()
    for path in sorted(path for folder in folders for path in folder.glob("*.pdb")):
        if path.stem.upper() in left_out:
            continue
        try:
            molecule = read_complex(path)
        except (UnfreezeError, ValueError):
            continue
        angles = torsions(molecule)[0][:, [0, 1, 3, 4, 5, 6]]
        hottest = np.zeros(molecule.n_residues)
        np.maximum.at(hottest, molecule.residue_index, molecule.atom_b_factor)
        coldest = np.full(molecule.n_residues, np.inf)
        np.minimum.at(coldest, molecule.residue_index, molecule.atom_b_factor)
        one = np.bincount(molecule.residue_index, molecule.atom_altloc != "", minlength=molecule.n_residues) == 0
        clear = (hottest < MAX_B_FACTOR) & (coldest > 0.0) & one & (molecule.residue_kind == "protein")
        for chain in range(molecule.n_chains):
            mine = molecule.chain_index == chain
            sequence = " ".join(molecule.residue_name[mine].tolist())
            if sequence in seen:
                continue
            seen.add(sequence)
            for name, acid in AMINO_ACIDS.items():
                n_chi = min(len(acid.chi), N_CHI)
                here = mine & clear & (molecule.residue_name == name)
                if n_chi and here.any():
                    whole = np.isfinite(angles[here, 2 : 2 + n_chi]).all(axis=1)
                    rows[name].append(angles[here][whole])
    return {name: np.concatenate(parts) for name, parts in rows.items()}


def count(name: str, rows: np.ndarray) -> dict[str, np.ndarray]:
    """The library of one amino acid."""
    n_chi = min(len(AMINO_ACIDS[name].chi), N_CHI)
    symmetric = symmetric_chi(np.array([name]))[0]
    chi = rows[:, 2 : 2 + n_chi]
    cell = cells(name, chi, symmetric)
    well = cell[:, 0]
    n_wells = 2 if name == "PRO" else 3
    base = np.bincount(well, minlength=n_wells) + 1.0
    base /= base.sum()
    known = np.isfinite(rows[:, :2]).all(axis=1)
    part = np.mod(np.floor((rows[known, :2] + np.pi) / (2 * np.pi / N_PARTS)), N_PARTS).astype(int)
    table = np.zeros((N_PARTS, N_PARTS, n_wells))
    np.add.at(table, (part[:, 0], part[:, 1], well[known]), 1.0)
    around = table.copy()
    for a, b in itertools.product((-1, 0, 1), repeat=2):
        if (a, b) != (0, 0):
            around += 0.3 * np.roll(table, (a, b), axis=(0, 1))
    prior = (around + 10.0 * base) / (around.sum(axis=2, keepdims=True) + 10.0)
    share = (table + 10.0 * prior) / (table.sum(axis=2, keepdims=True) + 10.0)
    keys, place, number = np.unique(cell, axis=0, return_inverse=True, return_counts=True)
    per_well = np.bincount(keys[:, 0], number, minlength=n_wells)
    kept = np.flatnonzero((number / per_well[keys[:, 0]] > RARE) & (number >= 3))
    mean, spread = np.zeros((len(kept), n_chi)), np.zeros((len(kept), n_chi))
    for row, key in enumerate(kept):
        members = chi[place.ravel() == key]
        for k in range(n_chi):
            fold = 2.0 if symmetric[k] else 1.0
            whole = np.exp(1j * fold * members[:, k]).mean()
            mean[row, k] = np.angle(whole) / fold
            spread[row, k] = np.sqrt(-2.0 * np.log(min(max(abs(whole), 1e-3), 1.0 - 1e-4))) / fold
    # the same first torsions side by side, so that what they place is looked at once
    order = np.lexsort(keys[kept].T[::-1])
    kept, mean, spread = kept[order], mean[order], spread[order]
    likely = number[kept] / per_well[keys[kept, 0]]
    return {
        f"{name}.chi": mean.astype(np.float32),
        f"{name}.spread": np.minimum(spread, 0.5).astype(np.float32),
        f"{name}.well": keys[kept, 0].astype(np.int32),
        f"{name}.log_given_well": np.log(likely).astype(np.float32),
        f"{name}.log_well": np.log(share).astype(np.float32),
        f"{name}.log_well_anywhere": np.log(base).astype(np.float32),
    }


def main() -> None:
    """Write the library."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--leave-out", default="", help="structures to leave out, by name, separated by commas")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    rows = gather(given.folders, set(given.leave_out.upper().split(",")))
    tables: dict[str, np.ndarray] = {}
    for name in sorted(rows):
        tables |= count(name, rows[name])
        print(f"{name}: {len(rows[name])} residues, {len(tables[name + '.chi'])} rotamers")
    save_file(tables, given.out)


if __name__ == "__main__":
    main()
