"""Every format gives the heavy atoms, in nm, in the order of the complex."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gemmi
import mdtraj
import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.evaluate.frames import Frames
from unfreeze.evaluate.inputs import frame_store, load_frames
from unfreeze.structure.ensemble import Ensemble
from unfreeze.structure.write import write_cif, write_pdb
from unfreeze.trajectories.readers import open_trajectory

MDANALYSIS = Path(pytest.importorskip("MDAnalysisTests").__file__).parent / "data"


def names(frames: Frames) -> list[tuple[str, int, str]]:
    molecule = frames.molecule
    chains = molecule.chain_name[molecule.atom_chain_index].tolist()
    numbers = molecule.residue_number[molecule.residue_index].tolist()
    return list(zip(chains, numbers, molecule.atom_name.tolist(), strict=True))


def names_of(system: Any) -> list[tuple[str, int, str]]:
    return names(Frames(system.molecule, system.heavy_nm))


# GRO and XTC round to 0.001 nm, PDB to 0.0001
@pytest.mark.parametrize(("suffix", "tolerance"), [(".xtc", 6e-4), (".trr", 1e-6), (".dcd", 1e-6), (".nc", 1e-6)])
@pytest.mark.parametrize("topology", ["pdb", "cif", "gro"])
def test_trajectories_with_waters_and_hydrogens(
    system: Any, tmp_path: Path, suffix: str, tolerance: float, topology: str
) -> None:
    path = system.save(tmp_path / f"run{suffix}", topology="gro" if topology == "gro" else "")
    if topology == "pdb":
        system.trajectory[0].save_pdb(str(tmp_path / "run.pdb"))
    elif topology == "cif":
        # mdtraj's own mmCIF renumbers residues and chains
        system.trajectory[0].save_pdb(str(tmp_path / "start.pdb"))
        structure = gemmi.read_structure(str(tmp_path / "start.pdb"))
        structure.setup_entities()
        structure.make_mmcif_document().write_file(str(tmp_path / "run.cif"))
    frames = load_frames(path)
    assert names(frames) == names_of(system)
    assert frames.coordinates_nm.dtype == np.float32
    np.testing.assert_allclose(frames.coordinates_nm, system.heavy_nm, atol=tolerance)
    np.testing.assert_allclose(frames.molecule.coordinates_nm, system.molecule.coordinates_nm, atol=6e-4)
    assert frames.time_step_ps == (None if suffix == ".dcd" else 20)
    assert frames.files == (str(tmp_path / f"run.{topology}"), str(path))
    assert len(frames.molecule.links) == len(system.molecule.links)


def test_hdf5_with_its_own_topology(system: Any, tmp_path: Path) -> None:
    frames = load_frames(system.save(tmp_path / "run.h5", topology=""))
    assert names(frames) == names_of(system)
    np.testing.assert_array_equal(frames.coordinates_nm, system.heavy_nm)
    np.testing.assert_allclose(frames.molecule.coordinates_nm, system.heavy_nm[0])
    assert frames.time_step_ps == 20
    assert any("no coordinates" in note for note in frames.notes)


def test_hdf5_in_angstrom_and_without_topology(system: Any, tmp_path: Path, write: SimpleNamespace) -> None:
    ten = mdtraj.Trajectory(system.trajectory.xyz * 10, system.trajectory.topology)
    path = write.hdf5(tmp_path / "run.h5", ten, topology=False, units="angstroms")
    with pytest.raises(InputError, match="--topology"):
        load_frames(path)
    system.trajectory[0].save_pdb(str(tmp_path / "start.pdb"))
    frames = load_frames(path, topology=tmp_path / "start.pdb")
    np.testing.assert_allclose(frames.coordinates_nm, system.heavy_nm, atol=1e-6)
    assert frames.time_step_ps is None  # times 0, 1, 2, ...


def test_hdf5_of_other_units_or_layout(system: Any, tmp_path: Path, write: SimpleNamespace) -> None:
    with pytest.raises(InputError, match="'furlongs'; nanometers"):
        load_frames(write.hdf5(tmp_path / "a.h5", system.trajectory, units="furlongs"))
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["positions"] = np.zeros(3)
    with pytest.raises(InputError, match="no dataset 'coordinates'"):
        load_frames(tmp_path / "b.h5")


def test_hdf5_that_points_to_other_files(system: Any, tmp_path: Path, write: SimpleNamespace) -> None:
    h5py = pytest.importorskip("h5py")
    write.hdf5(tmp_path / "a.h5", system.trajectory)
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["coordinates"] = h5py.ExternalLink(str(tmp_path / "a.h5"), "/coordinates")
    with pytest.raises(InputError, match="link"):
        load_frames(tmp_path / "link.h5")
    (tmp_path / "raw").write_bytes(b"\0" * 240)
    with h5py.File(tmp_path / "external.h5", "w") as file:
        file.create_dataset("coordinates", (2, 10, 3), dtype="f4", external=[(str(tmp_path / "raw"), 0, 240)])
    with pytest.raises(InputError, match="other files"):
        load_frames(tmp_path / "external.h5")


def test_hdf5_without_h5py(system: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = system.save(tmp_path / "run.h5", topology="")
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(InputError, match=r"unfreeze\[hdf5\]"):
        load_frames(path)


def test_gro_with_many_frames_names_chains_by_their_ends(system: Any, tmp_path: Path) -> None:
    system.trajectory.save_gro(str(tmp_path / "run.gro"))
    frames = load_frames(tmp_path / "run.gro")
    assert [name[1:] for name in names(frames)] == [name[1:] for name in names_of(system)]
    np.testing.assert_allclose(frames.coordinates_nm, system.heavy_nm, atol=6e-4)
    assert frames.time_step_ps == 20


def test_gro_numbers_that_fall_begin_a_chain(system: Any, tmp_path: Path) -> None:
    from unfreeze.trajectories.readers.gro import GroReader
    from unfreeze.trajectories.topologies import load_topology

    text = []
    for _ in "AB":
        for number in (1, 2, 3):
            text += [f"{number:5d}ALA  {name:>5}{len(text) + 1:5d}" for name in ("N", "CA", "C", "O", "CB")]
    places = np.random.default_rng(0).uniform(0, 5, (len(text), 3))
    body = [line + "".join(f"{x:8.3f}" for x in place) for line, place in zip(text, places, strict=True)]
    path = tmp_path / "two.gro"
    path.write_text("\n".join(["two chains", str(len(body)), *body, "5 5 5", ""]))
    assert GroReader(path).n_frames == 1
    molecule = load_topology(path, lambda n: np.zeros((n, 3), dtype=np.float32)).complex
    assert molecule.chain_name.tolist() == ["A", "B"]
    assert molecule.residue_number.tolist() == [1, 2, 3, 1, 2, 3]


def test_gromacs_xtc_and_trr_of_47681_atoms() -> None:
    topology = MDANALYSIS / "adk_oplsaa.gro"
    xtc = load_frames(MDANALYSIS / "adk_oplsaa.xtc", topology=topology)
    trr = load_frames(MDANALYSIS / "adk_oplsaa.trr", topology=topology)
    assert xtc.molecule.n_residues == 214 + 4  # four sodium ions
    assert xtc.time_step_ps == trr.time_step_ps == 100
    np.testing.assert_allclose(xtc.coordinates_nm, trr.coordinates_nm, atol=6e-3)
    expected = mdtraj.load(str(MDANALYSIS / "adk_oplsaa.xtc"), top=str(topology))
    heavy = expected.topology.select("protein and not element H")
    np.testing.assert_array_equal(xtc.coordinates_nm[:, : len(heavy)], expected.xyz[:, heavy])
    assert any("9 of 10 frames are torn across the periodic box" in note for note in xtc.notes)


def test_dcd_with_a_psf_takes_the_first_frame_as_structure() -> None:
    frames = load_frames(MDANALYSIS / "adk_dims.dcd", topology=MDANALYSIS / "adk.psf")
    expected = mdtraj.load(str(MDANALYSIS / "adk_dims.dcd"), top=str(MDANALYSIS / "adk.psf"))
    heavy = expected.topology.select("not element H")
    np.testing.assert_allclose(frames.coordinates_nm, expected.xyz[:, heavy], atol=1e-6)
    np.testing.assert_allclose(frames.molecule.coordinates_nm, frames.coordinates_nm[0], atol=1e-6)
    assert frames.molecule.chain_name.tolist() == ["4AKE"]
    assert frames.molecule.n_residues == 214
    assert frames.time_step_ps is None
    assert any("first frame is taken as the structure" in note for note in frames.notes)
    assert any("header announces" in note for note in frames.notes)


@pytest.mark.filterwarnings("ignore:Warning. The 'netCDF4'")
def test_netcdf_with_a_prmtop() -> None:
    path = MDANALYSIS / "Amber" / "cpptraj_traj.nc"
    frames = load_frames(path)
    expected = mdtraj.load(str(path), top=str(MDANALYSIS / "Amber" / "cpptraj_traj.prmtop"))
    heavy = expected.topology.select("not element H")
    np.testing.assert_allclose(frames.coordinates_nm, expected.xyz[:, heavy], atol=1e-6)
    assert frames.molecule.residue_number[0] == 1


@pytest.mark.parametrize(
    "name", ["SiN_tric_namd.dcd", "tip125_tric_C36.dcd", "watdyn.dcd", "adk_gbis_tmd-fast1_NAMD.dcd"]
)
def test_dcd_of_other_programs(name: str) -> None:
    from mdtraj.formats import DCDTrajectoryFile

    with DCDTrajectoryFile(str(MDANALYSIS / name)) as handle:
        expected = handle.read()[0] / 10
    with open_trajectory(MDANALYSIS / name) as reader:
        assert (reader.n_frames, reader.n_atoms) == expected.shape[:2]
        np.testing.assert_allclose(reader.read(0, reader.n_frames), expected, atol=1e-5)


def test_dcd_with_fixed_atoms(tmp_path: Path) -> None:
    """The first frame has all atoms, the later ones the free atoms only."""
    import struct

    def record(data: bytes) -> bytes:
        return struct.pack(">i", len(data)) + data + struct.pack(">i", len(data))

    n_atoms, free = 7, np.array([1, 4, 5])
    places = np.random.default_rng(1).normal(0, 10, (3, n_atoms, 3)).astype(">f4")
    places[1:, np.setdiff1d(np.arange(n_atoms), free)] = places[0, np.setdiff1d(np.arange(n_atoms), free)]
    control = [3, 0, 1, 0, 0, 0, 0, 0, n_atoms - len(free), *[0] * 10, 24]
    data = record(b"CORD" + struct.pack(">20i", *control)) + record(struct.pack(">i", 1) + b" " * 80)
    data += record(struct.pack(">i", n_atoms)) + record((free + 1).astype(">i4").tobytes())
    for frame, rows in zip(places, (np.arange(n_atoms), free, free), strict=True):
        data += b"".join(record(np.ascontiguousarray(frame[rows, axis]).tobytes()) for axis in range(3))
    (tmp_path / "fixed.dcd").write_bytes(data)
    with open_trajectory(tmp_path / "fixed.dcd") as reader:
        np.testing.assert_allclose(reader.read(0, 3), places / 10, rtol=1e-6)
        np.testing.assert_allclose(reader.read(2, 1), places[2:] / 10, rtol=1e-6)


def test_xtc_of_few_atoms_is_not_compressed(system: Any, tmp_path: Path, write: SimpleNamespace) -> None:
    path = write.xtc(tmp_path / "few.xtc", system.heavy_nm[:, :5])
    with open_trajectory(path) as reader:
        np.testing.assert_array_equal(reader.read(3, 4), system.heavy_nm[3:7, :5])


@pytest.mark.parametrize("lacking", ["waters", "hydrogens", "waters and hydrogens"])
def test_a_trajectory_may_lack_waters_and_hydrogens(
    system: Any, tmp_path: Path, write: SimpleNamespace, lacking: str
) -> None:
    atoms = list(system.trajectory.topology.atoms)
    keep = np.array(
        [
            not ("waters" in lacking and atom.residue.name == "HOH")
            and not ("hydrogens" in lacking and atom.element.symbol == "H")
            for atom in atoms
        ]
    )
    system.trajectory[0].save_pdb(str(tmp_path / "run.pdb"))
    frames = load_frames(write.xtc(tmp_path / "run.xtc", system.trajectory.xyz[:, keep]))
    assert names(frames) == names_of(system)
    np.testing.assert_allclose(frames.coordinates_nm, system.heavy_nm, atol=6e-4)
    assert any(f"lack the topology's {lacking}" in note for note in frames.notes)


def test_a_topology_of_other_atoms(system: Any, tmp_path: Path, write: SimpleNamespace) -> None:
    path = write.xtc(tmp_path / "run.xtc", system.trajectory.xyz[:, :-5])
    system.trajectory[0].save_pdb(str(tmp_path / "run.pdb"))
    n_atoms = system.trajectory.n_atoms
    with pytest.raises(InputError, match=f"has {n_atoms - 5} atoms and the topology run.pdb {n_atoms}.*--topology"):
        load_frames(path)
    with pytest.raises(InputError, match="do not belong together"):
        load_frames(MDANALYSIS / "adk_oplsaa.xtc", topology=MDANALYSIS / "adk.psf")


def test_atoms_in_another_order_than_the_topology(system: Any, tmp_path: Path, write: SimpleNamespace) -> None:
    shuffled = np.random.default_rng(0).permutation(system.trajectory.n_atoms)
    path = write.xtc(tmp_path / "run.xtc", system.trajectory.xyz[:, shuffled])
    system.trajectory[0].save_pdb(str(tmp_path / "run.pdb"))
    with pytest.raises(InputError, match="not those of the topology in its order"):
        load_frames(path)


def test_our_ensemble_folder_with_weights(make: SimpleNamespace, tmp_path: Path) -> None:
    molecule = make.peptide(6)
    noise = np.random.default_rng(0).normal(0, 0.01, (10, molecule.n_atoms, 3))
    weights = np.arange(1.0, 11.0) / 55
    folder = Ensemble(molecule, (molecule.coordinates_nm + noise).astype(np.float32), weights).save(tmp_path / "e")
    for path in (folder, folder / "samples.xtc"):
        frames = load_frames(path)
        assert frames.weights is not None
        np.testing.assert_allclose(frames.weights, weights)
        assert frames.time_step_ps is None
        assert frames.n_frames == 10
    thin = load_frames(folder, stride=3)
    assert thin.weights is not None
    np.testing.assert_allclose(thin.weights, weights[::3] / weights[::3].sum())
    (folder / "samples.xtc").write_bytes((folder / "samples.xtc").read_bytes()[:-8])
    with pytest.raises(InputError, match="sha256"):
        load_frames(folder)


def test_what_is_in_memory(system: Any) -> None:
    trajectory = load_frames(system.trajectory)
    assert names(trajectory) == names_of(system)
    np.testing.assert_array_equal(trajectory.coordinates_nm, system.heavy_nm)
    assert trajectory.time_step_ps == 20
    ensemble = load_frames(Ensemble(system.molecule, system.heavy_nm))
    assert names(ensemble) == names_of(system)
    assert load_frames(ensemble) is ensemble
    np.testing.assert_array_equal(load_frames(ensemble, max_frames=2).coordinates_nm, system.heavy_nm[[0, 11]])
    with pytest.raises(InputError, match="int is nothing"):
        load_frames(42)  # type: ignore[arg-type]


@pytest.mark.parametrize("writer", [write_pdb, write_cif])
def test_models_in_one_file_plain_and_gzip(system: Any, tmp_path: Path, writer: Callable[..., None]) -> None:
    path = tmp_path / "models.txt"
    writer(path, system.molecule, system.heavy_nm)
    plain = load_frames(path)
    (tmp_path / "models.gz").write_bytes(gzip.compress(path.read_bytes()))
    packed = load_frames(tmp_path / "models.gz")
    assert names(plain) == names(packed) == names_of(system)
    np.testing.assert_allclose(plain.coordinates_nm, system.heavy_nm, atol=6e-5)
    np.testing.assert_array_equal(plain.coordinates_nm, packed.coordinates_nm)
    assert plain.time_step_ps is None and plain.weights is None


def test_a_single_structure_is_one_frame(system: Any, tmp_path: Path) -> None:
    write_pdb(tmp_path / "x.pdb", system.molecule)
    assert load_frames(tmp_path / "x.pdb").n_frames == 1


def test_max_frames_and_stride(system: Any, tmp_path: Path) -> None:
    path = system.save(tmp_path / "run.trr")
    every = load_frames(path, stride=4)
    np.testing.assert_array_equal(every.coordinates_nm, system.heavy_nm[::4])
    assert every.time_step_ps == 80
    most = load_frames(path, max_frames=5)
    np.testing.assert_array_equal(most.coordinates_nm, system.heavy_nm[[0, 4, 9, 13, 18]])
    assert most.time_step_ps is None and any("not equally spaced" in note for note in most.notes)
    assert load_frames(path, stride=2, max_frames=6).time_step_ps == 80
    assert load_frames(path, time_step_ps=7.0, stride=2).time_step_ps == 14
    for wrong in ({"stride": 0}, {"max_frames": 0}, {"replicas": "some"}, {"time_step_ps": -1.0}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            load_frames(path, **wrong)  # type: ignore[arg-type]


def test_frames_too_large_for_memory_are_mapped(system: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = system.save(tmp_path / "run.trr")
    monkeypatch.setattr(frame_store, "MAX_MEMORY_BYTES", 1000)
    monkeypatch.setattr("unfreeze.evaluate.inputs.trajectories._BLOCK_BYTES", 4000)
    frames = load_frames(path)
    assert isinstance(frames.coordinates_nm, np.memmap)
    np.testing.assert_array_equal(frames.coordinates_nm, system.heavy_nm)
    monkeypatch.setattr(frame_store, "_SPARE_BYTES", 1 << 60)
    with pytest.raises(InputError, match="TMPDIR"):
        load_frames(path)


def test_a_clock_in_frame_numbers_is_none(system: Any, tmp_path: Path) -> None:
    numbered = mdtraj.Trajectory(system.trajectory.xyz, system.trajectory.topology)
    numbered.save_xtc(str(tmp_path / "run.xtc"))
    numbered[0].save_pdb(str(tmp_path / "run.pdb"))
    frames = load_frames(tmp_path / "run.xtc")
    assert frames.time_step_ps is None and any("frame numbers" in note for note in frames.notes)
    assert load_frames(replace(frames, time_step_ps=5.0), stride=2).time_step_ps == 10
