"""The folder of a built system: everything that a run starts from, exact to the last bit, and checked when read.

``system.json`` is written last and names the checksums of the others, so that a folder without it holds no system.
Nothing is pickled; systems are built in :mod:`unfreeze.simulate.system`.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import zipfile
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app, unit

from unfreeze.errors import InputError
from unfreeze.files.atomic import atomic_path, sync_directory, write_json
from unfreeze.simulate.system import MolecularSystem
from unfreeze.structure.complex import Complex, Source
from unfreeze.structure.writing.write_cif import write_cif

__all__ = ["SCHEMA", "read_system", "write_system"]

SCHEMA = "unfreeze-system/1"

_RECORD, _SYSTEM, _PARTICLES, _SOLUTE, _CIF = (
    "system.json",
    "system.xml.gz",
    "particles.npz",
    "solute.npz",
    "solute.cif",
)
_REMEDY = "Build the system again."


def write_system(directory: str | os.PathLike[str], molecular: MolecularSystem) -> Path:
    """Write a system into a folder, which is made if it is absent; an older system in it is replaced.

    Parameters
    ----------
    directory
        Where to.
    molecular
        What to write. Equal systems give equal files.

    Returns
    -------
    Path
        The record, ``system.json``; it is there only when all else is.

    Raises
    ------
    InputError
        If the folder cannot be made or written to.
    """
    folder = Path(directory)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _RECORD).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written to ({error.strerror}). Give another folder.") from None
    xml = openmm.XmlSerializer.serialize(molecular.system).encode()
    particles = _topology_arrays(molecular.topology)
    particles |= {"positions_nm": molecular.positions_nm, "solute_atoms": molecular.solute_atoms}
    if molecular.box_nm is not None:
        particles["box_nm"] = molecular.box_nm
    solute = {item.name: getattr(molecular.solute, item.name) for item in fields(Complex) if item.name != "source"}
    content = {
        _SYSTEM: gzip.compress(xml, compresslevel=6, mtime=0),
        _PARTICLES: _npz(particles),
        _SOLUTE: _npz(solute),
    }
    for name, data in content.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_bytes(data)
    write_cif(folder / _CIF, molecular.solute)
    sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (*content, _CIF)}
    document = {
        "schema": SCHEMA,
        "record": molecular.record,
        "source": asdict(molecular.solute.source),
        "sha256": sums,
    }
    sync_directory(folder)
    write_json(folder / _RECORD, document)
    sync_directory(folder)
    return folder / _RECORD


def read_system(directory: str | os.PathLike[str]) -> MolecularSystem:
    """Read what :func:`write_system` wrote.

    Parameters
    ----------
    directory
        The folder.

    Raises
    ------
    InputError
        If there is no whole system in it, or a file is not the one that was written.
    """
    folder = Path(directory)
    document = _document(folder)
    data = {name: _checked(folder / name, document["sha256"].get(name)) for name in (_SYSTEM, _PARTICLES, _SOLUTE)}
    try:
        system = openmm.XmlSerializer.deserialize(gzip.decompress(data[_SYSTEM]).decode())
        particles, solute = _arrays(data[_PARTICLES]), _arrays(data[_SOLUTE])
        box_nm = particles.get("box_nm")
        source: dict[str, Any] = {
            key: tuple(item) if isinstance(item, list) else item for key, item in document["source"].items()
        }
        return MolecularSystem(
            system=system,
            topology=_topology(particles, box_nm),
            positions_nm=particles["positions_nm"],
            box_nm=box_nm,
            solute=Complex(**solute, source=Source(**source)),
            solute_atoms=particles["solute_atoms"],
            record=document["record"],
        )
    except (KeyError, TypeError, ValueError, openmm.OpenMMException) as error:
        raise InputError(f"{folder}: not a system as it is read here ({error}). {_REMEDY}") from None


def _document(folder: Path) -> dict[str, Any]:
    path = folder / _RECORD
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{folder}: there is no {_RECORD}, so no whole system is in it. {_REMEDY}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}). {_REMEDY}") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else type(document).__name__
        raise InputError(f"{path}: expected the schema {SCHEMA}, found {found}. {_REMEDY}")
    if not all(isinstance(document.get(key), dict) for key in ("record", "source", "sha256")):
        raise InputError(f"{path}: the record, the source or the checksums are not there. {_REMEDY}")
    return document


def _checked(path: Path, expected: Any) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}). {_REMEDY}") from None
    if hashlib.sha256(data).hexdigest() != expected:
        raise InputError(f"{path}: not the file that {_RECORD} names (its checksum differs). {_REMEDY}")
    return data


def _npz(arrays: dict[str, NDArray[Any]]) -> bytes:
    stream = io.BytesIO()
    # in the order of the names, so that equal systems give equal bytes
    ordered: dict[str, Any] = {name: arrays[name] for name in sorted(arrays)}
    np.savez_compressed(stream, **ordered)
    return stream.getvalue()


def _arrays(data: bytes) -> dict[str, NDArray[Any]]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, OSError) as error:
        raise ValueError(str(error)) from None


def _topology_arrays(topology: app.Topology) -> dict[str, NDArray[Any]]:
    """Chains, residues, particles and bonds as flat arrays; an element of 0 is a virtual site."""
    chains, residues, atoms = list(topology.chains()), list(topology.residues()), list(topology.atoms())
    bonds = [(first.index, second.index) for first, second in topology.bonds()]
    return {
        "chain_id": np.array([chain.id for chain in chains], dtype=np.str_),
        "residue_name": np.array([residue.name for residue in residues], dtype=np.str_),
        "residue_id": np.array([residue.id for residue in residues], dtype=np.str_),
        "residue_insertion_code": np.array([residue.insertionCode for residue in residues], dtype=np.str_),
        "residue_chain": np.array([residue.chain.index for residue in residues], dtype=np.int64),
        "particle_name": np.array([atom.name for atom in atoms], dtype=np.str_),
        "particle_element": np.array(
            [0 if atom.element is None else atom.element.atomic_number for atom in atoms], dtype=np.int64
        ),
        "particle_residue": np.array([atom.residue.index for atom in atoms], dtype=np.int64),
        "bonds": np.array(bonds, dtype=np.int64).reshape(-1, 2),
    }


def _topology(arrays: dict[str, NDArray[Any]], box_nm: NDArray[np.float64] | None) -> app.Topology:
    topology = app.Topology()
    chains = [topology.addChain(name) for name in arrays["chain_id"].tolist()]
    columns = ("residue_name", "residue_chain", "residue_id", "residue_insertion_code")
    residues = [
        topology.addResidue(name, chains[chain], number, code)
        for name, chain, number, code in zip(*(arrays[column].tolist() for column in columns), strict=True)
    ]
    columns = ("particle_name", "particle_element", "particle_residue")
    atoms = [
        topology.addAtom(name, app.Element.getByAtomicNumber(number) if number else None, residues[row])
        for name, number, row in zip(*(arrays[column].tolist() for column in columns), strict=True)
    ]
    for first, second in arrays["bonds"].tolist():
        topology.addBond(atoms[first], atoms[second])
    if box_nm is not None:
        vectors = tuple(openmm.Vec3(*row) for row in box_nm.tolist())
        topology.setPeriodicBoxVectors(unit.Quantity(vectors, unit.md_unit_system.express_unit(unit.angstrom)))
    return topology
