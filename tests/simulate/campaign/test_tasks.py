"""Tasks are known by what decides their trajectory, and by nothing else; a campaign's folder stands alone."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from typing import Any

import pytest

from unfreeze.errors import InputError
from unfreeze.simulate.campaign.directory import CampaignDirectory
from unfreeze.simulate.campaign.settings import read_campaign
from unfreeze.simulate.campaign.tasks import Task, replica_seed

PEPTIDE = "ATOM      1  N   GLY A   1       0.000   0.000   0.000  1.00  0.00           N\nEND\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "campaign.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def ids(folder: Path, text: str) -> list[str]:
    """Ids of the tasks of a campaign."""
    tasks = CampaignDirectory(folder / "nowhere").resolve(read_campaign(write(folder, text)))
    return [task.id for task in tasks]


BASE = "systems: [{name: a, sequence: GYG}]\nlength: 2ns\n"


@pytest.mark.parametrize(
    "text",
    [
        "systems: [{name: other, sequence: GYG}]\nlength: 2ns\n",
        "systems: [{name: a, sequence: GYG}]\nlength: 7ns\n",
        BASE + "simulation: {save: {commit_every_ps: 50}}\n",
        BASE + "simulation: {conditions: {pressure_bar: null}}\n",
        BASE + "simulation: {system: {solvent: obc2}}\n",
        "sequences: [GYG]\nlength: 2ns\n",
        "systems: [{name: a, sequence: GYG}, {name: b, sequence: GYG, length: 1ns}]\nlength: 2ns\n",
    ],
)
def test_what_decides_nothing_changes_no_id(tmp_path: Path, text: str) -> None:
    assert ids(tmp_path, text) == ids(tmp_path, BASE)


@pytest.mark.parametrize(
    "more",
    [
        "seed: 1\n",
        "preparation: {pH: 5}\n",
        "simulation: {conditions: {temperature_K: 301}}\n",
        "simulation: {save: {every_ps: 5}}\n",
        "simulation: {save: {atoms: solute}}\n",
        "simulation: {system: {solvent: gbn2}}\n",
        "simulation: {system: {force_field: amber19}}\n",
        "simulation: {protocol: {heat_ps: 20}}\n",
        "simulation: {protocol: {friction_per_ps: 2}}\n",
    ],
)
def test_what_decides_something_changes_the_id(tmp_path: Path, more: str) -> None:
    assert set(ids(tmp_path, BASE + more)).isdisjoint(ids(tmp_path, BASE))


def test_replicas_have_seeds_of_their_own_and_share_the_system(tmp_path: Path) -> None:
    path = write(tmp_path, BASE + "replicas: 5\n")
    tasks = CampaignDirectory(tmp_path / "nowhere").resolve(read_campaign(path))
    assert len({task.id for task in tasks}) == len({task.seed for task in tasks}) == 5
    assert len({task.build.id for task in tasks}) == 1
    assert [task.id for task in tasks][:1] == ids(tmp_path, BASE)
    assert all(0 <= replica_seed(seed, replica) < 2**31 for seed in (0, 2**62) for replica in range(1, 50))


def test_structures_are_known_by_content(tmp_path: Path) -> None:
    (tmp_path / "a.pdb").write_text(PEPTIDE, encoding="utf-8")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.pdb.gz").write_bytes(gzip.compress(PEPTIDE.encode()))
    (tmp_path / "c.pdb").write_text(PEPTIDE + " ", encoding="utf-8")
    found = [ids(tmp_path, f"structures: [{name}]\nlength: 2ns\n") for name in ("a.pdb", "deep/b.pdb.gz", "c.pdb")]
    assert found[0] == found[1] != found[2]
    assert ids(tmp_path, "structures: [a.pdb, deep/b.pdb.gz, c.pdb]\nlength: 2ns\n") == [*found[0], *found[2]]


def test_force_field_files_are_known_by_content(tmp_path: Path) -> None:
    def text(name: str) -> str:
        return BASE + f"simulation: {{system: {{force_field_files: [{name}]}}}}\n"

    (tmp_path / "one.xml").write_text("<ForceField/>", encoding="utf-8")
    (tmp_path / "two.xml").write_text("<ForceField/>", encoding="utf-8")
    (tmp_path / "three.xml").write_text("<ForceField> </ForceField>", encoding="utf-8")
    one, two, three = (ids(tmp_path, text(name)) for name in ("one.xml", "two.xml", "three.xml"))
    assert one == two and one != three and one != ids(tmp_path, BASE)
    assert ids(tmp_path, text("amber14/tip3p.xml")) != one  # one that OpenMM ships
    with pytest.raises(InputError, match="no such force-field file"):
        ids(tmp_path, text("four.xml"))


def test_a_task_survives_its_text(tmp_path: Path) -> None:
    path = write(tmp_path, BASE + "simulation: {system: {solvent: opc}}\n")
    task = CampaignDirectory(tmp_path / "nowhere").resolve(read_campaign(path))[0]
    assert Task.from_text(task.to_text()) == task
    assert task.target_ps == 2000.0 and task.label == "a/1" and len(task.id) == 16


def establish(directory: CampaignDirectory, path: Path, given_up: Any = ()) -> list[Task]:
    with directory.locked():
        return directory.establish(read_campaign(path), dict.fromkeys(given_up))


def test_folder_stands_alone(tmp_path: Path) -> None:
    (tmp_path / "a.pdb").write_text(PEPTIDE, encoding="utf-8")
    (tmp_path / "ff.xml").write_text("<ForceField/>", encoding="utf-8")
    path = write(
        tmp_path,
        "systems:\n- {structure: a.pdb, length: 1ns}\n- {sequence: GYG, simulation: {system: {solvent: opc}}}\n"
        "length: 2ns\nreplicas: 2\nsimulation: {system: {force_field_files: [ff.xml]}}\n",
    )
    directory = CampaignDirectory(tmp_path / "campaign")
    tasks = establish(directory, path)
    for name in ("a.pdb", "ff.xml", "campaign.yaml"):
        (tmp_path / name).unlink()
    shutil.move(tmp_path / "campaign", tmp_path / "moved")
    again = CampaignDirectory(tmp_path / "moved").tasks()
    assert again == tasks
    build = again[0].build
    assert (tmp_path / "moved" / build.path).read_text() == PEPTIDE
    assert all((tmp_path / "moved" / name).is_file() for name in build.simulation.system.force_field_files)
    assert [task.length_ps for task in again] == [1000.0, 1000.0, 2000.0, 2000.0]
    # The same command as before goes on with the copy.
    assert establish(CampaignDirectory(tmp_path / "moved"), tmp_path / "moved" / "campaign.yaml") == tasks


def test_changed_input_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a.pdb").write_text(PEPTIDE, encoding="utf-8")
    directory = CampaignDirectory(tmp_path / "campaign")
    task = establish(directory, write(tmp_path, "structures: [a.pdb]\nlength: 2ns\n"))[0]
    (directory.root / task.build.path).write_text("spoiled", encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.pdb has changed: its SHA-256 is"):
        directory.tasks()


def test_another_campaign_is_refused(tmp_path: Path) -> None:
    directory = CampaignDirectory(tmp_path / "campaign")
    first = establish(directory, write(tmp_path, BASE))[0]
    # Nothing has been done yet: the campaign may still be changed.
    hot = BASE + "simulation: {conditions: {temperature_K: 310}}\n"
    assert establish(directory, write(tmp_path, hot))[0].id != first.id
    establish(directory, write(tmp_path, BASE))
    directory.run(first.id).mkdir(parents=True)
    with pytest.raises(InputError, match=r"its run a/1 .*conditions.temperature_K is 300.0 there and 310.0"):
        establish(directory, write(tmp_path, hot))
    with pytest.raises(InputError, match=r"holds another campaign: its run a/1 .* is not asked for any more"):
        establish(directory, write(tmp_path, BASE.replace("name: a", "name: b").replace("GYG", "GGG")))
    assert directory.tasks() == [first]
    grown = establish(directory, write(tmp_path, BASE.replace("2ns", "4ns") + "replicas: 2\nsequences: [AA]\n"))
    assert grown[0].id == first.id and grown[0].length_ps == 4000.0 and len(grown) == 4
    assert establish(directory, write(tmp_path, hot), given_up=[first.id])  # cancelled ones may go


def test_strange_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match=r"is not the folder of a campaign \(it holds 'notes.txt'\)"):
        CampaignDirectory(tmp_path).check()
    with pytest.raises(InputError, match="it is a file"):
        CampaignDirectory(tmp_path / "notes.txt").check()
    with pytest.raises(InputError, match="no campaign is here"):
        CampaignDirectory(tmp_path / "new").tasks()
    CampaignDirectory(tmp_path / "new").check()


def test_pdb_ids_are_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache" / "structures"
    cache.mkdir(parents=True)
    (cache / "1ABC.cif.gz").write_bytes(gzip.compress(b"data_1ABC\n"))
    monkeypatch.setenv("UNFREEZE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UNFREEZE_RCSB_URL", "http://127.0.0.1:9")  # nobody answers
    path = write(tmp_path, "structures: [1abc]\nlength: 2ns\n")
    directory = CampaignDirectory(tmp_path / "campaign")
    tasks = establish(directory, path)
    shutil.rmtree(tmp_path / "cache")
    assert establish(directory, path) == tasks and tasks[0].name == "1abc"
