"""Measure the ideal geometry of the 20 amino acids over a folder of crystal structures and print it as a module.

For every bond the median length and the robust standard deviation; for every atom that is built from three others the
median length, angle and torsion (relative to the torsion that turns it, where one does). Crystal structures are refined
against the Engh & Huber (1991, 2001) targets, so that the medians come back close to those.

    python benchmarks/ideal_geometry.py FOLDER > src/unfreeze/structure/chemistry/ideal_geometry.py
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import gemmi
import numpy as np

from unfreeze.structure.chemistry.residues import AMINO_ACIDS, amino_acid_bonds

MAX_B_FACTOR = 40.0
MAX_BOND = 2.2
HEADER = '''"""Ideal geometry of the 20 amino acids: bond lengths, and where each atom is built. Generated; data only.

Medians over {n_files} crystal structures of protein complexes of the SKEMPI 2.0 set (Jankauskaite et al. 2019,
Bioinformatics 35, 462), atoms of B-factor below {b:g} A^2, made by ``benchmarks/ideal_geometry.py``.
"""

from __future__ import annotations

__all__ = ["BACKBONE_GEOMETRY", "BOND_LENGTHS", "BUILD_GEOMETRY"]

'''


def torsion(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> float:
    """Torsion a-b-c-d in radians."""
    axis = (c - b) / np.linalg.norm(c - b)
    left = (a - b) - ((a - b) @ axis) * axis
    right = (d - c) - ((d - c) @ axis) * axis
    return float(np.arctan2(np.cross(axis, left) @ right, left @ right))


def angle(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
    """Angle a-b-c in radians."""
    u, v = a - b, c - b
    return float(np.arctan2(np.linalg.norm(np.cross(u, v)), u @ v))


def circular_median(values: list[float]) -> float:
    """Median about the circular mean, in (-pi, pi]."""
    array = np.array(values)
    mean = np.angle(np.exp(1j * array).mean())
    return float(np.angle(np.exp(1j * (mean + np.median(np.angle(np.exp(1j * (array - mean))))))))


def residues_of(path: Path) -> list[list[tuple[str, dict[str, np.ndarray]]]]:
    """Chains of (name, atom -> position in Angstrom), ordered atoms without alternates only."""
    chains = []
    for chain in gemmi.read_structure(str(path))[0]:
        rows = []
        for residue in chain:
            atoms = {
                atom.name: np.array(atom.pos.tolist())
                for atom in residue
                if atom.altloc == "\0" and atom.b_iso < MAX_B_FACTOR and not atom.is_hydrogen()
            }
            rows.append((residue.name, atoms))
        chains.append(rows)
    return chains


def main() -> None:
    """Print the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    files = sorted(parser.parse_args().folder.glob("*.pdb"))
    bonds: dict = defaultdict(list)
    built: dict = defaultdict(lambda: ([], [], []))
    backbone: dict = defaultdict(list)
    for path in files:
        for chain in residues_of(path):
            for row, (name, atoms) in enumerate(chain):
                if name not in AMINO_ACIDS:
                    continue
                acid = AMINO_ACIDS[name]
                for first, second in amino_acid_bonds(name):
                    if first in atoms and second in atoms:
                        length = float(np.linalg.norm(atoms[first] - atoms[second]))
                        if length < MAX_BOND:
                            bonds[name, (first, second)].append(length)
                if all(atom in atoms for atom in ("N", "CA", "C")):
                    backbone[name].append(angle(atoms["N"], atoms["CA"], atoms["C"]))
                following = chain[row + 1][1].get("N") if row + 1 < len(chain) else None
                for step in acid.build:
                    if step.atom not in atoms or not all(atom in atoms for atom in step.references):
                        continue
                    a, b, c = (atoms[atom] for atom in step.references)
                    d = atoms[step.atom]
                    turned = torsion(a, b, c, d)
                    if step.torsion == "psi":
                        if following is None or np.linalg.norm(following - atoms["C"]) > 2.0:
                            continue
                        turned -= torsion(a, b, c, following)
                    elif step.torsion:
                        quad = acid.chi[int(step.torsion[3:]) - 1]
                        if quad[3] not in atoms:
                            continue
                        turned -= torsion(*(atoms[atom] for atom in quad))
                    record = built[name, step.atom]
                    record[0].append(float(np.linalg.norm(d - c)))
                    record[1].append(angle(b, c, d))
                    record[2].append(turned)
    out = [HEADER.format(n_files=len(files), b=MAX_B_FACTOR)]
    out.append("BOND_LENGTHS: dict[str, dict[tuple[str, str], tuple[float, float]]] = {\n")
    for name in AMINO_ACIDS:
        out.append(f'    "{name}": {{\n')
        for pair in amino_acid_bonds(name):
            values = np.array(bonds[name, pair])
            if pair[1] == "OXT":
                values = np.concatenate([bonds[other, pair] for other in AMINO_ACIDS])
            middle = float(np.median(values))
            sigma = 1.4826 * float(np.median(np.abs(values - middle)))
            out.append(f'        ("{pair[0]}", "{pair[1]}"): ({middle / 10:.4f}, {sigma / 10:.4f}),\n')
        out.append("    },\n")
    out.append(
        '}\n"""Median and robust standard deviation in nm of every bond, by residue and pair of atom names."""\n\n'
    )
    out.append("BACKBONE_GEOMETRY: dict[str, tuple[float, float, float]] = {\n")
    for name in AMINO_ACIDS:
        lengths = [float(np.median(bonds[name, pair])) / 10 for pair in (("N", "CA"), ("CA", "C"))]
        out.append(f'    "{name}": ({lengths[0]:.4f}, {lengths[1]:.4f}, {np.median(backbone[name]):.4f}),\n')
    out.append('}\n"""N-CA and CA-C in nm and the angle N-CA-C in radians, by residue."""\n\n')
    out.append("BUILD_GEOMETRY: dict[str, dict[str, tuple[float, float, float]]] = {\n")
    for name, acid in AMINO_ACIDS.items():
        out.append(f'    "{name}": {{\n')
        for step in acid.build:
            length, bend, turn = built[name, step.atom]
            turned = circular_median(turn) + 0.0
            out.append(f'        "{step.atom}": ({np.median(length) / 10:.4f}, {np.median(bend):.4f}, {turned:.4f}),\n')
        out.append("    },\n")
    out.append(
        '}\n"""Length in nm, angle and torsion in radians of every :class:`BuildStep`, by residue and atom; '
        'the torsion is\nrelative to the one that turns the atom, absolute where none does."""\n'
    )
    sys.stdout.write("".join(out))


if __name__ == "__main__":
    main()
