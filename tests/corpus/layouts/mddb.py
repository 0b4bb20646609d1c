"""What ``unfreeze corpus fetch mddb`` saves of a project: the data bank's answers, a folder a replica."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from molecules import Molecule, heavy_atoms

METADATA: dict[str, Any] = {
    "NAME": "Mdm2 and a peptide of p53",
    "TYPE": "trajectory",
    "PROGRAM": "GROMACS",
    "VERSION": "2023.2",
    "METHOD": "Classical MD",
    "LICENSE": "This trajectory dataset is released under a Creative Commons Attribution 4.0 International Public "
    "License",
    "LINKCENSE": "https://creativecommons.org/licenses/by/4.0/",
    "CITATION": "Someone(br)A journal, 2025",
    "FRAMESTEP": 0.01,
    "TIMESTEP": 2,
    "TEMP": 310,
    "ENSEMBLE": "NPT",
    "FF": ["CHARMM36m"],
    "WAT": "TIP3P",
    "BOXTYPE": "Dodecahedron",
    "PDBIDS": ["3EQS"],
    "INTERACTIONS": [{"name": "protein-peptide interaction", "agent_1": "Mdm2", "agent_2": "peptide"}],
    "SNAPSHOTS": 20,
}


def write_mddb(
    folder: Path,
    accession: str = "A02K9",
    *,
    replicas: int = 3,
    metadata: Mapping[str, Any] | None = None,
    stride: int = 1,
    faults: Collection[str] = (),
    molecule: Molecule | None = None,
) -> Path:
    """Folders ``ACCESSION.N``; `faults`: ``cut``, ``html``, ``other_atoms``, ``short`` (whole frames missing),
    ``no_structure``."""
    molecule = molecule or heavy_atoms("3EQS", 20)
    fields = {**METADATA, **(metadata or {})}
    for number in range(1, replicas + 1):
        place = folder / f"{accession}.{number}"
        place.mkdir(parents=True)
        project = {
            "accession": accession,
            "published": True,
            "metadata": {name: value for name, value in fields.items() if value is not None},
            "mds": [{"name": f"replica {k + 1}", "frames": 20, "atoms": molecule.n_atoms} for k in range(replicas)],
            "mdcount": replicas,
            "totalFrames": 20 * replicas,
            "files": ["structure.pdb", "trajectory.bin", "topology.tpr"],
        }
        (place / "project.json").write_text(json.dumps(project))
        if "no_structure" not in faults:
            (place / "structure.pdb").write_text(molecule.pdb())
        frames = (10 * molecule.frames_nm[number - 1 :: stride]).astype("<f4")
        note = {"n_frames": len(frames), "n_atoms": molecule.n_atoms, "unit": "angstrom"}
        note["frames"] = f"{number}:20:{stride}"
        (place / "trajectory.json").write_text(json.dumps(note))
        frames = frames[:-2] if "short" in faults else frames
        content = (frames[:, :-1] if "other_atoms" in faults else frames).tobytes()
        content = content[:-7] if "cut" in faults else content
        (place / "trajectory.bin").write_bytes(b"<!DOCTYPE html><html>502</html>" if "html" in faults else content)
    return folder
