import shutil
from pathlib import Path

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.simulate.choose.covered import read_covered
from unfreeze.simulate.engine.commit import Column
from unfreeze.simulate.engine.run_store import RunStore
from unfreeze.structure.write import write_cif, write_pdb

PROTEASE = Path(__file__).parents[3] / "examples" / "data" / "1hvr.cif"


def write_xtc(path, frames, every_ps=10.0):
    from mdtraj.formats import XTCTrajectoryFile

    with XTCTrajectoryFile(str(path), "w") as handle:
        handle.write(frames.astype(np.float32), time=np.arange(len(frames)) * np.float32(every_ps))


def put_run(directory, molecule, parts):
    directory.mkdir(parents=True)
    write_cif(directory / "topology.cif", molecule)
    store = RunStore.create(directory, {"coordinates": Column("<f4", (molecule.n_atoms, 3))}, {})
    for number, (frames, verdict) in enumerate(parts):
        store.commit(
            {"coordinates": frames.astype("<f4")},
            checkpoint=b"",
            state={},
            stage="production",
            time_ps=10.0 * (store.n_frames + len(frames)),
            n_steps=number,
            step_fs=4.0,
            quality={"verdict": verdict},
        )


@pytest.fixture
def peptide(make):
    return make.peptide(12)


def draws(molecule, n_frames, seed=0):
    return molecule.coordinates_nm + np.random.default_rng(seed).normal(0, 0.02, (n_frames, molecule.n_atoms, 3))


def test_a_run_is_covered_with_its_halves(tmp_path, peptide):
    put_run(tmp_path / "run", peptide, [(draws(peptide, 30), "pass")])
    (found,), left_out = read_covered([str(tmp_path / "run")])
    assert left_out == {}
    assert found.profile.sequences == ("A" * 12,)
    assert (found.time_ps, found.n_replicas) == (300.0, 1)
    assert found.disagreement is not None and found.disagreement.parts == "two halves"


def test_frames_that_did_not_pass_are_not_looked_at(tmp_path, peptide):
    far = draws(peptide, 30) * 3.0
    put_run(tmp_path / "run", peptide, [(draws(peptide, 30), "pass"), (far, "suspect")])
    (found,), _ = read_covered([str(tmp_path / "run")])
    assert found.disagreement is not None and found.disagreement.value < 0.2


def test_a_folder_of_structures_and_trajectories(tmp_path, peptide, make):
    other = make.peptide(20)
    for name, molecule in (("pep", peptide), ("other", other)):
        write_pdb(tmp_path / f"{name}.pdb", molecule)
    write_xtc(tmp_path / "pep-1.xtc", draws(peptide, 40, 1))
    write_xtc(tmp_path / "pep-2.xtc", draws(peptide, 40, 2))
    write_xtc(tmp_path / "other.xtc", draws(peptide, 40))  # of another molecule
    found, left_out = read_covered([str(tmp_path)])
    by_name = {one.profile.name: one for one in found}
    assert by_name["pep"].n_replicas == 2
    assert by_name["pep"].time_ps == pytest.approx(800.0)
    assert by_name["pep"].disagreement is not None and by_name["pep"].disagreement.parts == "2 replicas"
    assert by_name["other"].n_replicas == 0 and by_name["other"].disagreement is None
    ((path, reason),) = left_out.items()
    assert path.endswith("other.xtc") and f"the structure beside it {other.n_atoms}" in reason


def test_folders_of_runs_and_trajectories_are_gone_through(tmp_path, peptide, make):
    put_run(tmp_path / "runs" / "one", peptide, [(draws(peptide, 30), "pass")])
    (tmp_path / "seed" / "set").mkdir(parents=True)
    write_pdb(tmp_path / "seed" / "set" / "topology.pdb", make.peptide(20))
    write_xtc(tmp_path / "seed" / "set" / "replica-1.xtc", draws(make.peptide(20), 25))
    found, left_out = read_covered([str(tmp_path)])
    assert left_out == {}
    assert [(len(one.profile.sequences[0]), one.n_replicas) for one in found] == [(12, 1), (20, 1)]


def test_structures_alone_count_as_covered(tmp_path):
    shutil.copy(PROTEASE, tmp_path)
    (found,), _ = read_covered([str(tmp_path)])
    assert found.profile.name == "1hvr" and found.time_ps is None and found.disagreement is None


def test_a_damaged_run_is_named(tmp_path, peptide):
    put_run(tmp_path / "run", peptide, [(draws(peptide, 30), "pass")])
    (tmp_path / "run" / "topology.cif").unlink()
    found, left_out = read_covered([str(tmp_path / "run")])
    assert found == [] and list(left_out) == [str(tmp_path / "run")]


def test_what_is_no_folder_of_the_kind_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        read_covered([str(tmp_path / "nowhere")])
    with pytest.raises(InputError, match="neither a campaign nor a run, and no structure"):
        read_covered([str(tmp_path)])


def test_systems_of_a_campaign_that_have_not_begun_count_as_planned(tmp_path):
    from unfreeze.simulate.campaign.directory import CampaignDirectory
    from unfreeze.simulate.campaign.settings import read_campaign

    file = tmp_path / "campaign.yaml"
    file.write_text(f"length: 1ns\nstructures: [{PROTEASE}]\nsequences: ['GYDPETGTWG:KLVFFAE']\nreplicas: 2\n")
    CampaignDirectory(tmp_path / "out").establish(read_campaign(file), {})
    found, left_out = read_covered([str(tmp_path / "out")])
    assert left_out == {}
    assert [one.profile.sequences[0][:5] for one in found] == ["PQVTL", "GYDPE"]
    assert [one.profile.chains for one in found] == [("A", "B"), ("A", "B")]
    assert [one.time_ps for one in found] == [0.0, 0.0]
