"""`Ensemble`: frames of one complex with weights and the record of how they were made; and its folder on disk.

The folder is the contract between the verbs: ``topology.pdb`` (``topology.cif`` past PDB's limits), the frames,
and ``ensemble.json``. It is written next to its place and renamed at the end, so that it is whole or absent.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.files.atomic import plain
from unfreeze.structure.complex import Complex
from unfreeze.structure.fluctuations import FLUCTUATIONS_FILE, Fluctuations

if TYPE_CHECKING:
    import mdtraj

__all__ = ["ENSEMBLE_SCHEMA", "FORMATS", "Ensemble"]

ENSEMBLE_SCHEMA = "unfreeze-ensemble/1"
FORMATS = {"xtc": "samples.xtc", "pdb": "samples.pdb", "cif": "samples.cif"}
_OUR_FILES = ("topology.pdb", "topology.cif", "ensemble.json", "report.html", FLUCTUATIONS_FILE, *FORMATS.values())


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Frames of one complex, without order.

    Attributes
    ----------
    complex
        The molecule; its coordinates are the reference structure (the input).
    coordinates_nm : float32 [n_frames, n_atoms, 3]
        Frames superposed on the reference structure, nm.
    weights : float64 [n_frames] or None
        Weights that sum to 1; None when all frames weigh the same.
    record
        What ``ensemble.json`` says: input, conditions, model, seed, checks, warnings.
    fluctuations
        What a learned model predicted of every residue; None for other models.
    """

    complex: Complex
    coordinates_nm: NDArray[np.float32]
    weights: NDArray[np.float64] | None = None
    record: dict[str, Any] = field(default_factory=dict)
    fluctuations: Fluctuations | None = None

    def __post_init__(self) -> None:
        shape = self.coordinates_nm.shape
        if len(shape) != 3 or shape[1:] != (self.complex.n_atoms, 3):
            raise ValueError(f"coordinates_nm has shape {shape}, expected [n_frames, {self.complex.n_atoms}, 3]")
        if self.weights is not None and self.weights.shape != shape[:1]:
            raise ValueError(f"weights has shape {self.weights.shape}, expected [{shape[0]}]")

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.coordinates_nm)

    def representative_frames(self) -> NDArray[np.float64]:
        """CA (P or C1' in nucleotides), superposed on their mean: [n_frames, n_representatives, 3], nm."""
        from unfreeze.structure.geometry import superpose_on_mean

        atoms = self.complex.representative_atoms()
        if len(atoms) < 3:
            return self.coordinates_nm[:, atoms].astype(np.float64)
        return superpose_on_mean(self.coordinates_nm[:, atoms])

    def rmsf(self) -> NDArray[np.float64]:
        """Root-mean-square fluctuation of every representative atom about the mean: [n_representatives], nm."""
        from unfreeze.structure.observables.motion import rmsf_nm

        return rmsf_nm(self.representative_frames(), weights=self.weights)

    def dccm(self) -> NDArray[np.float64]:
        """Cross-correlations of representative atoms, in [−1, 1]: [n_representatives, n_representatives]."""
        from unfreeze.structure.observables.motion import dccm

        return dccm(self.representative_frames(), weights=self.weights)

    def to_mdtraj(self) -> mdtraj.Trajectory:
        """The frames as an ``mdtraj.Trajectory`` (nm), for any analysis that takes one."""
        import mdtraj

        return mdtraj.Trajectory(self.coordinates_nm, mdtraj_topology(self.complex))

    def save(self, directory: str | Path, *, format: str = "xtc", force: bool = False) -> Path:
        """Write the ensemble folder: topology, frames, ``ensemble.json`` and, if there are predictions, their table.

        Parameters
        ----------
        directory
            Folder to make. It appears whole or not at all.
        format
            ``xtc``, ``pdb`` (multi-model) or ``cif`` (multi-model).
        force
            Replace an ensemble folder that stands there. Anything else is never replaced.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        InputError
            If the folder exists and may not be replaced, or the format cannot hold the complex.
        """
        from unfreeze.structure.write import write_cif, write_pdb, write_topology, write_xtc

        if format not in FORMATS:
            raise InputError(f"unknown format {format!r}; expected one of {', '.join(FORMATS)}")
        target = Path(directory)
        check_output_directory(target, force=force)
        target.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            topology = write_topology(building, self.complex)
            samples = building / FORMATS[format]
            if format == "xtc":
                write_xtc(samples, self.coordinates_nm)
            else:
                {"pdb": write_pdb, "cif": write_cif}[format](samples, self.complex, self.coordinates_nm)
            record = dict(self.record)
            record.setdefault("schema", ENSEMBLE_SCHEMA)
            record["n_frames"] = self.n_frames
            record["weights"] = None if self.weights is None else [float(w) for w in self.weights]
            written = {"topology": topology, "samples": samples}
            if self.fluctuations is not None:
                written["fluctuations"] = building / FLUCTUATIONS_FILE
                text = self.fluctuations.table(self.complex, self.rmsf())
                written["fluctuations"].write_text(text, encoding="utf-8", newline="")
            record["files"] = {
                role: {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
                for role, path in written.items()
            }
            with open(building / "ensemble.json", "w", encoding="utf-8") as stream:
                json.dump(plain(record), stream, indent=1, ensure_ascii=False, allow_nan=False)
                stream.flush()
                os.fsync(stream.fileno())
            building.chmod(0o755)
            replace_directory(building, target)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise
        return target

    @classmethod
    def load(cls, directory: str | Path) -> Ensemble:
        """Read an ensemble folder and check it against the checksums in its record.

        Raises
        ------
        InputError
            If a file is absent, altered, or does not belong to the others.
        """
        from unfreeze.structure.read import read_complex, read_models
        from unfreeze.structure.write import read_xtc

        folder = Path(directory)
        record = _read_record(folder)
        paths: dict[str, Path] = {}
        for role in ("topology", "samples", "fluctuations"):
            entry = record["files"].get(role)
            if entry is None:
                continue
            path = folder / Path(entry["name"]).name
            if not path.is_file():
                raise InputError(f"{folder}: {path.name} is absent; ensemble.json names it as the {role}")
            if hashlib.sha256(path.read_bytes()).hexdigest() != entry.get("sha256"):
                raise InputError(f"{path}: the file is not the one that ensemble.json describes (sha256 differs)")
            paths[role] = path
        molecule = read_complex(paths["topology"])
        if paths["samples"].suffix == ".xtc":
            frames = read_xtc(paths["samples"], molecule.n_atoms)
        else:
            frames = read_models(paths["samples"])[1].astype(np.float32)
        weights = _checked_weights(folder, record.get("weights"), len(frames))
        predicted = Fluctuations.read(paths["fluctuations"], molecule) if "fluctuations" in paths else None
        return cls(molecule, frames, weights, record, predicted)


def _checked_weights(folder: Path, weights: Any, n_frames: int) -> NDArray[np.float64] | None:
    """Weights of a record as an array.

    Raises
    ------
    InputError
        If they are not `n_frames` numbers of zero or more that sum to 1.
    """
    if weights is None:
        return None
    numbers = isinstance(weights, list) and all(type(value) in (int, float) for value in weights)
    values = np.array(weights if numbers else [], dtype=np.float64)
    if len(values) != n_frames or not (values >= 0.0).all() or not abs(values.sum() - 1.0) < 1e-6:
        raise InputError(
            f"{folder / 'ensemble.json'}: 'weights' must be null or {n_frames} numbers of 0 or more that sum to 1"
        )
    return values


def check_output_directory(target: Path, *, force: bool) -> None:
    """Refuse a folder that must not be written to.

    Raises
    ------
    InputError
        If it exists and is not an ensemble folder, or is one and `force` is not given.
    """
    if not target.exists():
        return
    if target.is_dir() and not any(target.iterdir()):
        return
    is_ensemble = (target / "ensemble.json").is_file() and all(p.name in _OUR_FILES for p in target.iterdir())
    if not is_ensemble:
        raise InputError(f"{target}: exists and is not an ensemble folder; nothing was written. Choose another -o")
    if not force:
        raise InputError(f"{target}: holds an ensemble already; choose another -o, or give --force to replace it")


def replace_directory(building: Path, target: Path) -> None:
    """Put a finished folder in its place; an old one there goes only after the new one stands."""
    if not target.exists():
        os.replace(building, target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent))
    os.replace(target, old / "was")
    os.replace(building, target)
    shutil.rmtree(old, ignore_errors=True)


def mdtraj_topology(molecule: Complex) -> mdtraj.Topology:
    """The complex as an ``mdtraj.Topology`` with author numbering and standard bonds."""
    import mdtraj

    topology = mdtraj.Topology()
    chains = [topology.add_chain(chain_id=str(name)) for name in molecule.chain_name]
    residues = [
        topology.add_residue(str(name), chains[chain], resSeq=int(number), segment_id="")
        for name, chain, number in zip(
            molecule.residue_name, molecule.chain_index, molecule.residue_number, strict=True
        )
    ]
    for name, symbol, residue in zip(molecule.atom_name, molecule.element, molecule.residue_index, strict=True):
        try:
            element = mdtraj.element.get_by_symbol(str(symbol).capitalize())
        except KeyError:
            element = mdtraj.element.virtual
        topology.add_atom(str(name), element, residues[residue])
    return topology


def _read_record(folder: Path) -> dict[str, Any]:
    path = folder / "ensemble.json"
    if not path.is_file():
        raise InputError(f"{folder}: there is no ensemble.json; expected a folder that `unfreeze sample` wrote")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({error})") from error
    if not isinstance(record, dict) or record.get("schema") != ENSEMBLE_SCHEMA:
        raise InputError(f"{path}: schema is not {ENSEMBLE_SCHEMA!r}; written by another version or program")
    files = record.get("files")
    named = [files.get(role) if isinstance(files, dict) else None for role in ("topology", "samples")]
    if isinstance(files, dict) and files.get("fluctuations") is not None:
        named.append(files["fluctuations"])
    if not all(isinstance(entry, dict) and isinstance(entry.get("name"), str) for entry in named):
        raise InputError(f"{path}: 'files' does not name topology and samples")
    return record
