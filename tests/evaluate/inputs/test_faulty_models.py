"""Models and folders that are not whole must be refused: what is left would be scored as if it were all."""

from __future__ import annotations

import mdtraj
import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.evaluate import compare
from unfreeze.evaluate.inputs import load_frames
from unfreeze.structure.write import write_pdb


@pytest.fixture
def models(make):
    molecule = make.read("1hvr")
    return molecule, np.repeat(molecule.coordinates_nm[None], 4, axis=0)


@pytest.mark.parametrize("share_kept", [0.78, 0.88, 0.96])
def test_a_last_model_that_is_cut_short_is_refused(models, tmp_path, share_kept):
    path = tmp_path / "multi.pdb"
    write_pdb(path, *models)
    text = path.read_text()
    path.write_text(text[: int(share_kept * len(text))])
    with pytest.raises(InputError, match=r"multi\.pdb: model 4 lacks \d+ of the 1560 atoms.*cut short"):
        load_frames(path)


def test_an_empty_model_in_a_folder_is_named(models, tmp_path):
    molecule, frames = models
    for number, frame in enumerate(frames):
        write_pdb(tmp_path / f"m{number}.pdb", molecule, frame)
    assert load_frames(tmp_path).n_frames == 4
    (tmp_path / "m2.pdb").write_bytes(b"")
    with pytest.raises(InputError, match=r"m2\.pdb: the file is empty"):
        load_frames(tmp_path)


def test_empty_samples_do_not_leave_the_topology_to_be_scored(models, tmp_path):
    write_pdb(tmp_path / "topology.pdb", models[0])
    (tmp_path / "samples.xtc").write_bytes(b"")
    with pytest.raises(InputError, match=r"samples\.xtc: the file is empty"):
        load_frames(tmp_path)


def test_arguments_of_the_wrong_kind_are_refused(models, tmp_path):
    write_pdb(tmp_path / "multi.pdb", *models)
    trajectory = mdtraj.load(str(tmp_path / "multi.pdb"))
    with pytest.raises(InputError, match="must be files"):
        compare([trajectory, trajectory], trajectory)
    for wrong in ({"seed": -1}, {"n_bootstrap": -1}):
        with pytest.raises(InputError, match="0 or more"):
            compare(trajectory, trajectory, **wrong)
