"""Folders as generators and MD sets leave them, and models of one molecule in several files."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unfreeze.errors import InputError
from unfreeze.evaluate.inputs import load_frames
from unfreeze.structure.complex import Complex
from unfreeze.structure.write import write_cif, write_pdb
from unfreeze.trajectories.folders import natural_key


def reordered(molecule: Complex, seed: int = 0) -> tuple[Complex, np.ndarray]:
    """The molecule with the atoms of every residue in another order, and the old row of every atom."""
    order = np.lexsort((np.random.default_rng(seed).random(molecule.n_atoms), molecule.residue_index))
    values = {
        item.name: getattr(molecule, item.name)[order]
        for item in fields(molecule)
        if item.name.startswith("atom_") or item.name in ("coordinates_nm", "element")
    }
    return replace(molecule, **values, links=np.empty((0, 2), dtype=np.int64)), order


@pytest.fixture
def models(make: SimpleNamespace) -> tuple[Complex, np.ndarray]:
    molecule = make.merge(make.peptide(5), make.moved(make.peptide(4), [0.0, 0.0, 2.0]), chains=["A", "B"])
    noise = np.random.default_rng(3).normal(0, 0.02, (12, molecule.n_atoms, 3))
    return molecule, molecule.coordinates_nm + noise


def test_bioemu_samples_have_no_clock(system: Any, tmp_path: Path, write: SimpleNamespace) -> None:
    heavy = system.trajectory.atom_slice(system.heavy_rows)
    heavy[0].save_pdb(str(tmp_path / "topology.pdb"))
    write.xtc(tmp_path / "samples.xtc", heavy.xyz)
    frames = load_frames(tmp_path)
    assert frames.n_frames == heavy.n_frames
    assert frames.time_step_ps is None
    assert frames.files == (str(tmp_path / "topology.pdb"), str(tmp_path / "samples.xtc"))
    write.xtc(tmp_path / "samples_relaxed.xtc", heavy.xyz[:2])
    again = load_frames(tmp_path)
    assert again.n_frames == heavy.n_frames and any("1 other" in note for note in again.notes)


def test_a_campaign_stands_for_its_runs(system: Any, tmp_path: Path, write: SimpleNamespace) -> None:
    heavy = system.trajectory.atom_slice(system.heavy_rows)
    (tmp_path / "runs").mkdir()
    (tmp_path / "campaign.yaml").write_text("length: 1ns\n")
    with pytest.raises(InputError, match="without a finished run"):
        load_frames(tmp_path)
    for name, n_frames in (("0aa1", 3), ("0bb2", 4)):
        run = tmp_path / "runs" / name
        run.mkdir()
        heavy[0].save_pdb(str(run / "topology.pdb"))
        write.xtc(run / "trajectory.xtc", heavy.xyz[:n_frames])
    assert load_frames(tmp_path).n_frames == 7
    assert load_frames(tmp_path / "runs" / "0bb2").n_frames == 4
    heavy[0].atom_slice(range(5)).save_pdb(str(tmp_path / "runs" / "0bb2" / "topology.pdb"))
    with pytest.raises(InputError, match=r"several systems.*0bb2"):
        load_frames(tmp_path)


def test_atlas_replicas(system: Any, tmp_path: Path, write: SimpleNamespace) -> None:
    system.trajectory[0].save_pdb(str(tmp_path / "1abc_A.pdb"))
    xyz, times = system.trajectory.xyz, np.arange(23) * 10.0
    for number, part in ((10, slice(0, 4)), (2, slice(4, 11)), (1, slice(11, 23))):
        write.xtc(tmp_path / f"1abc_A_prod_R{number}_fit.xtc", xyz[part], times[: part.stop - part.start])
    separate = load_frames(tmp_path, replicas="separate")
    assert separate.replica_start.tolist() == [0, 12, 19]
    assert separate.time_step_ps == 10
    order = [*range(11, 23), *range(4, 11), *range(4)]
    np.testing.assert_allclose(separate.coordinates_nm, system.heavy_nm[order], atol=6e-4)
    joined = load_frames(tmp_path)
    assert joined.replica_start.tolist() == [0]
    assert joined.time_step_ps is None and any("replicas were joined" in note for note in joined.notes)
    thinned = load_frames(tmp_path, replicas="separate", stride=5)
    assert thinned.replica_start.tolist() == [0, 3, 5]
    assert thinned.time_step_ps == 50
    few = load_frames(tmp_path, replicas="separate", max_frames=3)
    assert few.n_frames == 3 and few.replica_start.tolist() == [0, 2]
    by_name = load_frames(
        [tmp_path / "1abc_A_prod_R2_fit.xtc", str(tmp_path / "1abc_A_prod_R10_fit.xtc")],
        topology=tmp_path / "1abc_A.pdb",
    )
    assert by_name.n_frames == 11


def test_parts_of_one_run_keep_the_clock(system: Any, tmp_path: Path, write: SimpleNamespace) -> None:
    system.trajectory[0].save_pdb(str(tmp_path / "run.pdb"))
    times = np.arange(23) * 10.0
    for name, part in (("run_1", slice(0, 9)), ("run_2", slice(9, 23))):
        write.xtc(tmp_path / f"{name}.xtc", system.trajectory.xyz[part], times[part])
    assert load_frames(tmp_path).time_step_ps == 10


def test_trajectories_below_their_topology(system: Any, tmp_path: Path, write: SimpleNamespace) -> None:
    system.trajectory[0].save_pdb(str(tmp_path / "topology.pdb"))
    (tmp_path / "trajs").mkdir()
    write.xtc(tmp_path / "trajs" / "a.xtc", system.trajectory.xyz)
    assert load_frames(tmp_path).n_frames == 23


def test_folders_that_are_not_clear(system: Any, tmp_path: Path, write: SimpleNamespace) -> None:
    with pytest.raises(InputError, match="no trajectory and no PDB or mmCIF file"):
        load_frames(tmp_path)
    write.xtc(tmp_path / "run.xtc", system.trajectory.xyz)
    with pytest.raises(InputError, match=r"1 trajectories \(run.xtc\) and 0 files .*--topology"):
        load_frames(tmp_path)
    system.trajectory[0].save_pdb(str(tmp_path / "one.pdb"))
    system.trajectory[0].save_gro(str(tmp_path / "two.gro"))
    with pytest.raises(InputError, match=r"2 files that may be their topology \(one.pdb, two.gro\)"):
        load_frames(tmp_path)
    system.trajectory.save_trr(str(tmp_path / "run.trr"))
    with pytest.raises(InputError, match="several formats"):
        load_frames(tmp_path)
    with pytest.raises(InputError, match="a topology is needed"):
        load_frames(tmp_path / "run.xtc")
    with pytest.raises(InputError, match="structures and trajectories together"):
        load_frames([tmp_path / "run.xtc", tmp_path / "one.pdb"])
    with pytest.raises(InputError, match="no file was given"):
        load_frames([])


def test_replicas_have_the_same_atoms(system: Any, tmp_path: Path, write: SimpleNamespace) -> None:
    system.trajectory[0].save_pdb(str(tmp_path / "run.pdb"))
    write.xtc(tmp_path / "run_1.xtc", system.trajectory.xyz)
    write.xtc(tmp_path / "run_2.xtc", system.trajectory.xyz[:, :-3])
    with pytest.raises(InputError, match=r"run_2.xtc: the trajectory has \d+ atoms and run_1.xtc has"):
        load_frames(tmp_path)


def test_boltz_models_in_natural_order(models: Any, tmp_path: Path) -> None:
    molecule, places = models
    folder = tmp_path / "predictions" / "x"
    folder.mkdir(parents=True)
    for at, place in enumerate(places):
        write_cif(folder / f"x_model_{at}.cif", molecule.with_coordinates(place))
        (folder / f"confidence_x_model_{at}.json").write_text("{}")
    for path in (folder, folder.parent):
        frames = load_frames(path)
        np.testing.assert_allclose(frames.coordinates_nm, places, atol=6e-5)
    assert load_frames(folder, max_frames=4).n_frames == 4


def test_alphafold_3_models_of_another_atom_order_and_a_missing_atom(models: Any, tmp_path: Path) -> None:
    molecule, places = models
    write_cif(tmp_path / "x_model.cif", molecule.with_coordinates(places[0]))
    lost = int(np.flatnonzero(molecule.atom_name == "CB")[3])
    for at, (seed, sample) in enumerate(itertools.product((1, 2), (0, 1))):
        folder = tmp_path / f"seed-{seed}_sample-{sample}"
        folder.mkdir()
        shuffled, order = reordered(molecule, at)
        shuffled = shuffled.with_coordinates(places[at][order])
        if at == 2:
            shuffled = shuffled.take_atoms(order != lost)
        write_cif(folder / "model.cif", shuffled)
    frames = load_frames(tmp_path)
    assert frames.n_frames == 4
    assert frames.molecule.n_atoms == molecule.n_atoms - 1
    _, order = reordered(molecule, 0)
    kept = order[order != lost]
    np.testing.assert_allclose(frames.coordinates_nm, places[:4][:, kept], atol=6e-5)
    assert any("1 atoms are not in every model" in note for note in frames.notes)
    assert any("x_model.cif beside" in note for note in frames.notes)


def test_models_of_another_molecule_are_named(models: Any, make: SimpleNamespace, tmp_path: Path) -> None:
    molecule, _ = models
    write_pdb(tmp_path / "a.pdb", molecule)
    write_pdb(tmp_path / "b.pdb", make.moved(make.peptide(30), [0.0, 0.0, 0.0]))
    with pytest.raises(InputError, match=r"b\.pdb: 5 of 30 residues are those of a\.pdb"):
        load_frames(tmp_path)
    with pytest.raises(InputError, match=r"b\.pdb"):
        load_frames([tmp_path / "a.pdb", tmp_path / "b.pdb"])


def test_models_in_two_formats(models: Any, tmp_path: Path) -> None:
    molecule, _ = models
    write_pdb(tmp_path / "m_1.pdb", molecule)
    write_cif(tmp_path / "m_1.cif", molecule)
    with pytest.raises(InputError, match="two formats"):
        load_frames(tmp_path)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=20, unique=True))
def test_natural_order_is_the_order_of_numbers(numbers: list[int]) -> None:
    paths = [Path(f"x_model_{number}.cif") for number in numbers]
    assert sorted(paths, key=natural_key) == [Path(f"x_model_{number}.cif") for number in sorted(numbers)]
