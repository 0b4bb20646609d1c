"""Ensembles about the average of frames that are known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from unfreeze.cli.main import app
from unfreeze.errors import InputError
from unfreeze.sample.call import sample
from unfreeze.sample.centre import average_of, centre_of
from unfreeze.sample.generate import sample_ensemble
from unfreeze.structure.blocks import partition
from unfreeze.structure.complex import Complex
from unfreeze.structure.ensemble import Ensemble
from unfreeze.structure.geometry import rotation_matrices, superpose
from unfreeze.structure.read import read_complex

SEED = Path(__file__).parents[2] / "corpora" / "seed"


@pytest.fixture(scope="module")
def molecule() -> Complex:
    return read_complex(SEED / "1KNE.pdb")


def frames_of(molecule: Complex, coordinates: np.ndarray) -> Ensemble:
    return Ensemble(molecule, np.asarray(coordinates, dtype=np.float32), None, {}, None)


def moved_peptide(molecule: Complex) -> np.ndarray:
    """The complex with its second chain 0.3 nm away and turned by 0.4 rad: [n_atoms, 3]."""
    second = molecule.chain_index[molecule.residue_index] == 1
    points = molecule.coordinates_nm.astype(np.float64)
    away = points[second].mean(axis=0) - points[~second].mean(axis=0)
    turn = rotation_matrices(np.array([[0.0, 0.4, 0.0]]))[0]
    centre = points[second].mean(axis=0)
    points[second] = (points[second] - centre) @ turn.T + centre + 0.3 * away / np.linalg.norm(away)
    return points


def test_moving_the_whole_moves_nothing(molecule: Complex) -> None:
    turn = rotation_matrices(np.array([[0.3, -1.0, 2.0]]))[0]
    turned = frames_of(molecule, np.stack([molecule.coordinates_nm @ turn.T + 5.0] * 3))
    centre = centre_of(molecule, partition(molecule), average_of(molecule, turned))
    assert np.abs(centre.shift_nm).max() < 1e-4 and centre.rmsd_nm < 1e-4
    assert np.abs(centre.rotation - np.eye(3)).max() < 1e-3
    plain = sample_ensemble(molecule, "harmonic", n_frames=3)
    about = sample_ensemble(molecule, "harmonic", n_frames=3, around=average_of(molecule, turned))
    assert np.abs(about.coordinates_nm - plain.coordinates_nm).max() < 0.01
    assert plain.record["centre"] is None and about.record["centre"]["n_frames"] == 3


def test_the_average_of_the_frames_is_where_it_was_asked_for(molecule: Complex) -> None:
    target = moved_peptide(molecule)
    given = frames_of(molecule, np.stack([target] * 2))
    ensemble = sample(molecule, model="harmonic", n_frames=30, timescale_ns=0.01, around=given)
    alpha = molecule.representative_atoms()
    mean = superpose(ensemble.coordinates_nm.mean(axis=0)[None], target, alpha)[0]
    assert np.sqrt(((mean - target)[alpha] ** 2).sum(axis=1).mean()) < 0.03
    still = superpose(molecule.coordinates_nm[None], target, alpha)[0]
    assert np.sqrt(((still - target)[alpha] ** 2).sum(axis=1).mean()) > 0.09
    assert ensemble.record["checks"]["frames_valid_share"] == 1.0
    assert "about the average of 2 frames" in " ".join(ensemble.record["warnings"])


def test_only_alpha_carbons_are_known(molecule: Complex) -> None:
    alpha = molecule.representative_atoms()
    target = moved_peptide(molecule)
    given = frames_of(molecule.take_atoms(alpha), target[alpha][None])
    average = average_of(molecule, given)
    assert np.isfinite(average.positions_nm).all(axis=1).sum() == len(alpha)
    blocks = partition(molecule)
    exact = centre_of(molecule, blocks, average_of(molecule, frames_of(molecule, target[None])))
    found = centre_of(molecule, blocks, average)
    assert found.shift_nm == pytest.approx(exact.shift_nm, abs=2e-3)
    assert found.rotation == pytest.approx(exact.rotation, abs=2e-3)


def test_an_average_of_side_chains_that_turn_does_not_shorten_them(molecule: Complex) -> None:
    """Atoms of a side chain averaged onto its axis: the block stays where its backbone is."""
    points = molecule.coordinates_nm.astype(np.float64)
    backbone = np.isin(molecule.atom_name, ("N", "CA", "C", "O", "CB"))
    alpha = molecule.atom_of_residue("CA")[molecule.residue_index]
    points[~backbone] = 0.5 * (points[~backbone] + points[alpha[~backbone]])
    blocks = partition(molecule)
    centre = centre_of(molecule, blocks, average_of(molecule, frames_of(molecule, points[None])))
    whole = blocks.atom_block[molecule.representative_atoms()]  # a methylated lysine's side chain has several blocks
    assert np.abs(centre.shift_nm[whole]).max() < 1e-4 and np.abs(centre.rotation[whole] - np.eye(3)).max() < 1e-3


def test_other_molecules_are_refused(molecule: Complex) -> None:
    other = read_complex(SEED / "1EFN.pdb")
    with pytest.raises(InputError, match="Check that both are the same complex"):
        average_of(molecule, frames_of(other, other.coordinates_nm[None]))


def test_from_the_command_line(tmp_path: Path) -> None:
    runner = CliRunner()
    arguments = ["sample", str(SEED / "1KNE.pdb"), "-n", "3", "--model", "harmonic", "--no-report", "--json"]
    result = runner.invoke(app, [*arguments, "-o", str(tmp_path / "one"), "--around", str(SEED / "1KNE.xtc")])
    assert result.exit_code == 0, result.output
    record = json.loads((tmp_path / "one" / "ensemble.json").read_text())
    assert record["centre"]["n_frames"] == 20 and 0.2 < record["centre"]["rmsd_from_input_nm"] < 0.4
    for wrong, words in (
        (["--around", str(tmp_path / "nothing.xtc")], "nothing.xtc"),
        (["--around-topology", str(SEED / "1KNE.pdb")], "--around"),
        (["--around", str(SEED / "1EFN.xtc")], "1EFN"),
    ):
        result = runner.invoke(app, [*arguments, "-o", str(tmp_path / "two"), *wrong])
        assert result.exit_code == 2 and words in result.output, result.output
        assert not (tmp_path / "two").exists()
