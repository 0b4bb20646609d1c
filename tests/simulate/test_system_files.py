"""Systems in files: exact, whole or absent, and refused when something in them was changed."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import openmm
import pytest

from unfreeze.errors import InputError
from unfreeze.simulate.settings import SystemSettings
from unfreeze.simulate.system import MolecularSystem, build_system
from unfreeze.simulate.system_files import read_system, write_system
from unfreeze.structure.complex import Complex

FILES = ("particles.npz", "solute.cif", "solute.npz", "system.json", "system.xml.gz")


@pytest.fixture(scope="module")
def in_water(alanine_dipeptide: Complex) -> MolecularSystem:
    return build_system(alanine_dipeptide, SystemSettings(solvent="opc", padding_nm=0.3), seed=3)


@pytest.fixture(params=["obc2", "opc"])
def molecular(request: pytest.FixtureRequest, alanine_dipeptide: Complex) -> MolecularSystem:
    if request.param == "obc2":
        return build_system(alanine_dipeptide, SystemSettings())
    return request.getfixturevalue("in_water")


def test_what_is_read_is_what_was_written(molecular: MolecularSystem, tmp_path: Path) -> None:
    record = write_system(tmp_path / "new" / "system", molecular)
    assert record.name == "system.json"
    assert tuple(sorted(path.name for path in record.parent.iterdir())) == FILES
    back = read_system(record.parent)
    assert openmm.XmlSerializer.serialize(back.system) == openmm.XmlSerializer.serialize(molecular.system)
    assert np.array_equal(back.positions_nm, molecular.positions_nm)
    assert np.array_equal(back.solute_atoms, molecular.solute_atoms)
    assert back.record == molecular.record
    assert (back.box_nm is None) == (molecular.box_nm is None)
    if molecular.box_nm is not None:
        assert np.array_equal(back.box_nm, molecular.box_nm)
    for item in fields(Complex):
        one, other = getattr(back.solute, item.name), getattr(molecular.solute, item.name)
        assert one == other if item.name == "source" else np.array_equal(one, other), item.name
    for which in ("heavy", "solute", "all"):
        (one, rows), (other, other_rows) = back.saved_atoms(which), molecular.saved_atoms(which)
        assert np.array_equal(rows, other_rows)
        assert one.atom_name.tolist() == other.atom_name.tolist()
        assert one.chain_name.tolist() == other.chain_name.tolist()
        assert np.array_equal(one.residue_number, other.residue_number)


def test_the_topology_comes_back(in_water: MolecularSystem, tmp_path: Path) -> None:
    def table(topology: Any) -> tuple:
        atoms = [
            (atom.name, atom.element, atom.residue.name, atom.residue.id, atom.residue.insertionCode)
            for atom in topology.atoms()
        ]
        chains = [(chain.id, len(list(chain.residues()))) for chain in topology.chains()]
        return atoms, chains, [(a.index, b.index) for a, b in topology.bonds()], topology.getPeriodicBoxVectors()

    write_system(tmp_path, in_water)
    assert table(read_system(tmp_path).topology) == table(in_water.topology)


def test_equal_systems_give_equal_files(molecular: MolecularSystem, tmp_path: Path) -> None:
    write_system(tmp_path / "a", molecular)
    write_system(tmp_path / "b", molecular)
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize("name", ["particles.npz", "solute.npz", "system.xml.gz"])
@pytest.mark.parametrize("damage", ["changed", "cut", "gone"])
def test_damage_is_named(name: str, damage: str, alanine_dipeptide: Complex, tmp_path: Path) -> None:
    write_system(tmp_path, build_system(alanine_dipeptide, SystemSettings(solvent="vacuum")))
    path = tmp_path / name
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(data[:-7] if damage == "cut" else data[:40] + bytes([data[40] ^ 1]) + data[41:])
    with pytest.raises(InputError, match=rf"{name}: .*Build the system again"):
        read_system(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "expected the schema unfreeze-system/1, found list"),
        ('{"schema": "unfreeze-system/9"}', "expected the schema unfreeze-system/1, found unfreeze-system/9"),
        ('{"schema": "unfreeze-system/1"}', "are not there"),
    ],
)
def test_a_strange_record_is_named(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "system.json").write_text(text)
    with pytest.raises(InputError, match=message):
        read_system(tmp_path)


def test_a_record_of_another_shape_is_refused(alanine_dipeptide: Complex, tmp_path: Path) -> None:
    path = write_system(tmp_path, build_system(alanine_dipeptide, SystemSettings(solvent="vacuum")))
    document = json.loads(path.read_text())
    document["source"]["colour"] = "blue"
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="not a system as it is read here"):
        read_system(tmp_path)


def test_an_empty_folder_holds_no_system(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no system\.json"):
        read_system(tmp_path)


def test_a_write_that_breaks_off_leaves_no_system(
    alanine_dipeptide: Complex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    molecular = build_system(alanine_dipeptide, SystemSettings(solvent="vacuum"))
    write_system(tmp_path, molecular)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("unfreeze.simulate.system_files.write_cif", fail)
    with pytest.raises(KeyboardInterrupt):
        write_system(tmp_path, molecular)
    with pytest.raises(InputError, match="no whole system"):
        read_system(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(alanine_dipeptide: Complex, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    molecular = build_system(alanine_dipeptide, SystemSettings(solvent="vacuum"))
    with pytest.raises(InputError, match=r"file/system: cannot be written to"):
        write_system(tmp_path / "file" / "system", molecular)
