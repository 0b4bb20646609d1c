"""Small inputs made from sequences, whose text can be changed line by line, and ways to look at the results."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from unfreeze.structure.complex import Complex
from unfreeze.structure.openmm_topology import to_openmm
from unfreeze.structure.prepare.preparation import Prepared, prepare_sequence
from unfreeze.structure.prepare.settings import PreparationSettings
from unfreeze.structure.writing.write_pdb import write_pdb


@cache
def _prepared(sequence: str, options: tuple[tuple[str, Any], ...]) -> Prepared:
    return prepare_sequence(sequence, PreparationSettings(**dict(options)))


def _peptide(sequence: str, **options: Any) -> Prepared:
    return _prepared(sequence, tuple(sorted(options.items())))


def _heavy_lines(path: Path, sequence: str, **options: Any) -> list[str]:
    """PDB lines of the heavy atoms of a peptide, without END."""
    complex = _peptide(sequence, **options).complex
    write_pdb(path / "whole.pdb", complex.take_atoms(complex.element != "H"))
    return [line for line in (path / "whole.pdb").read_text().splitlines() if line.startswith("ATOM")]


@cache
def _force_field(*files: str) -> Any:
    from openmm.app import ForceField

    return ForceField(*files)


def _charge(complex: Complex, *files: str) -> float:
    """Net charge in a force field, which must know every residue."""
    from openmm import NonbondedForce

    topology, _ = to_openmm(complex)
    system = _force_field(*(files or ("amber14-all.xml", "amber14/tip3p.xml"))).createSystem(topology)
    force = next(one for one in system.getForces() if isinstance(one, NonbondedForce))
    return sum(force.getParticleParameters(at)[0]._value for at in range(force.getNumParticles()))


def _hydrogens(complex: Complex, residue: str) -> set[str]:
    """Names of the hydrogens of a residue given as A:HIS7."""
    row = [complex.residue_label(at) for at in range(complex.n_residues)].index(residue)
    mine = (complex.residue_index == row) & (complex.element == "H")
    return set(complex.atom_name[mine].tolist())


def _labels(complex: Complex) -> list[str]:
    return [complex.residue_label(at) for at in range(complex.n_residues)]


def _volumes(complex: Complex) -> np.ndarray:
    """Signed volumes at CA, positive for L: one for every amino acid with CB."""
    n, ca, c, cb = (complex.atom_of_residue(name) for name in ("N", "CA", "C", "CB"))
    rows = (n >= 0) & (ca >= 0) & (c >= 0) & (cb >= 0)
    x = complex.coordinates_nm
    arms = [x[atoms[rows]] - x[ca[rows]] for atoms in (n, c, cb)]
    return np.einsum("ij,ij->i", arms[0], np.cross(arms[1], arms[2]))


@pytest.fixture(scope="session")
def peptide() -> Callable[..., Prepared]:
    """A prepared peptide by sequence and settings; shared, not to be changed."""
    return _peptide


@pytest.fixture
def heavy_lines(tmp_path: Path) -> Callable[..., list[str]]:
    """PDB lines of the heavy atoms of a peptide."""
    return lambda sequence, **options: _heavy_lines(tmp_path, sequence, **options)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write lines as a PDB file."""

    def _write(lines: list[str], name: str = "input.pdb") -> Path:
        (tmp_path / name).write_text("\n".join([*lines, "END"]) + "\n")
        return tmp_path / name

    return _write


@pytest.fixture(scope="session")
def look() -> SimpleNamespace:
    """Facts about a complex."""
    return SimpleNamespace(charge=_charge, hydrogens=_hydrogens, labels=_labels, volumes=_volumes)
