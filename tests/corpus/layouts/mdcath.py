"""mdCATH's HDF5 file of a domain, as the dataset's ``builder/molAnalyzer.py`` writes it, with the faults it had."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import h5py
import numpy as np
from molecules import Molecule, all_atoms

TEMPERATURES = ("320", "348", "379", "413", "450")
KCAL_MOL_A = 41.84  # kJ/mol/nm


def write_mdcath(
    folder: Path,
    domain: str = "1abcA00",
    molecule: Molecule | None = None,
    *,
    temperatures: Collection[str] = TEMPERATURES,
    replicas: int = 5,
    faults: Collection[str] = (),
) -> Path:
    """One file; `faults` are names of what the real set or an untrusted file has.

    ``num_frames_3``: numFrames written after the axes were moved; ``box_in_angstrom``, ``short_forces``,
    ``empty_replica``, ``noh``, ``other_z``, ``nan``, ``angstrom_as_nm``, ``link``, ``object_coords``.
    """
    molecule = molecule or all_atoms()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"mdcath_dataset_{domain}.h5"
    with h5py.File(path, "w", libver="latest") as file:
        file.attrs["layout"] = "cath-dataset-noh" if "noh" in faults else "mdcath-only-protein-v1.0"
        group = file.create_group(domain)
        names = ("HSD" if name == "HIS" else name for name in molecule.residue_name.tolist())
        group.attrs["numProteinAtoms"] = molecule.n_atoms
        group.attrs["numResidues"] = len(np.unique(molecule.residue_number))
        group.attrs["numChains"] = 1
        charges = molecule.atomic_number
        if "other_z" in faults:
            charges = charges[::-1]
        group["z"] = charges
        if "noh" not in faults:
            group["chain"] = [letter.encode() for letter in molecule.chain.tolist()]
            group["element"] = [symbol.encode() for symbol in molecule.element.tolist()]
            group["resname"] = [name.encode() for name in names]
            group["resid"] = molecule.residue_number
            # only lines of ATOM and MODEL are kept
            group["pdbProteinAtoms"] = molecule.pdb(head="MODEL        1\n", end="").encode()
            group["pdb"] = molecule.pdb().encode()
            group["psf"] = b"PSF\n\n       1 !NTITLE\n"
        for temperature in temperatures:
            for replica in range(replicas):
                _replica(group, temperature, replica, molecule, faults)
        if "link" in faults:
            del group["320/0"]["coords"]
            group["320/0"]["coords"] = h5py.ExternalLink("/etc/passwd", "/coords")
    return path


def _replica(group: h5py.Group, temperature: str, replica: int, molecule: Molecule, faults: Collection[str]) -> None:
    place = group.create_group(f"{temperature}/{replica}")
    if "empty_replica" in faults and replica == 1:
        return
    rng = np.random.default_rng([int(temperature), replica])
    frames = molecule.frames_nm[: 6 + replica] + rng.normal(scale=0.002, size=(6 + replica, 1, 3))
    frames = frames.astype(np.float32) * (1 if "angstrom_as_nm" in faults else 10)
    if "nan" in faults and replica == 0:
        frames[3, 4] = np.nan
    forces = rng.normal(scale=20.0, size=frames.shape).astype(np.float32)
    n_frames, n_residues = len(frames), len(np.unique(molecule.residue_number))
    if "short_forces" in faults:
        forces = forces[:-1]
    if "object_coords" in faults:
        place.create_dataset("coords", data=frames.astype("S16"))
    else:
        place.create_dataset("coords", data=frames)
    place["coords"].attrs["unit"] = "Angstrom"
    place.create_dataset("forces", data=forces)
    place["forces"].attrs["unit"] = "kcal/mol/Angstrom"
    place["box"] = (60.0 if "box_in_angstrom" in faults else 6.0) * np.eye(3)
    place["dssp"] = np.full((n_frames, n_residues), b"C")
    for name, values in (("rmsd", n_frames), ("gyrationRadius", n_frames), ("rmsf", n_residues)):
        place[name] = rng.random(values).astype(np.float32)
        place[name].attrs["unit"] = "nm"
    place.attrs["numFrames"] = 3 if "num_frames_3" in faults else n_frames
