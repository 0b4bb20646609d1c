"""How often side chains are found again: rotamer recovery of ``properties.mutants``, with older rotamers beside it.

Every side chain of crystal structures (B-factors below 40 Å², complete, no disulfides) is taken away and chosen again
with all others where they are. A sample is also mutated to alanine and back, CB kept. Buried is the upper 40 % by heavy
atoms within 1 nm of CB. Structures that the library was counted in should be left out, see ``rotamer_library.py``.

    python -m benchmarks.rotamers FOLDER --only 1SBN,1CZ8 [--every 3] [--json OUT]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from unfreeze.corpus.mutations import Mutation
from unfreeze.properties.mutants.amino_acid_tables import acid_tables
from unfreeze.properties.mutants.build import MutantBuilder
from unfreeze.properties.mutants.site import weigh
from unfreeze.structure.chemistry.residues import AMINO_ACIDS
from unfreeze.structure.complex import Complex
from unfreeze.structure.geometry import torsion_angles
from unfreeze.structure.internal_coordinates.side_chains import symmetric_chi
from unfreeze.structure.internal_coordinates.torsions import torsions
from unfreeze.structure.prepare.draft import Atom, Residue
from unfreeze.structure.prepare.side_chains import complete_side_chain
from unfreeze.structure.read import read_complex

CLOSE = np.radians(40.0)
MAX_B_FACTOR = 40.0
LETTER = {name: acid.letter for name, acid in AMINO_ACIDS.items()}


def clear_residues(molecule: Complex, known: np.ndarray) -> list[int]:
    """Residues whose side chain can be told from the density and is whole."""
    linked = molecule.links[~np.isin(molecule.atom_name[molecule.links], ("N", "C"))]
    rows = []
    for row in range(molecule.n_residues):
        name = str(molecule.residue_name[row])
        if molecule.residue_kind[row] != "protein" or name not in AMINO_ACIDS or not AMINO_ACIDS[name].chi:
            continue
        atoms = np.flatnonzero(molecule.residue_index == row)
        whole = set(AMINO_ACIDS[name].atoms) <= set(molecule.atom_name[atoms].tolist())
        n_chi = acid_tables(name).n_chi
        clear = whole and molecule.atom_b_factor[atoms].max() < MAX_B_FACTOR and not np.isin(linked, atoms).any()
        if clear and np.isfinite(known[row, 3 : 3 + n_chi]).all():
            rows.append(row)
    return rows


def errors(name: str, found: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Distance of torsions, half a turn of symmetric groups being none, rad."""
    fold = np.where(symmetric_chi(np.array([name]))[0][: len(found)], 2.0, 1.0)
    return np.abs(np.angle(np.exp(1j * fold * (found - known)))) / fold


def older(molecule: Complex, row: int, chi1: tuple[str, ...]) -> float:
    """χ1 by ``structure.prepare``: the rotamer that clashes least."""
    name = str(molecule.residue_name[row])
    residue = Residue("A", 1, "", name, "protein")
    mine = molecule.residue_index == row
    for atom in np.flatnonzero(mine & np.isin(molecule.atom_name, ("N", "CA", "C", "O", "CB"))).tolist():
        symbol = str(molecule.element[atom])
        residue.atoms[str(molecule.atom_name[atom])] = Atom(symbol, molecule.coordinates_nm[atom])
    complete_side_chain(residue, molecule.coordinates_nm[~mine])
    return float(torsion_angles(*(residue.at(atom) for atom in chi1)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="structures to take, by name, separated by commas")
    parser.add_argument("--every", type=int, default=1, help="take every n-th residue")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    only = {name for name in given.only.upper().split(",") if name}
    rows: list[tuple[str, int, bool, bool, bool, float]] = []
    seconds = 0.0
    files = [path for path in sorted(given.folder.glob("*.pdb")) if not only or path.stem.upper() in only]
    for path in files:
        molecule = read_complex(path)
        builder = MutantBuilder(molecule)
        around = builder.around
        for count, row in enumerate(clear_residues(molecule, around.torsions)[:: given.every]):
            name = str(molecule.residue_name[row])
            known = around.torsions[row, 3 : 3 + acid_tables(name).n_chi]
            start = time.process_time()
            weighed = weigh(around, row, name, around.near(row, 1.4))
            seconds += time.process_time() - start
            off = errors(name, weighed.chi[weighed.best], known)
            beta = molecule.coordinates_nm[around.backbone[row, 4]]
            crowd = len(around.tree.query_ball_point(beta, 1.0))
            before = errors(name, np.array([older(molecule, row, AMINO_ACIDS[name].chi[0])]), known[:1])[0]
            back = np.nan
            if count % 5 == 0 and name != "PRO":
                chain = str(molecule.chain_name[molecule.chain_index[row]])
                place = (chain, int(molecule.residue_number[row]), str(molecule.residue_insertion_code[row]))
                small = builder.build([Mutation(*place, LETTER[name], "A")])
                again = MutantBuilder(small).build([Mutation(*place, "A", LETTER[name])])
                back = float(errors(name, torsions(again)[0][row, 3:4], known[:1])[0] < CLOSE)
            rows.append((name, crowd, off[0] < CLOSE, bool((off[:2] < CLOSE).all()), before < CLOSE, back))
    names = np.array([row[0] for row in rows])
    crowd = np.array([row[1] for row in rows])
    table = np.array([row[2:] for row in rows], dtype=np.float64)
    buried = crowd > np.percentile(crowd, 60)
    result = {"n_structures": len(files), "n_residues": len(rows), "ms_each": 1e3 * seconds / len(rows)}
    for column, label in enumerate(("chi1", "chi1_chi2", "chi1_of_prepare", "chi1_there_and_back")):
        result[label] = float(np.nanmean(table[:, column]))
        result[f"{label}_buried"] = float(np.nanmean(table[buried, column]))
    result["n_there_and_back"] = int(np.isfinite(table[:, 3]).sum())
    result["chi1_by_name"] = {str(name): round(float(table[names == name, 0].mean()), 3) for name in np.unique(names)}
    print(json.dumps(result, indent=2))
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
