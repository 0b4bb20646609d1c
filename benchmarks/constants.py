"""Which springs: RMSF against molecular dynamics and B-factors, and how far tails swing, for variants of the network.

    python -m benchmarks.constants --md FOLDER --b-factors FOLDER [--tails FILE …] [--json OUT]

RMSF comes from 200 linear draws (no projection), so that only the springs are judged. In --b-factors (a folder of
PDB files) 40 complexes of 80 to 420 residues are drawn with a fixed seed; B-factors become RMSF by B = 8π²/3 ⟨u²⟩.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.common import console, save, structure_files
from unfreeze.physics.harmonic import HarmonicEnsemble
from unfreeze.physics.springs import KT_PER_SQUARE_ANGSTROM, SpringConstants, find_springs
from unfreeze.physics.timescale import stiffness_scale
from unfreeze.structure.blocks import partition
from unfreeze.structure.complex import Complex
from unfreeze.structure.geometry import superpose_on_mean
from unfreeze.structure.read import read_complex
from unfreeze.structure.write import read_xtc

BASE = SpringConstants()
UNIT = KT_PER_SQUARE_ANGSTROM
VARIANTS: dict[str, SpringConstants] = {
    "shipped": BASE,
    "prototype: contacts and bonds only": replace(
        BASE, close_factor=1.0, torsion=0.0, rotation_tether=0.0, translation_tether=0.0, neighbour=0.0
    ),
    "no torsion springs": replace(BASE, torsion=0.0),
    "torsion springs × 3": replace(BASE, torsion=3 * BASE.torsion),
    "close contacts as others": replace(BASE, close_factor=1.0),
    "close contacts × 30": replace(BASE, close_factor=30.0),
    "no rotation tether": replace(BASE, rotation_tether=0.0),
    "rotation tether × 10": replace(BASE, rotation_tether=10 * BASE.rotation_tether),
    "translation tether 0.003 kT/Å²": replace(BASE, translation_tether=0.003 * UNIT),
    "no neighbour springs": replace(BASE, neighbour=0.0),
    "cut-off 0.7 nm": replace(BASE, cutoff_nm=0.7),
    "cut-off 1.0 nm": replace(BASE, cutoff_nm=1.0),
    "chain bonds × ⅓": replace(BASE, chain=BASE.chain / 3),
}


def linear_rmsf(molecule: Complex, constants: SpringConstants) -> tuple[NDArray[np.float64], float]:
    """RMSF of representative atoms over 200 linear draws at 100 ns, nm, and the largest block rotation, rad."""
    blocks = partition(molecule)
    ensemble = HarmonicEnsemble.build(
        molecule,
        blocks,
        find_springs(molecule, blocks, constants),
        stiffness_scale=stiffness_scale(100.0),
        translation_tether=constants.translation_tether,
        rotation_tether=constants.rotation_tether,
    )
    moves = ensemble.draw(np.random.default_rng(0).standard_normal((ensemble.n_noise, 200)))
    atoms = molecule.representative_atoms()
    block = blocks.atom_block[atoms]
    arms = molecule.coordinates_nm[atoms] - blocks.centre_nm[block]
    frames = molecule.coordinates_nm[atoms] + moves[:, block, :3] + np.cross(moves[:, block, 3:], arms)
    turn = float(np.sqrt((moves[:, block, 3:] ** 2).sum(axis=-1).mean(axis=0)).max())
    return _rmsf(frames), turn


def _rmsf(frames: NDArray[np.floating]) -> NDArray[np.float64]:
    moved = superpose_on_mean(frames)
    return np.sqrt(((moved - moved.mean(axis=0)) ** 2).sum(axis=-1).mean(axis=0))


def md_targets(folder: Path) -> list[tuple[Complex, NDArray[np.float64]]]:
    """Heavy-atom systems of a folder with the RMSF of their trajectories."""
    targets = []
    for path in sorted(folder.glob("*.pdb")):
        molecule = read_complex(path)
        if molecule.n_atoms < 3 * molecule.n_residues or not path.with_suffix(".xtc").exists():
            continue
        frames = read_xtc(path.with_suffix(".xtc"), molecule.n_atoms)
        targets.append((molecule, _rmsf(frames[:, molecule.representative_atoms()])))
    return targets


def b_factor_targets(folder: Path, n_wanted: int = 40) -> list[tuple[Complex, NDArray[np.float64]]]:
    """Complexes with the RMSF that their B-factors mean, drawn with a fixed seed."""
    files = structure_files([folder])
    np.random.default_rng(1).shuffle(files)  # type: ignore[arg-type]
    targets = []
    for path in files:
        molecule = read_complex(path)
        atoms = molecule.representative_atoms()
        observed = np.sqrt(3.0 * np.maximum(molecule.atom_b_factor[atoms], 0.1) / (8.0 * np.pi**2)) / 10.0
        if 80 <= len(atoms) <= 420 and observed.std() > 0.005:
            targets.append((molecule, observed))
        if len(targets) == n_wanted:
            break
    return targets


def main() -> None:
    """Print one row a variant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--md", type=Path, required=True)
    parser.add_argument("--b-factors", type=Path, required=True)
    parser.add_argument("--tails", type=Path, nargs="*", default=[])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    md, crystals = md_targets(arguments.md), b_factor_targets(arguments.b_factors)
    tails = [read_complex(path) for path in arguments.tails]
    table = Table("springs", "MD: median r", "mean r", "B-factors: median r", "mean r", "amplitude: model/B")
    for molecule in tails:
        table.add_column(f"{molecule.source.name}: largest RMSF nm (rotation rad)")
    rows: list[dict[str, Any]] = []
    for name, constants in VARIANTS.items():
        scores = [np.corrcoef(linear_rmsf(m, constants)[0], seen)[0, 1] for m, seen in md]
        crystal = [(linear_rmsf(m, constants)[0], seen) for m, seen in crystals]
        against_b = [np.corrcoef(model, seen)[0, 1] for model, seen in crystal]
        amplitude = float(np.median([np.median(model) / np.median(seen) for model, seen in crystal]))
        swings = [linear_rmsf(m, constants) for m in tails]
        rows.append(
            {
                "springs": name,
                "md_r": [float(r) for r in scores],
                "b_factor_r": [float(r) for r in against_b],
                "amplitude_over_b_factors": amplitude,
                "largest_rmsf_nm": [float(rmsf.max()) for rmsf, _ in swings],
                "largest_rotation_rad": [turn for _, turn in swings],
            }
        )
        table.add_row(
            name,
            *(f"{value:.3f}" for value in (np.median(scores), np.mean(scores), np.median(against_b))),
            f"{np.mean(against_b):.3f}",
            f"{amplitude:.2f}",
            *(f"{rmsf.max():.2f} ({turn:.1f})" for rmsf, turn in swings),
        )
    console().print(table)
    save(arguments.json, "constants", {"targets": [m.source.name for m, _ in md], "rows": rows})


if __name__ == "__main__":
    main()
