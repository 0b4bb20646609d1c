"""A topology knows the row in the file of every atom that was kept, and models may come in several files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import gemmi
import numpy as np
import pytest

from unfreeze.structure.complex import Source
from unfreeze.structure.read import read_models
from unfreeze.structure.reading.one_model import parse_structure
from unfreeze.structure.topology import read_topology, topology_of_table
from unfreeze.structure.write import write_pdb

MDANALYSIS = Path(pytest.importorskip("MDAnalysisTests").__file__).parent / "data"


@pytest.mark.parametrize("name", ["cobrotoxin.pdb", "adk_oplsaa.pdb", "1osm.pdb.gz", "unordered_res.pdb"])
def test_rows_give_the_coordinates_of_the_file(name: str) -> None:
    topology = read_topology(MDANALYSIS / name)
    _, table, _ = parse_structure(MDANALYSIS / name)
    table = table.take(table.model == 0)
    assert topology.n_atoms_in_file == len(table)
    np.testing.assert_allclose(table.position[topology.rows] / 10, topology.complex.coordinates_nm)
    assert table.element[topology.rows].tolist() == topology.complex.element.tolist()
    assert not (topology.is_water | topology.is_hydrogen)[topology.rows].any()
    assert topology.complex.source.n_waters_dropped == topology.is_water.sum()


def test_rows_count_in_the_first_model_only(make: SimpleNamespace, tmp_path: Path) -> None:
    molecule = make.peptide(4)
    write_pdb(tmp_path / "m.pdb", molecule, np.stack([molecule.coordinates_nm] * 3))
    topology = read_topology(tmp_path / "m.pdb")
    assert topology.n_atoms_in_file == molecule.n_atoms
    assert topology.rows.tolist() == list(range(molecule.n_atoms))


def test_a_table_keeps_residues_of_one_number_apart(make: SimpleNamespace, tmp_path: Path) -> None:
    molecule = make.peptide(4)
    write_pdb(tmp_path / "m.pdb", molecule)
    _, table, _ = parse_structure(tmp_path / "m.pdb")
    same = table.changed(number=np.ones_like(table.number), label_number=molecule.residue_index + 1)
    topology = topology_of_table(same, Source(name="table"))
    assert topology.complex.residue_number.tolist() == [1, 1, 1, 1]
    assert topology.complex.residue_label_number.tolist() == [0, 0, 0, 0]
    assert len(topology.complex.links) == 3


def test_models_of_several_files_as_if_of_one(make: SimpleNamespace, tmp_path: Path) -> None:
    molecule = make.peptide(4)
    frames = molecule.coordinates_nm + np.random.default_rng(0).normal(0, 0.02, (5, molecule.n_atoms, 3))
    write_pdb(tmp_path / "all.pdb", molecule, frames)
    write_pdb(tmp_path / "a.pdb", molecule, frames[:2])
    write_pdb(tmp_path / "b.pdb", molecule, frames[2:])
    one, expected = read_models(tmp_path / "all.pdb")
    several, found = read_models([tmp_path / "a.pdb", tmp_path / "b.pdb"])
    np.testing.assert_array_equal(found, expected)
    assert several.atom_name.tolist() == one.atom_name.tolist()


def test_labels_may_differ_between_files(make: SimpleNamespace, tmp_path: Path) -> None:
    molecule = make.peptide(4)
    for name, label in (("a", "A"), ("b", "Q")):
        labelled = replace(molecule, residue_label_chain=np.full(molecule.n_residues, label))
        write_pdb(tmp_path / f"{name}.pdb", labelled)
        structure = gemmi.read_structure(str(tmp_path / f"{name}.pdb"))
        structure.setup_entities()
        for chain in structure[0]:
            for residue in chain:
                residue.subchain = label
        structure.make_mmcif_document().write_file(str(tmp_path / f"{name}.cif"))
    _, frames = read_models([tmp_path / "a.cif", tmp_path / "b.cif"])
    np.testing.assert_allclose(frames[0], frames[1])
    assert frames.shape == (2, molecule.n_atoms, 3)
