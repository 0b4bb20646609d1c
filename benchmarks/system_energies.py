"""Energies and forces of built systems against plain OpenMM, for every force field and solvent.

`python -m benchmarks.system_energies [--protein STRUCTURE] [--json FILE]`. Plain OpenMM is what a short script of its
manual would do with the same coordinates: XML files by name, `implicit/*.xml` for implicit solvent, the options written
out. A capped and a charged peptide on the Reference platform, the protein too where it is not in water, else on CPU.
CHARMM knows caps only as patches: for it the caps of the capped peptide are made one residue with their neighbours.
"""

from __future__ import annotations

import argparse
import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app

from unfreeze.simulate.force_fields import FORCE_FIELDS
from unfreeze.simulate.settings import EXPLICIT_SOLVENTS, SystemSettings
from unfreeze.simulate.system import build_system
from unfreeze.structure.complex import Complex
from unfreeze.structure.prepare.preparation import prepare, prepare_sequence
from unfreeze.structure.prepare.settings import PreparationSettings

BASE = {
    "amber14": "amber14-all.xml",
    "amber19": "amber19-all.xml",
    "charmm36": "charmm36.xml",
    "charmm36m": "charmm36_2024.xml",
}
PROTEIN = {"amber14": "amber14/protein.ff14SB.xml", "amber19": "amber19/protein.ff19SB.xml"}
WATER = {"charmm36": "charmm36/water.xml", "charmm36m": "charmm36_2024/water.xml"}


@functools.cache
def plain_files(force_field: str, solvent: str) -> app.ForceField:
    """The files a script would name."""
    if solvent == "vacuum":
        return app.ForceField(BASE[force_field])
    if solvent not in EXPLICIT_SOLVENTS:
        return app.ForceField(BASE[force_field], f"implicit/{solvent}.xml")
    if solvent == "opc":
        # Loaded after amber14-all.xml, whose parts come last, opc.xml would set the scale of 1-4 pairs to 0.833333.
        return app.ForceField(PROTEIN[force_field], f"{force_field}/opc.xml")
    return app.ForceField(BASE[force_field], WATER.get(force_field, f"{force_field}/{solvent}.xml"))


def plain_system(force_field: str, solvent: str, topology: app.Topology) -> openmm.System:
    """The options a script would write."""
    options: dict[str, Any] = {"constraints": app.HBonds, "hydrogenMass": 1.5, "removeCMMotion": False}
    if solvent in EXPLICIT_SOLVENTS:
        charmm = force_field.startswith("charmm")
        options |= {"nonbondedMethod": app.PME, "nonbondedCutoff": 1.2 if charmm else 0.9}
        if charmm:
            options |= {"switchDistance": 1.0, "useDispersionCorrection": False}
    return plain_files(force_field, solvent).createSystem(topology, **options)


def caps_merged(topology: app.Topology) -> tuple[app.Topology, list[int]]:
    """ACE and NME made parts of the residues beside them, and the rows of the atoms in the new order."""
    merged, atoms, residue, chain = app.Topology(), {}, None, None
    for old_chain in topology.chains():
        chain = merged.addChain(old_chain.id)
        members = list(old_chain.residues())
        for row, old in enumerate(members):
            if row == 0 or not (old.name == "NME" or members[row - 1].name == "ACE"):
                residue = merged.addResidue(members[row + 1].name if old.name == "ACE" else old.name, chain, old.id)
            for atom in old.atoms():
                name = f"{atom.name}{row}" if old.name in ("ACE", "NME") else atom.name
                atoms[atom] = merged.addAtom(name, atom.element, residue)
    for first, second in topology.bonds():
        merged.addBond(atoms[first], atoms[second])
    merged.setPeriodicBoxVectors(topology.getPeriodicBoxVectors())
    return merged, [atom.index for atom in atoms]


def evaluate(
    system: openmm.System, positions_nm: NDArray[np.float64], box_nm: NDArray[np.float64] | None, platform: str
) -> tuple[float, NDArray[np.float64]]:
    """KJ/mol, and kJ/mol/nm: [n_particles, 3]."""
    properties = {"Threads": "1"} if platform == "CPU" else {}
    context = openmm.Context(
        system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName(platform), properties
    )
    if box_nm is not None:
        context.setPeriodicBoxVectors(*box_nm)
    context.setPositions(positions_nm)
    state = context.getState(energy=True, forces=True)
    return state.getPotentialEnergy()._value, np.array(state.getForces(asNumpy=True)._value)


def compare(complex: Complex, force_field: str, solvent: str) -> dict[str, Any]:
    """One row of the table."""
    settings = SystemSettings.model_validate({"force_field": force_field, "solvent": solvent, "padding_nm": 0.3})
    molecular = build_system(complex, settings)
    topology, order = molecular.topology, list(range(len(molecular.positions_nm)))
    if force_field.startswith("charmm") and "ACE" in complex.residue_name:
        topology, order = caps_merged(topology)
    plain = plain_system(force_field, solvent, topology)
    platform = "CPU" if solvent in EXPLICIT_SOLVENTS and complex.n_atoms > 500 else "Reference"
    energy, forces = evaluate(molecular.system, molecular.positions_nm, molecular.box_nm, platform)
    plain_energy, plain_forces = evaluate(plain, molecular.positions_nm[order], molecular.box_nm, platform)
    return {
        "force_field": force_field,
        "solvent": solvent,
        "molecule": complex.source.name,
        "n_particles": len(order),
        "platform": platform,
        "energy_kJ_mol": energy,
        "energy_difference_kJ_mol": energy - plain_energy,
        "force_difference_kJ_mol_nm": float(np.abs(forces[order] - plain_forces).max()),
    }


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--protein", help="file or PDB id; prepared with defaults")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    molecules = [
        prepare_sequence("KAPE", PreparationSettings(termini="capped")).complex,
        prepare_sequence("KAEK").complex,
    ]
    if arguments.protein:
        molecules.append(prepare(arguments.protein).complex)
    rows = []
    print("| force field | solvent | molecule | particles | energy, kJ/mol | difference | of forces, kJ/mol/nm |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in BASE:
        for solvent in FORCE_FIELDS[name].solvent_files:
            for complex in molecules:
                row = compare(complex, name, solvent)
                rows.append(row)
                print(
                    f"| {name} | {solvent} | {row['molecule']} | {row['n_particles']:,} | {row['energy_kJ_mol']:.1f} | "
                    f"{row['energy_difference_kJ_mol']:.1e} | {row['force_difference_kJ_mol_nm']:.1e} |",
                    flush=True,
                )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
